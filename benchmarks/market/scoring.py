"""M1 and M2: what a score costs beside the indicators in it, and those beside libraries on pandas."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.cache.rounds import Contender, contender, interleaved
from benchmarks.cache.rules import Measured
from benchmarks.market import bare, inputs
from benchmarks.market.peers import process
from market.confluence import confluence
from market.offline import COMPONENT_WEIGHTS
from market.score_inputs import ScoreInputs
from market.series import Series
from market.timeframe_view import view_of, views_of
from tests.support.rating_by_hand import ByHand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.market.ground import Ground
    from market.model import Candles
    from market.score import Score

MS, US = 1e-3, 1e-6
TIDEMARK, BARE = "Tidemark", "TA-Lib, bare"
# A series of a peer takes as long as a hundred of ours.
FEW = 12
# What is defined alike everywhere: of the rest the seeds differ, or the prices that are taken.
SAME = (
    "sma10", "sma200", "conversion", "base", "rsi14", "stochastic", "cci20", "awesome", "williams14",
    "ultimate", "cmf20", "hma9", "vwma20", "momentum10",
)  # fmt: skip


def measure(ground: Ground) -> list[Measured]:
    """All symbols at once, and a few series at a time."""
    number = 20 if ground.effort.quick else inputs.SYMBOLS
    series = [inputs.candles(at) for at in range(number)]
    few = [each["1m"] for each in series[:FEW]]
    _check(few)
    return [_scoring(ground, series), *_indicators(ground, few)]


def _scoring(ground: Ground, series: list[dict[str, Candles]]) -> Measured:
    others = [_others(at) for at in range(len(series))]
    every = [each for one in series for each in one.values()]

    def scores() -> list[Score]:
        views = iter(views_of(every))
        return [
            _score(at, ScoreInputs({name: next(views) for name in one}, **others[at]))
            for at, one in enumerate(series)
        ]

    expected = [score.score for score in scores()]
    assert all(score is not None and 0 < score < 100 for score in expected), expected

    def right(got: list[Score]) -> bool:
        return [score.score for score in got] == expected

    def whole(got: list[Any]) -> bool:
        return len(got) == len(every)

    found = interleaved(
        [
            contender(TIDEMARK, scores, right),
            contender(BARE, lambda: [bare.columns(each) for each in every], whole),
            contender("views", lambda: views_of(every), whole),
            contender("stored", lambda: [score.to_plain() for score in scores()], _has_score),
        ],
        ground.effort, per_pass=1, unit_s=MS,
    )  # fmt: skip
    return Measured(
        "M1",
        f"score {len(series)} symbols x {len(inputs.TIMEFRAMES)} timeframes x {inputs.BARS} candles",
        "ms",
        found[TIDEMARK],
        {BARE: found[BARE]},
        further={"ms of it for the views": found["views"], "ms as it is stored": found["stored"]},
    )


def _score(number: int, material: ScoreInputs) -> Score:
    return confluence(
        exchange=inputs.EXCHANGE,
        symbol=inputs.symbol(number),
        inputs=material,
        component_weights=COMPONENT_WEIGHTS,
        timeframe_weights=inputs.TIMEFRAMES,
        now=0.0,
    )


def _others(number: int) -> dict[str, Any]:
    interest, funding, accounts, breadth = inputs.derivatives(number)
    return {
        "book": inputs.order_book(number),
        "trades": inputs.trades(number),
        "open_interest": interest,
        "funding": funding,
        "long_short": accounts,
        "breadth": breadth,
    }


def _has_score(got: list[dict[str, Any]]) -> bool:
    return all(0 < one["score"] < 100 for one in got)


def _indicators(ground: Ground, few: list[Candles]) -> list[Measured]:
    contenders = [
        contender(TIDEMARK, lambda: views_of(few), _rated),
        contender(BARE, lambda: [bare.columns(each) for each in few], lambda got: len(got) == len(few)),
    ]
    notes: tuple[str, ...] = ()
    if process.PYTHON.exists():
        peers = ground.stack.enter_context(process.running(few))
        contenders += [_peer(peers, name, few) for name in ("ta", "pandas-ta-classic")]
    else:
        print(process.HOW, file=sys.stderr)
        notes = (process.HOW,)
    found = interleaved(contenders, ground.effort, per_pass=len(few), unit_s=US)
    what = f"indicators and sub-scores of a series of {inputs.BARS} candles, {FEW} at a time"
    return [Measured("M2", what, "us", found.pop(TIDEMARK), found, notes=notes)]


def _rated(got: Sequence[Any]) -> bool:
    return all(None not in view.technical.votes.values() for view in got)


def _peer(peers: process.Peers, name: str, few: list[Candles]) -> Contender:
    """A peer in its own process: its clock counts, and its newest values are those of TA-Lib."""
    expected = [
        {indicator: float(column[-1]) for indicator, column in bare.columns(each).items()} for each in few
    ]

    def timed(passes: int) -> float:
        answer = peers.passes(name, passes)
        for theirs, ours in zip(answer["newest"], expected, strict=True):
            assert len(theirs) > len(ours) / 2
            wrong = {
                indicator: (theirs[indicator], ours[indicator])
                for indicator in SAME
                if indicator in theirs
                and not math.isclose(theirs[indicator], ours[indicator], rel_tol=1e-6, abs_tol=1e-6)
            }
            assert not wrong, f"{name} answered {wrong}"
        return float(answer["took"])

    return Contender(name, timed)


def _check(few: list[Candles]) -> None:
    """What is timed is right: the indicators are TA-Lib's, the votes those of plain loops."""
    for each in few:
        columns, series = bare.columns(each), Series.of([each])
        unit = each.close[-1]
        known = ((name, series.newest(name)) for name in ("sma200", "ema50"))
        mean = {name: 1.0 + newest[0] for name, newest in known if newest is not None}
        pairs = {
            "rsi14": (series.rsi[0, -1], columns["rsi14"][-1]),
            "williams14": (series.position[0, -1] - 100, columns["williams14"][-1]),
            "sma200": (mean["sma200"] * unit, columns["sma200"][-1]),
            "ema50": (mean["ema50"] * unit, columns["ema50"][-1]),
        }
        assert all(np.isclose(ours, theirs, rtol=1e-9) for ours, theirs in pairs.values()), pairs
        assert dict(view_of(each).technical.votes) == ByHand(each).votes(len(each) - 1)
