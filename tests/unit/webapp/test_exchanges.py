"""Claims about what is told of the exchanges while nothing is published."""

from __future__ import annotations

import pytest

from tests.support.dashboards import NOW, put_status
from webapp.exchanges import Exchanges, troubles


@pytest.fixture
def known(cache, clock):
    """Two exchanges over an empty cache."""
    return Exchanges(cache=cache, clock=clock, ids=("okx", "simulated"))


def test_an_exchange_of_which_nothing_is_known_says_so(known):
    """In the order of the settings, without a time."""
    rows = known.rows()

    assert [(row["id"], row["state"], row["reason"]) for row in rows] == [
        ("okx", "unknown", "no answer yet"), ("simulated", "unknown", "no answer yet"),
    ]  # fmt: skip
    assert {(row["since"], row["last_success_at"], row["retry_at"]) for row in rows} == {(None, None, None)}


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ({"universe": "ok", "tickers": "unreachable"}, ("unreachable", "tickers: why")),
        ({"universe": "rate_limited", "tickers": "banned"}, ("banned", "tickers: why")),
        ({"candles": "bad_answer", "order_book": "a_new_word"}, ("bad_answer", "candles: why")),
        ({"universe": "ok", "order_book": "a_new_word"}, ("a_new_word", "order_book: why")),
    ],
)
def test_the_worst_source_speaks_for_the_exchange(cache, known, states, worst):
    """Its own word, and its name before the reason."""
    for source, state in states.items():
        put_status(cache, source, exchange="okx", state=state, reason=None if state == "ok" else "why")

    row = known.rows()[0]

    assert (row["state"], row["reason"]) == worst


def test_a_good_answer_is_believed_until_nobody_asks_any_more(cache, known, clock):
    """Statuses outlive their writers; prices are asked for all the time."""
    put_status(cache, "universe", exchange="okx", last_success_at=NOW)

    heard = known.rows()[0]
    clock.move(61)
    silent = known.rows()[0]

    assert (heard["state"], heard["reason"]) == ("ok", None)
    assert (silent["state"], silent["reason"]) == ("unknown", "nothing heard since 00:00:00 UTC")
    assert (silent["since"], silent["last_success_at"]) == (None, NOW)


def test_troubles_are_one_line_and_leave_out_who_is_well(cache, known):
    """For a sentence that people read."""
    put_status(cache, "universe", exchange="okx", state="unreachable", reason="connection refused")
    put_status(cache, "universe")

    assert troubles(known.rows()) == "okx: universe: connection refused"
