"""Holds a history against the promises of the cache. Pure: events in, violations and figures out.

What makes a value old: an invalidation of its key, or of anything that it was computed from, that began
after the value was made; or a later write of the same key. An old value may be served as fresh until the
change can have reached the reader: not at all by the process that made the change (unless another, cut off
and unaware of it, has made the value since), and for at most `BOUND_S` by the others. A change made while
Redis was away counts from the moment when its maker had settled it, or from that when the reader had lost
Redis as well, if both share a sound Memcached: as long as it had Redis and heard it, it could know nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.chaos.settling import Alone, Settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.chaos.history import Event

# A second, as the contract allows where coherence is not proved, and what a busy machine adds.
BOUND_S = 1.5
# Two frozen tiers cost 50 ms each, a bulk call 300; the rest is what two busy cores add.
LONGEST_CALL_S = 0.75
# Waiting for another's computation: its holder's life and a take-over.
LONGEST_FLIGHT_S = 1.5
SEEN_WITHIN_S = 1.0
PRECISION_S = 1e-6


@dataclass(frozen=True, slots=True)
class Violation:
    """One promise broken: which, by what event, and the events that prove it."""

    rule: str
    text: str
    event: Event
    because: tuple[Event, ...] = ()


@dataclass(slots=True)
class Verdict:
    """What was found.

    `lags_s` has, for each change and each other process that had proved its coherence and read the key
    within a second, how long that process still served the old value as fresh.
    """

    violations: list[Violation] = field(default_factory=list)
    lags_s: list[float] = field(default_factory=list)
    quiet_lags_s: list[float] = field(default_factory=list)
    slowest: dict[str, float] = field(default_factory=dict)
    calls: int = 0
    fresh_reads: int = 0


def check(events: Sequence[Event], *, quiet_until: float = -math.inf) -> Verdict:
    """Every rule over a history in the order of invocation; changes before `quiet_until` met no fault."""
    verdict = Verdict()
    _check_calls(events, verdict)
    written = {event.value: event for event in events if event.what == "write"}
    _check_lifetimes(events, written, verdict)
    changes = _Changes(events, written)
    _check_freshness(events, changes, verdict, quiet_until)
    return verdict


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` of all do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _check_calls(events: Iterable[Event], verdict: Verdict) -> None:
    """No call raises, and none hangs."""
    seen = set()
    for event in events:
        if event.what == "raised":
            verdict.violations.append(Violation("raised", f"{event.call} raised {event.error}", event))
        if event.what not in {"read", "write", "expire", "remove", "raised"}:
            continue
        if (event.process, event.invoked) in seen:
            continue
        seen.add((event.process, event.invoked))
        verdict.calls += 1
        took_s = event.returned - event.invoked
        verdict.slowest[event.call] = max(verdict.slowest.get(event.call, 0.0), took_s)
        if took_s > (LONGEST_FLIGHT_S if event.call == "get_or_compute" else LONGEST_CALL_S):
            verdict.violations.append(Violation("slow", f"{event.call} took {took_s:.3f} s", event))


def _check_lifetimes(events: Iterable[Event], written: dict[str, Event], verdict: Verdict) -> None:
    """Nothing derived outlives an input, and no reader is told of a longer life than the writer was."""
    for event in events:
        if event.what == "write":
            shortest = min((one.fresh_until for one in event.inputs if one.value), default=math.inf)
            if event.fresh_until > shortest + PRECISION_S:
                over_s = event.fresh_until - shortest
                verdict.violations.append(
                    Violation("hierarchy", f"outlives an input by {over_s:.3f} s", event)
                )
        elif event.what == "read" and event.value in written:
            source = written[event.value]
            if event.fresh_until > source.fresh_until + PRECISION_S and source.fresh:
                over_s = event.fresh_until - source.fresh_until
                verdict.violations.append(
                    Violation("promotion", f"lives {over_s:.3f} s longer than written", event, (source,))
                )


class _Changes:
    """For each written value, the changes that made it old."""

    def __init__(self, events: Sequence[Event], written: dict[str, Event]) -> None:
        self._written = written
        self._lineages: dict[str, dict[str, float]] = {}
        self._ends: dict[str, tuple[Event, ...]] = {}
        self._invalidations = _by_key(event for event in events if event.what in {"expire", "remove"})
        self._writes = _by_key(event for event in events if event.what == "write" and event.fresh)
        self._settled = Settled(events)
        self._alone = Alone(events)

    def ends_of(self, value: str) -> tuple[Event, ...]:
        """The changes that the value is older than."""
        if value not in self._ends:
            self._ends[value] = tuple(self._find_ends(value))
        return self._ends[value]

    def lineage(self, value: str) -> dict[str, float]:
        """The keys that a value was computed from, itself included, each with the moment of the oldest."""
        if value in self._lineages:
            return self._lineages[value]
        event = self._written.get(value)
        if event is None:
            return {}
        made_at = event.returned if event.made_at is None else min(event.made_at, event.returned)
        moments = {event.key: made_at}
        for one in event.inputs:
            found = {one.key: made_at, **(self.lineage(one.value) if one.value else {})}
            for key, moment in found.items():
                moments[key] = min(moment, made_at, moments.get(key, math.inf))
        self._lineages[value] = moments
        return moments

    def told_at(self, change: Event, reader: Event) -> float:
        """When this reader can have learned of the change."""
        if change.process == reader.process and not self._made_unaware(reader.value, change):
            return change.returned
        shared_near = change.near and reader.near and not reader.far
        if not change.owing or change.process == reader.process:
            return change.returned + BOUND_S
        if shared_near:
            both_alone = max(change.returned, self._alone.since(reader))
            return min(both_alone, self._settled.after(change)) + BOUND_S
        return self._settled.after(change) + BOUND_S

    def _made_unaware(self, value: str, change: Event) -> bool:
        """Whether another process made the value after the change, of which it could not be told by Redis."""
        source = self._written[value]
        later = source.process != change.process and source.returned > change.returned
        return later and (change.owing or source.owing)

    def _find_ends(self, value: str) -> Iterable[Event]:
        event = self._written.get(value)
        if event is None:
            return
        for key, moment in self.lineage(value).items():
            yield from _after(self._invalidations.get(key), moment)
        # Fenced by versions: what began after this was stored is younger, whoever made it.
        yield from _after(self._writes.get(event.key), event.returned)


def _check_freshness(
    events: Iterable[Event], changes: _Changes, verdict: Verdict, quiet_until: float
) -> None:
    """No old value is served as fresh once the reader can have known better."""
    lags: dict[tuple[int, str, float, int], float] = {}
    quiet: set[tuple[int, str, float, int]] = set()
    for event in events:
        if event.what != "read" or not event.fresh:
            continue
        verdict.fresh_reads += 1
        for change in changes.ends_of(event.value):
            late_s = event.invoked - change.returned
            if late_s < 0:
                continue
            if event.invoked >= changes.told_at(change, event):
                verdict.violations.append(_too_late(event, change, late_s, changes))
                break
            if event.proved and not change.owing and change.process != event.process:
                pair = (change.process, change.key, change.invoked, event.process)
                lags[pair] = max(lags.get(pair, 0.0), late_s)
    for pair in _pairs_looked_at(events):
        lags.setdefault(pair, 0.0)
    quiet = {pair for pair in lags if pair[2] < quiet_until}
    verdict.lags_s = list(lags.values())
    verdict.quiet_lags_s = [lag for pair, lag in lags.items() if pair in quiet]


def _pairs_looked_at(events: Iterable[Event]) -> Iterable[tuple[int, str, float, int]]:
    """Each change that reached Redis, with each other process that read its key within a second."""
    reads: dict[str, list[Event]] = defaultdict(list)
    changes = []
    for event in events:
        if event.what == "read" and event.proved:
            reads[event.key].append(event)
        elif event.what in {"write", "expire", "remove"} and not event.owing:
            changes.append(event)
    moments = {key: [event.invoked for event in found] for key, found in reads.items()}
    for change in changes:
        first = bisect_right(moments.get(change.key, []), change.returned)
        last = bisect_right(moments.get(change.key, []), change.returned + SEEN_WITHIN_S)
        for process in {event.process for event in reads[change.key][first:last]} - {change.process}:
            yield change.process, change.key, change.invoked, process


def _too_late(event: Event, change: Event, late_s: float, changes: _Changes) -> Violation:
    own = change.process == event.process
    rule = ("own" if own else "old") + (" away" if change.owing else "")
    rule += "" if change.key == event.key else " derived"
    derived = "" if change.key == event.key else f", made of {change.key}"
    text = (
        f"process {event.process} served {event.key} = {event.value}{derived} as fresh from {event.tier} "
        f"{late_s:.3f} s after process {change.process}'s {change.call} of {change.key}"
    )
    source = changes._written[event.value]
    return Violation(rule, text, event, (source, change))


def _by_key(events: Iterable[Event]) -> dict[str, tuple[list[float], list[Event]]]:
    lists: dict[str, tuple[list[float], list[Event]]] = {}
    for event in events:
        moments, found = lists.setdefault(event.key, ([], []))
        moments.append(event.invoked)
        found.append(event)
    return lists


def _after(series: tuple[list[float], list[Event]] | None, moment: float) -> Sequence[Event]:
    if series is None:
        return ()
    moments, events = series
    return events[bisect_right(moments, moment) :]
