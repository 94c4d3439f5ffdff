"""`inspect KEY` as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cache.operators import values
from cache.operators.judging import STYLES
from cache.operators.paper import GAP, Ink
from cache.operators.units import ago, duration, moment, number, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cache.operators.inspecting import Inspection, Place, Relative
    from cache.operators.paper import Paper

US = 1_000_000
MOST_SHOWN = 12


def show(paper: Paper, seen: Inspection, *, full: bool) -> None:
    """Everything, most important first; `full` shows all relatives and the whole value."""
    paper.line(Ink(seen.key, "bold"), GAP, Ink(seen.state, STYLES[seen.state]), _because(seen.why))
    paper.line()
    facts: dict[str, Sequence[str | Ink] | str] = {"l1": _memory(seen)}
    for place in seen.places:
        facts[f"{place.tier} {place.where}"] = _place(place, seen)
    paper.facts(facts)
    paper.line()
    paper.facts(_times(seen) | _versions(seen) | _made(seen))
    most = 10**9 if full else MOST_SHOWN
    _relatives(paper, "derived from", seen.derived_from, complete=seen.derived_from_complete, most=most)
    _relatives(paper, "what is derived from it", seen.derives, complete=seen.derives_complete, most=most)
    if seen.size is not None:
        paper.line()
        paper.line(Ink("value", "dim"))
        for line in values.lines(seen.value, full=full):
            paper.line(GAP, line)


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _memory(seen: Inspection) -> Sequence[str | Ink]:
    if not seen.uses:
        return ("private to each process; not among the most used of the last hour",)
    by_role = ", ".join(
        f"{plural(count, 'time')} by {role}"
        for role, count in sorted(seen.uses.items(), key=lambda one: -one[1])
    )
    return (f"private to each process; used {by_role} in the last hour",)


def _place(place: Place, seen: Inspection) -> Sequence[str | Ink]:
    if not place.answered:
        return (Ink("does not answer", "red"),)
    if not place.found:
        return (Ink("not there", "dim"),)
    same = "" if place.version == seen.version else f", another version: {place.version}"
    generation = f", generation {seen.generation}" if place.tier == "l2" else ""
    return (
        Ink(place.state, STYLES[place.state]),
        f"{_because(place.why)}, {size(place.wire_bytes or 0)}{generation}{same}",
    )


def _times(seen: Inspection) -> dict[str, Sequence[str | Ink] | str]:
    if seen.as_of is None or seen.stored_at is None or seen.fresh_until is None or seen.usable_until is None:
        return {"lifetime": duration(seen.lifetime_s)}
    now = seen.now
    fresh = (
        (Ink(f"for {duration(seen.fresh_for_s)}", "green"), f", until {moment(seen.fresh_until, now)}")
        if seen.state == "fresh"
        else (f"ended {ago(now - seen.fresh_until)}",)
        if seen.fresh_until <= now
        else (f"would have been until {moment(seen.fresh_until, now)}",)
    )
    return {
        "true as of": f"{moment(seen.as_of, now)}, {ago(now - seen.as_of)}",
        "stored": f"{moment(seen.stored_at, now)}, {ago(now - seen.stored_at)}",
        "fresh": (*fresh, f" (lifetime {duration(seen.lifetime_s)})"),
        "usable": f"for {duration(seen.usable_for_s)}, until {moment(seen.usable_until, now)}",
    }


def _versions(seen: Inspection) -> dict[str, Sequence[str | Ink] | str]:
    facts: dict[str, Sequence[str | Ink] | str] = {}
    if seen.version is not None:
        facts["version"] = number(seen.version)
    for name, version, below in (
        ("fence", seen.fence, seen.below_fence),
        ("removal", seen.removal, seen.below_removal),
        ("floor", seen.floor, seen.below_floor),
    ):
        facts[name] = _bound(version, seen, below=below)
    return facts


def _bound(version: int, seen: Inspection, *, below: bool) -> Sequence[str | Ink]:
    if not version:
        return (Ink("none", "dim"),)
    # A version never runs behind the microseconds of the clock, and seldom far ahead of it.
    when = f"{number(version)}, {ago(max(0.0, seen.now - version / US))}"
    if seen.version is None:
        return (when,)
    return (when, ", ", Ink("the entry is below it", "yellow") if below else "the entry is above it")


def _made(seen: Inspection) -> dict[str, Sequence[str | Ink] | str]:
    if seen.size is None:
        return {}
    how = f"compressed from {size(seen.size.plain_bytes)}" if seen.size.compressed else "not compressed"
    unknown = (
        f"process {seen.writer:08x}, of which nothing is known any more" if seen.writer else "nobody knows"
    )
    return {
        "written by": seen.written_by or unknown,
        "size": f"{size(seen.size.wire_bytes)} on the wire, {how}",
    }


def _relatives(paper: Paper, title: str, relatives: Sequence[Relative], *, complete: bool, most: int) -> None:
    if not relatives and complete:
        return
    cut = "" if complete else " or more: the search was cut off here"
    paper.line()
    paper.line(Ink(title, "dim"), GAP, f"{plural(len(relatives), 'key')}{cut}")
    # What is not fresh is what one looks for.
    ordered = sorted(relatives, key=lambda one: one.state == "fresh")
    paper.table(rows(ordered[:most]), margin=GAP)
    if len(relatives) > most:
        paper.line(GAP, f"... and {number(len(relatives) - most)} more")


def rows(relatives: Iterable[Relative]) -> list[tuple[str | Ink, ...]]:
    """A line for each: the key, its state, and how long it holds or why it does not."""
    return [(one.key, Ink(one.state, STYLES[one.state]), remark(one)) for one in relatives]


def remark(one: Relative) -> str:
    """How long it holds, or why it does not."""
    if one.state == "fresh":
        return f"for {duration(one.fresh_for_s)}"
    age = "" if one.age_s is None else f", as of {ago(one.age_s)}"
    return (one.why + age).removeprefix(", ")
