"""What the dashboard shows during each kind of fault in each call, and after it."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from cache.catalogue import CANDLES, CONFLUENCE, INDICATORS, ORDER_BOOK
from market.errors import BadAnswer
from market.model import Candles
from simulator.faults import BENDS, KINDS
from tests.support.every_fault import BEHIND, REFUSALS, WITHOUT_EFFECT, gap
from tests.support.faulty_claims import assert_all_is_well, assert_candles_are_true, input_of, row
from tests.support.faulty_world import BTC, ETH, EXCHANGE, OF_THE_SCORE, SOURCES, faulty_world

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def one_world():
    """One exchange for all faults."""
    with faulty_world() as made:
        yield made


@pytest.fixture
def world(one_world):
    """It as each fault finds it: healed, whatever the test before left behind."""
    one_world.simulator.clear_faults()
    return one_world


def test_every_kind_of_fault_is_here():
    """A kind that is added to the simulator needs its claims."""
    assert {*REFUSALS, *BENDS, "latency"} == set(KINDS)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", REFUSALS)
def test_a_call_without_an_answer_keeps_what_was_known_and_says_why_it_is_late(world, kind, source):
    """The value stays; the score is made of it and calls it late; the exchange says why."""
    error, reason, closed_s, extra = REFUSALS[kind]
    world.age(source)
    kept = world.kept(source)
    world.fault(kind, source, **extra)

    with world.in_a_hurry() if kind == "timeout" else nullcontext():
        failure = world.ask(source)

    told, shown, now = world.status(source), world.shown(), world.clock()
    assert type(failure) is error
    assert world.kept(source) == kept
    assert (told["state"], told["reason"][: len(reason)]) == (error.word, reason)
    assert told["last_success_at"] < told["since"] <= now
    assert told["retry_at"] == (None if closed_s is None else pytest.approx(now + closed_s, abs=5))

    (exchange,) = shown["exchanges"]
    assert (exchange["state"], exchange["retry_at"]) == (error.word, told["retry_at"])
    assert exchange["reason"] == f"{source}: {told['reason']}"
    because = f"{EXCHANGE} {error.word.replace('_', ' ')} ({exchange['reason']})"
    for one in shown["symbols"]:
        assert None not in (one["price"], one["change_24h"], one["score"])
        assert one["missing"] == []
        if source != "universe":  # last hour's list of symbols is as good as this hour's
            assert input_of(world, source, one["symbol"])["stale"]
            assert one["state"] == ("stale" if source == "tickers" else "delayed")
            assert f"inputs that are late: {OF_THE_SCORE.get(source, source)}" in one["reason"]
            assert one["reason"].endswith(because)
    if source not in {"universe", "tickers"}:
        assert input_of(world, source)["as_of"] == kept[1]
    if source == "tickers":
        assert row(shown)["price"] == kept[0]["tickers"][BTC]["last"]
        assert row(shown)["price_state"] == "stale"
        assert row(shown)["reason"].startswith("price not confirmed since ")

    if closed_s is not None:
        world.simulator.reset_requests()
        others = world.ask_all(but=(source,))
        assert set(map(type, others.values())) == {error}
        assert world.simulator.requests()["total"] == 0

    assert_all_is_well(world)


@pytest.mark.parametrize(("kind", "source"), WITHOUT_EFFECT)
def test_what_does_not_concern_a_call_does_not_harm_it(world, kind, source):
    """A late answer is an answer; candles that are missing are no concern of other calls."""
    world.age(source)
    before = world.kept(source)[1]
    now_ms = int(world.clock() * 1000)
    extra = {"latency": {"ms": 60}, "gap": {"from_ms": now_ms - 600_000, "to_ms": now_ms}}
    world.fault(kind, source, **extra.get(kind, {}))

    assert world.ask(source) is None

    shown = world.shown()
    assert world.kept(source)[1] > before
    assert (shown["state"], shown["exchanges"][0]["state"]) == ("live", "ok")
    assert_all_is_well(world)


def test_candles_that_stand_still_become_late_while_all_else_goes_on(world):
    """The exchange answers, so nothing is wrong with it; the score says what is late."""
    kept = world.kept("candles")
    world.fault("stale_candles", "candles")
    world.age("candles")

    assert world.ask("candles") is None

    shown = world.shown()
    assert world.kept("candles")[1] - kept[1] < 120  # at most the candle that was running closed
    assert shown["exchanges"][0]["state"] == "ok"
    for one in shown["symbols"]:
        assert (one["state"], one["price_state"]) == ("delayed", "live")
        assert one["reason"] == "score from inputs that are late: candles 1m"
        assert one["score"] is not None
    assert_all_is_well(world)


def test_a_gap_behind_what_is_known_changes_nothing(world):
    """What was known and is fresh stays; only the newest few are asked for."""
    assert world.ask_all() == {}
    gap(world, minutes=40, ends_before=8)
    world.clock.move(62 - world.clock() % 60)  # the next candle has just closed

    assert world.ask_all() == {}

    assert world.shown()["state"] == "live"
    assert not Candles.from_plain(world.kept("candles")[0]).filled.any()
    assert_all_is_well(world)
    assert_candles_are_true(world)


@pytest.mark.parametrize(("minutes", "scored"), [(10, True), (15, False)])
def test_a_gap_is_filled_and_counted_and_beyond_a_twentieth_not_scored(world, minutes, scored):
    """The other timeframes carry the score then, and it says why; later candles that are there replace it."""
    world.house.cache.remove(CANDLES.key(exchange=EXCHANGE, symbol=BTC, timeframe="1m"))
    gap(world, minutes=minutes, ends_before=5)

    assert world.ask("candles") is None

    shown = world.shown()
    series = Candles.from_plain(world.kept("candles")[0])
    rating = world.score()["components"]["technical"]["sub_scores"][0]
    assert series.filled.sum() == minutes
    assert (series.volume[series.filled] == 0).all()
    assert (series.close[series.filled] == series.close[series.filled][0]).all()
    assert (rating["timeframes"]["1m"]["value"] is not None) is scored
    assert scored or rating["reason"] == "1m: 6.0% of the bars were filled, more than 5%"
    assert row(shown)["score"] is not None
    assert shown["exchanges"][0]["state"] == "ok"

    world.simulator.clear_faults()
    for _ in range(16):
        world.clock.move(60)
        assert world.ask("candles") is None
    assert_all_is_well(world)
    assert_candles_are_true(world)


@pytest.mark.parametrize("source", SOURCES)
def test_an_exchange_whose_clock_runs_ahead_is_believed_and_corrected_afterwards(world, source):
    """Its candles close by its clock, so one may be kept that was still running; it is put right later."""
    world.age(source)
    world.fault("clock", source, offset_s=300)

    assert world.ask(source) is None

    shown = world.shown()
    assert (shown["state"], shown["exchanges"][0]["state"]) == ("live", "ok")
    assert all(one["age_s"] >= 0 for one in shown["symbols"])
    assert_all_is_well(world)
    assert_candles_are_true(world)


@pytest.mark.parametrize("source", SOURCES)
def test_an_exchange_whose_clock_lags_is_late_and_what_is_of_its_future_is_refused(world, source):
    """An answer is as old as its own time says; one that its clock has not reached yet cannot be."""
    refused, late = BEHIND[source]
    world.age(source)
    before = world.kept(source)
    world.fault("clock", source, offset_s=-700)

    failure = world.ask(source)

    shown = world.shown()
    if refused is None:
        assert failure is None
        assert shown["exchanges"][0]["state"] == "ok"
    else:
        assert (type(failure), failure.reason) == (BadAnswer, refused)
        assert world.kept(source) == before
        assert shown["exchanges"][0]["reason"] == f"{source}: {refused}"
    for one in shown["symbols"]:
        assert one["score"] is not None
        assert one["state"] == ("live" if late is None else "delayed")
        assert late is None or late in one["reason"]
    assert_all_is_well(world)
    assert_candles_are_true(world)


@pytest.mark.parametrize("source", [source for source in SOURCES if source != "universe"])
def test_a_delisted_symbol_alone_becomes_late_until_the_list_of_symbols_is_renewed(world, source):
    """The exchange is well, the other symbol as well; what was known of this one is kept and called late."""
    world.age(source)
    kept = world.kept(source, ETH)
    world.fault("delisted", source, symbol="ETHUSDT")

    assert world.ask(source) is None

    shown = world.shown()
    assert shown["exchanges"][0]["state"] == "ok"
    assert row(shown, BTC)["state"] == "live"
    assert row(shown, ETH)["score"] is not None
    if source == "funding":  # its last rate is too old to go on with
        assert input_of(world, source, ETH)["reason"] == f"{EXCHANGE} gave no funding rate for it"
    else:
        late = "price not confirmed" if source == "tickers" else f"late: {OF_THE_SCORE.get(source, source)}"
        assert row(shown, ETH)["state"] == "delayed"
        assert late in row(shown, ETH)["reason"]
    if source == "tickers":
        assert row(shown, ETH)["price"] == kept[0]["tickers"][ETH]["last"]
    elif source != "funding":
        assert world.kept(source, ETH) == kept
    assert_all_is_well(world)


def test_a_symbol_that_left_the_list_leaves_with_all_that_was_made_of_it(world):
    """And it comes back whole when it is listed again."""
    world.age("universe")
    world.fault("delisted", "universe", symbol="ETHUSDT")

    assert world.ask("universe") is None

    shown, cache = world.shown(), world.house.cache
    of = {"exchange": EXCHANGE, "symbol": ETH}
    gone = [
        ORDER_BOOK.key(**of), CONFLUENCE.key(**of),
        CANDLES.key(**of, timeframe="1m"), INDICATORS.key(**of, timeframe="1m"),
    ]  # fmt: skip
    assert [one["symbol"] for one in shown["symbols"]] == [BTC]
    assert (shown["state"], shown["exchanges"][0]["state"]) == ("live", "ok")
    assert [cache.get(key) for key in gone] == [None] * 4
    assert_all_is_well(world)
