"""What a person is told of a run: one line for a seed, and the history around what broke."""

from __future__ import annotations

import math
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from tests.chaos.checker import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.chaos.checker import Violation
    from tests.chaos.history import Event
    from tests.chaos.run import Report

# A person watches this; what is told must not wait in a buffer.
say = partial(print, flush=True)
HEADING = (
    "seed  faults   calls  fresh reads  slowest call         lag p50/p99/max ms     well  agreed   verdict"
)
AROUND_S = 0.25
MOST_LINES = 30


def line(report: Report) -> str:
    """One seed on one line; lags are of readers that had proved their coherence."""
    verdict = report.verdict
    call = max(verdict.slowest, key=verdict.slowest.__getitem__, default="-")
    slowest = f"{call} {verdict.slowest.get(call, 0.0) * 1e3:.0f} ms"
    lags = _lags(verdict.lags_s)
    healed = " ".join(f"{_seconds(one):>7}" for one in (report.well_after_s, report.agreed_after_s))
    return (
        f"{report.plan.seed:4}  {len(report.plan.faults):6}  {verdict.calls:6}  {verdict.fresh_reads:11}  "
        f"{slowest:20} {lags:22} {healed}   {'kept' if report.passed else 'BROKEN'}"
    )


def summary(reports: Sequence[Report]) -> str:
    """All seeds together; lags in the time before the first fault, and in all."""
    quiet = [lag for report in reports for lag in report.verdict.quiet_lags_s]
    lags = [lag for report in reports for lag in report.verdict.lags_s]
    slowest_s = max(max(report.verdict.slowest.values(), default=0.0) for report in reports)
    healed = [report.agreed_after_s for report in reports if report.agreed_after_s is not None]
    return (
        f"{len(reports)} seeds, {sum(len(report.plan.faults) for report in reports)} faults, "
        f"{sum(report.verdict.calls for report in reports):,} calls, slowest {slowest_s * 1e3:.0f} ms; "
        f"agreed within {max(healed, default=math.inf):.2f} s;\n"
        f"changes seen by proved readers, p50/p99/max: {_lags(quiet)} ms of {len(quiet):,} before the first "
        f"fault, {_lags(lags)} ms of {len(lags):,} in all"
    )


def faults(report: Report) -> str:
    """What was broken when."""
    return "\n".join(f"      {fault}" for fault in report.plan.faults)


def what_broke(report: Report, *, each: int) -> str:
    """The troubles, and of every rule that was broken the first cases, with the history around them."""
    replay = f"python -m tests.chaos --seed {report.plan.seed} --seconds {report.plan.seconds:g}"
    lines = [f"   replay with: {replay}", *(f"   {trouble}" for trouble in report.troubles)]
    ordered = sorted(report.verdict.violations, key=lambda one: one.rule)
    for rule, group in groupby(ordered, key=lambda one: one.rule):
        cases = list(group)
        lines.append(f"   {rule}: {len(cases)} times")
        for case in cases[:each]:
            lines += [f"      {case.text}", *_excerpt(report, case)]
    return "\n".join(lines)


def _excerpt(report: Report, case: Violation) -> Iterable[str]:
    """Who did what to the keys concerned, from the old value's writing to its reading."""
    events = sorted((*case.because, case.event), key=lambda event: event.invoked)
    keys = {event.key for event in events if event.key}
    shown = {id(event) for event in events}
    first = events[0].invoked - 0.01
    last = case.event.returned
    context = [
        event
        for event in report.events
        if id(event) not in shown
        and first <= event.invoked <= last
        and _tells(event, keys, case.event.process)
    ]
    near = sorted(context, key=lambda event: min(abs(event.invoked - one.invoked) for one in events))
    chosen = sorted((*events, *near[: MOST_LINES - len(events)]), key=lambda event: event.invoked)
    for event in chosen:
        mark = ">" if id(event) in shown else " "
        yield f"       {mark} {event.invoked - report.started_at:8.3f}  {_told(event)}"


def _tells(event: Event, keys: set[str], process: int) -> bool:
    """Whether an event explains something: changes of these keys, faults, and what the reader logged."""
    if event.what in {"write", "expire", "remove"}:
        return event.key in keys
    return event.what == "fault" or (event.what == "log" and event.process == process)


def _told(event: Event) -> str:
    if event.what == "fault":
        return f"fault: {event.call}"
    if event.what == "log":
        return f"p{event.process} logs {event.call} {event.error}"
    believes = [
        word
        for word, so in (
            ("proved", event.proved),
            ("no redis", not event.far),
            ("no memcached", not event.near),
            ("owes", event.owing),
        )
        if so
    ]
    value = f" = {event.value} v{event.version % 10**10}" if event.value else ""
    freshness = "" if not event.value else " fresh" if event.fresh else " stale"
    made = f" of {', '.join(one.value or '-' for one in event.inputs)}" if event.inputs else ""
    tier = f" from {event.tier}" if event.what == "read" else ""
    took_ms = (event.returned - event.invoked) * 1e3
    what = f"{event.call} {event.key}{value}{freshness}{tier}{made}"
    return f"p{event.process} {what} ({', '.join(believes)}) {took_ms:.1f} ms"


def _lags(lags_s: Sequence[float]) -> str:
    return "/".join(f"{percentile(lags_s, share) * 1e3:.1f}" for share in (0.5, 0.99, 1.0))


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"
