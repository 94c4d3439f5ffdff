"""The task that raises alerts: what is cached is looked at, and what has begun since is written down once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from cache import Observation
from cache.catalogue import ALERT_JOURNAL, ALERT_KINDS, ALERTS, MOST_ALERTS
from tasks import app, wire
from tasks.announce import request_publish
from tasks.base import MarketTask
from tasks.sightings import Look, of_score

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cache import Entry, Journal, Recorded
    from market.alerts import Sighting
    from tasks.wire import House

log = structlog.get_logger()


@dataclass(slots=True)
class Memory:
    """What this process has had recorded, so that it need not look at it again: a help, never the truth."""

    begun: str = ""
    seen: dict[str, float] = field(default_factory=dict)

    def forget(self) -> None:
        """Look at everything again."""
        self.begun = ""
        self.seen.clear()


_memories: dict[int, Memory] = {}


@app.task(base=MarketTask, name="tasks.alerts.evaluate", run_lock_s=30.0)  # type: ignore[untyped-decorator]
def evaluate() -> None:
    """Look at scores, bars, betas and ages of all exchanges; record, and show what was raised."""
    house = wire.house()
    journal = house.cache.journal(ALERT_JOURNAL)
    memory = _memories.setdefault(os.getpid(), Memory())
    recorded = record(house, journal, memory)
    if recorded is None:
        # The conditions stand against what was stored before: the next run finds the same.
        log.warning("alerts_postponed", reason="Redis could not be asked")
        return
    show(house, journal, recorded)


def on_scores(house: House, scores: Iterable[Entry]) -> None:
    """Judge scores as they are stored: what crosses and comes back between two looks is seen as well.

    Whoever dies before this leaves it to the next look.
    """
    sightings = (of_score(house, entry.key.exchange, entry.key.symbol, entry) for entry in scores)
    told = [sighting for sighting in sightings if sighting is not None]
    if not told:
        return
    journal = house.cache.journal(ALERT_JOURNAL)
    recorded = journal.record(observations(told, house.settings.alert_cooldown))
    if recorded is not None and recorded.added:
        show(house, journal, recorded)


def record(house: House, journal: Journal, memory: Memory) -> Recorded | None:
    """Have the journal judge what has changed since this process last looked; None while Redis is away."""
    look = Look.at(house, memory.seen)
    recorded = journal.record(observations(look.sightings, house.settings.alert_cooldown))
    if recorded is not None and memory.seen and recorded.begun != memory.begun:
        # The journal was lost: also what has not changed is where it starts from.
        memory.forget()
        look = Look.at(house, memory.seen)
        recorded = journal.record(observations(look.sightings, house.settings.alert_cooldown))
    if recorded is not None:
        memory.begun = recorded.begun
        memory.seen.update(look.seen)
    return recorded


def observations(sightings: Iterable[Sighting], cooldown_s: float) -> list[Observation]:
    """The sightings as the journal takes them, each under a name of its own."""
    return [
        Observation(
            name=_name(one.kind, one.exchange, one.symbol),
            level=one.level,
            body=_body(one) if one.level else None,
            mark=one.mark,
            stands=one.stands,
            hold_s=one.hold_s,
            cooldown_s=cooldown_s,
            past=one.past,
            old=one.old,
        )
        for one in sightings
    ]


def forget(house: House, exchange: str, symbols: Iterable[str]) -> None:
    """Let these symbols start anew, at whatever level they are seen next; what was raised of them stays.

    While Redis is away nothing is forgotten: who lists a symbol again has it forgotten then.
    """
    names = [_name(kind, exchange, symbol) for symbol in symbols for kind in ALERT_KINDS]
    if names:
        house.cache.journal(ALERT_JOURNAL).forget(names)


def show(house: House, journal: Journal, recorded: Recorded) -> None:
    """Put the newest alerts where readers find them, if those there are others, old, or no longer true."""
    key = ALERTS.key(scope="recent")
    now = house.clock()
    before = house.cache.get(key)
    news = before is None or _newest(before) != recorded.newest
    if before is not None and not news and _is_young(before, now, house.settings.ttl_alerts):
        return
    token = house.cache.token()
    entries = journal.recent(MOST_ALERTS)
    if entries is None:
        return
    alerts = [entry.plain() for entry in entries]
    house.cache.put(key, {"alerts": alerts, "evaluated_at": now}, as_of=now, token=token)
    for alert in alerts:
        if alert["id"] in recorded.added:
            _tell(alert)
    if news:
        request_publish(house.cache)


def _name(kind: str, exchange: str, symbol: str | None) -> str:
    """Under which the journal keeps one condition."""
    return "|".join((kind, exchange, symbol or ""))


def _body(one: Sighting) -> dict[str, Any]:
    return {
        "kind": one.kind, "exchange": one.exchange, "symbol": one.symbol, "severity": one.severity,
        "text": one.text, "data": dict(one.data),
    }  # fmt: skip


def _newest(entry: Entry) -> str:
    alerts = entry.value["alerts"]
    return str(alerts[0]["id"]) if alerts else ""


def _is_young(entry: Entry, now: float, ttl_s: float) -> bool:
    """Whether it need not be put again: expired by nobody, and less than half its life old."""
    return entry.state == "fresh" and now - entry.value["evaluated_at"] < ttl_s / 2


def _tell(alert: dict[str, Any]) -> None:
    log.info(
        "alert_raised",
        id=alert["id"],
        kind=alert["kind"],
        exchange=alert["exchange"],
        symbol=alert["symbol"],
        severity=alert["severity"],
        text=alert["text"],
    )
