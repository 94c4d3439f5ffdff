"""Claims about how the state of an exchange is told."""

from __future__ import annotations

from market.errors import BadAnswer, Banned, ExchangeUnavailable, RateLimited
from tasks import status


def test_a_first_good_answer_is_ok_since_now() -> None:
    """Nothing was known before."""
    assert status.after_success(None, 10.0) == {
        "state": "ok", "since": 10.0, "last_success_at": 10.0, "reason": None, "retry_at": None,
    }  # fmt: skip


def test_ok_keeps_its_since_while_it_lasts() -> None:
    """Since when all is well is worth more than when it was last looked at."""
    first = status.after_success(None, 10.0)

    later = status.after_success(first, 50.0)

    assert (later["since"], later["last_success_at"]) == (10.0, 50.0)


def test_a_failure_keeps_when_it_was_last_good_and_since_when_it_is_not() -> None:
    """A second failure of the same kind does not move the beginning."""
    good = status.after_success(None, 10.0)
    first = status.after_failure(good, RateLimited("okx", "429", until=90.0), 20.0)

    second = status.after_failure(first, RateLimited("okx", "429", until=95.0), 25.0)

    assert second["state"] == "rate_limited"
    assert (second["since"], second["last_success_at"], second["retry_at"]) == (20.0, 10.0, 95.0)


def test_a_named_retry_after_becomes_a_moment() -> None:
    """What the exchange said in seconds is shown as a time; without a word there is none."""
    named = status.after_failure(None, ExchangeUnavailable("okx", "503", retry_after=30.0), 100.0)
    silent = status.after_failure(None, ExchangeUnavailable("okx", "refused"), 100.0)

    assert named["retry_at"] == 130.0
    assert silent["retry_at"] is None


def test_only_news_is_written() -> None:
    """An unchanged ok is refreshed now and then, a trouble always."""
    good = status.after_success(None, 10.0)
    bad = status.after_failure(good, BadAnswer("okx", "HTML"), 11.0)

    assert status.needs_writing(None, good)
    assert not status.needs_writing(good, status.after_success(good, 11.0))
    assert status.needs_writing(good, status.after_success(good, 13.0))
    assert status.needs_writing(bad, status.after_success(bad, 11.1))
    assert status.needs_writing(bad, bad)


def test_the_worst_source_speaks_for_the_exchange() -> None:
    """Good tickers do not hide that the candles are banned."""
    good = status.after_success(None, 10.0)
    banned = status.after_failure(good, Banned("okx", "418", until=99.0), 12.0)

    row = status.of_exchange("okx", {"tickers": good, "candles": banned, "order_book": None})

    assert row == {
        "id": "okx", "state": "banned", "since": 12.0, "last_success_at": 10.0,
        "reason": "candles: 418", "retry_at": 99.0,
    }  # fmt: skip


def test_an_exchange_that_never_answered_says_so() -> None:
    """No state is made up before the first answer."""
    row = status.of_exchange("okx", {"tickers": None})

    assert (row["state"], row["reason"], row["last_success_at"]) == ("unknown", "no answer yet", None)
