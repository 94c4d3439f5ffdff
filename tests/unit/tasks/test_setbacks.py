"""Claims about what is answered badly again and again."""

from __future__ import annotations

from cache.catalogue import ORDER_BOOK, TRADES
from tasks import setbacks
from tasks.setbacks import FIRST_REST_S, LONGEST_REST_S, MANY, TRIAL_EVERY_S, Doubts, Setbacks

KEY = TRADES.key(exchange="okx", symbol="BTC/USDT")
OTHER = TRADES.key(exchange="okx", symbol="ETH/USDT")


def rest_s(known: Setbacks, now: float) -> float:
    """How many whole seconds the key rests from `now` on."""
    return float(next(second for second in range(2000) if not known.is_resting(KEY, now + second)))


def test_each_bad_answer_in_a_row_doubles_the_rest_up_to_a_bound() -> None:
    """Nobody else's; and what was never answered badly does not rest."""
    known, rests = Setbacks(), []
    assert not known.is_resting(KEY, 0.0)

    for _ in range(9):
        known.note(KEY, 0.0)
        rests.append(rest_s(known, 0.0))

    assert rests[:3] == [FIRST_REST_S, 2 * FIRST_REST_S, 4 * FIRST_REST_S]
    assert rests[-1] == LONGEST_REST_S
    assert not known.is_resting(OTHER, 0.0)


def test_a_good_answer_makes_it_all_forgotten() -> None:
    """The next bad one is the first again."""
    known = Setbacks()
    known.note(KEY, 0.0)
    known.note(KEY, 0.0)

    known.forget(KEY)
    assert not known.is_resting(KEY, 0.0)
    known.note(KEY, 0.0)

    assert rest_s(known, 0.0) == FIRST_REST_S


def test_bad_answers_for_days_still_rest_for_the_bound() -> None:
    """At two minutes each, a day and a half makes more doublings than a float can count."""
    known = Setbacks()

    for _ in range(1100):
        known.note(KEY, 0.0)

    assert rest_s(known, 0.0) == LONGEST_REST_S


def test_they_do_not_pile_up(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """A market with thousands of broken symbols costs no memory without end."""
    monkeypatch.setattr(setbacks, "MOST", 2)
    known = Setbacks()

    for key in (KEY, OTHER, TRADES.key(exchange="okx", symbol="SOL/USDT")):
        known.note(key, 0.0)

    assert not known.is_resting(KEY, 0.0)
    assert known.is_resting(OTHER, 0.0)


def test_once_the_exchange_is_well_nothing_of_that_input_rests() -> None:
    """Neither those that were answered badly with it, nor for longer the next time; other inputs do."""
    known = Setbacks()
    book = ORDER_BOOK.key(exchange="okx", symbol="BTC/USDT")
    elsewhere = TRADES.key(exchange="bybit", symbol="BTC/USDT")
    for key in (KEY, KEY, OTHER, book, elsewhere):
        known.note(key, 0.0)

    known.wake(OTHER)

    assert [known.is_resting(key, 0.0) for key in (KEY, OTHER, book, elsewhere)] == [False, False, True, True]
    known.note(KEY, 0.0)
    assert rest_s(known, 0.0) == FIRST_REST_S


def test_where_nobody_gets_an_answer_one_symbol_tries_now_and_then() -> None:
    """Until it gets one: then all may, and it is said that many had been waiting for that."""
    doubts = Doubts()
    for number in range(MANY - 1):
        doubts.note("okx", "trades", f"S{number}")
    assert not doubts.are_many("okx", "trades")

    doubts.note("okx", "trades", "the one too many")

    assert doubts.are_many("okx", "trades")
    assert not doubts.are_many("okx", "order_book")
    assert doubts.may_try("okx", "trades", 100.0)
    doubts.tried("okx", "trades", 100.0)
    assert not doubts.may_try("okx", "trades", 100.0 + TRIAL_EVERY_S - 0.1)
    assert doubts.may_try("okx", "trades", 100.0 + TRIAL_EVERY_S)
    assert doubts.may_try("okx", "trades", 50.0)  # the clock was set back
    assert doubts.clear("okx", "trades", 103.0)
    assert not doubts.are_many("okx", "trades")


def test_the_end_of_bad_answers_for_many_is_told_once_within_the_longest_rest() -> None:
    """Where many are never answered well, each good answer would wake them all."""
    doubts = Doubts()

    def ends(now: float) -> bool:
        for number in range(MANY):
            doubts.note("okx", "trades", f"S{number}")
        return doubts.clear("okx", "trades", now)

    assert [ends(now) for now in (100.0, 101.0, 100.0 + LONGEST_REST_S)] == [True, False, True]
    assert ends(50.0)  # the clock was set back
    assert not doubts.clear("okx", "trades", 500.0)


def test_a_clock_that_is_set_back_makes_nothing_rest_for_longer() -> None:
    """By an hour, for the time of a bad answer."""
    known = Setbacks()
    known.note(KEY, 10_000.0)

    assert known.is_resting(KEY, 10_000.0)
    assert not known.is_resting(KEY, 6_400.0)
