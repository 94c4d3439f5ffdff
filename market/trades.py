"""Trades of one answer, checked, and joined with those known before, so that none counts twice."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from market import validation
from market.errors import BadAnswer
from market.inputs import Trades

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from market.model import Floats

# A thousand trades every 15 s for six minutes: of the busiest market, too, a score wants five of them.
MOST_KEPT = 25_000
# An answer may come from a server that is a little behind the one before; more than this is no answer.
BEHIND_S = 5.0

RESOLUTION_S = 0.001  # of an exchange's times

SIDES = {"buy": 1.0, "sell": -1.0}
TIME, PRICE, AMOUNT, SIDE = range(4)


@dataclass(frozen=True, slots=True)
class Answer:
    """The trades of one answer, oldest first: an (n, 4) array of Unix seconds, price, base units and side.

    `ids` names each, None where the exchange gives no names. One that was `cut` is as long as was asked for:
    of its oldest instant it may hold a part only.
    """

    rows: Floats
    ids: tuple[str | None, ...]
    cut: bool

    @property
    def first(self) -> float:
        """The oldest instant."""
        return float(self.rows[0, TIME])

    @property
    def last(self) -> float:
        """The newest instant."""
        return float(self.rows[-1, TIME])

    @property
    def complete_from(self) -> float:
        """The instant from which on no trade is missing."""
        if not self.cut:
            return self.first
        later = self.rows[self.rows[:, TIME] > self.first]
        return float(later[0, TIME]) if len(later) else self.first + RESOLUTION_S


def answer_of(
    raw: Sequence[Mapping[str, Any]], *, exchange: str, symbol: str, unit: float, now: float, cut: bool
) -> Answer:
    """Check ccxt's trades; `unit` base units make one of their amounts, `now` is the exchange's time.

    A trade that nobody took, as in an auction, has no side and is left out. Raise `BadAnswer` for none at
    all, and for anything that cannot be a trade.
    """
    numbers = _numbers(raw)
    if numbers is None:
        raise BadAnswer(exchange, "trades with missing numbers", symbol=symbol)
    taken: dict[Any, int] = {}
    for place, one in enumerate(raw):
        if one.get("side") in SIDES:
            name = one.get("id")
            taken.setdefault(("unnamed", place) if name is None else name, place)
    if not taken:
        raise BadAnswer(exchange, "no trades", symbol=symbol)
    places = list(taken.values())
    times_ms, prices, amounts = numbers[places].T
    sides = np.array([SIDES[raw[place]["side"]] for place in places])
    rows = np.column_stack((times_ms / 1000, prices, amounts * unit, sides))
    _check(rows, exchange=exchange, symbol=symbol, now=now)
    order = np.argsort(rows[:, TIME], kind="stable")
    named = [None if (name := raw[place].get("id")) is None else str(name) for place in places]
    return Answer(rows[order], tuple(named[place] for place in order), cut)


def _numbers(raw: Sequence[Mapping[str, Any]]) -> Floats | None:
    """Time, price and amount of each trade, of shape (n, 3); None where one is missing or no number."""
    found = [one.get(of) for one in raw for of in ("timestamp", "price", "amount")]
    if not set(map(type, found)) <= {int, float} and any(validation.number(one) is None for one in found):
        return None
    try:
        numbers: Floats = np.array(found, dtype=np.float64).reshape(-1, 3)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return numbers if np.isfinite(numbers).all() else None


def _check(rows: Floats, *, exchange: str, symbol: str, now: float) -> None:
    wrong = {
        "a trade whose price or amount is not positive": not (rows[:, PRICE : AMOUNT + 1] > 0).all(),
        "trades of the future": bool(rows[:, TIME].max() > now + validation.AHEAD_S),
    }
    for what, is_so in wrong.items():
        if is_so:
            raise BadAnswer(exchange, what, symbol=symbol)


def meet(previous: Trades, answer: Answer) -> bool:
    """Whether nothing can lie between the two: what is known reaches into the answer, by a trade at least."""
    newest = float(previous.time[-1]) if len(previous) else previous.as_of
    if answer.first != newest or not len(previous):
        return answer.first <= newest
    return len(_unknown_at(newest, previous, answer)) < int(np.count_nonzero(answer.rows[:, TIME] == newest))


def joined(
    previous: Trades | None, answer: Answer, *, exchange: str, symbol: str, as_of: float, window_s: float
) -> Trades:
    """Both as one, trimmed to the newest `window_s` seconds and `MOST_KEPT` trades.

    Between its oldest and its newest instant an answer holds every trade and replaces what was known;
    at these two instants it may hold a part, and so may what was known. Where the two do not meet,
    what is known begins anew with the answer. Raise `BadAnswer` for an answer from long before.
    """
    if previous is None or not meet(previous, answer):
        return _trimmed(
            answer.rows, _ids_at(answer, answer.last), exchange=exchange, symbol=symbol,
            since=answer.complete_from, as_of=max(as_of, answer.last), window_s=window_s,
        )  # fmt: skip
    known = _rows_of(previous)
    newest = float(previous.time[-1]) if len(previous) else -math.inf
    if answer.last < newest - BEHIND_S:
        raise BadAnswer(exchange, "trades going back in time", symbol=symbol)
    inner = (answer.rows[:, TIME] > answer.first) & (answer.rows[:, TIME] < answer.last)
    fresh = [known[(known[:, TIME] <= answer.first) | (known[:, TIME] >= answer.last)], answer.rows[inner]]
    added: tuple[str, ...] = ()
    for instant in sorted({answer.first, answer.last}):
        places = _unknown_at(instant, previous, answer)
        fresh.append(answer.rows[places])
        added = tuple(answer.ids[place] or "" for place in places)
    rows = np.concatenate(fresh)
    rows = rows[np.argsort(rows[:, TIME], kind="stable")]
    names = previous.last_ids
    if answer.last > newest:
        names = _ids_at(answer, answer.last)
    elif answer.last == newest and names and all(added):
        names += added
    return _trimmed(
        rows, names, exchange=exchange, symbol=symbol, since=min(previous.since, answer.complete_from),
        as_of=max(as_of, answer.last) if answer.last >= newest else previous.as_of, window_s=window_s,
    )  # fmt: skip


def _rows_of(trades: Trades) -> Floats:
    return np.column_stack((trades.time, trades.price, trades.amount, trades.side.astype(np.float64)))


def _ids_at(answer: Answer, instant: float) -> tuple[str, ...]:
    """The names of the trades of an instant; none when one has no name."""
    names = [answer.ids[place] for place in np.flatnonzero(answer.rows[:, TIME] == instant)]
    return tuple(name for name in names if name is not None) if all(names) else ()


def _unknown_at(instant: float, previous: Trades, answer: Answer) -> list[int]:
    """Which rows of an answer's instant were not known: by name where both are named, else by content."""
    places = [int(place) for place in np.flatnonzero(answer.rows[:, TIME] == instant)]
    at_the_end = len(previous) > 0 and instant == float(previous.time[-1])
    if at_the_end and previous.last_ids and all(answer.ids[place] for place in places):
        return [place for place in places if answer.ids[place] not in previous.last_ids]
    known = Counter(map(tuple, _rows_of(previous)[previous.time == instant].tolist()))
    unknown = []
    for place in places:
        content = tuple(answer.rows[place].tolist())
        if known[content]:
            known[content] -= 1
        else:
            unknown.append(place)
    return unknown


def _trimmed(
    rows: Floats, last_ids: tuple[str, ...], *, exchange: str, symbol: str, since: float, as_of: float,
    window_s: float,
) -> Trades:  # fmt: skip
    since = max(since, as_of - window_s)
    rows = rows[rows[:, TIME] >= since]
    if len(rows) > MOST_KEPT:
        cut_at = rows[-MOST_KEPT - 1, TIME]
        rows = rows[rows[:, TIME] > cut_at]  # an instant is kept whole or not at all
        since = float(rows[0, TIME]) if len(rows) else as_of
    return Trades(
        exchange,
        symbol,
        time=rows[:, TIME].copy(),
        price=rows[:, PRICE].copy(),
        amount=rows[:, AMOUNT].copy(),
        side=rows[:, SIDE].astype(np.int8),
        since=float(since),
        last_ids=last_ids if len(rows) else (),
        as_of=float(as_of),
    )
