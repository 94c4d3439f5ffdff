"""Celery's configuration: broker, queues, limits, and the beat schedule made from one table."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from kombu.entity import Exchange, Queue

import settings as environment
from addresses import parse_redis

settings = environment.load()

# --- broker -------------------------------------------------------------------------------------
_broker = parse_redis(settings.broker_location() or "redis://127.0.0.1:6379/1")
broker_url = _broker.for_celery()
if os.environ.get("CELERY_BROKER_URL") == os.environ.get("BROKER_URL", ""):
    # Celery's command line takes BROKER_URL for its own and before this file, in whatever spelling.
    os.environ["CELERY_BROKER_URL"] = broker_url
broker_use_ssl = _broker.celery_tls() or None  # with Sentinels; else the address says it
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # a broker may stay away for long: keep asking
broker_pool_acquire_timeout = 5.0  # without it a publisher hangs on a dead broker
# Without these a silent TCP peer parks the worker for good, and without a log line.
_BOUNDS = {"socket_timeout": 5.0, "socket_connect_timeout": 2.0, "socket_keepalive": True}
broker_transport_options = {
    **_BOUNDS,
    "health_check_interval": 5,
    "queue_order_strategy": "priority",  # in the order in which a worker names its queues
    "visibility_timeout": 3600,
    **_broker.celery_transport(**_BOUNDS),
}

# --- messages -----------------------------------------------------------------------------------
task_serializer = "json"
accept_content = ["json"]
task_ignore_result = True  # results live in the cache
task_store_errors_even_if_ignored = False
enable_utc = True

# --- workers ------------------------------------------------------------------------------------
worker_prefetch_multiplier = 1
task_acks_late = False  # everything here is a refresher: the next tick repairs a lost run
task_time_limit = 60  # prefork only; the fetcher's threads end by the client's own time-outs
task_soft_time_limit = 45
worker_send_task_events = True  # Flower
worker_hijack_root_logger = False
worker_cancel_long_running_tasks_on_connection_loss = False
worker_proc_alive_timeout = 10.0
worker_consumer = "tasks.consumer:SteadyConsumer"  # outlives a broker that goes
imports = (
    "tasks.fetch",
    "tasks.fetch_symbols",
    "tasks.derive",
    "tasks.beta",
    "tasks.alerts",
    "tasks.publish",
    "tasks.refresh",
)

# --- queues: priorities are queues of their own, taken strictly in this order ----------------------
SCORER_QUEUES = ("critical", "high", "normal", "low")
FETCHER_QUEUES = ("fetch.fast", "fetch.slow")
# An exchange and a routing key of its own each: with the defaults every queue would get every message.
task_queues = [Queue(name, Exchange(name), routing_key=name) for name in (*SCORER_QUEUES, *FETCHER_QUEUES)]
task_default_queue = "normal"
task_create_missing_queues = False
task_routes = {
    "tasks.publish.dashboard": {"queue": "critical"},
    "tasks.derive.symbols": {"queue": "normal"},  # or high: tasks/announce.py
    "tasks.derive.sweep": {"queue": "normal"},
    "tasks.derive.beta": {"queue": "normal"},
    "tasks.alerts.evaluate": {"queue": "normal"},
    "tasks.refresh.ahead": {"queue": "normal"},
    # One call for all symbols goes before the batches, so that a backfill does not hold up the prices.
    "tasks.fetch.universe": {"queue": "fetch.fast"},
    "tasks.fetch.tickers": {"queue": "fetch.fast"},
    "tasks.fetch.funding": {"queue": "fetch.fast"},
    "tasks.fetch.plan": {"queue": "fetch.fast"},
    "tasks.fetch.candles": {"queue": "fetch.slow"},
    "tasks.fetch.order_books": {"queue": "fetch.slow"},
    "tasks.fetch.trades": {"queue": "fetch.slow"},
    "tasks.fetch.open_interest": {"queue": "fetch.slow"},
    "tasks.fetch.long_short": {"queue": "fetch.slow"},
}


# --- beat ---------------------------------------------------------------------------------------
TICK_HEADER = "tick_s"  # tasks/base.py reads it


class Periodic(NamedTuple):
    """One line of the schedule; a task `per_exchange` gets an entry for each exchange."""

    task: str
    period_s: float
    per_exchange: bool = True


# Often enough to meet every entry twice in the last fifth of its life.
PERIOD_REFRESH = max(1.0, min(settings.lifetimes().values()) / 10)

SCHEDULE = (
    Periodic("tasks.fetch.universe", settings.period_universe),
    Periodic("tasks.fetch.tickers", settings.period_tickers),
    Periodic("tasks.fetch.funding", settings.period_funding),
    Periodic("tasks.fetch.plan", settings.period_candles),
    Periodic("tasks.derive.sweep", settings.period_scores),
    Periodic("tasks.derive.beta", settings.period_beta),
    Periodic("tasks.alerts.evaluate", settings.period_alerts, per_exchange=False),
    Periodic("tasks.publish.dashboard", settings.period_dashboard, per_exchange=False),
    Periodic("tasks.refresh.ahead", PERIOD_REFRESH, per_exchange=False),
)


def _entries(line: Periodic) -> dict[str, dict[str, Any]]:
    """Beat's entries for one line: each expires after one period, so that no backlog can build up.

    Each says its period, so that a second beat, started by mistake, adds nothing.
    """
    options = {"expires": line.period_s, "headers": {TICK_HEADER: line.period_s}}
    common = {"task": line.task, "schedule": line.period_s, "options": options}
    if not line.per_exchange:
        return {line.task: common}
    return {f"{line.task} {exchange}": {**common, "args": (exchange,)} for exchange in settings.exchanges}


beat_schedule = {name: entry for line in SCHEDULE for name, entry in _entries(line).items()}
beat_scheduler = "tasks.beat:SteadyScheduler"  # tells in a line of what it cannot send
beat_max_loop_interval = 1.0
beat_schedule_filename = str(settings.var_dir / "beat-schedule")
