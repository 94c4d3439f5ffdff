"""`stats`: what all processes did with the cache, and how they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cache.operators import neighbours, servers
from cache.operators.paper import GAP, Ink
from cache.operators.units import NOTHING, ago, duration, number, plural, share, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cache.operators.desk import Desk
    from cache.operators.paper import Paper

    Facts = Mapping[str, Any]
    Cells = tuple[str | Ink, ...]

MOST_PAIRS = 12
_HITS = ("reads", "l1", "l2", "l3", "missed", "stale")


def gathered(desk: Desk) -> dict[str, Any]:
    """Everything as one document: the processes' own counts, the order of writes, the servers."""
    # First, for it says at once when there is no Redis at all.
    redis = servers.redis_facts(desk.looker.server(), desk.looker.address)
    return {
        "at": desk.clock(),
        "gathered": desk.totals(),
        "order": asdict(desk.looker.order()),
        "redis": redis,
        "memcached": servers.memcached_facts(neighbours.servers(desk.tiers)),
    }


def show(desk: Desk) -> None:
    """Write it all."""
    body, paper = gathered(desk), desk.paper
    if paper.as_json:
        paper.document(body)
        return
    totals = body["gathered"]
    _reads(paper, totals)
    _writes(paper, totals)
    _processes(paper, totals, body["at"])
    _who_reads_whom(paper, totals)
    servers.show(paper, body)


def _reads(paper: Paper, totals: Facts) -> None:
    running, ended = plural(len(totals["processes"]), "process", "processes"), number(totals["ended"])
    paper.line(Ink("reads", "bold"), GAP, f"{running} running, {ended} ended")
    if not totals["complete"]:
        paper.line(GAP, Ink("Redis did not tell of all processes in time", "yellow"))
    kinds, roles = totals["kinds"], totals["roles"]
    rows = [_hits(name, kinds[name]) for name in sorted(kinds)]
    if len(roles) > 1:
        rows += [_hits(f"all of {name}", roles[name]) for name in sorted(roles)]
    rows.append(_hits("all", totals["total"], style="bold"))
    paper.table(rows, head=("kind", *_HITS), right=range(1, 7), margin=GAP)
    paper.line(GAP, Ink("l1, l2, l3: of what this tier was asked for, the share that it had", "dim"))
    paper.line()


def _hits(name: str, counts: Facts, *, style: str = "") -> Cells:
    l1, l2, l3, missed, unconfirmed, stale = (
        counts.get(field, 0)
        for field in ("l1_hits", "l2_hits", "l3_hits", "misses", "unconfirmed", "stale_served")
    )
    reads = l1 + l2 + l3 + missed + unconfirmed
    return (
        Ink(name, style),
        number(reads),
        share(l1, reads),
        share(l2, reads - l1),
        share(l3, reads - l1 - l2),
        share(missed, reads),
        Ink(share(stale, reads), "yellow" if stale else ""),
    )


def _writes(paper: Paper, totals: Facts) -> None:
    kinds = totals["kinds"]
    rows = [_written(name, kinds[name]) for name in sorted(kinds)]
    paper.line(Ink("writes", "bold"))
    paper.table(
        [*rows, _written("all", totals["total"], style="bold")],
        head=(
            "kind",
            "writes",
            "bytes",
            "born stale",
            "failed",
            "too large",
            "expired",
            "removed",
            "computed",
            "each in",
        ),
        right=range(1, 10),
        margin=GAP,
    )
    paper.line()


def _written(name: str, counts: Facts, *, style: str = "") -> Cells:
    def of(field: str) -> float:
        return float(counts.get(field, 0))

    computed, failed = of("computations"), of("failed_writes")
    return (
        Ink(name, style),
        number(of("puts")),
        size(of("bytes_written")),
        number(of("born_stale")),
        Ink(number(failed), "red" if failed else ""),
        number(of("skipped_too_large")),
        number(of("expired")),
        number(of("removed")),
        number(computed),
        duration(of("compute_s") / computed) if computed else NOTHING,
    )


def _processes(paper: Paper, totals: Facts, now: float) -> None:
    if not totals["processes"]:
        return
    paper.line(Ink("processes", "bold"))
    paper.table(
        [_process(name, facts, now) for name, facts in totals["processes"].items()],
        head=(
            "process",
            "up for",
            "reported",
            "coherence",
            "entries",
            "memory",
            "evicted",
            "outbox",
            "breakers",
        ),
        right=(1, 2, 4, 5, 6, 7),
        margin=GAP,
    )
    paper.line()


def _process(name: str, facts: Facts, now: float) -> Cells:
    coherence, memory = str(facts["coherence"]), facts["l1"]
    return (
        name,
        duration(now - facts["started"]),
        ago(max(0.0, now - facts["at"])),
        Ink(coherence, "red" if coherence == "unproved" else "green"),
        number(memory["entries"]),
        size(memory["bytes"]),
        number(memory["evictions"]),
        number(facts["outbox"]),
        _breakers(facts["breakers"]),
    )


def _breakers(breakers: Mapping[str, Facts]) -> Ink:
    broken = [tier for tier, breaker in breakers.items() if breaker["state"] != "closed"]
    if broken:
        return Ink(f"open: {', '.join(broken)}", "red")
    before = [f"{tier} {number(one['openings'])}" for tier, one in breakers.items() if one["openings"]]
    if before:
        return Ink(f"closed; opened before: {', '.join(before)}", "yellow")
    return Ink("closed")


def _who_reads_whom(paper: Paper, totals: Facts) -> None:
    pairs = sorted(
        (
            (sum(kinds.values()), reader, writer, kinds)
            for writer, readers in totals["read_from"].items()
            for reader, kinds in readers.items()
        ),
        key=lambda pair: (-pair[0], *pair[1:3]),
    )
    if not pairs:
        return
    paper.line(Ink("who reads whose writes", "bold"), GAP, Ink("out of l2 and l3", "dim"))
    paper.table(
        [
            (reader, writer, number(count), _largest_first(kinds))
            for count, reader, writer, kinds in pairs[:MOST_PAIRS]
        ],
        head=("reader", "writer", "entries", "of"),
        right=(2,),
        margin=GAP,
    )
    if len(pairs) > MOST_PAIRS:
        paper.line(GAP, f"... and {plural(len(pairs) - MOST_PAIRS, 'pair')} more")
    paper.line()


def _largest_first(kinds: Mapping[str, int]) -> str:
    ordered: Iterable[tuple[str, int]] = sorted(kinds.items(), key=lambda one: -one[1])
    return ", ".join(f"{name} {number(count)}" for name, count in ordered)
