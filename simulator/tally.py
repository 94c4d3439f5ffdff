"""How many requests came for each path, and what became of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

OTHER = "other"


class Tally:
    """Counts requests, answers by status (or `timeout`, `reset`), refusals of the limiter, and faults."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._paths = paths
        self.reset()

    def reset(self) -> None:
        """Begin again at zero."""
        self._requests: Counter[str] = Counter()
        self._outcomes: dict[str, Counter[str]] = {path: Counter() for path in (*self._paths, OTHER)}
        self._limited: Counter[str] = Counter()
        self._faults: dict[str, Counter[str]] = {path: Counter() for path in (*self._paths, OTHER)}

    def name(self, path: str) -> str:
        """The path as it is counted: unknown ones together."""
        return path if path in self._paths else OTHER

    def request(self, path: str) -> None:
        """A request has come in."""
        self._requests[path] += 1

    def limited(self, path: str) -> None:
        """The limiter has refused one."""
        self._limited[path] += 1

    def outcome(self, path: str, outcome: str) -> None:
        """A request was answered with a status, or ended in another way."""
        self._outcomes[path][outcome] += 1

    def fault(self, path: str, kinds: tuple[str, ...]) -> None:
        """Faults took part in a request."""
        self._faults[path].update(kinds)

    def report(self) -> dict[str, Any]:
        """The counts: `total`, `limited`, and under `paths` those of each path that was asked for."""
        return {
            "total": self._requests.total(),
            "limited": self._limited.total(),
            "paths": {
                path: {
                    "requests": count,
                    "limited": self._limited[path],
                    "outcomes": dict(self._outcomes[path]),
                    "faults": dict(self._faults[path]),
                }
                for path, count in sorted(self._requests.items())
            },
        }
