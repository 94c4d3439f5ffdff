"""Whole counts of 10**-n as exact decimal strings: binary fractions never come near a price."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.model import Ints

_FEW_DECIMALS = 4
_MOST_REMEMBERED = 20_000


class _Fractions(dict[int, str]):
    """The text behind the whole number, without trailing zeros: 370 of 3 decimals is ".37", 0 is ""."""

    def __init__(self, decimals: int) -> None:
        super().__init__()
        self._decimals = decimals

    def __missing__(self, rest: int) -> str:
        text = f".{rest:0{self._decimals}d}".rstrip("0").rstrip(".") if self._decimals else ""
        if len(self) < _MOST_REMEMBERED:
            self[rest] = text
        return text


_FRACTIONS = tuple(_Fractions(decimals) for decimals in range(25))
_SCALES = tuple(10**decimals for decimals in range(25))


def text(count: int, decimals: int) -> str:
    """The shortest exact string of a count of at least 0: (694370, 1) is "69437"."""
    whole, rest = divmod(count, _SCALES[decimals])
    return f"{whole}{_FRACTIONS[decimals][rest]}"


def texts(counts: Ints, decimals: int) -> list[str]:
    """`text` of many counts at once."""
    whole, rest = np.divmod(counts, _SCALES[decimals])
    pairs = zip(whole.tolist(), rest.tolist(), strict=True)
    if decimals <= _FEW_DECIMALS:
        fractions = _FRACTIONS[decimals]
        return [f"{one}{fractions[other]}" for one, other in pairs]
    # Too many different fractions to remember: write all decimals, and mend the few that end in zeros.
    form = f"%d.%0{decimals}d"
    written = [form % pair for pair in pairs]
    for place in np.flatnonzero(rest % 10 == 0).tolist():
        written[place] = written[place].rstrip("0").rstrip(".")
    return written


def padded(count: int, decimals: int) -> str:
    """The same with every decimal: (694370, 1) is "69437.0"."""
    if not decimals:
        return str(count)
    whole, rest = divmod(count, _SCALES[decimals])
    return f"{whole}.{rest:0{decimals}d}"


def step_text(decimals: int) -> str:
    """The size of one step: 1 is "0.1", 0 is "1"."""
    return padded(1, decimals)


def trimmed(number: float, decimals: int) -> str:
    """A float with at most so many decimals and no trailing zeros."""
    return f"{number:.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{number:.0f}"


def rounded(number: str, decimals: int) -> int:
    """A decimal number in whole counts of 10**-decimals, to the nearest."""
    return int(Decimal(number).scaleb(decimals).to_integral_value())
