"""Claims about what is answered badly again and again."""

from __future__ import annotations

from cache.catalogue import TRADES
from tasks import setbacks
from tasks.setbacks import FIRST_REST_S, LONGEST_REST_S, Setbacks

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


def test_bad_answers_for_weeks_still_rest_for_the_bound() -> None:
    """At a quarter of an hour each, some ten days make more doublings than a float can count."""
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
