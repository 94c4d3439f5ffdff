"""Claims about the class under every task: its run lock, and how it tells a failure."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from kombu.exceptions import LimitExceeded, OperationalError
from structlog.testing import capture_logs

from market.errors import ExchangeUnavailable, MarketError
from tasks import wire
from tasks.base import BROKER_AWAY, PAUSE_S, TICK_HEADER, FetchTask, MarketTask
from tasks.slots import slots_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


NOW = 1_747_699_200.0


class Locks:
    """Stands in for the cache: one lock that may be taken already, and what was asked for."""

    def __init__(self, *, held: bool) -> None:
        self.held = held
        self.asked: list[tuple[str, float]] = []
        self.released = 0
        self.claimed: dict[str, float] = {}
        self.settings: Any = None

    def claim(self, name: str, ttl_s: float) -> bool:
        """Give each name once."""
        if name in self.claimed:
            return False
        self.claimed[name] = ttl_s
        return True

    @contextmanager
    def lock(self, name: str, ttl_s: float) -> Iterator[Any]:
        """Give the lock, or the word that somebody else has it."""
        self.asked.append((name, ttl_s))
        try:
            yield SimpleNamespace(held=self.held)
        finally:
            self.released += 1


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Locks]:
    """Give the tasks a lock that is free, or taken."""

    def given(*, held: bool) -> Locks:
        made = Locks(held=held)
        monkeypatch.setattr(
            wire, "house", lambda: SimpleNamespace(cache=made, settings=made.settings, clock=lambda: NOW)
        )
        return made

    return given


class Refresh(MarketTask):
    """A task that says what it was called with."""

    name = "tasks.test.refresh"

    def run(self, *args: Any) -> Any:
        """Fail if asked to."""
        if isinstance(args[0], Exception):
            raise args[0]
        if "fail" in args:
            raise ExchangeUnavailable("okx", "HTTP 500")
        return args


class LockedRefresh(Refresh):
    """The same under a run lock."""

    run_lock_s = 30.0


class Fetch(FetchTask, Refresh):
    """The same for a task that asks an exchange."""

    name = "tasks.test.fetch"


def bound(task: type[Refresh]) -> Refresh:
    """The task as an application of this test's own would run it."""
    made: Refresh = Celery("test", set_as_current=False).register_task(task())
    return made


def failed(error: BaseException, *args: Any) -> list[Any]:
    """What the task logs when it ended with this error."""
    with capture_logs() as lines:
        Refresh().on_failure(error, "4f1c", args, {}, None)
    return list(lines)


def test_a_failure_is_one_line_with_its_facts() -> None:
    """Task, exchange, symbol, error and reason, as fields under a constant event."""
    error = ExchangeUnavailable("okx", "HTTP 500", symbol="BTC/USDT")

    (line,) = failed(error, "okx", ["BTC/USDT"])

    assert line == {
        "event": "task_failed", "log_level": "warning", "task": "tasks.test.refresh", "task_id": "4f1c",
        "exchange": "okx", "symbol": "BTC/USDT", "error": "ExchangeUnavailable",
        "reason": "okx BTC/USDT: HTTP 500",
    }  # fmt: skip


@pytest.mark.parametrize(("args", "exchange"), [(("bybit", "1m", []), "bybit"), ((), None)])
def test_a_failure_that_names_no_exchange_takes_it_from_the_arguments(
    args: tuple[Any, ...], exchange: str | None
) -> None:
    """The first argument of all tasks but publishing is the exchange."""
    (line,) = failed(KeyError("close"), *args)

    assert (line["exchange"], line["symbol"]) == (exchange, None)
    assert (line["error"], line["reason"]) == ("KeyError", "'close'")


def test_what_is_expected_of_exchanges_costs_no_traceback() -> None:
    """Celery logs what is in `throws` in one line; anything else is a mistake of ours."""
    assert issubclass(ExchangeUnavailable, MarketTask.throws)
    assert MarketTask.throws == (MarketError, *BROKER_AWAY)


@pytest.mark.parametrize(
    ("error", "levels"),
    [(OperationalError("Connection refused"), {logging.INFO}), (LimitExceeded(10), {logging.INFO}),
     (ConnectionError("of ours"), {logging.ERROR})],
)  # fmt: skip
def test_a_broker_that_is_away_is_one_line_for_each_task_and_no_traceback(
    locks: Callable[..., Locks], caplog: pytest.LogCaptureFixture, error: Exception, levels: set[int]
) -> None:
    """What was stored is told by the sweep. A mistake of ours keeps its traceback."""
    locks(held=True)
    caplog.set_level(logging.INFO, "celery.app.trace")

    with capture_logs() as lines:
        result = bound(Refresh).apply((error,))

    assert result.result is error
    assert {record.levelno for record in caplog.records} == levels
    assert [bool(record.exc_info) for record in caplog.records] == [levels == {logging.ERROR}]
    (line,) = lines
    assert (line["event"], line["error"]) == ("task_failed", type(error).__name__)


def test_a_task_without_a_run_lock_asks_for_none(locks: Callable[..., Locks]) -> None:
    """It runs beside itself."""
    free = locks(held=True)

    assert bound(Refresh)("okx") == ("okx",)
    assert free.asked == []


def test_a_run_holds_a_lock_of_its_task_and_arguments_and_gives_it_back(locks: Callable[..., Locks]) -> None:
    """Another exchange's run has another name; the lock ends with the run, even a failed one."""
    free = locks(held=True)
    task = bound(LockedRefresh)

    assert task("okx", 5) == ("okx", 5)
    with pytest.raises(ExchangeUnavailable):
        task("okx", "fail")

    assert free.asked == [("tasks.test.refresh:okx:5", 30.0), ("tasks.test.refresh:okx:fail", 30.0)]
    assert free.released == 2


def test_a_run_that_finds_the_previous_one_working_does_nothing(locks: Callable[..., Locks]) -> None:
    """It would ask the exchange for the same again; the next tick will do."""
    locks(held=False)

    with capture_logs() as lines:
        answer = bound(LockedRefresh)("okx", "fail")

    assert answer is None
    assert [line["event"] for line in lines] == ["task_skipped"]


def test_a_tick_of_a_second_beat_is_not_run_and_what_others_ask_for_is(locks: Callable[..., Locks]) -> None:
    """One run for each task, argument and period, however many beats were started."""
    free = locks(held=True)
    task, tick = bound(LockedRefresh), {TICK_HEADER: 10.0}

    answers = [
        task.apply(args, headers=headers).result
        for args, headers in ((("okx",), tick), (("okx",), tick), (("bybit",), tick), (("okx",), None))
    ]

    assert answers == [("okx",), None, ("bybit",), ("okx",)]
    assert free.claimed == {
        "tick:tasks.test.refresh:okx": pytest.approx(8.0),
        "tick:tasks.test.refresh:bybit": pytest.approx(8.0),
    }


def test_a_tick_that_waited_does_not_shut_out_the_next(locks: Callable[..., Locks]) -> None:
    """What counts is when beat sent it, which its expiry tells, not when a worker came to it."""
    free = locks(held=True)
    nearly_void = datetime.fromtimestamp(NOW + 3, UTC).isoformat()

    app_task = bound(Refresh)
    app_task.push_request(headers={TICK_HEADER: 10.0}, expires=nearly_void)
    try:
        assert MarketTask._is_first_tick(app_task, ("okx",))
    finally:
        app_task.pop_request()

    assert free.claimed == {"tick:tasks.test.refresh:okx": pytest.approx(1.0)}


def test_a_fetch_that_finds_no_thread_for_its_exchange_goes_back_to_the_queue(
    locks: Callable[..., Locks], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It occupies none while it waits, and is void when it would have been."""
    free = locks(held=True)
    monkeypatch.setattr(free, "settings", SimpleNamespace(fetch_threads=3, exchanges=("okx", "bybit")))
    task, sent = bound(Fetch), []
    monkeypatch.setattr(task, "apply_async", lambda args, **options: sent.append((args, options)))

    with slots_of(3, 2).taken("okx"):
        assert task("okx", "BTC") is None
        assert task("bybit", "BTC") == ("bybit", "BTC")

    assert sent == [(("okx", "BTC"), {"countdown": PAUSE_S, "expires": None})]
    assert task("okx", "BTC") == ("okx", "BTC")
