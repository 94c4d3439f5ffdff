"""Whole counts of 10**-n as exact decimal strings: binary fractions never come near a price."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from simulator.model import Ints

# Powers of ten up to this one, and all counts below, are binary numbers without a rest.
_EXACT_SCALE = 22
_EXACT_COUNTS = 10**15
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
    if not decimals:
        return list(map(str, counts.tolist()))
    if len(counts) and decimals <= _EXACT_SCALE and counts.max() < _EXACT_COUNTS:
        # The shortest text of the nearest binary fraction is the number itself, up to 15 digits.
        written = msgspec.json.encode((counts / _SCALES[decimals]).tolist()).decode()
        if "e" not in written:
            return f"{written[1:-1]},".replace(".0,", ",").split(",")[:-1]
    return [text(count, decimals) for count in counts.tolist()]


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
