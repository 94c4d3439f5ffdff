"""Asks the web process whether a complete dashboard can be served."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_WITHIN_S = 2.0
_POLL_S = 0.25
_GOOD = frozenset({"ok", "up", "absent"})
# Never through a proxy: the address is this machine's own.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Readiness:
    """The web process's word: can it serve, is every tracked symbol scored, and if not, why."""

    ready: bool
    complete: bool
    missing: str


def ask(url: str) -> Readiness:
    """Ask once; a process that does not answer is not ready."""
    try:
        body = _read(url)
    except (OSError, HTTPException):
        return Readiness(ready=False, complete=False, missing="the web process does not answer")
    return understand(body)


def _read(url: str) -> bytes:
    """The body of the answer, whatever its status."""
    try:
        with _DIRECT.open(url, timeout=_WITHIN_S) as response:
            return bytes(response.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.read()


def understand(body: bytes) -> Readiness:
    """Turn the answer of /readyz into a verdict, and into words where it is not yet good."""
    try:
        answer: dict[str, Any] = dict(json.loads(body))
    except (ValueError, TypeError):
        return Readiness(ready=False, complete=False, missing="the web process gives no sense")
    ready, complete = answer.get("ready") is True, answer.get("complete") is True
    missing = [] if complete else ["not every symbol is scored"]
    if not ready:
        missing = [f"no dashboard yet (state {answer.get('state')})", *_troubles(answer.get("exchanges"))]
    tiers = answer.get("tiers")
    if isinstance(tiers, dict):
        missing += [f"cache tier {name}: {state}" for name, state in tiers.items() if str(state) not in _GOOD]
    return Readiness(ready=ready, complete=complete, missing="; ".join(missing))


def _troubles(exchanges: object) -> list[str]:
    """What the web process knows of exchanges that do not answer as they should."""
    if not isinstance(exchanges, list):
        return []
    rows = [row for row in exchanges if isinstance(row, dict)]
    return [f"{row.get('id')}: {row['reason']}" for row in rows if row.get("reason")]


async def wait_until_complete(url: str, *, patience_s: float, complain: Callable[[str], None]) -> None:
    """Return when the dashboard is complete; after `patience_s` say once what is missing, and go on."""
    complained = False
    loop = asyncio.get_running_loop()
    patient_until = loop.time() + patience_s
    while True:
        readiness = await asyncio.to_thread(ask, url)
        if readiness.ready and readiness.complete:
            return
        if not complained and loop.time() >= patient_until:
            complained = True
            complain(readiness.missing)
        await asyncio.sleep(_POLL_S)
