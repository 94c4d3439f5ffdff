"""The simulated exchange as the tasks' cache and queues show it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cache.catalogue import DASHBOARD, EXCHANGE_STATUS, UNIVERSE
from tasks import fetch, plain

if TYPE_CHECKING:
    from cache import Key
    from tests.integration.tasks.conftest import Workshop

EXCHANGE = "simulated"
BTC = "BTC/USDT:USDT"


def symbols(workshop: Workshop) -> list[str]:
    """The tracked symbols, fetched if they are not there yet."""
    key = UNIVERSE.key(exchange=EXCHANGE)
    if workshop.house.cache.get(key) is None:
        fetch.universe(EXCHANGE)
    return plain.symbols_of(workshop.house.cache.get(key).value)  # type: ignore[union-attr]


def value(workshop: Workshop, key: Key) -> Any:
    """What is stored under a key."""
    entry = workshop.house.cache.get(key)
    return None if entry is None else entry.value


def of(kind: Any, symbol: str = BTC) -> Key:
    """The key of a symbol."""
    key: Key = kind.key(exchange=EXCHANGE, symbol=symbol)
    return key


def status(workshop: Workshop, source: str) -> Any:
    """What is known of one source of the exchange."""
    return workshop.house.cache.get(EXCHANGE_STATUS.key(exchange=EXCHANGE, source=source)).value


def published(workshop: Workshop, view: str = "data") -> dict[str, Any]:
    """The document that the web would send."""
    body: dict[str, Any] = json.loads(workshop.house.cache.get(DASHBOARD.key(view=view)).value["body"])
    return body


def planned(workshop: Workshop) -> dict[str, list[str]]:
    """The symbols that the plan sends out now, by task."""
    workshop.forget_messages()
    fetch.plan(EXCHANGE)
    sent: dict[str, list[str]] = {}
    for name, arguments in workshop.queued("fetch.slow"):
        sent.setdefault(name.removeprefix("tasks.fetch."), []).extend(arguments[-1])
    return sent
