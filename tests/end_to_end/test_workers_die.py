"""Workers that die in the middle of every kind of task, a broker that is restarted, a second beat."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from cache.catalogue import ALERTS, CATALOGUE
from celeryconfig import FETCHER_QUEUES, SCORER_QUEUES, imports
from tests.support.crew import KINDS, PERIOD_S, SCORED, SYMBOLS, Crew, as_threads, at_once, each
from tests.support.servers import redis_server
from tests.support.simulator import running_simulator
from tests.support.waiting import eventually

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def crew(tmp_path_factory):
    """Two workers, beat, two Redis servers and the exchange, all of them well."""
    with ExitStack() as stack:
        broker, shared = (stack.enter_context(redis_server()) for _ in range(2))
        simulator = stack.enter_context(running_simulator(symbols=SYMBOLS))
        made = Crew(tmp_path_factory.mktemp("crew"), broker, shared, simulator, stack)
        stack.callback(made.close)
        made.start("fetcher", "scorer", "beat")
        made.recovers(within_s=120.0)
        yield made


def test_every_kind_of_task_is_there():
    """Whatever a worker can run dies below."""
    from tasks import app

    for module in imports:
        __import__(module)
    assert sorted(name for name in app.tasks if name.startswith("tasks.")) == KINDS


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_a_process_that_dies_in_the_middle_of_any_task_stops_nothing(crew, how):
    """Of the scorer, each process by itself; of the fetcher, whose threads are all in the middle, the whole.

    SIGTERM lets what it meets in the fetcher come to its end. It is started again by whoever keeps it.
    """
    crew.carries_out({**each(SCORED, how), **as_threads(how)})
    crew.start_again("fetcher")

    crew.recovers()


def test_a_scorer_that_runs_out_of_memory_in_the_middle_of_any_task_stops_nothing(crew):
    """One task of each kind, in the same moment: Celery ends the whole worker then."""
    crew.carries_out(at_once(SCORED, "memory"))
    crew.start_again("scorer")

    crew.recovers()


def test_a_broker_that_is_restarted_and_forgets_everything_stops_nothing_and_ends_nobody(crew):
    """All waiting messages are gone; the next ticks repair it, of the same processes."""
    crew.ended.clear()
    crew.broker_server.restart()

    crew.recovers()

    assert crew.ended == []


def test_a_second_beat_adds_no_request(crew):
    """The exchange counts as many tickers as with one."""
    crew.start("second beat")
    crew.recovers()
    crew.simulator.reset_requests()
    began = time.time()
    for _ in range(3):
        crew.recovers()
    took_s = time.time() - began

    asked = crew.simulator.requests()["paths"]["/v5/market/tickers"]["requests"]
    # The universe and the funding rates come from there as well, each once in a period.
    assert asked <= 3 * (took_s / PERIOD_S + 2)
    crew.stop("second beat")


def test_when_beat_stops_the_queues_drain_and_no_lock_is_left(crew):
    """Nothing that was killed holds anything."""
    crew.stop("beat")

    queues = (*FETCHER_QUEUES, *SCORER_QUEUES)
    eventually(lambda: not any(crew.broker.llen(queue) for queue in queues), within_s=20)
    eventually(lambda: not list(crew.shared.scan_iter("*:lease:lock:*")), within_s=10)
    assert crew.simulator.requests()["limited"] == 0


def test_no_alert_was_raised_twice(crew):
    """However often those who raise them died."""
    entry = crew.cache.get(ALERTS.key(scope="recent"))
    raised = [(one["kind"], one["exchange"], one["symbol"]) for one in entry.value["alerts"]]

    assert len(raised) == len(set(raised))
    assert CATALOGUE.lifetime(ALERTS) > 0
