"""The order flow component: who took in the newest quarter of an hour, and whether positions were opened.

Sizes are notionals, price x amount in quote units. With every buy turned into a sell of the same
notional and back, the three of the trades change their sign; open interest does with the price.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from market.components.definition import Component, Found, Measured, SubScore
from market.indicators import sign
from market.model import TIMEFRAME_SECONDS
from market.score_inputs import OPEN_INTEREST, TRADES

if TYPE_CHECKING:
    from market.inputs import OpenInterest, Trades
    from market.model import Floats
    from market.score_inputs import ScoreInputs

WINDOW_S = 900.0
LEAST_S = 300.0  # what is known of less than a third of the window is not its flow
TENTH = 10  # the largest trades are the largest tenth; fewer than ten have none
NOTIONAL_TIE = 1e-9  # relative: equal notionals stay equal whatever their factors round to
HOUR_S = 3600.0
HOUR_OFF_S = 300.0  # how far from an hour ago the older open interest may be
FULL_CHANGE = 0.01  # of open interest, for tanh(1)

COMPONENT = Component(
    "orderflow",
    "symbol",
    (
        SubScore("cvd", 0.4, "signed notional / notional of 15 minutes of trades", (TRADES,)),
        SubScore("large", 0.3, "the same over trades of at least the 90th percentile of notional", (TRADES,)),
        SubScore("pace", 0.15, "tanh(2 (cvd of the newer half - cvd of the older half))", (TRADES,)),
        SubScore(
            "open_interest",
            0.15,
            "sign(1 h price change) max(0, tanh(1 h change of open interest / 1 %))",
            (OPEN_INTEREST,),
        ),
    ),
)


@np.errstate(all="ignore")  # what is too large to add up is no finite number, and said so
def of(inputs: ScoreInputs) -> Measured:
    """The component of one symbol; a sub-score whose input is not there is not in it."""
    results: dict[str, Found | float | str] = {}
    if inputs.trades is not None:
        results |= _of_trades(inputs.trades)
    if inputs.open_interest is not None:
        results["open_interest"] = _open_interest(inputs.open_interest, inputs)
    return Measured.of(results)


class _Flow(NamedTuple):
    """Some trades together: how many, their notional, and what of it was bought less what was sold."""

    trades: int
    signed: float
    notional: float

    @classmethod
    def of(cls, notional: Floats, signed: Floats) -> Self:
        """From the notional and the signed notional of each."""
        return cls(len(notional), float(np.add.reduce(signed)), float(np.add.reduce(notional)))

    @property
    def share(self) -> float | None:
        """Signed notional over notional, -1 to 1; None without any."""
        return self.signed / self.notional if self.notional > 0 else None

    def facts(self) -> dict[str, float]:
        """The numbers of a fraction that is explained."""
        return {"trades": self.trades, "signed": self.signed, "notional": self.notional}


class _Window(NamedTuple):
    """The trades of the window, oldest first: notional, signed notional, and where its newer half begins."""

    notional: Floats
    signed: Floats
    middle: int
    covered_s: float

    def flow(self) -> _Flow:
        """Of all the trades."""
        return _Flow.of(self.notional, self.signed)


def _of_trades(trades: Trades) -> dict[str, Found | float | str]:
    window = _window(trades)
    if isinstance(window, str):
        return dict.fromkeys(("cvd", "large", "pace"), window)
    flow = window.flow()
    if flow.share is None:
        return dict.fromkeys(("cvd", "large", "pace"), f"no trades in {window.covered_s:.0f} s")
    return {
        "cvd": Found(flow.share, {"covered_s": window.covered_s, **flow.facts()}),
        "large": _large(window),
        "pace": _pace(window),
    }


def _window(trades: Trades) -> _Window | str:
    """The newest 15 minutes of the trades that are known without a hole, or why they say nothing.

    They end at `as_of`, or at the newest trade where the exchange's clock says less, and begin at
    `since` where that is later.
    """
    notional = trades.notional
    total = float(np.add.reduce(notional) + np.add.reduce(trades.time))
    if not math.isfinite(total + trades.since + trades.as_of):
        return "a time, price or amount of the trades is not a finite number"
    if len(trades) and min(np.minimum.reduce(trades.price), np.minimum.reduce(trades.amount)) <= 0:
        return "a price or amount of the trades is not positive"
    end = max(trades.as_of, float(trades.time[-1])) if len(trades) else trades.as_of
    start = max(trades.since, end - WINDOW_S)
    covered_s = max(0.0, end - start)
    if covered_s < LEAST_S:
        return f"only {covered_s:.0f} s of trades are known, needs {LEAST_S:.0f}"
    # Half of the covered time, not of the trades: a burst belongs to the half in which it came.
    first, middle = trades.time.searchsorted((start, end - covered_s / 2)).tolist()
    notional = notional[first:]
    return _Window(notional, notional * trades.side[first:], max(0, middle - first), covered_s)


def _large(window: _Window) -> Found | str:
    """Nearest rank: the percentile is the notional that nine tenths of the trades do not exceed."""
    count = len(window.notional)
    if count < TENTH:
        return f"needs {TENTH} trades, has {count}"
    rank = count - count // TENTH - 1
    percentile = float(np.partition(window.notional, rank)[rank])
    largest = (window.notional >= percentile * (1.0 - NOTIONAL_TIE)).nonzero()[0]
    flow = _Flow.of(window.notional[largest], window.signed[largest])
    if flow.share is None:
        return "the largest trades have no notional"
    return Found(flow.share, {"percentile": percentile, **flow.facts()})


def _pace(window: _Window) -> Found | str:
    middle = window.middle
    newer = _Flow.of(window.notional[middle:], window.signed[middle:]).share
    older = _Flow.of(window.notional[:middle], window.signed[:middle]).share
    if newer is None or older is None:
        return f"no trades in the {'newer' if newer is None else 'older'} half"
    return Found(math.tanh(2.0 * (newer - older)), {"newer": newer, "older": older})


def _open_interest(known: OpenInterest, inputs: ScoreInputs) -> Found | str:
    """New positions count for the side that the price went to; closed ones for neither."""
    now, before = _hour_apart(known) or (0.0, 0.0)
    if before <= 0:
        return f"no open interest of an hour before the newest, within {HOUR_OFF_S / 60:.0f} minutes"
    price = _price_change(inputs)
    if price is None:
        return "no closed candle of an hour ago"
    timeframe, moved = price
    change = now / before - 1.0
    value = sign(moved) * max(0.0, math.tanh(change / FULL_CHANGE))
    facts = {"now": now, "hour_ago": before, "change": change, "price_change": moved}
    return Found(value, facts, timeframe)


def _hour_apart(known: OpenInterest) -> tuple[float, float] | None:
    """The newest open interest and the one nearest to an hour before it; None if none is near enough."""
    if not known.time or not known.amount or min(known.amount) < 0:
        return None
    if not all(map(math.isfinite, (*known.time, *known.amount))):
        return None
    wanted = known.time[-1] - HOUR_S
    off_s, before = min(
        (abs(time - wanted), amount) for time, amount in zip(known.time, known.amount, strict=False)
    )
    return None if off_s > HOUR_OFF_S else (known.amount[-1], before)


def _price_change(inputs: ScoreInputs) -> tuple[str, float] | None:
    """The change of price over an hour by the shortest timeframe that has it."""
    for timeframe in sorted(inputs.views, key=TIMEFRAME_SECONDS.__getitem__):
        view = inputs.views[timeframe]
        if view is not None and view.change_1h is not None:
            return timeframe, view.change_1h
    return None
