"""What the servers of L2 and L3 say of themselves: memory, evictions, load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache.operators.paper import GAP, Ink
from cache.operators.units import ago, duration, number, plural, share, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cache.operators.paper import Paper

    Facts = Mapping[str, Any]

US = 1_000_000
_OF_REDIS = (
    "uptime_in_seconds", "used_memory", "maxmemory", "maxmemory_policy", "evicted_keys", "expired_keys",
    "keyspace_hits", "keyspace_misses", "connected_clients", "instantaneous_ops_per_sec",
    "mem_fragmentation_ratio", "ping_s",
)  # fmt: skip
_OF_MEMCACHED = (
    "version", "uptime", "bytes", "limit_maxbytes", "curr_items", "evictions", "get_hits", "get_misses",
    "curr_connections",
)  # fmt: skip


def redis_facts(told: Facts, address: str) -> dict[str, Any]:
    """What matters of INFO."""
    valkey = told.get("valkey_version")
    program = f"Valkey {valkey}" if valkey else f"Redis {told.get('redis_version')}"
    return {"address": address, "program": program, **{name: told.get(name) for name in _OF_REDIS}}


def memcached_facts(told: Mapping[str, Facts | None]) -> dict[str, dict[str, Any] | None]:
    """What matters of each server's statistics, None for one that does not answer."""
    return {
        server: None if said is None else {name: said.get(name) for name in _OF_MEMCACHED}
        for server, said in told.items()
    }


def show(paper: Paper, body: Facts) -> None:
    """Write of all servers."""
    _redis(paper, body["redis"], body["order"], body["at"])
    for server, said in body["memcached"].items():
        paper.line()
        if said is None:
            paper.line(Ink("l2", "bold"), GAP, f"Memcached at {server} ", Ink("does not answer", "red"))
        else:
            _memcached(paper, server, said)


def _redis(paper: Paper, redis: Facts, order: Facts, now: float) -> None:
    def of(name: str) -> float:
        return float(redis[name] or 0)

    limit = f"of {size(of('maxmemory'))}, {redis['maxmemory_policy']}" if of("maxmemory") else "no limit"
    clients = plural(int(of("connected_clients")), "client")
    asked = of("keyspace_hits") + of("keyspace_misses")
    paper.line(Ink("l3", "bold"), GAP, f"{redis['program']} at {redis['address']}")
    paper.facts(
        {
            "memory": f"{size(of('used_memory'))}, {limit}",
            "evicted": _evicted(of("evicted_keys"), "key"),
            "up for": f"{duration(of('uptime_in_seconds'))}, {clients}",
            "load": f"{number(of('instantaneous_ops_per_sec'))} commands a second, "
            f"PING in {duration(of('ping_s'))}",
            "hits": f"{share(of('keyspace_hits'), asked)} of {plural(int(asked), 'read')}",
            "version": _version(order["version"], now, "nothing was ever written here"),
            "generation": _version(order["generation"], now, "none"),
            "floor": _version(order["floor"], now, "none"),
        }
    )


def _memcached(paper: Paper, server: str, said: Facts) -> None:
    asked = said["get_hits"] + said["get_misses"]
    version = said["version"].decode() if isinstance(said["version"], bytes) else said["version"]
    paper.line(Ink("l2", "bold"), GAP, f"Memcached {version} at {server}")
    held = plural(said["curr_items"], "item")
    paper.facts(
        {
            "memory": f"{size(said['bytes'])}, of {size(said['limit_maxbytes'])}, {held}",
            "evicted": _evicted(said["evictions"], "item"),
            "up for": f"{duration(said['uptime'])}, {plural(said['curr_connections'], 'connection')}",
            "hits": f"{share(said['get_hits'], asked)} of {plural(asked, 'read')}",
        }
    )


def _evicted(count: float, noun: str) -> tuple[Ink]:
    return (Ink(plural(int(count), noun), "yellow" if count else ""),)


def _version(version: int, now: float, otherwise: str) -> str:
    """A version with its age: it never runs behind the microseconds of the clock."""
    return f"{number(version)}, {ago(max(0.0, now - version / US))}" if version else otherwise
