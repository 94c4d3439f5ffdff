"""The exchange's clock, as far as the `Date` headers of its answers tell."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from market.answers import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER_RESOLUTION_S = 1.0


class ExchangeClock:
    """Bounds how far the exchange's clock is ahead of ours, from every answer of the last minutes.

    An answer with date D, asked at s and received at r on our clock, was written when the
    exchange's clock stood in [D, D + 1) and ours in [s, r]: the difference is between D - r and
    D + 1 - s. Only the lower bound is used. It is never ahead of the exchange, so that no running
    candle is taken for a closed one, and many answers bring it within their latency of the truth.
    Safe for several threads.
    """

    def __init__(self, *, memory_s: float = 300.0) -> None:
        self._memory_s = memory_s
        self._lock = threading.Lock()
        self._since = -math.inf
        self._recent = self._older = (-math.inf, math.inf)

    @property
    def offset_s(self) -> float | None:
        """Seconds that the exchange's clock is at least ahead of ours; None before the first answer."""
        with self._lock:
            lowest = max(self._recent[0], self._older[0])
        return lowest if math.isfinite(lowest) else None

    def at(self, our_time: float) -> float:
        """What the exchange's clock showed, at the earliest, at our Unix time; ours before any answer."""
        return our_time + (self.offset_s or 0.0)

    def note(self, headers: Mapping[str, str], *, sent_at: float, received_at: float) -> None:
        """Learn from the headers of an answer; those without a date change nothing."""
        date = http_date(headers.get("Date", ""))
        if date is None or received_at < sent_at:
            return
        date += _cached_s(headers)
        sample = (date - received_at, date + HEADER_RESOLUTION_S - sent_at)
        with self._lock:
            if received_at - self._since > self._memory_s or received_at < self._since:
                self._since, self._older = received_at, self._recent
                self._recent = (-math.inf, math.inf)
            self._recent = _both(self._recent, sample)
            low, high = _both(self._recent, self._older)
            if low > high:  # one of the clocks was set: what was learned before is void
                self._since, self._recent, self._older = received_at, sample, (-math.inf, math.inf)


def _both(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return max(one[0], other[0]), min(one[1], other[1])


def _cached_s(headers: Mapping[str, str]) -> float:
    """Seconds that an answer lay in a cache on the way, where the cache says so."""
    age = headers.get("Age", "")
    return float(age) if age.isdigit() else 0.0
