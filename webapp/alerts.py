"""Alerts over HTTP: a filtered page of the newest, and the word that one was seen by somebody."""

from __future__ import annotations

from hashlib import blake2s
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Blueprint, Response, request

from cache import states
from cache.catalogue import ALERT_JOURNAL, ALERTS, MOST_ALERTS
from webapp.alert_query import AlertQuery
from webapp.answers import squeezed
from webapp.conditional import matches
from webapp.lives import lives
from webapp.own_pages import refuse_others
from webapp.problems import RETRY_AFTER_S, Problem, Told, not_there_yet
from webapp.words import utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.datastructures import MultiDict

    from cache import Entry, TieredCache
    from webapp.exchanges import Exchanges

KEY = ALERTS.key(scope="recent")


class AlertDesk:
    """Reads the cached list, and acknowledges in the journal that it is made of."""

    def __init__(self, *, cache: TieredCache, clock: Callable[[], float], exchanges: Exchanges) -> None:
        self._cache = cache
        self._clock = clock
        self._exchanges = exchanges
        self._ttl_s = cache.ttl(ALERTS)

    def asked(self, parameters: MultiDict[str, str]) -> tuple[AlertQuery, Entry]:
        """What is wanted, and the cached list; raises a Problem for a wrong value, then without a list."""
        entry = self._cache.get(KEY)
        # Without the list nobody knows which exchanges it will have.
        wanted = AlertQuery.of(parameters, exchanges=None if entry is None else self._exchanges_of(entry))
        if entry is None:
            raise not_there_yet(
                "nobody has looked for alerts yet; that takes a worker, and a Redis to keep them in"
            )
        return wanted, entry

    def _exchanges_of(self, entry: Entry) -> tuple[str, ...]:
        """The exchanges that may be asked for: those in use, and those that are in the list."""
        listed = (alert["exchange"] for alert in entry.value["alerts"])
        return tuple(dict.fromkeys((*self._exchanges.ids, *listed)))

    def judged(self, entry: Entry) -> tuple[str, str | None]:
        """Whether somebody still looks for alerts, and since when nobody does."""
        looked_at = entry.value["evaluated_at"]
        if self._clock() - looked_at <= self._ttl_s:
            return states.LIVE, None
        return states.STALE, f"nobody has looked for alerts since {utc(looked_at)}"

    def kept(self, entry: Entry, *, marked: bool) -> dict[str, str]:
        """How long an answer made of this list may be kept."""
        return dict(lives(entry, self._clock(), ttl_s=self._ttl_s, marked=marked))

    def acknowledge(self, alert_id: str) -> float:
        """Since when it is acknowledged, in Unix seconds; raises a Problem for one that is not there."""
        journal = self._cache.journal(ALERT_JOURNAL)
        done = journal.acknowledge(alert_id)
        if done is None:
            raise _cannot_write()
        if done.at is None:
            raise _unknown(alert_id)
        if done.now or self._shows_unacknowledged(alert_id):
            self._renew()
        return done.at

    def _shows_unacknowledged(self, alert_id: str) -> bool:
        """Whether the list missed an acknowledgement: who made it may have died before it got here."""
        entry = self._cache.get(KEY)
        alerts = () if entry is None else entry.value["alerts"]
        return any(alert["id"] == alert_id and alert["acknowledged_at"] is None for alert in alerts)

    def _renew(self) -> None:
        """Show it at once: the worker would within one of its periods, and does if this fails."""
        before = self._cache.get(KEY)
        # Whoever read the journal earlier and stores later stores what is stale.
        self._cache.expire(KEY)
        token = self._cache.token()
        entries = self._cache.journal(ALERT_JOURNAL).recent(MOST_ALERTS)
        if before is None or entries is None:
            return
        looked_at = before.value["evaluated_at"]
        value = {"alerts": [entry.plain() for entry in entries], "evaluated_at": looked_at}
        self._cache.put(KEY, value, as_of=looked_at, token=token)


def blueprint(*, cache: TieredCache, clock: Callable[[], float], exchanges: Exchanges) -> Blueprint:
    """The list of alerts and the acknowledgement of one."""
    pages = Blueprint("alerts", __name__, url_prefix="/api/alerts")
    desk = AlertDesk(cache=cache, clock=clock, exchanges=exchanges)

    @pages.get("")
    def listed() -> Response:
        wanted, entry = desk.asked(request.args)
        state, reason = desk.judged(entry)
        alerts, following = wanted.page(entry.value["alerts"])
        shown = {"state": state, "reason": reason, "alerts": alerts, "next": following}
        headers = {
            "ETag": _tag(shown),
            **desk.kept(entry, marked=state == states.STALE),
            "Vary": "Accept-Encoding",
        }
        if matches(request.headers.get("If-None-Match"), headers["ETag"]):
            return Response(status=304, headers=headers)
        body = msgspec.json.encode({**shown, "as_of": entry.value["evaluated_at"]})
        whole = Response(body, headers=headers, content_type="application/json")
        return squeezed(whole, request.headers.get("Accept-Encoding"))

    @pages.post("/<alert_id>/acknowledge")
    def acknowledge(alert_id: str) -> Response:
        refuse_others(request)
        answer = {"id": alert_id, "acknowledged_at": desk.acknowledge(alert_id)}
        headers = {"Cache-Control": "no-store"}
        return Response(msgspec.json.encode(answer), headers=headers, content_type="application/json")

    return pages


def _tag(shown: Mapping[str, Any]) -> str:
    """A tag of what is said, not of when it was looked at."""
    return f'W/"{blake2s(msgspec.json.encode(shown), digest_size=12).hexdigest()}"'


def _cannot_write() -> Problem:
    detail = "Redis, which keeps the alerts, does not answer; nothing was lost, try again in a moment"
    return Problem(
        Told(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "no-redis",
            "Cannot be written now",
            detail,
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    )


def _unknown(alert_id: str) -> Problem:
    detail = "there is no alert of this id; the newest 10,000 are kept, for 30 days"
    return Problem(Told(HTTPStatus.NOT_FOUND, "alert-unknown", "Unknown alert", detail, {"id": alert_id}))
