"""L3: Redis holds the truth, decides the order of writes, and carries the messages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from redis.exceptions import MaxConnectionsError, OutOfMemoryError, RedisError, ResponseError

from cache import envelope
from cache.breaker import Breaker
from cache.tiers import forms, scripts
from cache.tiers.connections import Connector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis

    from cache.entry import Reason
    from cache.tiers.base import Abandon, Cascade, Commit, Item, Snapshot

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
        described, rests = forms.batch(items)
        client = self._client(len(items), len(rests), patient=probing)
        args = (self._keep_for_ms, described, rests)
        answer = self._ordered(scripts.COMMIT, args, heard, seen, client=client, probing=probing)
        return None if answer is None else forms.committed(answer)

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
        return None if answer is None else forms.cascaded(answer)

    def sync(
        self, *, heard: int, seen: int, since: int, abandon: Abandon = "", probing: bool = False
    ) -> Snapshot | None:
        """The order's state and the fences raised after `since`; None when Redis could not be asked."""
        args = (forms.MOST_FENCES, abandon, since)
        client = self._bulk if probing else self.quick
        answer = self._ordered(scripts.SYNC, args, heard, seen, client=client, probing=probing)
        if answer is None:
            return None
        snapshot, now_us = forms.told(answer)
        self._set_clock(now_us)
        return snapshot

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
