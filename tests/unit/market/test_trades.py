from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.components import orderflow
from market.errors import BadAnswer
from market.inputs import Trades
from market.particulars import MOST_TRADES
from market.trades import MOST_KEPT, answer_of, joined, meet
from settings import Settings

X = {"exchange": "x", "symbol": "A/B"}


def raw(time_s: float, *, id: str | None = None, price: float = 100.0, amount: float = 1.0, side="buy"):  # noqa: A002
    """One of ccxt's trades."""
    return {"timestamp": round(time_s * 1000), "id": id, "price": price, "amount": amount, "side": side}


def answer(*rows: dict, unit: float = 1.0, now: float = 1e9, cut: bool = True):
    """These trades, checked; there may be older ones."""
    return answer_of(rows, unit=unit, now=now, cut=cut, **X)


def known(*rows: dict, as_of: float | None = None) -> Trades:
    """What is known after a first answer."""
    first = answer(*rows, cut=False)
    return joined(None, first, as_of=first.last if as_of is None else as_of, window_s=1e6, **X)


def after(previous: Trades | None, *rows: dict, as_of: float = 0.0, window_s: float = 1e6) -> Trades:
    """What is known after another one."""
    return joined(previous, answer(*rows), as_of=as_of, window_s=window_s, **X)


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.integers(0, 5), min_size=1, max_size=14).map(sorted),
    portions=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 14)), min_size=8, max_size=8),
    named=st.booleans(),
    random=st.randoms(use_true_random=False),
)
def test_from_since_on_every_trade_is_known_exactly_once(times, portions, named, random):
    """Any stream with many trades at one instant, read in any portions, in any order within an instant."""
    names = random.sample(range(len(times)), len(times))
    stream = [
        raw(time, id=f"t{name}" if named else None, amount=1.0 + name)
        for time, name in zip(times, names, strict=True)
    ]
    trades, seen = None, 0
    for more, limit in portions:
        seen = min(seen + more, len(stream))
        portion = stream[max(0, seen - limit) : seen]

        trades = after(trades, *random.sample(portion, len(portion)), as_of=times[seen - 1])

        expected = sorted(one["amount"] for one in stream[:seen] if one["timestamp"] / 1000 >= trades.since)
        assert sorted(trades.amount.tolist()) == expected


def test_trades_of_the_newest_instant_are_told_apart_by_name():
    """Alike in everything else, one known and one new."""
    before = known(raw(1, id="a"), raw(2, id="b"))

    now = after(before, raw(2, id="b"), raw(2, id="c"), as_of=2)

    assert now.time.tolist() == [1.0, 2.0, 2.0]
    assert set(now.last_ids) == {"b", "c"}


def test_trades_without_names_are_told_apart_by_what_they_are():
    """Two alike of one instant where one was known: one is new."""
    before = known(raw(1), raw(2, amount=5))

    now = after(before, raw(2, amount=5), raw(2, amount=5), raw(2, amount=7), as_of=2)

    assert sorted(now.amount.tolist()) == [1.0, 5.0, 5.0, 7.0]
    assert now.last_ids == ()


def test_a_trade_that_is_sent_twice_in_one_answer_counts_once():
    """By its name; pages of an exchange overlap."""
    assert len(known(raw(1, id="a"), raw(2, id="b"), raw(2, id="b"))) == 2


def test_answers_that_do_not_meet_leave_a_hole_and_say_so():
    """What lies between is unknown, and `since` is after it."""
    before = known(raw(1, id="a"), raw(2, id="b"))

    now = after(before, raw(10, id="x"), raw(11, id="y"), as_of=11)

    assert not meet(before, answer(raw(10, id="x")))
    assert now.time.tolist() == [11.0]  # of instant 10 a part may be missing
    assert now.since == 11.0


def test_of_a_single_instant_that_may_have_been_cut_nothing_is_known():
    """A sweep of more trades than were asked for, all at once: what is known begins after it."""
    now = after(None, raw(5, id="a"), raw(5, id="b"), as_of=5)

    assert (len(now), now.since) == (0, 5.001)
    assert len(after(now, raw(5, id="b"), raw(6, id="c"), as_of=6)) == 1


def test_two_parts_of_one_instant_without_a_trade_in_common_do_not_meet():
    """Between them may be others of the same instant."""
    before = known(raw(4, id="x"), raw(5, id="a"))

    assert not meet(before, answer(raw(5, id="c"), raw(6, id="d")))
    assert meet(before, answer(raw(5, id="a"), raw(6, id="d")))


def test_an_answer_that_reaches_further_back_closes_an_old_hole():
    """More than was known: `since` moves back."""
    before = known(raw(9, id="n9"), raw(10, id="n10"))

    now = after(before, *(raw(time, id=f"n{time}") for time in range(2, 12)), as_of=11)

    assert now.since == 3.0
    assert len(now) == 9


def test_a_trade_that_was_published_late_is_taken_in():
    """Its time is before the newest that was known."""
    before = known(raw(1, id="a"), raw(2, id="b"), raw(5, id="e"))

    now = after(
        before, raw(1, id="a"), raw(2, id="b"), raw(4, id="late"), raw(5, id="e"), raw(6, id="f"), as_of=6
    )

    assert now.time.tolist() == [1.0, 2.0, 4.0, 5.0, 6.0]


def test_an_answer_from_a_server_that_is_a_little_behind_takes_nothing_away():
    """What was known stays, and is as old as it was."""
    before = known(raw(1, id="a"), raw(2, id="b"), raw(5, id="e"))

    now = after(before, raw(1, id="a"), raw(2, id="b"), raw(3, id="c"), as_of=9)

    assert now.time.tolist() == [1.0, 2.0, 3.0, 5.0]
    assert (now.as_of, now.last_ids) == (5.0, ("e",))


def test_an_answer_from_long_before_is_refused():
    """Time does not go backwards."""
    before = known(raw(1, id="a"), raw(20, id="b"))

    with pytest.raises(BadAnswer, match="back in time"):
        after(before, raw(1, id="a"), raw(2, id="c"), as_of=21)


def test_only_the_window_is_kept():
    """Older trades leave, and `since` follows."""
    now = after(None, *(raw(time, id=str(time)) for time in range(100)), as_of=99.5, window_s=10)

    assert now.time.tolist() == [float(time) for time in range(90, 100)]
    assert now.since == 89.5


def test_no_more_than_the_most_is_kept_and_whole_instants_only():
    """The instant that would be cut is left out, and `since` says so."""
    rows = [raw(index // 3, id=str(index)) for index in range(MOST_KEPT + 500)]

    now = after(None, *rows, as_of=rows[-1]["timestamp"] / 1000)

    assert MOST_KEPT - 3 <= len(now) <= MOST_KEPT
    assert now.since == now.time[0]
    assert int(rows[-len(now) - 1]["timestamp"]) / 1000 < now.since


def test_enough_is_kept_of_the_busiest_market_for_a_score():
    """A full answer in each period, of the exchanges that give most at once."""
    most_a_second = max(MOST_TRADES.values())[0] / Settings.model_fields["period_trades"].default

    assert most_a_second * orderflow.LEAST_S < MOST_KEPT


def test_a_market_without_trades_in_the_window_is_known_to_have_none():
    """The next answer meets it where it was read."""
    quiet = after(None, raw(1, id="a"), raw(2, id="b"), as_of=5000, window_s=900)
    assert (len(quiet), quiet.since, quiet.last_ids) == (0, 4100.0, ())

    now = after(quiet, raw(2, id="b"), raw(5010, id="c"), as_of=5020, window_s=900)

    assert now.time.tolist() == [5010.0]
    assert now.since == 4120.0


def test_a_busy_answer_after_a_quiet_one_that_does_not_reach_back_leaves_a_hole():
    """Nothing in it is from before the quiet one was read."""
    quiet = after(None, raw(1, id="a"), raw(2, id="b"), as_of=5000, window_s=900)

    now = after(quiet, raw(5010, id="c"), raw(5011, id="d"), as_of=5020, window_s=900)

    assert now.since == 5011.0


def test_amounts_are_turned_into_base_units_and_sides_into_signs():
    """Contracts of 0.01; the seller took the second."""
    now = known(raw(1, id="a", amount=300), raw(2, id="b", side="sell"))

    assert answer(raw(1, amount=300), unit=0.01).rows[0].tolist() == [1.0, 100.0, 3.0, 1.0]
    assert now.side.tolist() == [1, -1]
    assert now.notional.tolist() == [30_000.0, 100.0]


def test_a_trade_that_nobody_took_is_left_out():
    """An auction's has no side."""
    assert len(answer(raw(1, id="a"), raw(2, id="b", side=None)).ids) == 1


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no trades"),
        ([raw(1, side=None)], "no trades"),
        ([raw(1), {**raw(2), "price": None}], "missing numbers"),
        ([raw(1), {**raw(2), "timestamp": None}], "missing numbers"),
        ([raw(1), {**raw(2), "amount": "2"}], "missing numbers"),
        ([raw(1), {**raw(2), "price": math.nan}], "missing numbers"),
        ([raw(1), {**raw(2), "amount": math.inf}], "missing numbers"),
        ([raw(1), {**raw(2), "amount": 10**400}], "missing numbers"),
        ([raw(1), raw(2, price=0.0)], "not positive"),
        ([raw(1), raw(2, amount=-1.0)], "not positive"),
        ([raw(1), raw(2e9)], "future"),
    ],
)
def test_what_cannot_be_trades_is_refused(rows, reason):
    """One impossible row spoils the answer."""
    with pytest.raises(BadAnswer, match=reason):
        answer(*rows)


def test_joined_trades_travel_through_the_cache():
    """Columns come back as they went, and can be joined on."""
    before = known(raw(1, id="a"), raw(2, id="b"))
    restored = Trades.from_plain("x", "A/B", before.to_plain())

    now = after(restored, raw(2, id="b"), raw(3, id="c", side="sell"), as_of=3)

    assert (now.time.tolist(), now.side.tolist()) == ([1.0, 2.0, 3.0], [1, 1, -1])
