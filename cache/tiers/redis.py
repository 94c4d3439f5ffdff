"""L3: Redis holds the truth, decides the order of writes, and carries the messages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import MaxConnectionsError, OutOfMemoryError, RedisError
from redis.retry import Retry

from cache.breaker import Breaker
from cache.tiers import scripts
from cache.tiers.base import Cascade, Commit, Snapshot, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cache.entry import Reason
    from cache.tiers.base import Abandon, Item

BUDGET_S = 0.05
# A batch moves megabytes; being busy with it is not being down.
BULK_BUDGET_S = 0.3
BULK_ITEMS = 32
BULK_BYTES = 256 * 1024
MOST_BYTES = 16 * 1024 * 1024
MOST_FENCES = 20_000
CONNECTIONS = 512
READ_SIZE = 256 * 1024
HEALTH_CHECK_S = 15
_decode_cascade = msgspec.msgpack.Decoder(tuple[int, int, tuple[str, ...], tuple[str, ...]]).decode
VERDICTS: tuple[Verdict, ...] = ("fresh", "stale", "skipped", "too_large")


class RedisTier:
    """The authority. Every call costs at most its budget once; then the breaker is open."""

    name = "l3"
    installed = True

    def __init__(self, *, url: str, prefix: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.base = f"{{{prefix}}}"
        self.channel = f"{self.base}:changes"
        self.breaker = Breaker(self.name, clock=monotonic)
        # How long fences and dependents are kept: as long as an entry that they concern can live.
        self.keep_for_s = 8 * 86_400.0
        # The kinds that a removal of one of their parts only expires.
        self.gathering: frozenset[str] = frozenset()
        # Celery's spelling of a socket is understood as well.
        self._url = url.replace("redis+socket://", "unix://", 1)
        self.reopen()

    def reopen(self) -> None:
        """New pools and a name of its own: a fork must not share sockets with its parent."""
        self.origin = uuid4().hex[:12]
        self.quick = self.connect(BUDGET_S)
        self._bulk = self.connect(BULK_BUDGET_S)

    def connect(self, budget_s: float) -> Redis:
        """A client whose every wait is bounded by `budget_s`; nothing is retried."""
        pool = ConnectionPool.from_url(
            self._url,
            max_connections=CONNECTIONS,
            socket_timeout=budget_s,
            socket_connect_timeout=budget_s,
            socket_keepalive=True,
            socket_read_size=READ_SIZE,
            health_check_interval=HEALTH_CHECK_S,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        return Redis(connection_pool=pool)

    def breakers(self) -> Sequence[Breaker]:
        """The one that guards every call."""
        return (self.breaker,)

    def close(self) -> None:
        """Let go of the connections."""
        for client in (self.quick, self._bulk):
            client.close()
            client.connection_pool.disconnect()

    def fetch(self, texts: Sequence[str]) -> dict[str, bytes] | None:
        """The bodies found, in one round trip; None when Redis could not be asked."""
        if len(texts) == 1:
            body = self.guarded(lambda: self.quick.get(self._entry(texts[0])) or b"")
            return None if body is None else {texts[0]: body} if body else {}
        client = self.quick if len(texts) <= BULK_ITEMS else self._bulk
        bodies = self.guarded(lambda: client.mget([self._entry(text) for text in texts]))
        if bodies is None:
            return None
        return {text: body for text, body in zip(texts, bodies, strict=True) if body}

    def commit(self, items: Sequence[Item], *, heard: int, seen: int, probing: bool = False) -> Commit | None:
        """Store a batch, fenced and ordered, in one step; None when Redis could not be asked."""
        bodies = [item.draft.rest if len(item.draft.rest) <= MOST_BYTES else b"" for item in items]
        size = sum(map(len, bodies))
        args = [self._keep_for_ms, msgspec.msgpack.encode([_described(item) for item in items]), *bodies]
        client = self.quick if len(items) <= BULK_ITEMS and size < BULK_BYTES else self._bulk
        answer = self._ordered(scripts.COMMIT, args, heard, seen, client=client, probing=probing)
        if answer is None:
            return None
        previous, version, *verdicts = answer
        return Commit(version, previous, tuple(VERDICTS[verdict] for verdict in verdicts))

    def invalidate(
        self,
        texts: Sequence[str],
        reason: Reason,
        *,
        heard: int,
        seen: int,
        pinned: int | None = None,
        probing: bool = False,
    ) -> Cascade | None:
        """Expire or remove with the whole closure, in one step; None when Redis could not be asked."""
        gathering = "|".join(("", *sorted(self.gathering), ""))
        args = [self._keep_for_ms, reason, "" if pinned is None else pinned, gathering, *texts]
        answer = self._ordered(scripts.INVALIDATE, args, heard, seen, client=self._bulk, probing=probing)
        if answer is None:
            return None
        previous, version, touched, softened = _decode_cascade(answer)
        return Cascade(version, previous, touched, softened)

    def sync(
        self, *, heard: int, seen: int, since: int, abandon: Abandon = "", probing: bool = False
    ) -> Snapshot | None:
        """The order's state and the fences raised after `since`; None when Redis could not be asked."""
        args = (MOST_FENCES, abandon, since)
        client = self._bulk if probing else self.quick
        answer = self._ordered(scripts.SYNC, args, heard, seen, client=client, probing=probing)
        if answer is None:
            return None
        version, incarnation, generation, floor, fences, removals, late = answer
        known = [int(float(score)) for score in fences[1::2]]
        settled = _settled_late(late)
        return Snapshot(
            version=version,
            incarnation=incarnation,
            generation=generation,
            floor=floor,
            complete_since=known[-1] if len(known) >= MOST_FENCES else 0,
            fences={**settled["expire"], **dict(zip(_texts(fences), known, strict=True))},
            removals={
                **settled["remove"],
                **{text: int(float(at)) for text, at in zip(_texts(removals), removals[1::2], strict=True)},
            },
        )

    def canary(self, said: int, *, heard: int, seen: int) -> bool:
        """Say something on the channel; False when it could not be said."""
        return self._ordered(scripts.CANARY, (said,), heard, seen, client=self.quick) is not None

    def guarded(self, call: Callable[[], Any], *, probing: bool = False) -> Any:
        """The call's answer, or None when the breaker is open or this call opened it."""
        if not (probing or self.breaker.closed):
            return None
        try:
            return call()
        except (OutOfMemoryError, MaxConnectionsError):
            # Full or busy is not down: others are served, and a write goes to the outbox.
            return None
        except (RedisError, OSError, ValueError, msgspec.MsgspecError) as error:
            self.breaker.failed(error)
            return None

    def _ordered(
        self,
        script: scripts.Script,
        args: Sequence[Any],
        heard: int,
        seen: int,
        *,
        client: Redis,
        probing: bool = False,
    ) -> Any:
        return self.guarded(
            lambda: script(client, [f"{self.base}:meta"], [self.base, heard, seen, self.origin, *args]),
            probing=probing,
        )

    @property
    def _keep_for_ms(self) -> int:
        return int(self.keep_for_s * 1000)

    def _entry(self, text: str) -> str:
        return f"{self.base}:e:{text}"


def _described(item: Item) -> tuple[Any, ...]:
    """One item as commit.lua reads it."""
    life_ms = max(1, int(item.usable_for * 1000))
    inputs = [part for pair in item.inputs for part in pair]
    gathers = int(item.key.kind.gathers)
    return item.key.text, item.draft.flags, life_ms, item.token or 0, item.pinned or 0, inputs, gathers


def _texts(flat: Sequence[bytes]) -> list[str]:
    """The texts of a flat list of text and score."""
    return [text.decode() for text in flat[::2]]


def _settled_late(flat: Sequence[bytes]) -> dict[Reason, dict[str, int]]:
    """Invalidations that were made while Redis was away, under the versions they were given then."""
    told: dict[Reason, dict[str, int]] = {"expire": {}, "remove": {}}
    for text in _texts(flat):
        reason, version, name = text.split("|", 2)
        told["remove" if reason == "remove" else "expire"][name] = int(version)
    return told
