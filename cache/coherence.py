"""Keeps L1 true: a thread that hears every change, knows when it missed one, and proves that it hears."""

from __future__ import annotations

import math
import time
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from cache.entry import Change
from cache.keys import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cache.entry import Reason
    from cache.hub import Hub
    from cache.keys import Kind
    from cache.tiers.redis import RedisTier

PROOF_LASTS_S = 1.0
SILENCE_S = 2.0
LISTEN_FOR_S = 0.1
CONNECT_S = 0.5
RETRY_S = 0.1
MOST_UNTOLD = 10_000

log = structlog.get_logger(__name__)
_decode = msgspec.msgpack.Decoder(tuple[int, int, str, str, list[str], list[int]]).decode


class Subscribers:
    """Tells callbacks of changes on a thread of its own, so that a slow one delays nobody's coherence."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self.reopen()

    def reopen(self) -> None:
        """A fork inherits no subscribers: their threads stayed behind."""
        self._callbacks: dict[int, tuple[Callable[[Change], None], frozenset[str] | None]] = {}
        self._queue: SimpleQueue[tuple[tuple[str, ...], Reason, int] | None] = SimpleQueue()
        self._behind = False
        self._thread: Thread | None = None
        self._lock = Lock()

    def add(self, callback: Callable[[Change], None], kinds: Iterable[Kind] | None) -> Callable[[], None]:
        """Call back on every change of these kinds (all when None); returns what ends it."""
        wanted = None if kinds is None else frozenset(kind.name for kind in kinds)
        with self._lock:
            number = max(self._callbacks, default=0) + 1
            self._callbacks[number] = (callback, wanted)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="cache-subscribers", daemon=True)
                self._thread.start()
        return lambda: self._remove(number)

    def tell(self, texts: Iterable[str], reason: Reason, version: int) -> None:
        """Pass a change on."""
        if not self._callbacks:
            return
        if self._queue.qsize() >= MOST_UNTOLD:
            # Whoever is so far behind has to look for itself; a queue without an end would end the process.
            if not self._behind:
                log.warning("cache_subscriber_behind", untold=MOST_UNTOLD)
            self._behind = True
            return
        self._behind = False
        self._queue.put((tuple(texts), reason, version))

    def close(self) -> None:
        """End the thread."""
        self._callbacks.clear()
        self._queue.put(None)

    def _remove(self, number: int) -> None:
        self._callbacks.pop(number, None)

    def _run(self) -> None:
        queue = self._queue
        while (told := queue.get()) is not None:
            texts, reason, version = told
            keys = [key for key in (parse(text, self._kinds) for text in texts) if key is not None]
            for callback, wanted in tuple(self._callbacks.values()):
                mine = tuple(key for key in keys if wanted is None or key.kind.name in wanted)
                if mine:
                    self._call(callback, Change(mine, reason, version))

    @staticmethod
    def _call(callback: Callable[[Change], None], change: Change) -> None:
        try:
            callback(change)
        except Exception:
            log.exception("cache_subscriber_failed", reason=change.reason)


class Listener:
    """One subscription per process. `on_lost` is called when the connection breaks or goes silent."""

    def __init__(
        self,
        *,
        far: RedisTier,
        hub: Hub,
        subscribers: Subscribers,
        wake: Callable[[Iterable[str]], None],
        heard_put: Callable[[Iterable[str], int], None],
        on_lost: Callable[[object], None],
    ) -> None:
        self._far = far
        self._hub = hub
        self._subscribers = subscribers
        self._wake = wake
        self._heard_put = heard_put
        self._on_lost = on_lost
        self._stop = Event()
        self._said: dict[int, float] = {}
        self._number = 0
        self._heard_own_at = math.inf
        self._listened_before = False
        self.listening = False
        self.gaps = 0
        self._thread = Thread(target=self._run, name="cache-listener", daemon=True)

    def start(self) -> None:
        """Begin to listen, in the background."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening; returns when the thread has ended."""
        self._stop.set()
        self._thread.join(timeout=2 * CONNECT_S)

    def say(self) -> None:
        """Send the canary whose return is the proof."""
        if not self.listening:
            return
        self._number += 1
        self._said[self._number] = self._hub.clock()
        while len(self._said) > 8:  # noqa: PLR2004 (what was said longer ago proves nothing)
            self._said.pop(next(iter(self._said)), None)
        self._far.canary(self._number, heard=self._hub.known, seen=self._hub.highest)

    def _run(self) -> None:
        client = self._far.connect(CONNECT_S)
        while not self._stop.is_set():
            try:
                self._listen(client)
            except Exception as error:  # noqa: BLE001 (whatever breaks it, this thread must listen again)
                self._lost(error)
            self._stop.wait(RETRY_S)
        client.connection_pool.disconnect()

    def _listen(self, client: Any) -> None:
        with client.pubsub() as pubsub:
            pubsub.subscribe(self._far.channel)
            if pubsub.get_message(timeout=CONNECT_S) is None:
                raise TimeoutError("no answer to SUBSCRIBE")
            # From here on nothing is missed; what was missed before, the snapshot tells.
            self._catch_up(since=0, following=True, missed=self._listened_before)
            self._listened_before = True
            # Memory filled before the subscription may have missed a write, which leaves no fence behind.
            self._hub.abandon()
            self._said.clear()
            self._heard_own_at = time.monotonic()
            self.listening = True
            self.say()
            while not self._stop.is_set():
                message = pubsub.get_message(timeout=LISTEN_FOR_S)
                if message is not None and message["type"] == "message":
                    self._hear(message["data"])
                if time.monotonic() - self._heard_own_at > SILENCE_S:
                    raise TimeoutError("the channel has gone silent")
        self.listening = False

    def _hear(self, body: bytes) -> None:
        previous, version, reason, origin, texts, versions = _decode(body)
        if reason == "canary":
            previous = version
        elif reason == "released":
            self._wake(texts)
            return
        elif reason == "generation":
            # It may have come with a floor under everything: the snapshot says.
            self._catch_up(since=self._hub.known)
        elif not (reason == "put" and origin == self._far.origin and not versions):
            self._change(texts, reason, version, versions)
        else:
            # Our own, which L1 has had since; only those who asked are told.
            self._wake(texts)
            self._subscribers.tell(texts, "put", version)
        if not self._hub.follow(previous, version):
            self.gaps += 1
            log.warning("cache_messages_lost", heard=self._hub.heard, version=version)
            self._hub.abandon()
            self._catch_up(since=self._hub.heard, following=True, missed=True)
        if reason == "canary" and origin == self._far.origin:
            self._prove(versions[0])

    def _change(self, texts: list[str], reason: str, version: int, versions: list[int]) -> None:
        kept: Reason = "put" if reason == "put" else "remove" if reason == "remove" else "expire"
        if len(versions) == len(texts) > 1:
            for text, own in zip(texts, versions, strict=True):
                self._hub.apply((text,), kept, own)
        else:
            self._hub.apply(texts, kept, versions[0] if versions else version)
        if kept == "put":
            self._wake(texts)
            if not versions:
                self._heard_put(texts, version)
        self._subscribers.tell(texts, kept, max([version, *versions]))

    def _prove(self, number: int) -> None:
        said_at = self._said.pop(number, None)
        if said_at is None:
            return
        if self._hub.proved_until == -math.inf:
            log.info("cache_coherence_proved")
        self._hub.proved_until = said_at + PROOF_LASTS_S
        self._hub.first_proof.set()
        self._heard_own_at = time.monotonic()

    def _catch_up(self, *, since: int, following: bool = False, missed: bool = False) -> None:
        snapshot = self._far.sync(heard=self._hub.known, seen=self._hub.highest, since=since)
        if snapshot is None:
            raise ConnectionError("Redis does not answer")
        self._hub.adopt(snapshot, following=following)
        if missed:
            # The snapshot tells of every fence, but not of writes: those may have missed Memcached as well.
            self._hub.floors.doubt_near_below(snapshot.version)

    def _lost(self, error: object) -> None:
        was_listening, self.listening = self.listening, False
        self._hub.proved_until = -math.inf
        self._hub.abandon()
        self._on_lost(error)
        if was_listening:
            log.warning("cache_coherence_lost", error=str(error) or type(error).__name__)
