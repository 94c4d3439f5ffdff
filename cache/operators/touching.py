"""`expire` and `remove`: keys and patterns, a look before, the cascade, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cache.keys import parse
from cache.operators.desk import BAD_USAGE, FOUND, NOT_FOUND
from cache.operators.naming import Pattern
from cache.operators.paper import GAP, Ink
from cache.operators.units import number, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cache.entry import Reason
    from cache.keys import Key
    from cache.operators.desk import Desk

MOST_AT_ONCE = 1000
MOST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Touched:
    """What an invalidation came to: the keys asked for, and those it reached, by what became of them."""

    reason: str
    asked: tuple[str, ...]
    removed: tuple[str, ...]
    expired: tuple[str, ...]
    stored_before: int
    dry_run: bool = False


def touch(desk: Desk, reason: Reason, wanted: Sequence[Key | Pattern], *, yes: bool, dry_run: bool) -> int:
    """Expire or remove; returns the exit code."""
    keys = _found(desk, wanted)
    stored = _stored(desk, [key.text for key in keys])
    if dry_run:
        _show(desk, Touched(reason, tuple(key.text for key in keys), (), (), stored, dry_run=True))
        return FOUND if stored else NOT_FOUND
    if not keys:
        if desk.paper.as_json:
            desk.paper.document(Touched(reason, (), (), (), 0))
        desk.complain("nothing is stored that is like this")
        return NOT_FOUND
    patterns = any(isinstance(one, Pattern) for one in wanted)
    if reason == "remove" and not yes:
        if desk.ask is None and patterns:
            desk.complain(
                f"this would remove {plural(len(keys), 'key')} and all that is made of them; say --yes"
            )
            return BAD_USAGE
        if desk.ask is not None and not desk.ask(_question(keys)):
            desk.complain("nothing was removed")
            return FOUND
    reached: dict[str, None] = {}
    for start in range(0, len(keys), MOST_AT_ONCE):
        some = keys[start : start + MOST_AT_ONCE]
        reached.update(dict.fromkeys(key.text for key in desk.invalidate(reason, some)))
    touched = _sorted_out(desk, reason, keys, tuple(reached), stored)
    _show(desk, touched)
    return FOUND if stored or len(reached) > len(keys) else NOT_FOUND


def _found(desk: Desk, wanted: Sequence[Key | Pattern]) -> list[Key]:
    """The keys asked for, and those that are stored and like a pattern, each once."""
    keys: dict[Key, None] = {}
    for one in wanted:
        if isinstance(one, Pattern):
            texts = desk.looker.stored(one.glob).texts
            parsed = (parse(text, desk.catalogue.kinds) for text in texts)
            keys.update(dict.fromkeys(key for key in parsed if key is not None))
        else:
            keys[one] = None
    return list(keys)


def _stored(desk: Desk, texts: Sequence[str]) -> int:
    return sum(one.state in {"fresh", "stale"} for one in desk.state(texts).values())


def _sorted_out(
    desk: Desk, reason: Reason, keys: Sequence[Key], reached: tuple[str, ...], stored: int
) -> Touched:
    asked = tuple(key.text for key in keys)
    if reason == "expire":
        return Touched(reason, asked, (), reached, stored)
    # What gathers many parts is only expired when one of them is removed: its removal is older.
    held = desk.looker.held(reached)
    removed = tuple(text for text in reached if held[text].removal >= held[text].fence)
    gone = frozenset(removed)
    return Touched(reason, asked, removed, tuple(text for text in reached if text not in gone), stored)


def _question(keys: Sequence[Key]) -> str:
    named = ", ".join(key.text for key in keys[:3]) + (", ..." if len(keys) > 3 else "")  # noqa: PLR2004 (a line's worth)
    return f"remove {plural(len(keys), 'key')} ({named}) and all that is made of them?"


def _show(desk: Desk, touched: Touched) -> None:
    if desk.paper.as_json:
        desk.paper.document(touched)
        return
    if touched.dry_run:
        _list(desk, "would be touched, and all that is made of them", touched.asked, "yellow")
        return
    for texts, word, style in ((touched.removed, "removed", "red"), (touched.expired, "expired", "yellow")):
        if texts:
            _list(desk, word, texts, style)
    if not touched.stored_before:
        desk.complain(
            f"{plural(len(touched.asked), 'key')} asked for, not one of them was stored; "
            "the fence holds all the same"
        )


def _list(desk: Desk, word: str, texts: Sequence[str], style: str) -> None:
    kinds = Counter(text.partition("|")[0] for text in texts)
    per_kind = ", ".join(f"{name} {number(count)}" for name, count in kinds.items())
    desk.paper.line(Ink(plural(len(texts), "key"), "bold"), " ", Ink(word, style), f": {per_kind}")
    for text in texts[:MOST_SHOWN]:
        desk.paper.line(GAP, text)
    if len(texts) > MOST_SHOWN:
        desk.paper.line(GAP, f"... and {number(len(texts) - MOST_SHOWN)} more")
