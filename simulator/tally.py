"""How many requests came for each path, what became of them, and how close together they came."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OTHER = "other"
PEAK_WINDOW_S = 5.0
# What tells two requests of one path apart, beside the category.
_WHAT = ("symbol", "interval", "intervalTime", "period")
_MOST_WHATS = 20_000


class Tally:
    """Counts requests, answers by status (or `timeout`, `reset`), refusals of the limiter, and faults.

    `monotonic` gives seconds that only rise; by it the most requests in any 5 s are found.
    """

    def __init__(self, paths: tuple[str, ...], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._paths = paths
        self._monotonic = monotonic
        self.reset()

    def reset(self) -> None:
        """Begin again at zero."""
        self._requests: Counter[str] = Counter()
        self._whats: dict[str, Counter[str]] = {path: Counter() for path in (*self._paths, OTHER)}
        self._outcomes: dict[str, Counter[str]] = {path: Counter() for path in (*self._paths, OTHER)}
        self._limited: Counter[str] = Counter()
        self._faults: dict[str, Counter[str]] = {path: Counter() for path in (*self._paths, OTHER)}
        self._times: deque[float] = deque()
        self._peak = 0
        self._since = self._monotonic()

    def name(self, path: str) -> str:
        """The path as it is counted: unknown ones together."""
        return path if path in self._paths else OTHER

    def request(self, path: str, query: Mapping[str, str]) -> None:
        """A request has come in."""
        self._requests[path] += 1
        now = self._monotonic()
        while self._times and self._times[0] <= now - PEAK_WINDOW_S:
            self._times.popleft()
        self._times.append(now)
        self._peak = max(self._peak, len(self._times))
        what = " ".join(filter(None, (query.get(name, "") for name in _WHAT)))
        whats = self._whats[path]
        if path != OTHER and (what in whats or len(whats) < _MOST_WHATS):
            whats[what] += 1

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
        """The counts: `total`, `limited`, and under `paths` those of each path that was asked for.

        `asked` counts by symbol and interval; what names neither is under "". `peak` is the most that came
        in any `window_s`, refused ones included, within the `seconds` since the last reset.
        """
        return {
            "total": self._requests.total(),
            "limited": self._limited.total(),
            "seconds": round(self._monotonic() - self._since, 3),
            "peak": {"requests": self._peak, "window_s": PEAK_WINDOW_S},
            "paths": {
                path: {
                    "requests": count,
                    "limited": self._limited[path],
                    "outcomes": dict(self._outcomes[path]),
                    "faults": dict(self._faults[path]),
                    "asked": dict(sorted(self._whats[path].items())),
                }
                for path, count in sorted(self._requests.items())
            },
        }
