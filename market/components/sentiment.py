"""The sentiment component: how crowded the longs are, and how many of the exchange's symbols stand higher.

A crowd counts against itself: it has bought already, and pays for staying. Funding and accounts are of
the symbol, breadth is of the exchange.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from market.components.definition import Component, Found, Measured, SubScore
from market.score_inputs import BREADTH, FUNDING, LONG_SHORT

if TYPE_CHECKING:
    from market.inputs import Breadth, Funding, LongShort
    from market.score_inputs import ScoreInputs

FULL_RATE = 0.0005  # 0.05 % per eight hours gives -tanh(1)

COMPONENT = Component(
    "sentiment",
    "symbol",
    (
        SubScore("funding", 0.4, "-tanh(8 h funding rate / 0.05 %)", (FUNDING,)),
        SubScore("long_short", 0.3, "-tanh(ln(long accounts / short accounts))", (LONG_SHORT,)),
        SubScore("breadth", 0.3, "2 x share of the universe above its 24 h open - 1", (BREADTH,)),
    ),
)


def of(inputs: ScoreInputs) -> Measured:
    """The component of one symbol; a sub-score whose input is not there is not in it."""
    results: dict[str, Found | float | str] = {}
    if inputs.funding is not None:
        results["funding"] = _funding(inputs.funding)
    if inputs.long_short is not None:
        results["long_short"] = _long_short(inputs.long_short)
    if inputs.breadth is not None:
        results["breadth"] = _breadth(inputs.breadth)
    return Measured.of(results)


def _funding(funding: Funding) -> Found | str:
    if funding.interval_h is None:
        return "the exchange does not say for how many hours its funding rate is"
    if not funding.interval_h > 0 or not math.isfinite(funding.interval_h):
        return "the funding interval is not a positive number of hours"
    rate_8h = funding.rate_8h
    if rate_8h is None or not math.isfinite(rate_8h):
        return "the funding rate is not a finite number"
    facts = {"rate": funding.rate, "interval_h": funding.interval_h, "rate_8h": rate_8h}
    return Found(-math.tanh(rate_8h / FULL_RATE), facts)


def _long_short(accounts: LongShort) -> Found | str:
    if not accounts.ratio > 0 or not math.isfinite(accounts.ratio):
        return "the ratio of long to short accounts is not a positive number"
    return Found(-math.tanh(math.log(accounts.ratio)), {"ratio": accounts.ratio})


def _breadth(breadth: Breadth) -> Found | str:
    share = breadth.share
    if share is None:
        return "no symbol of the exchange has a 24 h open"
    return Found(2.0 * share - 1.0, {"above": breadth.above, "symbols": breadth.symbols})
