"""All series at one moment: the running base candle as far as it has come, and the 24 hours before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.model import DAY_MS, HOUR_MS, Ints, Panel, Reals
from simulator.walk import Walk, flow, volume_at, walk_through

if TYPE_CHECKING:
    from simulator.market import Market
    from simulator.model import Instrument

_HIGHEST = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Board:
    """What holds for all series during one base candle; arrays of shape (series,).

    `column` is the whole candle, as it will be in the end; the `_24h` figures are of the complete candles
    before it.
    """

    index: int
    column: Panel
    walk: Walk
    shares: Reals
    high_24h: Ints
    low_24h: Ints
    volume_24h: Ints
    turnover_24h: Reals
    open_24h: Ints
    open_1h: Ints


@dataclass(frozen=True, slots=True)
class Forming:
    """The unfinished base candles of all series when `step` of their seconds have passed; shape (series,)."""

    second: int
    step: int
    board: Board
    high: Ints
    low: Ints
    last: Ints
    previous: Ints

    def volume_of(self, instrument: Instrument) -> int:
        """Steps of an instrument that have traded in the unfinished candle."""
        whole = self.board.column.volume[[instrument.series]] // instrument.volume_divisor
        return int(volume_at(whole, self.board.shares[[instrument.series], self.step])[0])


def board_at(market: Market, keys: Ints, index: int) -> Board:
    """Look at all series during the base candle of an index; `keys` are those of their volume flow."""
    seconds = market.base_ms // 1000
    first = max(index - DAY_MS // market.base_ms, market.first_index)
    hour = max(index - HOUR_MS // market.base_ms, market.first_index)
    day = market.panel(first, index + 1)
    column = Panel(*(np.ascontiguousarray(part[:, -1]) for part in day.columns()))
    past = day.between(0, index - first)
    return Board(
        index=index,
        column=column,
        walk=walk_through(
            opens=column.open, highs=column.high, lows=column.low, closes=column.close, seconds=seconds
        ),
        shares=flow(keys, np.array([index], dtype=np.int64), seconds),
        high_24h=past.high.max(axis=1, initial=0),
        low_24h=past.low.min(axis=1, initial=_HIGHEST),
        volume_24h=past.volume.sum(axis=1),
        turnover_24h=past.turnover.sum(axis=1),
        open_24h=np.ascontiguousarray(day.open[:, 0]),
        open_1h=np.ascontiguousarray(day.open[:, hour - first]),
    )


def forming_at(board: Board, *, second: int, step: int) -> Forming:
    """The board's candles after `step` seconds."""
    high, low = board.walk.range_between(0, step)
    return Forming(
        second=second,
        step=step,
        board=board,
        high=high,
        low=low,
        last=board.walk.price_at(step),
        previous=board.walk.price_at(max(step - 1, 0)),
    )
