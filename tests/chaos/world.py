"""Servers, the proxies before them, and the eight processes; and whoever breaks what lies between."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import redis

from tests.chaos.history import Event
from tests.chaos.worker import Post, work
from tests.support import servers
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from tests.chaos.history import Recorder
    from tests.chaos.plan import Fault, Plan

ANSWER_WITHIN_S = 10.0
DISTURBER = -1


class Hung(Exception):
    """A process did not come back from a call; the message has its stacks."""


class Crew:
    """The processes, and the pipes to them."""

    def __init__(self, posts: Sequence[Post], folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._folder = folder
        self._pipes = []
        self._processes = []
        for post in posts:
            ours, theirs = context.Pipe()
            process = context.Process(
                target=work, args=(post, theirs), name=f"chaos-{post.number}", daemon=True
            )
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def all_say(self, word: str, within_s: float) -> None:
        """Return when every process has said this; raises Hung."""
        deadline = time.monotonic() + within_s
        for number in range(len(self._pipes)):
            said = self._hear(number, deadline)
            if said != word:
                raise Hung(f"process {number} said {said!r}, not {word!r}")

    def tell(self, orders: Sequence[object]) -> None:
        """One order for each process."""
        for pipe, order in zip(self._pipes, orders, strict=True):
            pipe.send(order)

    def ask(self, orders: Sequence[object], within_s: float = ANSWER_WITHIN_S) -> list[dict]:
        """One order for each, and what each answers; raises Hung."""
        self.tell(orders)
        deadline = time.monotonic() + within_s
        return [self._hear(number, deadline) for number in range(len(self._pipes))]

    def close(self) -> None:
        """End them, whatever they do."""
        for process in self._processes:
            process.kill()
            process.join()

    def __len__(self) -> int:
        return len(self._pipes)

    def _hear(self, number: int, deadline: float) -> object:
        try:
            if self._pipes[number].poll(max(0.0, deadline - time.monotonic())):
                return self._pipes[number].recv()
        except EOFError:
            raise Hung(f"process {number} died with {self._processes[number].exitcode}") from None
        raise Hung(f"process {number} does not answer:\n{self._stacks(number)}")

    def _stacks(self, number: int) -> str:
        """Where its threads are, as its faulthandler wrote it on being asked."""
        stacks = self._folder / f"stacks-{number}.txt"
        if not stacks.exists():
            return "it has not even begun"
        os.kill(self._processes[number].pid, signal.SIGUSR1)
        self._processes[number].join(0.5)
        return stacks.read_text()


class World:
    """One Redis, one Memcached, a proxy with a door for each process before either, and the crew."""

    def __init__(self, plan: Plan, folder: Path, stack: ExitStack, *, deaf: bool = False) -> None:
        self.redis = stack.enter_context(servers.redis_server())
        self.memcached = stack.enter_context(servers.memcached_server())
        count = len(plan.steps)
        self.proxies = {
            "redis": Proxy(self.redis.host, self.redis.port, doors=count),
            "memcached": Proxy(self.memcached.host, self.memcached.port, doors=count),
        }
        for proxy in self.proxies.values():
            stack.callback(proxy.close)
        posts = [
            Post(
                number=number,
                seed=plan.seed,
                seconds=plan.seconds,
                processes=count,
                redis_port=self.proxies["redis"].ports[number],
                memcached_port=self.proxies["memcached"].ports[number],
                folder=str(folder),
                deaf=deaf,
            )
            for number in range(count)
        ]
        self.crew = Crew(posts, folder)
        stack.callback(self.crew.close)

    def begin(self, fault: Fault) -> None:
        """Break what the fault says."""
        doors = fault.doors or None
        if fault.lane == "messages":
            proxy = self.proxies["redis"]
            {
                "kill_pubsub": self._kill_pubsub,
                "cut_subscriptions": lambda: proxy.cut_subscriptions(doors),
                "silence": lambda: proxy.silence_subscriptions(doors),
            }[fault.what]()
            return
        server, proxy = getattr(self, fault.lane), self.proxies[fault.lane]
        {
            "kill": server.kill,
            "freeze": server.freeze,
            "restart": server.restart,
            "half_open": lambda: proxy.half_open(doors),
            "delay": lambda: proxy.delay(fault.amount, doors),
            "trickle": lambda: proxy.trickle(fault.amount, doors),
            "reset": lambda: proxy.reset(doors),
            "refuse": lambda: proxy.refuse(doors),
            "cut": lambda: proxy.cut(doors),
        }[fault.what]()

    def end(self, fault: Fault) -> None:
        """Mend it."""
        if fault.lane == "messages":
            if fault.what == "silence":
                self.proxies["redis"].hear_subscriptions(fault.doors or None)
            return
        server = getattr(self, fault.lane)
        if fault.what == "kill":
            server.restart()
        elif fault.what == "freeze":
            server.thaw()
        elif fault.what not in {"restart", "cut"}:
            self.proxies[fault.lane].heal(fault.doors or None)

    def _kill_pubsub(self) -> None:
        client = redis.Redis(host=self.redis.host, port=self.redis.port, socket_timeout=0.2, retry=None)
        with client, suppress(redis.RedisError):
            client.client_kill_filter(_type="pubsub")


class Disturber:
    """Follows the plan of faults, each lane on a thread of its own."""

    def __init__(self, world: World, plan: Plan, record: Recorder) -> None:
        self._world = world
        self._record = record
        self._errors: list[BaseException] = []
        lanes: dict[str, list[Fault]] = {}
        for fault in plan.faults:
            lanes.setdefault(fault.lane, []).append(fault)
        self._lanes = list(lanes.values())

    def run(self, start_at: float) -> None:
        """Return when the last fault has been mended; raises what went wrong on the way."""
        threads = [threading.Thread(target=self._follow, args=(lane, start_at)) for lane in self._lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _follow(self, lane: Sequence[Fault], start_at: float) -> None:
        try:
            for fault in lane:
                _sleep_until(start_at + fault.at)
                began = time.monotonic()
                self._world.begin(fault)
                _sleep_until(start_at + fault.at + fault.lasts)
                self._world.end(fault)
                self._record(
                    Event(
                        process=DISTURBER,
                        what="fault",
                        call=str(fault),
                        invoked=began,
                        returned=time.monotonic(),
                    )
                )
        except Exception as error:  # noqa: BLE001 (told of by `run`, on the caller's thread)
            self._errors.append(error)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
