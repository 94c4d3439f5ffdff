"""From the reports of single processes to one answer for all of them: pure functions over plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache.stats import NUMBERS, UNKNOWN_WRITER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Facts = Mapping[str, Any]
    Counts = dict[str, float]

ALIVE_S = 15.0
"""A process that has not reported for this long is taken for dead."""
UNKNOWN = "unknown"
SHOWN = ("role", "pid", "host", "started", "at", "coherence", "breakers", "l1", "outbox", "version")
RATE_DIGITS = 4


def everywhere(
    reports: Iterable[Facts], gone: Mapping[str, Facts], *, now: float, complete: bool
) -> dict[str, Any]:
    """One answer from the reports of all processes and, by role, the sums of those that are long gone."""
    ordered = sorted(reports, key=lambda one: (one["role"], one["host"], one["started"], one["pid"]))
    names = _names(ordered)
    alive = [one for one in ordered if not one["ended"] and now - one["at"] <= ALIVE_S]
    by_role: dict[str, dict[str, Counts]] = {}
    for role, kinds in [(one["role"], one["kinds"]) for one in ordered] + [
        (role, sums["kinds"]) for role, sums in gone.items()
    ]:
        _add(by_role.setdefault(role, {}), kinds)
    kinds = {}
    for counted in by_role.values():
        _add(kinds, counted)
    return {
        "at": now,
        "complete": complete,
        "processes": {names[one["writer"]]: {name: one[name] for name in SHOWN} for one in alive},
        "ended": len(ordered) - len(alive) + sum(sums["processes"] for sums in gone.values()),
        "hit_rates": hit_rates(_total(kinds)),
        "total": _total(kinds),
        "kinds": {kind: {**counts, "hit_rates": hit_rates(counts)} for kind, counts in kinds.items()},
        "roles": {
            role: {**_total(counted), "hit_rates": hit_rates(_total(counted))}
            for role, counted in by_role.items()
        },
        "read_from": _who_read_from_whom(ordered, names),
    }


def hit_rates(counts: Mapping[str, float]) -> dict[str, float | None]:
    """Of what each tier was asked for, the share that it had; `any` is the share found anywhere.

    None for a tier that was asked for nothing. A tier is asked for what the nearer ones did not have.
    """
    l1, l2, l3 = (counts.get(f"{tier}_hits", 0) for tier in ("l1", "l2", "l3"))
    asked = l1 + l2 + l3 + counts.get("misses", 0) + counts.get("unconfirmed", 0)
    return {
        "l1": _share(l1, asked),
        "l2": _share(l2, asked - l1),
        "l3": _share(l3, asked - l1 - l2),
        "any": _share(l1 + l2 + l3, asked),
    }


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, RATE_DIGITS) if whole > 0 else None


def _add(sums: dict[str, Counts], kinds: Mapping[str, Mapping[str, float]]) -> None:
    for kind, counts in kinds.items():
        known = sums.setdefault(kind, dict.fromkeys(NUMBERS, 0))
        for name, count in counts.items():
            known[name] = known.get(name, 0) + count


def _total(kinds: Mapping[str, Counts]) -> Counts:
    total: Counts = dict.fromkeys(NUMBERS, 0)
    for counts in kinds.values():
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    return total


def _names(reports: Iterable[Facts]) -> dict[int, str]:
    """A readable name for each process, by the number under which it writes."""
    names: dict[int, str] = {}
    for one in reports:
        name = f"{one['role']}@{one['host']}:{one['pid']}"
        # Two caches in one process, or a process id that came again.
        names[one["writer"]] = name if name not in names.values() else f"{name}#{one['writer']:08x}"
    return names


def _who_read_from_whom(
    reports: Iterable[Facts], names: Mapping[int, str]
) -> dict[str, dict[str, dict[str, int]]]:
    """{writer: {reader: {kind: entries read in L2 or L3}}}."""
    matrix: dict[str, dict[str, dict[str, int]]] = {}
    for reader in reports:
        for kind, counts in (reader["read_from"] or {}).items():
            for writer, count in counts.items():
                name = UNKNOWN if writer == UNKNOWN_WRITER else names.get(writer, UNKNOWN)
                read = matrix.setdefault(name, {}).setdefault(names[reader["writer"]], {})
                read[kind] = read.get(kind, 0) + count
    return matrix
