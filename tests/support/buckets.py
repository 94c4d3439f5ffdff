"""Flows of a shared bucket, the rules of its circuit, and how to open it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from cache.bucket import Breaking, Flow
from market.circuit import Rules

if TYPE_CHECKING:
    from cache.bucket import Bucket

RULES = Rules(failures=3, first_s=5.0, longest_s=60.0, trial_s=30.0)
FREE = Flow(per_second=1000.0, burst=1000.0, requests=0, window_s=0.0, trial_s=RULES.trial_s)
ONE_A_SECOND = Flow(per_second=1.0, burst=1.0, requests=0, window_s=0.0, trial_s=30.0)
NAMES = count()
"""The next one is a bucket that nobody has used."""


def breaking(*, share: float = 1.0, asked_s: float = 0.0) -> Breaking:
    """The rules, as the bucket takes them."""
    return Breaking(RULES.failures, RULES.first_s, RULES.longest_s, share, asked_s)


def open_circuit(bucket: Bucket) -> None:
    """Three failures in a row."""
    for _ in range(3):
        bucket.take(FREE, 1.0, patience_s=0)
        bucket.failed(breaking(), "HTTP 502")
