"""Processes that ask the simulated exchange at full speed, with its strict limit, over one Redis."""

from __future__ import annotations

import time

import pytest

from market.limiter import USED_SHARE
from tests.support.askers import fleet
from tests.support.servers import redis_server
from tests.support.simulator import running_simulator
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

# As Bybit's in proportion; the rest of 2 % has room for one call of each of the six threads.
REQUESTS, WINDOW_S = 300, 2.5
PROCESSES, THREADS = 3, 2
OUR_RATE = USED_SHARE * REQUESTS / WINDOW_S


@pytest.fixture(scope="module")
def simulator():
    """An exchange that bans whoever exceeds its limit."""
    with running_simulator(symbols=2) as running:
        yield running


@pytest.fixture(scope="module")
def redis():
    """A Redis that comes back on its port."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def askers(simulator, redis):
    """Three processes."""
    with fleet(
        PROCESSES,
        redis_url=f"{redis.url}/0",
        exchange_url=simulator.url,
        requests=REQUESTS,
        window_s=WINDOW_S,
    ) as running:
        for number in range(PROCESSES):  # they have started, and each has seen the others
            eventually(lambda number=number: running.tell(number, "ask") == "through", within_s=60)
        yield running


@pytest.fixture
def exchange(simulator):
    """Its limit in force, with nobody banned and nothing counted."""
    simulator.limit(requests=REQUESTS, window_s=WINDOW_S, ban_s=600, mode="403")
    simulator.reset_requests()
    return simulator


def begin_all(askers, **how: object):
    """Have all of them ask without a pause."""
    for number in range(PROCESSES):
        askers.begin(number, "run", threads=THREADS, **how)


def end_all(askers):
    """What came of it."""
    return [askers.end(number) for number in range(PROCESSES)]


def everything(answers):
    """The times of all calls of all processes."""
    return sorted(at for answer in answers for at in answer["sent"])


def rate_of(sent):
    """Calls a second."""
    return len(sent) / (sent[-1] - sent[0])


@pytest.fixture
def possible(askers, simulator):
    """The rate at which calls may flow, or what leaves a slow machine half of its time for the limiter."""
    simulator.limit(requests=0)
    begin_all(askers, for_s=0.5, freely=True)
    return min(OUR_RATE, rate_of(everything(end_all(askers))) / 2)


def test_the_limit_is_used_and_never_exceeded(possible, askers, exchange):
    """Six threads of three processes without a pause: no refusal, and 95 % of what may flow does."""
    rates = []
    for _ in range(3):  # a machine that is busy for a moment says nothing about the limiter
        begin_all(askers, for_s=3.0)
        answers = end_all(askers)
        sent = everything(answers)
        assert [answer["wrong"] for answer in answers] == [[], [], []]
        assert all(len(answer["sent"]) > len(sent) / PROCESSES / 2 for answer in answers)
        rates.append(rate_of(sent))
        if rates[-1] >= 0.95 * possible:
            break

    assert max(rates) >= 0.95 * possible
    assert exchange.requests()["limited"] == 0


@pytest.mark.parametrize(("lose", "recover"), [("kill", "restart"), ("freeze", "thaw")])
def test_an_outage_of_redis_exceeds_nothing_and_stops_nobody(askers, exchange, redis, lose, recover):
    """Before, during and after it: no refusal; alone, each process keeps to its third."""
    begin_all(askers, for_s=4.2)
    time.sleep(0.6)  # the moment of the outage is the test's to choose
    getattr(redis, lose)()
    lost_at = time.time()
    time.sleep(2.0)
    back_at = time.time()
    getattr(redis, recover)()

    answers = end_all(askers)

    assert [answer["wrong"] for answer in answers] == [[], [], []]
    assert exchange.requests()["limited"] == 0
    share = OUR_RATE / PROCESSES * (back_at - lost_at - 1.0)
    for answer in answers:
        alone = [at for at in answer["sent"] if lost_at + 0.3 < at < back_at]
        assert share / 2 < len(alone) <= share + 10
        assert [at for at in answer["sent"] if at > back_at + 1]
        assert answer["slowest_s"] < 3


def test_a_ban_in_one_process_closes_all_within_one_acquire(askers, exchange):  # noqa: ARG001 - nobody banned
    """Each next acquire of anybody is refused with its reason; another exchange is not concerned."""
    askers.tell(0, "close", for_s=0.5, word="banned", reason="HTTP 403")
    told = [askers.tell(number, "ask") for number in range(PROCESSES)]
    others = [askers.tell(number, "ask", name="other") for number in range(PROCESSES)]

    assert told == ["banned: HTTP 403"] * PROCESSES
    assert others == ["through"] * PROCESSES
    assert askers.tell(1, "ask", patience_s=5.0) == "through"
