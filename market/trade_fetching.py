"""Public trades from an exchange: only as many as are likely to be missing, since parsing them costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from market import validation
from market.errors import NotSupported
from market.particulars import most_trades
from market.trades import answer_of, joined, meet

if TYPE_CHECKING:
    from market.asking import Asker
    from market.inputs import Trades
    from market.trades import Answer

# No exchange gives fewer at once where it has more: a shorter answer is all that there is.
FEWEST = 50
OVERLAP = 10
# A stretch may be this much busier than the one before it, else a second call brings what is missing.
MARGIN = 1.5
LATELY_S = 60.0


class TradeFetching:
    """The trades of one exchange."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    def trades(self, symbol: str, previous: Trades | None, *, window_s: float) -> Trades:
        """`previous` with what was traded since; see `Exchange.trades`."""
        ask = self._ask
        if not ask.client.has.get("fetchTrades"):
            raise NotSupported(ask.id, "no trades", symbol=symbol)
        with ask.asking(symbol):
            most = most_trades(ask.client.id, ask.market(symbol))
        limit = likely_missing(previous, ask.now(), most=most)
        answer, as_of = self._ask_for(symbol, limit)
        if previous is not None and limit < most and not meet(previous, answer):
            answer, as_of = self._ask_for(symbol, most)
        return joined(previous, answer, exchange=ask.id, symbol=symbol, as_of=as_of, window_s=window_s)

    def _ask_for(self, symbol: str, limit: int) -> tuple[Answer, float]:
        """The newest trades, and the exchange's time when it was asked for them."""
        ask = self._ask
        with ask.asking(symbol):
            market = ask.market(symbol)
            raw = ask.client.fetch_trades(symbol, None, limit)
        answer = answer_of(
            raw, exchange=ask.id, symbol=symbol, unit=validation.contract_unit(market), now=ask.now(),
            cut=len(raw) >= FEWEST,
        )  # fmt: skip
        return answer, ask.asked_at()


def likely_missing(previous: Trades | None, now: float, *, most: int) -> int:
    """How many trades to ask for, from how fast they came; all of one call where that is not known."""
    if previous is None or previous.as_of <= previous.since:
        return most
    known_s = previous.as_of - previous.since
    lately_s = min(LATELY_S, known_s)
    lately = int(np.count_nonzero(previous.time > previous.as_of - lately_s))
    per_second = max(len(previous) / known_s, lately / lately_s)
    wanted = math.ceil(MARGIN * per_second * max(0.0, now - previous.as_of)) + OVERLAP
    return min(max(FEWEST, wanted), most)
