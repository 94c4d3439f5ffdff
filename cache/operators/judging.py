"""Whether a stored entry would be served, and as what: the reader's rules, with their reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cache import envelope
from cache.keys import parse

if TYPE_CHECKING:
    from cache.entry import Entry
    from cache.graph import Catalogue
    from cache.operators.looking import Held

    State = Literal["fresh", "stale", "gone", "absent"]

STYLES = {"fresh": "green", "stale": "yellow", "gone": "red", "absent": "dim"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reader would make of a stored body; `why` is empty where there is nothing to explain."""

    state: State
    why: str = ""
    entry: Entry | None = None

    @property
    def fresh_for_s(self) -> float:
        """Seconds for which it is served as fresh, 0 unless it is."""
        return self.entry.fresh_for if self.entry is not None and self.state == "fresh" else 0.0


def judged(
    held: Held, catalogue: Catalogue, *, body: bytes | None, tier: str, floor: int, now: float
) -> Judgement:
    """What a reader would make of `body`, found in that tier, by what Redis knows of its key."""
    key = parse(held.text, catalogue.kinds)
    if body is None or key is None:
        return Judgement("absent", "" if key is not None else "of no kind that is known here")
    entry = envelope.opened(key, body, tier=tier, clock=lambda: now)
    if entry is None:
        return Judgement("absent", "what is stored there is no entry of this key")
    if envelope.is_removal(body):
        return Judgement("gone", "removed while Redis was away")
    rules: tuple[tuple[bool, State, str], ...] = (
        (now >= entry.usable_until, "gone", "no longer usable"),
        (entry.version < held.removal, "gone", "it is older than its removal"),
        (entry.version < held.fence, "stale", "it is older than its fence"),
        (entry.version < floor, "stale", "it is older than what Redis lost"),
        (envelope.is_unsettled(body), "stale", "written while Redis was away, which has not got it"),
        (envelope.is_expired(body), "stale", "marked expired when it was stored, or since"),
        (now >= entry.fresh_until, "stale", "its time is over"),
        (True, "fresh", ""),
    )
    state, why = next((state, why) for holds, state, why in rules if holds)
    return Judgement(state, why, entry)
