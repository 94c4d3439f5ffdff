"""Claims about how the state of an exchange is told."""

from __future__ import annotations

from typing import Any

import pytest

from cache.catalogue import EXCHANGE_STATUS
from cache.states import EXCHANGE_STATES, of_exchange, worst
from market.errors import BadAnswer, Banned, ExchangeUnavailable, RateLimited
from tasks import status
from tests.support.entries import entry


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
    """What says the same again is written again now and then, good or bad."""
    good = status.after_success(None, 10.0)
    bad = status.after_failure(good, BadAnswer("okx", "HTML"), 11.0)
    other = status.after_failure(bad, BadAnswer("okx", "an empty body"), 11.0)

    def needs(previous: dict[str, Any] | None, current: dict[str, Any], now: float) -> bool:
        return status.needs_writing(previous, current, written_at=10.0, now=now)

    assert needs(None, good, 10.0)
    assert not needs(good, status.after_success(good, 11.0), 11.0)
    assert needs(good, status.after_success(good, 13.0), 13.0)
    assert needs(good, bad, 10.1)
    assert not needs(bad, bad, 11.0)
    assert needs(bad, other, 11.0)
    assert needs(bad, status.after_success(bad, 11.1), 11.1)


def test_a_source_is_closed_until_the_moment_that_the_exchange_named() -> None:
    """Without such a moment it may be asked at once."""
    banned = status.after_failure(None, Banned("okx", "418", until=99.0), 12.0)

    assert status.closed_until(banned) == 99.0
    assert status.closed_until(status.after_success(banned, 13.0)) == 0.0
    assert status.closed_until(None) == 0.0


def row(now: float = 20.0, **sources: tuple[float, dict[str, Any]]) -> dict[str, Any]:
    """The line for an exchange that is silent after a minute; a status comes with when it was written."""
    entries = {
        name: entry(EXCHANGE_STATUS.key(exchange="okx", source=name), value, as_of=written_at)
        for name, (written_at, value) in sources.items()
    }
    return of_exchange("okx", entries, now=now, silent_after_s=60.0)


def test_the_worst_source_speaks_for_the_exchange() -> None:
    """Good tickers do not hide that the candles are banned, nor how long that has lasted."""
    candles = status.after_success(None, 5.0)
    banned = status.after_failure(candles, Banned("okx", "418", until=99.0), 12.0)

    shown = row(tickers=(19.0, status.after_success(None, 19.0)), candles=(12.0, banned))

    assert shown == {
        "id": "okx", "state": "banned", "since": 12.0, "last_success_at": 5.0,
        "reason": "candles: 418", "retry_at": 99.0,
    }  # fmt: skip


def test_an_exchange_that_is_well_shows_its_newest_answer() -> None:
    """A universe of an hour ago does not make it look silent."""
    old = status.after_success(None, 1.0)

    shown = row(universe=(1.0, old), tickers=(19.0, status.after_success(old, 19.0)))

    assert (shown["state"], shown["reason"], shown["last_success_at"]) == ("ok", None, 19.0)


def test_an_exchange_that_nobody_asks_any_more_is_unknown() -> None:
    """The last answer was good, and that was long ago."""
    shown = row(now=90.0, tickers=(19.0, status.after_success(None, 19.0)))

    assert (shown["state"], shown["last_success_at"]) == ("unknown", 19.0)
    assert shown["reason"] == "nothing heard since 00:00:19 UTC"


def refused(until: float | None, now: float) -> tuple[float, dict[str, Any]]:
    """A connection that was refused at `now`, after a good answer at 5."""
    retry_after = None if until is None else until - now
    error = ExchangeUnavailable("okx", "connection reset", retry_after=retry_after)
    return now, status.after_failure(status.after_success(None, 5.0), error, now)


@pytest.mark.parametrize("until", [None, 23.0])
def test_an_exchange_that_nobody_asks_any_more_is_unknown_in_the_middle_of_trouble_too(
    until: float | None,
) -> None:
    """The moment of the next attempt is long gone: nobody made one."""
    shown = row(now=81.0, universe=(5.0, status.after_success(None, 5.0)), tickers=refused(until, 20.0))

    assert shown == {
        "id": "okx", "state": "unknown", "since": None, "last_success_at": 5.0, "retry_at": None,
        "reason": "nobody has asked since 00:00:20 UTC; last: tickers: connection reset",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("now", "until", "other_at"),
    [
        (79.0, None, 5.0),  # a minute is not over
        (79.0, 23.0, 5.0),
        (7000.0, 10_800.0, 5.0),  # it is not to be asked before
        (10_814.0, 10_800.0, 5.0),  # whoever asks may need a moment
        (500.0, None, 495.0),  # somebody asks for other things
    ],
)
def test_trouble_is_no_silence_while_it_is_renewed_or_lasts(
    now: float, until: float | None, other_at: float
) -> None:
    """A ban for hours is kept to by asking nobody, and what is answered badly may rest."""
    good = (other_at, status.after_success(None, other_at))
    shown = row(now=now, universe=good, tickers=refused(until, 20.0))

    assert (shown["state"], shown["reason"]) == ("unreachable", "tickers: connection reset")
    assert shown["retry_at"] == (until if until and now - until < 15 else None)


def test_silence_is_told_soon_after_a_ban_is_over() -> None:
    """With the last that was heard."""
    shown = row(now=10_816.0, tickers=refused(10_800.0, 20.0))

    assert (shown["state"], shown["retry_at"]) == ("unknown", None)


def test_an_exchange_that_never_answered_says_so() -> None:
    """No state is made up before the first answer."""
    shown = row()

    assert (shown["state"], shown["reason"], shown["last_success_at"]) == ("unknown", "no answer yet", None)


def test_every_way_to_fail_has_its_rank() -> None:
    """The tasks and the web take the worst source from one list; from it a ban is worse than any other."""
    words = [error.word for error in (BadAnswer, ExchangeUnavailable, RateLimited, Banned)]

    assert ("ok", "unknown", *words) == EXCHANGE_STATES
    assert worst({"tickers": "ok", "candles": "banned", "trades": "new word"}) == "candles"
    assert worst({"tickers": "ok", "trades": "new word"}) == "trades"
    assert worst({"tickers": "unreachable", "candles": "unreachable"}) == "tickers"


def test_the_moment_of_the_next_attempt_is_news_but_not_its_trembling() -> None:
    """The failure that opens a circuit has the reason of those before it, and a moment that they had not."""
    silent = ExchangeUnavailable("x", "HTTP 502")
    before = status.after_failure(None, silent, 10.0)
    opening = status.after_failure(before, ExchangeUnavailable("x", "HTTP 502", retry_after=5.0), 10.1)
    refused = status.after_failure(opening, ExchangeUnavailable("x", "HTTP 502", retry_after=4.8), 10.2)

    assert status.needs_writing(before, opening, written_at=10.0, now=10.1)
    assert not status.needs_writing(opening, refused, written_at=10.1, now=10.2)
