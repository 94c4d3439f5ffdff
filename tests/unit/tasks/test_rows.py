"""Claims about what a line of the dashboard says, above all when something is missing or old."""

from __future__ import annotations

from typing import Any

from market.components.registry import COMPONENTS as REGISTERED
from tasks.rows import COMPONENTS, overall_state, symbol_row
from tests.support.entries import NOW, score, tickers
from webapp import words

OK = {"id": "okx", "state": "ok", "reason": None}
BANNED = {"id": "okx", "state": "banned", "reason": "tickers: 418"}


def row(**parts: Any) -> dict[str, Any]:
    """A live row, but for the parts given."""
    given = {
        "exchange": OK,
        "symbol": "BTC/USDT",
        "tickers": tickers(),
        "score": score(),
        "spark": (),
        "now": NOW,
        "price_ttl_s": 60.0,
    }
    return symbol_row(**{**given, **parts})


def test_a_fresh_price_and_a_fresh_score_are_live() -> None:
    """Nothing to explain."""
    shown = row()

    assert (shown["state"], shown["reason"]) == ("live", None)
    assert (shown["price"], shown["score"], shown["change_24h"]) == (101.0, 71.23, 1.2346)


def test_the_age_is_that_of_the_older_part() -> None:
    """A young score does not make an old price young."""
    shown = row()

    assert (shown["price_as_of"], shown["score_as_of"], shown["as_of"]) == (NOW - 3, NOW - 1, NOW - 3)
    assert shown["age_s"] == 3.0


def test_a_component_without_a_score_is_null_and_named() -> None:
    """Never 50, never 0."""
    shown = row()

    assert shown["components"] == {**dict.fromkeys(COMPONENTS), "technical": 60.0}
    assert shown["missing"] == ["sentiment"]


def test_a_row_has_the_components_that_a_score_has_and_the_page_shows_each() -> None:
    """One that is added is seen; the web cannot ask the market, so its headings are held here."""
    names = {component.name for component in REGISTERED}

    assert set(row()["components"]) == set(words.COMPONENTS) == names


def test_a_stale_price_beside_a_fresh_score_is_delayed_and_says_why() -> None:
    """The exchange's own trouble is named with it."""
    shown = row(exchange=BANNED, tickers=tickers(fresh_for=-1))

    assert shown["state"] == "delayed"
    assert shown["price"] == 101.0
    assert shown["reason"] == "price not confirmed since 23:59:57 UTC; okx banned (tickers: 418)"


def test_a_price_that_was_kept_from_an_earlier_answer_is_late_on_its_own() -> None:
    """The entry is fresh, this row of it is not."""
    shown = row(tickers=tickers(confirmed_ago=61))

    assert shown["state"] == "delayed"
    assert shown["reason"] == "price not confirmed since 23:58:59 UTC"


def test_the_state_of_a_price_is_its_own() -> None:
    """A late score does not make it late; without a ticker there is none."""
    words = [row(score=score(fresh_for=-1)), row(tickers=tickers(confirmed_ago=61)), row(tickers=None)]

    assert [shown["price_state"] for shown in words] == ["live", "stale", "empty"]


def test_a_fresh_score_from_late_inputs_is_not_live() -> None:
    """It was computed a moment ago, from what was said long ago."""
    shown = row(score=score(late=["order_book"]))

    assert (shown["state"], shown["reason"]) == ("delayed", "score from inputs that are late: order_book")


def test_a_fresh_score_from_late_inputs_beside_a_late_price_is_stale() -> None:
    """Neither of the two says how things are now."""
    shown = row(tickers=tickers(fresh_for=-1), score=score(late=["order_book"]))

    assert shown["state"] == "stale"


def test_a_stale_score_names_the_inputs_that_are_late() -> None:
    """The reader learns what is missing, not only that something is."""
    shown = row(score=score(late=["candles 1m", "order_book"], fresh_for=-1))

    assert shown["state"] == "delayed"
    assert shown["reason"] == "score from inputs that are late: candles 1m, order_book"


def test_a_score_that_nobody_renews_says_since_when() -> None:
    """Its inputs were good: it is the scoring that stopped."""
    shown = row(score=score(fresh_for=-1))

    assert shown["reason"] == "not scored since 23:59:59 UTC"


def test_nothing_fresh_is_stale_but_still_shown() -> None:
    """The last good values stay, marked."""
    shown = row(tickers=tickers(fresh_for=-1), score=score(fresh_for=-1))

    assert shown["state"] == "stale"
    assert (shown["price"], shown["score"]) == (101.0, 71.23)


def test_before_the_first_score_the_row_is_empty_with_a_reason() -> None:
    """All components are missing then."""
    shown = row(score=None)

    assert (shown["state"], shown["reason"]) == ("empty", "not scored yet")
    assert (shown["score"], shown["signal"], shown["missing"]) == (None, None, list(COMPONENTS))


def test_a_score_that_could_not_be_computed_gives_its_reasons() -> None:
    """A null with the reason that the scoring found."""
    shown = row(score=score(value=None))

    assert (shown["state"], shown["score"], shown["reason"]) == ("empty", None, "no funding rate")


def test_a_symbol_without_a_ticker_has_no_price() -> None:
    """A null price and its reason, whatever the score says."""
    shown = row(tickers=None)

    assert (shown["price"], shown["change_24h"], shown["turnover_24h"]) == (None, None, None)
    assert (shown["state"], shown["reason"]) == ("delayed", "no price from the exchange")


def test_one_word_for_all_rows() -> None:
    """Live needs all, stale means none, delayed is between, empty is nothing at all."""
    words = {
        (): "empty",
        ("empty", "empty"): "empty",
        ("live", "live"): "live",
        ("live", "stale"): "delayed",
        ("live", "empty"): "delayed",
        ("delayed", "stale"): "delayed",
        ("stale", "stale"): "stale",
        ("stale", "empty"): "stale",
    }

    assert {given: overall_state([{"state": word} for word in given]) for given in words} == words
