"""Processes that ask one exchange through the shared limiter, each at the word of the test.

`python -m tests.support.askers PROCESSES REDIS_URL EXCHANGE_URL REQUESTS WINDOW_S` reads one command a
line, as JSON with the process's number, and answers each with one line.
"""

from __future__ import annotations

import http.client
import json
import logging
import multiprocessing
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE
from urllib.parse import urlsplit

import structlog

import cache.tiers.redis
from cache import TieredCache, make_tiers
from market.errors import MarketError
from market.limiter import HARD_SHARE, USED_SHARE, Rate, Window
from tasks.gate import shared_limiter

ROOT = Path(__file__).parents[2]


class Asker:
    """One process's cache and limiters, by the name of the exchange."""

    def __init__(self, redis_url, exchange_url, requests, window_s) -> None:
        self._address = urlsplit(exchange_url).netloc
        self._cache = TieredCache(
            tiers=make_tiers(clock=time.time, redis_url=redis_url, prefix="askers"), name=None
        )
        window = Window(int(HARD_SHARE * requests), window_s, "the test's")
        rate = Rate(USED_SHARE * requests / window_s, 5.0, window)
        self._limiters = {
            name: shared_limiter(name, rate, cache=self._cache, clock=time.time) for name in ("one", "other")
        }

    def run(self, *, for_s, threads, freely=False):
        """Ask without a pause with so many threads; the times of all calls, and what went wrong.

        `freely` is without the limiter, to see what the machine can do.
        """
        end = time.time() + for_s
        sent, wrong, slowest = [], [], [0.0]

        def work():
            limiter, connection = self._limiters["one"], http.client.HTTPConnection(self._address, timeout=10)
            while (began := time.time()) < end:
                try:
                    if not freely:
                        limiter.acquire(patience_s=20)
                except MarketError as error:
                    wrong.append(str(error))
                    return
                now = time.time()
                slowest[0] = max(slowest[0], now - began)
                sent.append(now)
                connection.request("GET", "/v5/market/time")
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    wrong.append(f"HTTP {answer.status}")
                    return
                if not freely:
                    limiter.succeeded()
            connection.close()

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return {"sent": sorted(sent), "wrong": wrong, "slowest_s": slowest[0]}

    def close(self, *, for_s, word, reason):
        """Close the bucket for everybody."""
        self._limiters["one"].close_until(time.time() + for_s, word=word, reason=reason)
        return "closed"

    def ask(self, *, name="one", patience_s=0.0):
        """One acquire; "through", or what it was told."""
        try:
            self._limiters[name].acquire(patience_s=patience_s)
        except MarketError as error:
            return f"{error.word}: {error.reason}"
        return "through"

    def serve(self, commands):
        """Do what comes through the pipe until nothing does."""
        while command := commands.recv():
            commands.send(getattr(self, command.pop("do"))(**command))
        self._cache.close()


class Fleet:
    """Several such processes, by number."""

    def __init__(self, parent) -> None:
        self._parent = parent
        self._told = {}

    def begin(self, number, do, **arguments: object):
        """Tell one of them what to do."""
        self._parent.stdin.write(json.dumps({"number": number, "do": do, **arguments}) + "\n")
        self._parent.stdin.flush()

    def end(self, number):
        """Its answer, when it has done."""
        while number not in self._told:
            who, answer = json.loads(self._parent.stdout.readline())
            self._told[who] = answer
        return self._told.pop(number)

    def tell(self, number, do, **arguments: object):
        """Both."""
        self.begin(number, do, **arguments)
        return self.end(number)


@contextmanager
def fleet(size, *, redis_url, exchange_url, requests, window_s):
    """Run so many; they end with the block."""
    command = [
        sys.executable, "-m", "tests.support.askers",
        str(size), redis_url, exchange_url, str(requests), str(window_s),
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=PIPE, stdout=PIPE) as parent:
        yield Fleet(parent)
        parent.stdin.close()
        parent.wait(30)


def main(size, *arguments: object):
    """Fork the processes, which have nothing to import any more, and pass commands and answers on."""
    cache.tiers.redis.BUDGET_S = 0.3  # a machine that is busy is none of what is tested
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    context = multiprocessing.get_context("fork")
    pipes = []
    for _ in range(size):
        ours, theirs = context.Pipe()
        child = context.Process(target=_serve, args=(theirs, arguments))
        child.start()
        theirs.close()
        pipes.append(ours)
    lock = threading.Lock()
    for number, pipe in enumerate(pipes):
        threading.Thread(target=_pass_on, args=(number, pipe, lock), daemon=True).start()
    for line in sys.stdin:
        command = json.loads(line)
        pipes[command.pop("number")].send(command)
    for pipe in pipes:
        pipe.send(None)


def _serve(commands, arguments):
    Asker(*arguments).serve(commands)


def _pass_on(number, pipe, lock):
    with suppress(EOFError):
        while True:
            answer = json.dumps([number, pipe.recv()])
            with lock:
                sys.stdout.write(answer + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
