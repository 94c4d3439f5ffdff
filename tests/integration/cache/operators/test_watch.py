from __future__ import annotations

import io
import json
from threading import Event, Thread

import pytest

from cache.operators import watching
from cache.operators.desk import FOUND
from cache.operators.looking import Looker, NoRedis
from cache.operators.paper import Paper
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


class Watching:
    """A watch on a thread of its own."""

    def __init__(self, operator, kinds=(), *, as_json=False) -> None:
        self.out, self.complaints, self._stop, self.code = io.StringIO(), [], Event(), None
        self._looker = Looker(operator.tiers())
        desk = operator.desk(self._looker, Paper(self.out, as_json=as_json), self.complaints.append)
        self._watch = watching.Watch(desk, kinds)
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self):
        self.code = self._watch.run(self._stop.is_set)

    @property
    def lines(self):
        """What it wrote so far."""
        return self.out.getvalue().splitlines()

    def complained(self, words):
        """Wait until it said this."""
        eventually(lambda: any(words in one for one in self.complaints), within_s=10)

    def stop(self):
        """End it."""
        self._stop.set()
        self._thread.join(10)
        self._looker.close()


@pytest.fixture
def watch(operator):
    """Starts a watch and waits until it hears."""
    started: list[Watching] = []

    def start(kinds=(), *, as_json=False):
        started.append(Watching(operator, kinds, as_json=as_json))
        started[-1].complained("Ctrl-C ends it")
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_every_change_is_one_line_with_its_time_reason_and_first_keys(watch, cache, stored):
    """What another process writes and invalidates is seen as it happens."""
    seen = watch()
    cache.put(stored[0], 2)
    cache.expire(stored[1])
    eventually(lambda: len(seen.lines) >= 2, within_s=10)

    put, expired = (line.split(maxsplit=1)[1] for line in seen.lines)

    assert put.split() == ["put", "source", "1", stored[0].text]
    assert expired == f"expire  middle 1, next 1, last 1  {', '.join(key.text for key in stored[1:])}"


def test_only_the_kinds_asked_for_are_watched(watch, cache, chain, stored):
    """Changes of other kinds are left out, and so are their keys."""
    seen = watch(chain[3:])
    cache.put(stored[0], 2)
    cache.expire(stored[0])
    eventually(lambda: seen.lines, within_s=10)

    assert [line.split()[1:] for line in seen.lines] == [["expire", "last", "1", stored[3].text]]


def test_in_json_every_change_is_a_document_on_a_line(watch, cache, stored):
    """A program reads line by line, with all keys."""
    seen = watch(as_json=True)
    cache.remove(stored[0])
    eventually(lambda: seen.lines, within_s=10)

    told = json.loads(seen.lines[0])

    assert (told["reason"], told["keys"]) == ("remove", [key.text for key in stored])
    assert told["at"] > 0
    assert told["version"] > 0


def test_a_watch_that_is_told_to_stop_ends_well(watch):
    """The exit code is 0, and its threads are gone."""
    seen = watch()

    seen.stop()

    assert seen.code == FOUND


def test_an_outage_is_told_of_and_watching_goes_on(breakable_operator, make_breakable, chain):
    """Redis dies and comes back: two lines say so, and the next change is seen."""
    seen = Watching(breakable_operator)
    try:
        seen.complained("Ctrl-C ends it")
        make_breakable.redis.kill()
        seen.complained("nothing is heard")
        make_breakable.redis.restart()
        seen.complained("heard again")
        make_breakable.proved().put(chain[0].key(name="x"), 1)

        eventually(lambda: any("source|x" in line for line in seen.lines), within_s=10)
    finally:
        seen.stop()


def test_a_watch_that_begins_without_redis_ends_at_once(breakable_operator, make_breakable, monkeypatch):
    """Rather an error than an empty screen."""
    monkeypatch.setattr(watching, "READY_WITHIN_S", 0.2)
    make_breakable.redis.kill()
    looker = Looker(breakable_operator.tiers())
    desk = breakable_operator.desk(looker, Paper(io.StringIO()), print)

    with pytest.raises(NoRedis, match="does not answer"):
        watching.Watch(desk, ()).run(lambda: False)
    looker.close()
