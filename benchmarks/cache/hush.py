"""Silence: what the tiers and the peers say while they are broken on purpose is not what is measured."""

from __future__ import annotations

import logging
import warnings

import structlog


def hush() -> None:
    """Have this process log nothing below `critical`, and warn of nothing."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
