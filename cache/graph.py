"""The graph of kinds, checked as a whole: what is derived from what, and who may live how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cache.keys import Kind


# What lives to its next close lives no longer than this beyond its lifetime.
LONGEST_TIMEFRAME_S = 8 * 86_400.0


class GraphError(ValueError):
    """The kinds do not form a usable graph; the message names the kinds concerned."""


class Catalogue:
    """All kinds of one cache with their lifetimes; building one checks the graph and raises GraphError."""

    def __init__(self, kinds: Sequence[Kind], lifetimes: Mapping[str, float] | None = None) -> None:
        self.kinds: dict[str, Kind] = {}
        for kind in kinds:
            if kind.name in self.kinds:
                raise GraphError(f"two kinds are named {kind.name}")
            self.kinds[kind.name] = kind
        given = dict(lifetimes or {})
        _check_names(given, self.kinds)
        self.lifetimes = {name: float(given.get(name, kind.ttl)) for name, kind in self.kinds.items()}
        _check_parents(self.kinds)
        _check_cycles(self.kinds)
        self._children = {
            name: frozenset(kind.name for kind in self.kinds.values() if name in kind.derived_from)
            for name in self.kinds
        }
        self._check_lifetimes()

    @property
    def gathering(self) -> frozenset[str]:
        """The names of the kinds that outlive the removal of a part."""
        return frozenset(name for name, kind in self.kinds.items() if kind.gathers)

    def derived_from_any(self, names: Iterable[str]) -> frozenset[str]:
        """The names of all kinds that are derived from any of these, to any depth."""
        found: set[str] = set()
        queue = list(names)
        for name in queue:
            new = self._children.get(name, frozenset()) - found
            found |= new
            queue += new
        return frozenset(found)

    def with_lifetimes(self, lifetimes: Mapping[str, float]) -> Catalogue:
        """The same kinds with other lifetimes in seconds, checked again."""
        return Catalogue(tuple(self.kinds.values()), lifetimes)

    def longest_life(self) -> float:
        """The longest time in seconds for which an entry of any kind can be fresh."""
        to_the_close = any(kind.close_grace is not None for kind in self.kinds.values())
        return max(self.lifetimes.values()) + (LONGEST_TIMEFRAME_S if to_the_close else 0.0)

    def lifetime(self, kind: Kind) -> float:
        """The kind's time to live in seconds; raises GraphError for a kind that is not in the catalogue."""
        try:
            return self.lifetimes[kind.name]
        except KeyError:
            raise GraphError(f"{kind.name} is not in the catalogue") from None

    def _check_lifetimes(self) -> None:
        for kind in self.kinds.values():
            for parent in (self.kinds[name] for name in kind.derived_from):
                ttl, limit = self.lifetimes[kind.name], self.lifetimes[parent.name]
                if ttl > limit:
                    raise GraphError(
                        f"{kind.name} lives {ttl:g} s, longer than its parent {parent.name}, {limit:g} s"
                    )
                if _grace_exceeds(kind, parent):
                    raise GraphError(f"{kind.name} outlives its parent {parent.name} after a candle's close")


def _grace_exceeds(kind: Kind, parent: Kind) -> bool:
    if kind.close_grace is None:
        return False
    return parent.close_grace is None or kind.close_grace.exceeds(parent.close_grace)


def _check_names(lifetimes: Mapping[str, float], kinds: Mapping[str, Kind]) -> None:
    unknown = sorted(lifetimes.keys() - kinds.keys())
    if unknown:
        raise GraphError(f"lifetimes are given for unknown kinds: {', '.join(unknown)}")


def _check_parents(kinds: Mapping[str, Kind]) -> None:
    for kind in kinds.values():
        for parent in kind.derived_from:
            if parent not in kinds:
                raise GraphError(f"{kind.name} is derived from {parent}, which is not in the catalogue")


def _check_cycles(kinds: Mapping[str, Kind]) -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = (*path[path.index(name) :], name)
            raise GraphError(f"kinds are derived from each other in a circle: {' <- '.join(circle)}")
        if name in done:
            return
        for parent in kinds[name].derived_from:
            visit(parent, (*path, name))
        done.add(name)

    for name in kinds:
        visit(name, ())
