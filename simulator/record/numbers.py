"""Numbers as ccxt gives them, checked and written as plain decimals."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

_DECIMALS = 12


def plain(number: Any) -> str:
    """The shortest text of a number with at most 12 decimals and no exponent, as the simulator reads it."""
    text = f"{Decimal(repr(number) if isinstance(number, float) else str(number)):.{_DECIMALS}f}"
    return text.rstrip("0").rstrip(".")


def is_positive(number: Any) -> bool:
    """Whether it is a finite number above zero."""
    return isinstance(number, int | float) and math.isfinite(number) and number > 0


def is_time(number: Any) -> bool:
    """Whether it is a time in whole ms."""
    return isinstance(number, int) and number > 0
