"""The whole system on a recorded market: the numbers are the recorded ones, and every fault heals."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from market.model import TIMEFRAME_SECONDS
from tasks.planning import spread_s
from tests.support.explained import assert_component, assert_facts, view_at
from tests.support.missing import missing
from tests.support.recorded_candles import MINUTES, recorded
from tests.support.recordings import recordings
from tests.support.system import System, running_system
from tests.support.waiting import eventually
from tests.support.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]

SHORT_LIVES = {
    "TTL_TICKERS": "8",
    "TTL_BREADTH": "8",
    "TTL_BETA": "11",
    "TTL_CANDLES": "12",
    "TTL_ORDER_BOOK": "12",
    "TTL_INDICATORS": "11",
    "TTL_CONFLUENCE": "8",
    "TTL_DASHBOARD": "7",
    "PERIOD_TICKERS": "2",
    "PERIOD_ORDER_BOOKS": "4",
    "PERIOD_SCORES": "3",
    "PERIOD_DASHBOARD": "2",
    "EXCHANGE_TIMEOUT": "3",
}
STALE_WITHIN_S = 40.0
LIVE_WITHIN_S = 60.0
FETCH_WITHIN_S = 10.0
PRICE_PATHS = ("/v5/market/tickers", "/v5/market/kline", "/v5/market/orderbook")


@pytest.fixture(scope="module")
def folder() -> Path:
    """The folder that is replayed."""
    return recordings("recordings", "binance-usdm-2025-05")


@pytest.fixture(scope="module")
def system(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One system for all claims here; each begins and ends with everything live."""
    var = tmp_path_factory.mktemp("recorded")
    with running_system(var, SIMULATOR_RECORDINGS=str(folder), **SHORT_LIVES) as running:
        yield running


@pytest.fixture(autouse=True)
def _live_before_and_after(system: System) -> Iterator[None]:
    eventually(system.is_live, within_s=LIVE_WITHIN_S, every_s=0.3)
    yield
    system.heal()
    eventually(system.is_live, within_s=LIVE_WITHIN_S, every_s=0.3)


def test_every_recorded_symbol_is_on_the_dashboard_with_its_recorded_price(system: System) -> None:
    """A price lies inside the recorded candle of the moment that it was said at."""
    candles = recorded(MINUTES)
    shift_s = system.exchange("/control/state").json()["shift_ms"] / 1000

    rows = system.dashboard()["symbols"]

    assert {row["symbol"] for row in rows} == set(candles)
    tickers = {row["symbol"]: row for row in rows}
    for symbol, row in tickers.items():
        series = candles[symbol]
        # The row's time is that of its oldest part; the price is at most one refresh younger.
        first, last = (
            int(((row["as_of"] + later - shift_s) * 1000 - series.first_open_ms) // series.step_ms)
            for later in (0.0, float(SHORT_LIVES["TTL_TICKERS"]))
        )
        window = slice(first, last + 1)
        assert series.low[window].min() <= row["price"] <= series.high[window].max(), symbol


def test_every_score_equals_the_pure_functions_on_the_recorded_candles(system: System) -> None:
    """All that is computed from candles, for each symbol and timeframe, up to the exchange's clock.

    What is not follows from the numbers that are listed with it.
    """
    candles = recorded(MINUTES)
    shift_ms = system.exchange("/control/state").json()["shift_ms"]
    settled = {symbol: _explained(system, symbol) for symbol in candles}

    for symbol, score in settled.items():
        moved = replace(candles[symbol], first_open_ms=candles[symbol].first_open_ms + shift_ms)
        views = {
            timeframe: view_at(moved, timeframe, part)
            for timeframe, part in score["components"]["technical"]["sub_scores"][0]["timeframes"].items()
        }
        for component in ("technical", "volume", "price_structure"):
            assert_component(score["components"][component], component, views)
        for component in ("orderflow", "orderbook", "sentiment"):
            assert_facts(score["components"][component])
        for timeframe, part in score["components"]["technical"]["sub_scores"][0]["timeframes"].items():
            arrival_s = spread_s(symbol, timeframe) + FETCH_WITHIN_S
            late_s = score["computed_at"] - part["closed_at"] - TIMEFRAME_SECONDS[timeframe]
            assert late_s < arrival_s, (symbol, timeframe)


def test_entries_carry_their_true_ages(system: System) -> None:
    """The age in the header grows by the time that passed, and ends with a new body."""
    answer = system.web("/api/dashboard/data")
    document = answer.json()

    assert document["simulated"] is True
    assert abs(time.time() - int(answer.headers["Age"]) - document["generated_at"]) < 2.5
    assert document["age_s"] == pytest.approx(document["generated_at"] - document["as_of"], abs=0.01)
    for row in document["symbols"]:
        assert row["age_s"] == pytest.approx(document["generated_at"] - row["as_of"], abs=0.01)
        assert row["age_s"] < float(SHORT_LIVES["TTL_ORDER_BOOK"]) + 5


@pytest.mark.parametrize("process", ["scorer", "fetcher", "redis", "memcached"])
def test_a_killed_process_is_back_and_the_dashboard_answered_throughout(system: System, process: str) -> None:
    """SIGKILL: no answer but 200, nothing old shown as live, all live again without help."""
    if process == "memcached" and "memcached" not in system.processes():
        missing("memcached is not installed on this machine")
    with Watcher(system) as watcher:
        before = system.kill(process)
        at = time.time()
        eventually(lambda: system.pid(process) not in (None, before), within_s=20)
        eventually(lambda: system.is_live(since=at + 3), within_s=LIVE_WITHIN_S, every_s=0.3)

    assert watcher.wrong == []
    assert watcher.answers > 10


@pytest.mark.parametrize("process", ["scorer", "fetcher", "redis"])
def test_a_frozen_process_lets_values_turn_stale_with_a_reason(system: System, process: str) -> None:
    """SIGSTOP: nobody restarts it, so what it kept fresh must be marked, and be live after SIGCONT."""
    with Watcher(system) as watcher:
        with system.frozen(process):
            marked = eventually(lambda: _marked(system), within_s=STALE_WITHIN_S, every_s=0.3)
        thawed_at = time.time()
        eventually(lambda: system.is_live(since=thawed_at), within_s=LIVE_WITHIN_S, every_s=0.3)

    assert all(row["price"] is not None and row["score"] is not None for row in marked["symbols"])
    assert watcher.wrong == []


def test_a_frozen_memcached_changes_nothing_that_a_user_sees(system: System) -> None:
    """The tier costs its budget once; everything stays live while it says nothing."""
    if "memcached" not in system.processes():
        missing("memcached is not installed on this machine")
    with Watcher(system) as watcher, system.frozen("memcached"):
        frozen_at = time.time()
        eventually(lambda: system.is_live(since=frozen_at + 3), within_s=20, every_s=0.3)

    assert watcher.wrong == []


@pytest.mark.parametrize(
    "steps",
    [
        (({"kind": "429", "retry_after_s": 1}, "rate_limited", "429"),),
        (({"kind": "html"}, "bad_answer", "HTML"), ({"kind": "timeout"}, "unreachable", "Timeout")),
    ],
    ids=lambda steps: "_then_".join(fault["kind"] for fault, _, _ in steps),
)
def test_a_failing_exchange_turns_values_stale_with_the_reason_and_heals(
    system: System, steps: Sequence[tuple[dict[str, Any], str, str]]
) -> None:
    """Refusals, nonsense, nothing and no answer at all: marked and named while it lasts, live afterwards."""
    with Watcher(system) as watcher:
        for fault, word, said in steps:
            system.heal()
            for path in PRICE_PATHS:
                system.fault(path=path, probability=1.0, **fault)
            marked = eventually(partial(_all_marked, system, word, said), STALE_WITHIN_S, every_s=0.3)
            assert all(row["price"] is not None and row["reason"] for row in marked["symbols"])
        system.heal()
        healed_at = time.time()
        eventually(lambda: system.is_live(since=healed_at), within_s=LIVE_WITHIN_S, every_s=0.3)

    assert watcher.wrong == []


def _marked(system: System) -> dict[str, Any] | None:
    document = system.dashboard()
    return document if all(row["state"] in {"stale", "delayed"} for row in document["symbols"]) else None


def _all_marked(system: System, word: str, said: str) -> dict[str, Any] | None:
    """The dashboard once nothing on it is fresh and the exchange's trouble has this word and this reason."""
    document = system.dashboard()
    exchange = document["exchanges"][0]
    named = exchange["state"] == word and said in (exchange["reason"] or "")
    stale = document["state"] == "stale" and all(row["state"] == "stale" for row in document["symbols"])
    return document if stale and named else None


def _explained(system: System, symbol: str) -> dict[str, Any]:
    """The symbol's score once all its timeframes are in."""

    def whole() -> dict[str, Any] | None:
        score: dict[str, Any] = system.web(f"/api/symbols/simulated/{quote(symbol, safe='/:')}").json()
        parts = score["components"]["technical"]["sub_scores"][0]["timeframes"]
        return score if all(part["value"] is not None for part in parts.values()) else None

    return eventually(whole, within_s=30, every_s=0.2)
