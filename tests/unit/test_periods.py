"""Claims about periods beside lifetimes: what is renewed is renewed in time, also when one run is lost."""

from __future__ import annotations

import pytest

import checks
import settings
from cache.catalogue import CATALOGUE, INDICATORS
from tasks import planning

pytestmark = pytest.mark.usefixtures("clean_environment")


@pytest.mark.parametrize(
    ("period", "ttl"),
    [("order_books", "order_book"), ("open_interest", "open_interest"), ("dashboard", "dashboard")],
)
def test_a_period_of_half_a_lifetime_is_the_longest(period: str, ttl: str) -> None:
    """Whatever the two are: then a value outlives one lost run."""
    half_s = settings.Settings().lifetimes()[ttl] / 2

    assert settings.Settings(**{f"period_{period}": half_s})
    with pytest.raises(ValueError, match=f"PERIOD_{period.upper()}"):
        settings.Settings(**{f"period_{period}": half_s + 0.5})


def test_every_period_and_every_kind_is_held_against_the_other() -> None:
    """None is left out of the table: what lives from close to close has a bound of its own.

    A refusal is written down as it comes, and nothing is made of it.
    """
    periods = {name.removeprefix("period_") for name in settings.Settings.model_fields if "period_" in name}
    renewing = {name for names in checks.RENEWED_BY.values() for name in names}

    assert renewing | {"candles", "beta"} == periods
    assert set(checks.RENEWED_BY) | {"candles", "indicators", "beta"} == set(CATALOGUE.kinds) - {"refusal"}


@pytest.mark.parametrize(("timeframes", "most_s"), [("1m,5m", 5), ("3m", 15), ("30m,4h", 15)])
def test_candles_are_looked_for_more_often_than_the_shortest_timeframe_wants(
    timeframes: str, most_s: int
) -> None:
    """A view outlives its close by no more than a few seconds."""
    weights = dict.fromkeys(timeframes.split(","), 1.0)
    chosen = {"timeframes": timeframes, "timeframe_weights": weights}

    assert settings.Settings(**chosen, period_candles=most_s)
    with pytest.raises(ValueError, match=f"PERIOD_CANDLES: got {most_s + 1}; want at most {most_s}"):
        settings.Settings(**chosen, period_candles=most_s + 1)


@pytest.mark.parametrize("timeframe", settings.TIMEFRAME_SECONDS)
def test_a_view_is_still_fresh_when_the_next_is_made(timeframe: str) -> None:
    """At the longest period that is let through, and the latest moment at which a candle is asked for."""
    timeframe_s = settings.TIMEFRAME_SECONDS[timeframe]
    period_s = min(timeframe_s / checks.LOOKS_IN_A_TIMEFRAME, checks.LONGEST_PERIOD_CANDLES_S)
    asked_after_s = min(planning.LONGEST_SPREAD_S, timeframe_s / 4)

    fresh_until = INDICATORS.fresh_until(
        as_of=0.0, now=asked_after_s, ttl=INDICATORS.ttl, params={"timeframe": timeframe}
    )

    assert fresh_until > timeframe_s + asked_after_s + period_s
