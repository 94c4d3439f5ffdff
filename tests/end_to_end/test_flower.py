"""What an operator sees in Flower: only with the login, and what the tasks really do."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.system import System, running_system
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]

PAGES = ("/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks")
SEEN_WITHIN_S = 30.0
TICKERS = "tasks.fetch.tickers"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One small system for all claims here."""
    environment = {"FLOWER_USER": "keeper", "PERIOD_TICKERS": "1", "PERIOD_ORDER_BOOKS": "3"}
    with running_system(tmp_path_factory.mktemp("flower"), SIMULATOR_SYMBOLS="3", **environment) as running:
        yield running


@pytest.fixture(scope="module")
def password(system: System) -> str:
    """The password as the start has printed it."""
    found = eventually(lambda: re.search(r"login +keeper, password (\S+)", system.output()), within_s=10)
    return str(found[1])


def test_flower_asks_for_the_login(system: System, password: str) -> None:
    """Nothing without it nor with another one, everything with the one that the start printed."""
    wrong = {"none": {}, "other": _login("keeper", f"{password}x"), "user": _login("tidemark", password)}
    eventually(lambda: system.flower("/healthcheck").status == 200, within_s=SEEN_WITHIN_S)

    refused = {(page, who): system.flower(page, headers=wrong[who]).status for page in PAGES for who in wrong}
    shown = {page: system.flower(page, headers=_login("keeper", password)).status for page in PAGES}

    assert set(refused.values()) == {401}, refused
    assert set(shown.values()) == {200}, shown


@pytest.mark.parametrize("task", [TICKERS, "tasks.fetch.plan", "tasks.derive.symbols"])
def test_the_metrics_count_the_tasks_of_the_running_system(system: System, task: str) -> None:
    """Both workers tell what they finish."""
    before = _events(system, "task-succeeded", task)

    eventually(lambda: _events(system, "task-succeeded", task) > before, within_s=SEEN_WITHIN_S, every_s=0.2)


def test_a_task_that_the_exchange_lets_down_is_counted_as_failed(system: System) -> None:
    """The fault at the exchange reaches the operator's counter, and so does its end."""
    assert _events(system, "task-failed", TICKERS) == 0

    system.fault(path="/v5/market/tickers", kind="500", probability=1.0)
    failed = eventually(lambda: _events(system, "task-failed", TICKERS), within_s=SEEN_WITHIN_S, every_s=0.2)
    system.heal()
    done = _events(system, "task-succeeded", TICKERS)
    eventually(lambda: _events(system, "task-succeeded", TICKERS) > done, SEEN_WITHIN_S, every_s=0.2)

    assert failed >= 1


def _login(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def _events(system: System, kind: str, task: str) -> float:
    """How many events of this kind Flower has counted for the task, over all workers."""
    counted = 0.0
    for line in system.flower("/metrics").body.decode().splitlines():
        if not line.startswith("flower_events_total{"):
            continue
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
        if (labels["type"], labels["task"]) == (kind, task):
            counted += float(line.rsplit(" ", 1)[1])
    return counted
