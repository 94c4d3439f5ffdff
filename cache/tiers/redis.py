"""L3: Redis holds the truth, decides the order of writes, and carries the messages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from redis.exceptions import MaxConnectionsError, OutOfMemoryError, RedisError, ResponseError

from cache import envelope
from cache.breaker import Breaker
from cache.tiers import scripts
from cache.tiers.base import Cascade, Commit, Snapshot, Verdict
from cache.tiers.connections import Connector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis

    from cache.entry import Reason
    from cache.tiers.base import Abandon, Item

BUDGET_S = 0.05
# A batch moves megabytes; being busy with it is not being down.
BULK_BUDGET_S = 0.3
BULK_ITEMS = 32
BULK_BYTES = 256 * 1024
# Values of many megabytes, which even a good server takes long to read.
VAST_BUDGET_S = 2.0
VAST_BYTES = 4 * 1024 * 1024
# How much later than its budget a call may still be done: nobody waits for it then.
TOLERATED_S = 0.02
MOST_BYTES = 16 * 1024 * 1024
MOST_FENCES = 20_000
_decode_cascade = msgspec.msgpack.Decoder(tuple[int, int, tuple[str, ...], tuple[str, ...]]).decode
_encode = msgspec.msgpack.Encoder().encode
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
        self._url = url
        self._meta = f"{self.base}:meta"
        self._monotonic = monotonic
        self.reopen()

    def reopen(self) -> None:
        """New pools and a name of its own: a fork must not share sockets with its parent."""
        self.origin = uuid4().hex[:12]
        self._connector = Connector(self._url, on_moved=self.breaker.failed)
        # The server's clock less our monotonic one, in microseconds, as far as it was heard.
        self._ahead_us: int | None = None
        self.quick, self._bulk, self._vast = map(self.connect, (BUDGET_S, BULK_BUDGET_S, VAST_BUDGET_S))

    def connect(self, budget_s: float) -> Redis:
        """A client whose every wait is bounded by `budget_s`; nothing is retried."""
        return self._connector.connect(budget_s)

    def follow_master(self) -> None:
        """Notice a promotion (with Sentinels): the breaker opens, and the prober settles with the new one."""
        self._connector.look()

    def breakers(self) -> Sequence[Breaker]:
        """The one that guards every call."""
        return (self.breaker,)

    def close(self) -> None:
        """Let go of the connections."""
        for client in (self.quick, self._bulk, self._vast):
            client.close()
            client.connection_pool.disconnect()

    def fetch(self, texts: Sequence[str], *, fenced: bool = False) -> dict[str, bytes] | None:
        """The bodies found, in one round trip; None when Redis could not be asked."""
        if fenced:
            return self._fetch_fenced(texts)
        if len(texts) == 1:
            body = self.guarded(lambda: scripts.ask(self.quick, "GET", self._entry(texts[0])) or b"")
            return None if body is None else {texts[0]: body} if body else {}
        client = self._client(len(texts))
        bodies = self.guarded(lambda: client.mget([self._entry(text) for text in texts]))
        if bodies is None:
            return None
        return {text: body for text, body in zip(texts, bodies, strict=True) if body}

    def _fetch_fenced(self, texts: Sequence[str]) -> dict[str, bytes] | None:
        client = self._client(len(texts))
        # Fences after entries: one that is raised in between marks what was read before it.
        both = client.pipeline(transaction=False)
        both.mget([self._entry(text) for text in texts])
        both.zmscore(f"{self.base}:fences", list(texts))
        answers = self.guarded(both.execute)
        if answers is None:
            return None
        return {
            text: body if envelope.version_of(body) >= (fence or 0) else envelope.marked_expired(body)
            for text, body, fence in zip(texts, *answers, strict=True)
            if body
        }

    def commit(self, items: Sequence[Item], *, heard: int, seen: int, probing: bool = False) -> Commit | None:
        """Store a batch, fenced and ordered, in one step; None when Redis could not be asked."""
        rests = b"".join([item.rest for item in items if len(item.rest) <= MOST_BYTES])
        size = len(rests)
        args = (self._keep_for_ms, _encode([_described(item) for item in items]), rests)
        answer = self._ordered(
            scripts.COMMIT,
            args,
            heard,
            seen,
            client=self._client(len(items), size, patient=probing),
            probing=probing,
        )
        if answer is None:
            return None
        previous, version, verdicts = answer
        return Commit(version, previous, tuple([VERDICTS[verdict] for verdict in verdicts]))

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
        client = self._client(len(texts), patient=probing)
        answer = self._ordered(scripts.INVALIDATE, args, heard, seen, client=client, probing=probing)
        if answer is None:
            return None
        previous, version, touched, softened = _decode_cascade(answer)
        return Cascade(version, previous, touched, softened, announced=True)

    def sync(
        self, *, heard: int, seen: int, since: int, abandon: Abandon = "", probing: bool = False
    ) -> Snapshot | None:
        """The order's state and the fences raised after `since`; None when Redis could not be asked."""
        args = (MOST_FENCES, abandon, since)
        client = self._bulk if probing else self.quick
        answer = self._ordered(scripts.SYNC, args, heard, seen, client=client, probing=probing)
        if answer is None:
            return None
        version, incarnation, generation, floor, now_us, fences, removals, late = answer
        self._set_clock(now_us)
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

    def answers_quickly(self) -> bool:
        """Whether it answers within the budget of an ordinary call: the last question of the prober."""
        answer = self.guarded(lambda: scripts.ask(self.quick, "PING"), probing=True)
        return answer is not None

    def canary(self, said: int, *, heard: int, seen: int) -> bool:
        """Say something on the channel; False when it could not be said."""
        now_us = self._ordered(scripts.CANARY, (said,), heard, seen, client=self.quick)
        if now_us is None:
            return False
        self._set_clock(now_us)
        return True

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
        def call() -> Any:
            latest = self._latest(client)
            return script(client, [self._meta], [self.base, heard, seen, self.origin, latest, *args])

        return self.guarded(lambda: self._in_time(call), probing=probing)

    def _in_time(self, call: Callable[[], Any]) -> Any:
        """The call's answer; once more if it came too late by a clock that we had misjudged."""
        try:
            return call()
        except ResponseError as error:
            word, _, now_us = str(error).partition(" ")
            if word != "LATE":
                raise
            self._set_clock(int(now_us.split()[0]))
            return call()

    def _latest(self, client: Redis) -> int | str:
        """Until when by the server's clock an answer is waited for; '' while that clock is not known."""
        if self._ahead_us is None:
            return ""
        budget_s = client.connection_pool.connection_kwargs["socket_timeout"]
        return self._ahead_us + int((self._monotonic() + budget_s + TOLERATED_S) * 1_000_000)

    def _set_clock(self, now_us: int) -> None:
        self._ahead_us = now_us - int(self._monotonic() * 1_000_000)

    def _client(self, keys: int, size: int = 0, *, patient: bool = False) -> Redis:
        if patient or size >= VAST_BYTES:
            return self._vast
        return self.quick if keys <= BULK_ITEMS and size < BULK_BYTES else self._bulk

    @property
    def _keep_for_ms(self) -> int:
        return int(self.keep_for_s * 1000)

    def _entry(self, text: str) -> str:
        return f"{self.base}:e:{text}"


def _described(item: Item) -> tuple[Any, ...]:
    """One item as commit.lua reads it."""
    length = len(item.rest)
    return (
        item.key.text,
        envelope.COMPRESSED if item.compressed else 0,
        str(max(1, int((item.usable_until - item.stored_at) * 1000))),
        item.token or 0,
        item.pinned or 0,
        [part for pair in item.inputs for part in pair] if item.inputs else (),
        int(item.key.kind.gathers),
        length if length <= MOST_BYTES else 0,
    )


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
