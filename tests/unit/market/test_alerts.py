"""Claims about the conditions of alerts: scores, betas, exchanges that are away, data that is old."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.catalogue import ALERT_KINDS, ALERT_SEVERITIES
from market import alerts
from market.alerts import Age, Kind, Severity, age_of, of_ages, of_beta, of_score, of_statuses
from market.signals import next_signal

NOW = 1_747_699_200.0
SYMBOL = "BTC/USDT:USDT"


def score_level(score, stored=""):
    """The level after a sighting of this score, with `stored` as the level before."""
    seen = of_score("okx", SYMBOL, score, mark=1, high=70, low=30)
    return stored if seen.stands and seen.stands == stored else seen.level


def beta_row(z, **fields: object):
    """One symbol's row of the betas."""
    return {"ols": {"beta": 1.2, "correlation": 0.8, "r2": 0.64, "n": 288}, "divergence_z": z, **fields}


def status(state="ok", **fields: object):
    """How one source is doing."""
    return {
        "state": state, "since": NOW - 60, "last_success_at": None, "reason": "refused", "retry_at": None,
        **fields,
    }  # fmt: skip


def ages(stale, symbols):
    """Ages of that many symbols, of which the first are stale."""
    return {f"S{i}": Age(("price",), NOW - 90) if i < stale else Age() for i in range(symbols)}


def told(sightings):
    """Whom the sightings at a level are about."""
    return [one.symbol for one in sightings if one.level]


def test_the_cache_knows_the_kinds_and_severities_of_the_market() -> None:
    """The web filters by those; the two may not import one another."""
    assert get_args(Kind) == ALERT_KINDS
    assert get_args(Severity) == ALERT_SEVERITIES


@pytest.mark.parametrize(
    ("score", "level"),
    [(70.0, "high"), (69.999, ""), (100.0, "high"), (50.0, ""), (30.001, ""), (30.0, "low"), (0.0, "low")],
)
def test_a_threshold_is_crossed_when_it_is_reached(score, level) -> None:
    """As a signal is."""
    assert score_level(score) == level


@pytest.mark.parametrize(
    ("stored", "score", "level"),
    [
        ("high", 65.0, "high"), ("high", 64.999, ""), ("low", 35.0, "low"), ("low", 35.001, ""),
        ("high", 35.0, ""), ("low", 65.0, ""), ("high", 30.0, "low"), ("low", 70.0, "high"),
    ],
)  # fmt: skip
def test_a_level_is_left_five_points_inside_its_threshold(stored, score, level) -> None:
    """So a score that trembles at 70 is one crossing."""
    assert score_level(score, stored) == level


@given(st.lists(st.floats(0, 100), max_size=30))
def test_the_levels_of_a_score_are_its_signals(scores) -> None:
    """With all confidence there is, and the usual thresholds: long is high, short is low, nothing else is."""
    words = {"long": "high", "short": "low", "neutral": "", None: ""}
    level, signal = "", None
    for score in scores:
        level, signal = score_level(score, level), next_signal(signal, score, 1.0)
        assert level == words[signal]


@pytest.mark.parametrize("score", [None, math.nan, math.inf])
def test_what_is_no_score_is_no_sighting(score) -> None:
    """The level before stays what it was."""
    assert of_score("okx", SYMBOL, score, mark=1, high=70, low=30) is None


def test_a_sighting_says_what_was_crossed() -> None:
    """In a sentence and in numbers."""
    up = of_score("okx", SYMBOL, 72.44, mark=7, high=70, low=30)
    down = of_score("okx", SYMBOL, 12.0, mark=7, high=70, low=30)

    assert (up.text, up.data, up.mark) == (
        "score 72.4, up through 70",
        {"score": 72.44, "threshold": 70},
        7,
    )
    assert (down.text, down.data["threshold"]) == ("score 12.0, down through 30", 30)


@pytest.mark.parametrize(
    ("z", "level"), [(2.5, "up"), (-2.5, "down"), (2.4999, ""), (-2.4999, ""), (0.0, ""), (40.0, "up")]
)
def test_a_divergence_counts_from_two_and_a_half_deviations(z, level) -> None:
    """In either direction."""
    assert of_beta("okx", SYMBOL, beta_row(z), mark=1).level == level


def test_a_divergence_without_a_fit_is_told_all_the_same() -> None:
    """The number is missing, not made up."""
    assert of_beta("okx", SYMBOL, beta_row(-3.0, ols=None), mark=1).data["beta"] is None


@pytest.mark.parametrize("z", [None, math.nan, -math.inf])
def test_an_unknown_divergence_is_no_sighting(z) -> None:
    """Too few bars, or nothing that moved."""
    assert of_beta("okx", SYMBOL, beta_row(z), mark=1) is None


@pytest.mark.parametrize(
    ("state", "level"),
    [("unreachable", "down"), ("banned", "down"), ("ok", ""), ("rate_limited", ""), ("bad_answer", "")],
)
def test_an_exchange_is_away_when_its_prices_cannot_be_had(state, level) -> None:
    """One that asks for patience or answers nonsense is there; what that leaves behind is stale data."""
    seen = of_statuses("okx", {"tickers": status(state), "universe": status("unreachable")})

    assert (seen.symbol, seen.level, seen.hold_s) == (None, level, alerts.UNREACHABLE_FOR_S)
    assert bool(seen.text) == bool(level)


def test_before_there_are_prices_the_list_of_symbols_speaks_for_an_exchange() -> None:
    """A start against a dead exchange gets that far and no further."""
    assert of_statuses("okx", {"universe": status("unreachable")}).level == "down"
    assert of_statuses("okx", {}) is None


@pytest.mark.parametrize(
    ("price_at", "scored_at", "inputs", "late"),
    [
        (NOW - 60, NOW - 60, (), ()),
        (NOW - 60.1, NOW - 1, (), ("price",)),
        (NOW, NOW - 60.1, (), ("score",)),
        (NOW, NOW, ("candles 1m", "funding", "trades", "order_book"), ("candles 1m", "order_book")),
        (NOW - 99, None, (), ("price",)),
        (None, NOW - 99, (), ("score",)),
    ],
)
def test_a_symbol_is_as_old_as_what_is_late_of_it(price_at, scored_at, inputs, late) -> None:
    """At its life it is not late yet; what few exchanges have is left out."""
    age = age_of(
        price_at=price_at, scored_at=scored_at, late_inputs=inputs, now=NOW, price_life_s=60, score_life_s=30
    )

    assert age.late == late


def test_a_symbol_of_which_nothing_is_known_yet_is_not_stale() -> None:
    """A start is no outage."""
    nothing = {"price_at": None, "scored_at": None, "late_inputs": ()}

    assert age_of(**nothing, now=NOW, price_life_s=60, score_life_s=30) is None


@pytest.mark.parametrize(
    ("stale", "symbols", "about"),
    [
        (0, 175, []),
        (1, 175, ["S0"]),
        (8, 175, [f"S{i}" for i in range(8)]),
        (9, 175, [None]),
        (175, 175, [None]),
        (3, 20, ["S0", "S1", "S2"]),
        (4, 20, [None]),
        (2, 2, [None]),
        (1, 1, ["S0"]),
        (0, 0, []),
    ],
)
def test_an_outage_is_one_alert_and_not_one_for_each_symbol(stale, symbols, about) -> None:
    """Few are told by name; many are the exchange."""
    assert told(of_ages("okx", ages(stale, symbols), reachable=True)) == about


def test_an_exchange_that_is_away_has_no_stale_data_beside() -> None:
    """That it is away says it all; everybody is calm, so that what is still stale later begins then."""
    sightings = of_ages("okx", ages(175, 175), reachable=False)

    assert told(sightings) == []
    assert len(sightings) == 176


@given(st.integers(0, 60), st.integers(0, 60), st.booleans())
def test_every_symbol_and_the_exchange_are_sighted_each_time(stale, calm, reachable) -> None:
    """A level that is not told again would never end; and never are both told."""
    sightings = of_ages("okx", ages(stale, stale + calm), reachable=reachable)

    assert len({one.symbol for one in sightings}) == len(sightings) == stale + calm + 1
    assert None not in told(sightings) or told(sightings) == [None]
    assert all(one.text and one.data and one.hold_s for one in sightings if one.level)
