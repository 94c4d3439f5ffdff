"""The newest finished candles of each instrument and interval, so that they are put together only once."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from simulator.model import DAY_MS, Candles, joined, no_candles

if TYPE_CHECKING:
    from collections.abc import Callable

# Weeks and months are made of days, so more of those are kept.
_EACH, _EACH_OF_DAYS = 1000, 2500
# About 56 bytes a candle.
_IN_ALL = 450_000


class KeptCandles:
    """Remembers up to 1000 candles a key (2500 days), the newest; forgets the longest unused keys."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], tuple[int, int, Candles]] = OrderedDict()
        self._rows = 0

    def between(
        self,
        key: tuple[int, str],
        first: int,
        stop: int,
        *,
        length: int,
        compute: Callable[[int, int], Candles],
    ) -> Candles:
        """Finished candles with first <= open < stop, computing only those after the remembered ones."""
        kept_first, kept_stop, kept = self._kept.get(key, (stop, stop, no_candles()))
        if kept_first <= first <= kept_stop:
            if stop > kept_stop:
                kept = joined([kept, compute(kept_stop, stop)])
                self._remember(key, kept_first, stop, kept, length)
            else:
                self._kept.move_to_end(key)
        elif stop >= kept_stop:
            kept = compute(first, stop)
            self._remember(key, first, stop, kept, length)
        else:
            return compute(first, stop)
        return kept.cut((kept.open_ms >= first) & (kept.open_ms < stop))

    def _remember(self, key: tuple[int, str], first: int, stop: int, candles: Candles, length: int) -> None:
        most = _EACH_OF_DAYS if length >= DAY_MS else _EACH
        first = max(first, stop - most * length)
        kept = candles.cut(candles.open_ms >= first)
        self._rows += len(kept) - len(self._kept.pop(key, (0, 0, no_candles()))[2])
        self._kept[key] = (first, stop, kept)
        while self._rows > _IN_ALL:
            _, (_, _, oldest) = self._kept.popitem(last=False)
            self._rows -= len(oldest)
