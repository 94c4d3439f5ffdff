"""Numbers as a person reads them: times, sizes, counts, shares. Times are Unix seconds, shown in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

KB = 1024.0
NOTHING = "-"
# Below so many seconds: the factor, the digits after the point, the unit.
_SHORT = (
    (1e-9, 1, 0, "s"),
    (0.0009995, 1e6, 0, "µs"),
    (0.9995, 1e3, 0, "ms"),
    (9.95, 1, 1, "s"),
    (59.5, 1, 0, "s"),
)
_LONG = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LAYOUT = str.maketrans("", "", "\t\r\n")


def duration(seconds: float) -> str:
    """A length of time in its two largest units: "12 ms", "8.2 s", "3 min 2 s", "1 d 4 h"."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds == float("inf"):
        return "for ever"
    for below, factor, digits, unit in _SHORT:
        if seconds < below:
            return f"{seconds * factor:.{digits}f} {unit}".replace(".0 ", " ")
    # The smaller of the two units is rounded, which may carry into the larger.
    length, unit, part, smaller = next(
        step for step in _LONG if round(seconds / step[2]) * step[2] >= step[0]
    )
    large, small = divmod(round(seconds / part), length // part)
    return f"{large} {unit}" + (f" {small} {smaller}" if small else "")


def ago(seconds: float) -> str:
    """How long since: "8.2 s ago"; what is yet to come is "in 3 s"."""
    if seconds < 0:
        return f"in {duration(-seconds)}"
    return f"{duration(seconds)} ago"


def size(count: float) -> str:
    """Bytes: "812 B", "30.1 KB", "1.2 MB"."""
    if count < KB:
        return f"{count:.0f} B"
    for unit in ("KB", "MB", "GB"):
        count /= KB
        if count < KB * 0.99995 or unit == "GB":
            return f"{count:,.1f} {unit}"
    raise AssertionError(count)


def number(count: float) -> str:
    """A whole number with its thousands apart."""
    return f"{count:,.0f}"


def share(part: float, whole: float) -> str:
    """A share in percent, a dash when there is nothing to share; never rounded up to all."""
    if not whole:
        return NOTHING
    percent = 100 * part / whole
    if 99.95 <= percent < 100:  # noqa: PLR2004 (the last tenth is where the misses are)
        return "99.9 %"
    return f"{percent:.1f} %".replace("100.0", "100")


def moment(at: float, now: float) -> str:
    """The time of day in UTC, with the date when it is another day."""
    try:
        there, here = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{at:g}"
    text = there.strftime("%H:%M:%S.%f")[:-3]
    return text if there.date() == here.date() else f"{there:%Y-%m-%d} {text}"


def visible(text: str) -> str:
    """The text with control characters spelled out: what is stored must not steer a terminal."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def as_text(body: bytes) -> str | None:
    """Bytes that are readable text, else None."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return text if text.translate(_LAYOUT).isprintable() else None


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """A count with its noun: "1 key", "2,000 keys"."""
    return f"{number(count)} {noun if count == 1 else nouns or noun + 's'}"
