"""Numbers as the pages write them. `static/format.js` says the same for what is updated later."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

from webapp.words import utc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
SIGNIFICANT, EXACT_DIGITS = 4, 6
MOST_DECIMALS = 12
TOO_LARGE = 1e15
UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
PRICE_DECIMALS = ((1000.0, 2), (100.0, 3), (1.0, 4))
HEAT_EDGES = (30.0, 45.0, 55.0, 70.0)
FAR_Z = 2.5
SPARK_WIDTH, SPARK_HEIGHT = 64, 18

# Halves go away from zero, as in a browser's toFixed; format() would send them to the even digit.
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_UP)
_STEPS = tuple(Decimal(1).scaleb(-decimals) for decimals in range(MOST_DECIMALS + 1))


def fixed(value: float, decimals: int) -> str:
    """The number with so many decimals, thousands apart, and a true minus sign."""
    if abs(value) >= TOO_LARGE:
        return f"{value:.3e}".replace("-", MINUS)
    rounded = Decimal(value).quantize(_STEPS[decimals], context=_CONTEXT)
    return f"{MINUS if rounded < 0 else ''}{abs(rounded):,f}"


def price(value: float) -> str:
    """A price, with more decimals the smaller it is."""
    size = abs(value)
    for edge, decimals in PRICE_DECIMALS:
        if size >= edge:
            return fixed(value, decimals)
    if size == 0:
        return fixed(value, PRICE_DECIMALS[-1][1])
    return fixed(value, min(MOST_DECIMALS, SIGNIFICANT - 1 - math.floor(math.log10(size))))


def change(value: float) -> str:
    """A change in percent, with its sign: +1.25%."""
    text = fixed(value, 2)
    return f"{'' if text.startswith(MINUS) or value <= 0 or text == '0.00' else '+'}{text}%"


def compact(value: float) -> str:
    """A large amount with three or four digits: 1.25B."""
    for edge, unit in UNITS:
        if abs(value) >= edge:
            return fixed(value / edge, 2) + unit
    return fixed(value, 0)


def percent(value: float) -> str:
    """A fraction as a percentage: 63%."""
    return f"{fixed(value * 100, 0)}%"


def share(value: float) -> str:
    """A weight with its three digits."""
    return fixed(value, 3)


def signed(value: float) -> str:
    """A sub-score in [-1, 1], with its sign."""
    text = fixed(value, 3)
    return f"+{text}" if value > 0 and text != "0.000" else text


def two(value: float) -> str:
    """With two decimals."""
    return fixed(value, 2)


def plus(value: float) -> str:
    """With two decimals and its sign."""
    text = fixed(value, 2)
    return f"+{text}" if value > 0 and text != "0.00" else text


def exact(value: float) -> str:
    """At least six significant digits and no more zeros than needed, for a reader who calculates."""
    if value == 0:
        return "0"
    decimals = EXACT_DIGITS - 1 - math.floor(math.log10(abs(value)))
    text = fixed(value, min(MOST_DECIMALS, max(0, decimals)))
    return text.rstrip("0").rstrip(".") if "." in text else text


def one(value: float) -> str:
    """With one decimal."""
    return fixed(value, 1)


def whole(value: float) -> str:
    """Without decimals."""
    return fixed(value, 0)


def words(value: str) -> str:
    """A word of the interface without its underscores."""
    return value.replace("_", " ")


def age(seconds: float) -> str:
    """A time span in its two largest units: 12s, 5m 12s, 3h 05m, 2d 03h."""
    whole_s = max(0, int(seconds))
    minutes, rest_s = divmod(whole_s, 60)
    hours, rest_m = divmod(minutes, 60)
    days, rest_h = divmod(hours, 24)
    if days:
        return f"{days}d {rest_h:02d}h"
    if hours:
        return f"{hours}h {rest_m:02d}m"
    return f"{minutes}m {rest_s:02d}s" if minutes else f"{rest_s}s"


def heat(value: float | None) -> str:
    """The band of a score from 0 to 100 as a number from 1 (bearish) to 5; empty without one."""
    if value is None:
        return ""
    low, below, above, high = HEAT_EDGES
    if value <= above:
        return str(1 + (value >= low) + (value >= below))
    return "4" if value <= high else "5"


def far(z: float | None) -> str:
    """`high` or `low` for a z that is worth an alert; empty below that."""
    if z is None or abs(z) < FAR_Z:
        return ""
    return "high" if z > 0 else "low"


def direction(value: float | None) -> str:
    """`up`, `down` or `flat`; empty without a number."""
    if value is None:
        return ""
    return "up" if value > 0 else "down" if value < 0 else "flat"


def spark(closes: Sequence[float]) -> str:
    """The points of an SVG line through the closes; empty for fewer than two."""
    if len(closes) < 2:  # noqa: PLR2004 - a line needs two points
        return ""
    lowest, highest = min(closes), max(closes)
    span = highest - lowest
    step = SPARK_WIDTH / (len(closes) - 1)
    top = SPARK_HEIGHT - 2
    heights = [(highest - close) / span if span > 0 else 0.5 for close in closes]
    return " ".join(f"{index * step:.1f},{1 + top * height:.1f}" for index, height in enumerate(heights))


def write(value: float | str | None, name: str) -> str:
    """The value in the format of that name; an en dash where there is none."""
    return DASH if value is None else FILTERS[name](value)


FILTERS: dict[str, Callable[..., str]] = {
    "price": price, "change": change, "compact": compact, "percent": percent, "share": share,
    "signed": signed, "two": two, "plus": plus, "far": far, "exact": exact, "one": one,
    "whole": whole, "words": words,
    "age": age, "utc": utc, "heat": heat, "direction": direction, "spark": spark,
}  # fmt: skip
