"""The published dashboard as it is served: its bytes, and the truth about their age."""

from __future__ import annotations

import gzip
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

import msgspec

from cache.catalogue import DASHBOARD
from webapp.answers import NO_SNIFF, PreparedSource, prepared
from webapp.conditional import accepts_gzip, matches
from webapp.exchanges import Exchanges
from webapp.lives import lives
from webapp.unpublished import marked_stale
from webapp.words import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cache import Entry, TieredCache

    Moment = tuple[int, int, bool, bool]

QUICK_GZIP = 4  # a fifth of the size for a few ms, once per change
JSON = ("Content-Type", "application/json")
GZIP = ("Content-Encoding", "gzip")


class Document:
    """One published body with what is derived from it, each made on first use and then kept.

    `exchanges` is None as long as somebody publishes; else it has, by id, the rows of those of which is known
    how they are doing now.
    """

    __slots__ = ("_gzip", "_parsed", "body", "complete", "etag", "exchanges", "stored_at", "version")

    def __init__(self, entry: Entry, *, exchanges: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        value = entry.value
        self.version = entry.version
        self.stored_at = entry.stored_at
        self.exchanges = exchanges
        self.complete: bool = value["complete"]
        self.body: bytes = value["body"]
        self.etag: str = value["etag"]
        self._gzip: bytes | None = None
        self._parsed: dict[str, Any] | None = None
        if exchanges is not None:
            self._parsed = marked_stale(self.parsed(), since=entry.stored_at, exchanges=exchanges)
            self.body = msgspec.json.encode(self._parsed)
            told = blake2s(msgspec.json.encode(exchanges), digest_size=6).hexdigest()
            self.etag = f'{self.etag[:-1]}-stale-{entry.version}-{told}"'

    def parsed(self) -> dict[str, Any]:
        """The document itself, for pages; not to be changed."""
        if self._parsed is None:
            self._parsed = msgspec.json.decode(self.body)
        return self._parsed

    def ids(self) -> list[str]:
        """The exchanges that it is about."""
        return [row["id"] for row in self.parsed()["exchanges"]]

    def compressed(self) -> bytes:
        """The body in gzip."""
        if self._gzip is None:
            self._gzip = gzip.compress(self.body, QUICK_GZIP, mtime=0)
        return self._gzip


class Shelved:
    """A document as it stands for up to one second, with its answers ready to be sent.

    `moment` is all that the answers depend on: version, whole seconds of age, fresh, degraded.
    """

    __slots__ = ("_compressed", "_headers", "_plain", "document", "moment")

    def __init__(self, document: Document, moment: Moment, headers: Sequence[tuple[str, str]]) -> None:
        self.document = document
        self.moment = moment
        self._headers = tuple(headers)
        self._plain = self._answers(document.etag, document.body)
        self._compressed: tuple[PreparedSource, PreparedSource] | None = None

    def source(self, if_none_match: str | None, accept_encoding: str | None) -> PreparedSource:
        """The answer for a request with these headers."""
        answers = self._plain
        if accept_encoding and accepts_gzip(accept_encoding):
            if self._compressed is None:
                # Other bytes under the same strong tag would be a lie; the weak tag says "means the same".
                self._compressed = self._answers(f"W/{self.document.etag}", self.document.compressed(), GZIP)
            answers = self._compressed
        whole, unchanged = answers
        return unchanged if if_none_match and matches(if_none_match, self.document.etag) else whole

    def _answers(
        self, etag: str, body: bytes, *encoding: tuple[str, str]
    ) -> tuple[PreparedSource, PreparedSource]:
        tagged = [("ETag", etag), *self._headers]
        whole = prepared("200 OK", [JSON, *encoding, *tagged], body)
        return whole, prepared("304 NOT MODIFIED", tagged, None)


class Shelf:
    """Where the web process finds the published views, ready to be sent.

    `ttl_s` is the life of a published dashboard: an older one has lost its publisher and is served
    marked stale. `clock` gives Unix seconds.
    """

    def __init__(self, *, cache: TieredCache, clock: Callable[[], float], ttl_s: float) -> None:
        self._cache = cache
        self._clock = clock
        self._ttl_s = ttl_s
        self._exchanges = Exchanges(cache=cache, clock=clock)
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
        moment = (entry.version, int(age_s), now < entry.fresh_until, age_s > self._ttl_s)
        held = self._held.get(view)
        if held is None or held.moment != moment:
            held = self._held[view] = self._prepare(entry, moment, now, held)
        return held

    def _prepare(self, entry: Entry, moment: Moment, now: float, held: Shelved | None) -> Shelved:
        version, _, _, degraded = moment
        document = held.document if held is not None and held.moment[0] == version else Document(entry)
        # Asked at most once a second: nobody else would tell how they are doing meanwhile.
        exchanges = self._exchanges.known(document.ids()) if degraded else None
        if document.exchanges != exchanges:
            document = Document(entry, exchanges=exchanges)
        kept = lives(entry, now, ttl_s=self._ttl_s, marked=degraded)
        return Shelved(document, moment, (*kept, ("Vary", "Accept-Encoding"), NO_SNIFF))
