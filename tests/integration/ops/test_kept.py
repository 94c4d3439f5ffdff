import os
import time
from contextlib import contextmanager

import pytest
from redis import Redis

from cache import Observation, TieredCache, make_tiers
from cache.catalogue import FUNDING
from ops import embedded
from ops.kept import KeptFiles
from ops.ports import free_port
from tests.support.servers import RunningServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

KEY = FUNDING.key(exchange="made")
PREFIX = "tidemark"


@pytest.fixture
def server(tmp_path):
    """The Redis of a start, with the files that outlive it."""
    files = KeptFiles(tmp_path / "redis", PREFIX)
    plan = embedded.plan_redis(
        binary=embedded.find_redis(), host="127.0.0.1", port=free_port(), folder=tmp_path, files=files
    )
    running = RunningServer(plan, embedded.launch(plan), "redis")
    yield running
    running.stop()


@contextmanager
def process_of(url):
    """What a process of the system holds: its cache over this Redis alone."""
    tiers = make_tiers(clock=time.time, redis_url=f"{url}/0", prefix=PREFIX, memory_entries=0)
    made = TieredCache(tiers=tiers, name=None)
    yield made
    made.close()


def raise_alert(cache):
    """Have something begin, and somebody see it; the entry."""
    journal = cache.journal("alerts")
    journal.record([Observation("one", mark=1), Observation("one", "up", {"text": "up"}, mark=2)])
    (entry,) = journal.recent(10)
    journal.acknowledge(entry.id)
    (seen,) = journal.recent(10)
    assert seen.acknowledged_at is not None
    return seen


def journal_file(server):
    """The file to which the server appends now."""
    return max(server.plan.folder.rglob("*.aof"), key=lambda path: path.stat().st_mtime_ns)


def test_alerts_outlive_a_server_that_is_killed_and_a_new_start_keeps_nothing_else(server):
    """Neither values nor messages of the last run are seen by the next; acknowledged is acknowledged."""
    with process_of(server.url) as cache:
        seen = raise_alert(cache)
        cache.put(KEY, {"made": 1})
    with Redis.from_url(f"{server.url}/1") as broker:
        broker.lpush("normal", "a message")

    server.restart()
    ready = server.plan.is_ready()

    with process_of(server.url) as cache, Redis.from_url(f"{server.url}/1") as broker:
        found, value = cache.journal("alerts").recent(10), cache.get(KEY)
        assert (ready, found, value, broker.dbsize()) == (True, [seen], None, 0)
    server.restart()
    with process_of(server.url) as cache:
        assert cache.journal("alerts").recent(10) == [seen]
        # What was known of it before is known still: it does not begin again.
        assert cache.journal("alerts").record([Observation("one", "up", {}, mark=3)]).added == ()


def test_an_expiry_that_the_disk_lost_makes_nothing_fresh_again(server):
    """Neither for a process that knew of it nor for one that starts now: all that came back is stale."""
    with process_of(server.url) as known:
        known.put(KEY, {"made": 1})
        whole = journal_file(server).stat().st_size
        known.expire(KEY)
        eventually(lambda: journal_file(server).stat().st_size > whole, within_s=5)

        server.kill()
        os.truncate(journal_file(server), whole)
        server.restart()

        with process_of(server.url) as new:
            first = new.get(KEY)
            assert first is None or first.state == "stale"
            eventually(lambda: new.get(KEY) is not None, within_s=5)
            for process in (new, known):
                entry = eventually(lambda process=process: process.get(KEY), within_s=5)
                assert (entry.value, entry.state) == ({"made": 1}, "stale")


def test_half_a_command_at_the_end_of_the_file_loses_that_command_alone(server):
    """As a power cut leaves it."""
    with process_of(server.url) as cache:
        seen = raise_alert(cache)
    server.kill()
    with journal_file(server).open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$3\r\nhal")

    server.restart()

    with process_of(server.url) as cache:
        assert cache.journal("alerts").recent(10) == [seen]


def test_a_file_that_cannot_be_read_is_put_aside_with_a_line(system):
    """The system comes up without the old alerts, and nothing of them is deleted."""
    system.start().until_ready()
    with process_of(system.server_address("REDIS_URL").removesuffix("/0")) as cache:
        raise_alert(cache)
    system.stop()
    (file,) = [path for path in (system.var / "redis").rglob("*.aof") if path.stat().st_size]
    file.write_bytes(b"*1\r\n$4\r\nPI" + b"what is this\r\n" * 20)
    system.output.write_text("")

    system.start().until_ready()

    (line,) = [line for line in system.said().splitlines() if "put aside" in line]
    aside = list((system.var / "redis").glob("unreadable-*"))
    assert "redis cannot read what it kept: its alerts begin anew" in line
    assert all(str(path) in line for path in aside)
    assert aside
    with process_of(system.server_address("REDIS_URL").removesuffix("/0")) as cache:
        assert cache.journal("alerts").recent(10) == []


def test_a_restarted_system_has_its_alerts(system):
    """Ctrl-C and `make up` again, on another port."""
    system.start().until_ready()
    with process_of(system.server_address("REDIS_URL").removesuffix("/0")) as cache:
        seen = raise_alert(cache)
        cache.put(KEY, {"made": 1})
    system.stop()

    system.output.write_text("")
    system.start().until_ready()

    with process_of(system.server_address("REDIS_URL").removesuffix("/0")) as cache:
        assert cache.journal("alerts").recent(10) == [seen]
        assert cache.get(KEY) is None


def test_a_server_that_does_not_answer_has_forgotten_nothing(tmp_path):
    """So nobody is let at what it may still hold."""
    assert not KeptFiles(tmp_path, PREFIX).forget_the_rest("127.0.0.1", free_port())
