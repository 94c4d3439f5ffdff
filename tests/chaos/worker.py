"""One of the eight processes: makes the calls of its plan and writes down what came of them."""

from __future__ import annotations

import faulthandler
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from cache import TieredCache, make_tiers
from cache.coherence import Listener
from tests.chaos.caller import Caller
from tests.chaos.history import Recorder, instant
from tests.chaos.plan import CHAIN, KEYS, plan

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# Two processes whose memory holds next to nothing: they read Memcached and Redis all the time.
ENTRIES = {0: 0, 1: 6}


@dataclass(frozen=True, slots=True)
class Post:
    """What a process is told at its start."""

    number: int
    seed: int
    seconds: float
    processes: int
    redis_port: int
    memcached_port: int
    folder: str
    deaf: bool = False


def open_cache(redis_port: int, memcached_port: int | None, *, entries: int = 20_000):
    """A cache of the chaos kinds on these ports; without Memcached it is one that asks Redis each time."""
    return TieredCache(
        tiers=make_tiers(
            clock=time.time,
            redis_url=f"redis://127.0.0.1:{redis_port}/0",
            memcached_servers=() if memcached_port is None else (f"127.0.0.1:{memcached_port}",),
            prefix="chaos",
            memory_entries=entries,
        ),
        catalogue=CHAIN,
        usable_for=600,
    )


def work(post: Post, pipe: Connection) -> None:
    """The life of one process: get ready, follow the plan, then do as told until told to stop."""
    folder = Path(post.folder)
    stacks = (folder / f"stacks-{post.number}.txt").open("w")
    faulthandler.register(signal.SIGUSR1, stacks)
    record = Recorder(folder / f"history-{post.number}.jsonl")
    structlog.configure(processors=[_logs_into(record, post.number)])
    if post.deaf:
        Listener._change = lambda *_: None
    cache = open_cache(post.redis_port, post.memcached_port, entries=ENTRIES.get(post.number, 20_000))
    caller = Caller(post.number, cache, record)
    steps = plan(post.seed, post.seconds, processes=post.processes).steps[post.number]
    cache._engine.wait_for_proof(3.0)
    pipe.send("ready")
    start_at = pipe.recv()
    for step in steps:
        left_s = start_at + step.at - time.monotonic()
        if left_s > 0:
            time.sleep(left_s)
        caller.step(step)
    record.flush()
    pipe.send("done")
    while (order := pipe.recv()) != "stop":
        if order == "look":
            pipe.send(caller.look())
        else:
            caller.puts("put", tuple(key for key in KEYS if key.text in order), 0)
            pipe.send(caller.look())
        record.flush()
    cache.close()
    pipe.send("closed")


def _logs_into(record: Recorder, number: int):
    def processor(_logger, _method, event):
        record(instant(number, "log", call=str(event.pop("event")), error=str(event) if event else ""))
        raise structlog.DropEvent

    return processor
