"""The ground of one run: servers, caches on them, worker processes; all closed at the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from benchmarks.cache.ours import make_cache, proved
from benchmarks.cache.workers import Worker
from tests.support.servers import memcached_server, redis_server

if TYPE_CHECKING:
    from contextlib import ExitStack

    from benchmarks.cache.rounds import Effort
    from cache import TieredCache
    from tests.support.servers import RunningServer

_prefixes = count()


@dataclass
class Bench:
    """Servers and worker processes that all rows share; caches and proxies are closed with their row."""

    effort: Effort
    redis: RunningServer
    memcached: RunningServer
    # What lasts for the whole run, and what for one module of rows.
    whole: ExitStack
    stack: ExitStack
    team: list[Worker] = field(default_factory=list)
    prefix: str = "bench"

    @classmethod
    def open(cls, effort: Effort, whole: ExitStack) -> Bench:
        """Start the servers."""
        redis, memcached = whole.enter_context(redis_server()), whole.enter_context(memcached_server())
        return cls(effort, redis, memcached, whole, whole)

    def for_rows(self, stack: ExitStack) -> Bench:
        """The same servers and workers, for one module."""
        return replace(self, stack=stack)

    @property
    def redis_url(self) -> str:
        """Our database on the shared Redis."""
        return f"{self.redis.url}/0"

    @property
    def peers_url(self) -> str:
        """The peers' database on the same server."""
        return f"{self.redis.url}/1"

    @property
    def place(self) -> tuple[str, tuple[str, ...], str]:
        """Where another process finds the same cache."""
        return self.redis_url, (self.memcached.address,), self.prefix

    def renew(self) -> str:
        """A prefix that nobody used before."""
        self.prefix = f"bench{next(_prefixes)}"
        return self.prefix

    def cache(self, tiers: str = "l1 l2 l3", **options: Any) -> TieredCache:
        """A proved cache on the shared servers under the present prefix, closed with its rows."""
        made = make_cache(tiers, self.redis_url, (self.memcached.address,), self.prefix, **options)
        self.stack.callback(made.close)
        return proved(made)

    def workers(self, number: int) -> list[Worker]:
        """So many processes of the team, started when first needed."""
        while len(self.team) < number:
            self.team.append(self.whole.enter_context(Worker()))
        return self.team[:number]
