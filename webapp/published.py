"""The published dashboard as it is served: its bytes, and the truth about their age."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from cache import states
from cache.catalogue import DASHBOARD
from webapp.answers import NO_SNIFF, PreparedSource, prepared
from webapp.conditional import accepts_gzip, matches
from webapp.words import VIEWS, utc

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache import Entry, TieredCache

QUICK_GZIP = 4  # a fifth of the size for 2 ms, once per change


class Document:
    """One published body with what is derived from it, each made on first use and then kept."""

    __slots__ = ("_gzip", "_parsed", "body", "complete", "degraded", "etag", "stored_at", "version")

    def __init__(self, entry: Entry, *, degraded: bool) -> None:
        value = entry.value
        self.version = entry.version
        self.stored_at = entry.stored_at
        self.degraded = degraded
        self.complete: bool = value["complete"]
        self.body: bytes = value["body"]
        self.etag: str = value["etag"]
        self._gzip: bytes | None = None
        self._parsed: dict[str, Any] | None = None
        if degraded:
            self._parsed = marked_stale(self.parsed(), since=entry.stored_at)
            self.body = msgspec.json.encode(self._parsed)
            self.etag = f'{self.etag[:-1]}-stale-{entry.version}"'

    def parsed(self) -> dict[str, Any]:
        """The document itself, for pages; not to be changed."""
        if self._parsed is None:
            self._parsed = msgspec.json.decode(self.body)
        return self._parsed

    def compressed(self) -> bytes:
        """The body in gzip."""
        if self._gzip is None:
            self._gzip = gzip.compress(self.body, QUICK_GZIP, mtime=0)
        return self._gzip


@dataclass(frozen=True, slots=True)
class Shelved:
    """A document as it stands for up to one second, with its answers ready to be sent."""

    document: Document
    moment: tuple[int, int, int, bool]
    plain: PreparedSource
    plain_unchanged: PreparedSource
    headers: tuple[tuple[str, str], ...]

    def source(self, if_none_match: str | None, accept_encoding: str | None) -> PreparedSource:
        """The answer for a request with these headers."""
        if accept_encoding and accepts_gzip(accept_encoding):
            return self._compressed(if_none_match)
        if if_none_match and matches(if_none_match, self.document.etag):
            return self.plain_unchanged
        return self.plain

    def _compressed(self, if_none_match: str | None) -> PreparedSource:
        """As `source`; a compressed body is another representation, with a tag of its own."""
        etag = f'{self.document.etag[:-1]}-gzip"'
        headers = [("ETag", etag), *self.headers]
        if matches(if_none_match, etag):
            return prepared("304 NOT MODIFIED", headers, None)
        body = self.document.compressed()
        kind = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
        return prepared("200 OK", [*kind, *headers], body)


class Shelf:
    """Where the web process finds the published views, ready to be sent.

    `ttl_s` is the life of a published dashboard: an older one has lost its publisher and is served
    marked stale. `clock` gives Unix seconds.
    """

    def __init__(self, *, cache: TieredCache, clock: Callable[[], float], ttl_s: float) -> None:
        self._cache = cache
        self._clock = clock
        self._ttl_s = ttl_s
        self._keys = {view: DASHBOARD.key(view=view) for view in VIEWS}
        self._held: dict[str, Shelved] = {}

    def find(self, view: str) -> Shelved | None:
        """The view as it has to be served now; None when nothing was ever published.

        Takes no lock: two threads may both prepare the same answer, and either will do.
        """
        entry: Entry | None = self._cache.get(self._keys[view])
        if entry is None:
            return None
        now = self._clock()
        age_s = now - entry.stored_at
        # A negative floor would still be "now": int() rounds towards zero, which is what is wanted.
        moment = (entry.version, int(age_s), int(entry.fresh_until - now), age_s > self._ttl_s)
        held = self._held.get(view)
        if held is None or held.moment != moment:
            held = self._held[view] = self._prepare(entry, moment, now, held)
        return held

    def _prepare(
        self, entry: Entry, moment: tuple[int, int, int, bool], now: float, held: Shelved | None
    ) -> Shelved:
        _, age_s, fresh_s, degraded = moment
        document = held.document if held is not None and held.moment[0] == entry.version else None
        if document is None or document.degraded != degraded:
            document = Document(entry, degraded=degraded)
        max_age_s = 0 if degraded else max(0, fresh_s)
        spare_s = max(0, int(entry.usable_until - now) - max_age_s)
        headers = (
            ("Cache-Control", f"max-age={max_age_s}, stale-if-error={spare_s}"),
            ("Age", str(max(0, age_s))),
            ("Vary", "Accept-Encoding"),
            NO_SNIFF,
        )
        tagged = [("ETag", document.etag), *headers]
        whole = prepared("200 OK", [("Content-Type", "application/json"), *tagged], document.body)
        return Shelved(document, moment, whole, prepared("304 NOT MODIFIED", tagged, None), headers)


def marked_stale(document: dict[str, Any], *, since: float) -> dict[str, Any]:
    """The same document, saying of itself and of each symbol that nobody has published it since then."""
    reason = f"not published since {utc(since)}"
    rows = [
        {**row, "state": states.STALE, "reason": _joined(reason, row["reason"])} for row in document["symbols"]
    ]
    return {
        **document, "state": states.STALE, "reason": _joined(reason, document["reason"]), "symbols": rows,
    }  # fmt: skip


def _joined(reason: str, previous: str | None) -> str:
    return f"{reason}; {previous}" if previous else reason
