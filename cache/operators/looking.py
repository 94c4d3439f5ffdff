"""Reads what is stored as it is: the only place here that talks to the servers itself, and it never writes.

The cache's own reads would fill nearer tiers, give up after 50 ms, and hide what they do not believe.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from redis.exceptions import RedisError

from cache import hit_list
from cache.tiers.redis import RedisTier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redis import Redis

    from cache.wiring import Tiers

PATIENCE_S = 2.0
SCAN_COUNT = 1000
AT_ONCE = 200
# A server with more keys than this is looked through in part, and the answer says so.
MOST_SCANNED = 2_000_000


class NoRedis(Exception):
    """Redis is not named or does not answer; the message says where it was looked for."""


@dataclass(frozen=True, slots=True)
class Order:
    """The state of the order of writes; versions count microseconds, 0 where Redis holds nothing yet."""

    version: int = 0
    incarnation: int = 0
    generation: int = 0
    floor: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """What Redis holds under one key: the envelope, if any, and its fences (0: none)."""

    text: str
    body: bytes | None
    fence: int
    removal: int


@dataclass(frozen=True, slots=True)
class Found:
    """Texts that were looked for, and whether nothing was left out."""

    texts: tuple[str, ...]
    complete: bool = True


class Looker:
    """Looks into one Redis. Every method raises NoRedis where it cannot be asked."""

    def __init__(self, tiers: Tiers) -> None:
        if not isinstance(tiers.far, RedisTier):
            raise NoRedis("no Redis is named")
        self._base = tiers.far.base
        self._hits = hit_list.HitList(tiers.far)
        self._redis: Redis = tiers.far.connect(PATIENCE_S)
        self.address = _address(self._redis)

    def close(self) -> None:
        """Let go of the connections."""
        self._redis.close()
        self._redis.connection_pool.disconnect()

    def order(self) -> Order:
        """The state of the order."""
        with self._asking():
            values: Any = self._redis.hmget(f"{self._base}:meta", *Order.__slots__)
        return Order(*(int(float(value)) if value else 0 for value in values))

    def held(self, texts: Sequence[str]) -> dict[str, Held]:
        """What is stored under each text, bodies and fences."""
        found: dict[str, Held] = {}
        for some in _parts(texts):
            with self._asking():
                pipe = self._redis.pipeline(transaction=False)
                for text in some:
                    pipe.get(f"{self._base}:e:{text}")
                    pipe.zscore(f"{self._base}:fences", text)
                    pipe.zscore(f"{self._base}:removed", text)
                answers = iter(pipe.execute())
            for text, body, fence, removal in zip(some, answers, answers, answers, strict=True):
                found[text] = Held(text, body, int(fence or 0), int(removal or 0))
        return found

    def derived(self, texts: Sequence[str], most: int) -> dict[str, Found]:
        """What is registered as made of each text: at most so many each, those that live longest first."""
        now_ms, found = time.time() * 1000, {}
        for some in _parts(texts):
            with self._asking():
                pipe = self._redis.pipeline(transaction=False)
                for text in some:
                    pipe.zrevrangebyscore(f"{self._base}:d:{text}", "+inf", now_ms, start=0, num=most + 1)
                answers = pipe.execute()
            for text, children in zip(some, answers, strict=True):
                names = tuple(child.decode(errors="backslashreplace") for child in children)
                found[text] = Found(names[:most], complete=len(names) <= most)
        return found

    def inputs_of(self, text: str, kinds: Iterable[str], most: int) -> Found:
        """The keys of these kinds that name `text` among what is made of them."""
        wanted, found, complete = frozenset(kinds), set[str](), True
        for some, all_seen in self._named("d", "*") if wanted else ():
            complete = all_seen
            found.update(self._naming(text, [one for one in some if one.partition("|")[0] in wanted]))
            if len(found) > most:
                return Found(tuple(sorted(found)[:most]), complete=False)
        return Found(tuple(sorted(found)), complete=complete)

    def stored(self, glob: str = "*", most: int = MOST_SCANNED) -> Found:
        """The texts of stored entries like the glob, sorted."""
        texts: set[str] = set()
        complete = True
        for some, all_seen in self._named("e", glob):
            complete = all_seen
            texts.update(some)
            if len(texts) > most:
                return Found(tuple(sorted(texts)[:most]), complete=False)
        return Found(tuple(sorted(texts)), complete=complete)

    def uses(self, text: str, now: float) -> dict[str, int]:
        """How often each role's processes used a key in the last hour, where it is among their most used."""
        with self._asking():
            members: Any = self._redis.smembers(self._hits.roles_key)
            roles = sorted(role.decode() for role in members)
            pipe = self._redis.pipeline(transaction=False)
            for role in roles:
                for number in hit_list.last_hour(now):
                    pipe.zscore(self._hits.key(role, number), text)
            scores = iter(pipe.execute())
        sums = {role: sum(next(scores) or 0 for _ in range(hit_list.BUCKETS)) for role in roles}
        return {role: int(count) for role, count in sums.items() if count}

    def process(self, writer: int) -> str | None:
        """The name of the process that writes under this number, if it reported in the last hour."""
        with self._asking():
            packed: Any = self._redis.hget(f"{self._base}:stats:reports", str(writer))
        if packed is None:
            return None
        report = msgspec.msgpack.decode(packed, strict=False)
        ended = ", which has ended" if report["ended"] else ""
        return f"{report['role']}@{report['host']}:{report['pid']}{ended}"

    def server(self) -> dict[str, Any]:
        """What the server says of itself (INFO), and how long it took to answer a PING in `ping_s`."""
        with self._asking():
            self._redis.ping()
            began = time.perf_counter()
            self._redis.ping()
            took_s = time.perf_counter() - began
            info: dict[str, Any] = self._redis.info()
        return {**info, "ping_s": took_s}

    def _naming(self, text: str, inputs: Sequence[str]) -> list[str]:
        """Those of the inputs whose living dependents include `text`."""
        with self._asking():
            pipe = self._redis.pipeline(transaction=False)
            for one in inputs:
                pipe.zscore(f"{self._base}:d:{one}", text)
            scores = pipe.execute()
        now_ms = time.time() * 1000
        return [one for one, until in zip(inputs, scores, strict=True) if (until or 0) > now_ms]

    def _named(self, sort: str, glob: str) -> Iterator[tuple[list[str], bool]]:
        """The texts of one sort of key, batch by batch, and whether nothing was left out."""
        head = f"{self._base}:{sort}:"
        cursor, seen = 0, 0
        while True:
            with self._asking():
                answer: Any = self._redis.scan(cursor, match=f"{head}{glob}", count=SCAN_COUNT)
            cursor, names = answer
            seen += SCAN_COUNT
            yield [name.decode(errors="backslashreplace").removeprefix(head) for name in names], True
            if not cursor:
                return
            if seen >= MOST_SCANNED:
                yield [], False
                return

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise NoRedis(f"Redis at {self.address} does not answer: {error}") from error


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), AT_ONCE):
        yield texts[start : start + AT_ONCE]


def _address(client: Redis) -> str:
    """Where the client connects to, without any login."""
    pool = client.connection_pool
    options = pool.connection_kwargs
    database = options.get("db") or 0
    if "path" in options:
        return f"{options['path']} database {database}"
    service = getattr(pool, "service_name", None)
    place = (
        f"the master {service}"
        if service
        else f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
    )
    return f"{place} database {database}"
