"""Claims about Celery's configuration: what it promises the workers, beat and the broker."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

import settings
from ops.procfile import parse
from tasks import app
from tasks.base import TICK_HEADER, MarketTask

ROOT = Path(__file__).parents[2]
EXCHANGES = ("bybit", "okx")
# Every batch holds other symbols, each claimed by who planned it, and repeating a derivation changes nothing.
BATCHES = ("candles", "order_books", "trades", "open_interest", "long_short")
MAY_OVERLAP = {"tasks.derive.symbols", *(f"tasks.fetch.{batch}" for batch in BATCHES)}


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The module as a process with two exchanges and nothing else in its environment loads it."""
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("EXCHANGES", ",".join(EXCHANGES))
    return runpy.run_path(str(ROOT / "celeryconfig.py"))


@pytest.fixture
def registered() -> dict[str, Any]:
    """Our tasks by name, from the modules that a worker imports."""
    app.loader.import_default_modules()
    return {name: task for name, task in app.tasks.items() if name.startswith("tasks.")}


def test_every_entry_of_beat_expires_after_its_own_period(config: dict[str, Any]) -> None:
    """A worker that was away finds one run of each to do, not a backlog."""
    entries = config["beat_schedule"]

    assert entries
    for name, entry in entries.items():
        assert entry["options"]["expires"] == entry["schedule"] > 0, name


def test_every_entry_of_beat_says_its_period(config: dict[str, Any]) -> None:
    """Under the name that the tasks look for: by it the ticks of a second beat are known."""
    for name, entry in config["beat_schedule"].items():
        assert entry["options"]["headers"] == {TICK_HEADER: entry["schedule"]}, name


def test_every_entry_of_beat_is_a_task_that_exists_in_a_queue_that_is_declared(
    config: dict[str, Any], registered: dict[str, Any]
) -> None:
    """Beat sends by name: a misspelled one would be an error in a worker, every few seconds."""
    declared = {queue.name for queue in config["task_queues"]}

    for name, entry in config["beat_schedule"].items():
        assert entry["task"] in registered, name
        assert config["task_routes"][entry["task"]]["queue"] in declared, name


def test_every_exchange_is_scheduled_for_itself(config: dict[str, Any]) -> None:
    """One exchange that hangs holds up nobody else's tasks; only what looks at all of them is for all."""
    lines = {line.task: line.per_exchange for line in config["SCHEDULE"]}

    for task, per_exchange in lines.items():
        scheduled = [
            entry.get("args", ()) for entry in config["beat_schedule"].values() if entry["task"] == task
        ]
        assert scheduled == ([(exchange,) for exchange in EXCHANGES] if per_exchange else [()])
    assert [task for task, per_exchange in lines.items() if not per_exchange] == [
        "tasks.alerts.evaluate",
        "tasks.publish.dashboard",
        "tasks.refresh.ahead",
    ]


def test_routes_and_tasks_are_the_same_set(config: dict[str, Any], registered: dict[str, Any]) -> None:
    """A task without a route would land in the default queue, behind others or before them."""
    declared = {queue.name for queue in config["task_queues"]}

    assert set(config["task_routes"]) == set(registered)
    assert {route["queue"] for route in config["task_routes"].values()} <= declared


def test_two_runs_of_a_periodic_task_keep_out_of_each_others_way(
    config: dict[str, Any], registered: dict[str, Any]
) -> None:
    """Each periodic task holds a run lock; what may run beside itself is listed above, with the reason."""
    periodic = {entry["task"] for entry in config["beat_schedule"].values()}

    for name, task in registered.items():
        assert isinstance(task, MarketTask), name
        assert (task.run_lock_s is None) == (name in MAY_OVERLAP), name
    assert not periodic & MAY_OVERLAP


def test_no_run_lock_lasts_longer_than_a_run_may(config: dict[str, Any], registered: dict[str, Any]) -> None:
    """Its holder may have died: longer than the hard limit it would keep out others for nobody."""
    held = [task.run_lock_s for task in registered.values() if task.run_lock_s is not None]

    assert max(held) <= config["task_time_limit"]
    assert config["task_soft_time_limit"] < config["task_time_limit"]


def test_no_wait_for_the_broker_is_endless(config: dict[str, Any]) -> None:
    """Connecting, answering, a silent peer and a connection from the pool each have their time."""
    options = config["broker_transport_options"]

    assert 0 < options["socket_connect_timeout"] <= options["socket_timeout"] <= 10
    assert options["socket_keepalive"] is True
    assert 0 < options["health_check_interval"] <= 10
    assert 0 < config["broker_pool_acquire_timeout"] <= 10


def test_asking_the_sentinels_for_the_broker_is_not_endless_either(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have their own time, login and certificates, beside the master's name."""
    monkeypatch.setenv("REDIS_SENTINELS", "s:1,t:2")
    monkeypatch.setenv("REDIS_SENTINEL_PASSWORD", "word")

    watched = runpy.run_path(str(ROOT / "celeryconfig.py"))
    options, bounds = watched["broker_transport_options"], config["broker_transport_options"]

    assert watched["broker_url"] == "sentinel://s:1/1;sentinel://t:2/1"
    assert options["master_name"] == "mymaster"
    assert options["sentinel_kwargs"].pop("password") == "word"
    assert options["sentinel_kwargs"].items() <= bounds.items()
    assert {"socket_timeout", "socket_connect_timeout"} <= set(options["sentinel_kwargs"])
    assert bounds.items() <= options.items()


def test_the_command_line_does_not_take_the_brokers_address_in_our_spelling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Celery puts BROKER_URL before this file; an address that is meant for Celery alone stays."""
    ours = "redis+sentinel://s:1/m/1"
    monkeypatch.setenv("BROKER_URL", ours)

    for given, wanted in ((ours, "sentinel://s:1/1"), ("redis://own/1", "redis://own/1")):
        monkeypatch.setenv("CELERY_BROKER_URL", given)
        runpy.run_path(str(ROOT / "celeryconfig.py"))
        assert os.environ["CELERY_BROKER_URL"] == wanted


def test_a_broker_may_stay_away_for_any_time(config: dict[str, Any]) -> None:
    """Celery's default gives up after 100 attempts, and a worker that gave up needs a person."""
    assert config["broker_connection_max_retries"] is None
    assert config["broker_connection_retry_on_startup"] is True


def test_messages_are_json_and_nothing_else(config: dict[str, Any]) -> None:
    """A pickle from the broker would be a program that somebody else wrote."""
    assert config["task_serializer"] == "json"
    assert config["accept_content"] == ["json"]


def test_a_worker_takes_one_message_at_a_time_in_the_order_of_its_queues(config: dict[str, Any]) -> None:
    """What it had fetched ahead could not be overtaken by something more urgent."""
    assert config["worker_prefetch_multiplier"] == 1
    assert config["broker_transport_options"]["queue_order_strategy"] == "priority"


def test_no_results_are_kept(config: dict[str, Any], registered: dict[str, Any]) -> None:
    """Values live in the cache; results would fill the broker and be read by nobody."""
    assert config["task_ignore_result"] is True
    assert config["task_store_errors_even_if_ignored"] is False
    assert "result_backend" not in config
    assert all(task.ignore_result for task in registered.values())


def test_each_queue_has_an_exchange_and_a_routing_key_of_its_own(config: dict[str, Any]) -> None:
    """With shared ones every queue would get every message, and each task would run six times."""
    queues = config["task_queues"]

    for parts in (
        {queue.name for queue in queues},
        {queue.exchange.name for queue in queues},
        {queue.routing_key for queue in queues},
    ):
        assert len(parts) == len(queues)
    assert config["task_default_queue"] in {queue.name for queue in queues}
    assert config["task_create_missing_queues"] is False


def test_the_procfile_serves_exactly_the_declared_queues_in_their_order(config: dict[str, Any]) -> None:
    """A queue that no worker names is never emptied; the first one named goes first."""
    variables = {name.upper(): "1" for name in settings.Settings.model_fields} | {"LOOPBACK_ADDRESS": "1"}
    entries = parse((ROOT / "Procfile").read_text(), variables)

    served = {
        entry.name: tuple(entry.argv[entry.argv.index("-Q") + 1].split(","))
        for entry in entries
        if "worker" in entry.argv
    }

    assert served == {"scorer": config["SCORER_QUEUES"], "fetcher": config["FETCHER_QUEUES"]}
    named = [name for queues in served.values() for name in queues]
    assert sorted(named) == sorted(queue.name for queue in config["task_queues"])
