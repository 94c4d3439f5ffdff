"""A breaker keeps a broken tier from costing anything; one prober per process finds it well again."""

from __future__ import annotations

import math
from threading import Lock
from typing import TYPE_CHECKING, Literal

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_PROBE_S = 0.1
SLOWEST_PROBE_S = 0.5
# Whoever fails again so soon after it came back is asked as seldom as before.
CALM_S = 5.0

log = structlog.get_logger(__name__)


class Breaker:
    """Closed: calls pass. Open: none do. Half open: only the prober's. One failure opens it.

    `probe` is called by the prober alone, says whether the tier is well again, and may raise.
    `clock` is a monotonic time in seconds.
    """

    def __init__(
        self, name: str, *, clock: Callable[[], float], probe: Callable[[], bool] | None = None
    ) -> None:
        self.name = name
        self.openings = 0
        self.probe = probe
        self._clock = clock
        self.reopen()

    def reopen(self) -> None:
        """Closed, and with nobody told: this process is a fork, or new."""
        self.state: Literal["closed", "open", "half_open"] = "closed"
        self.on_open: Callable[[], None] = _nothing
        self._probe_at = 0.0
        self._closed_at = -math.inf
        self._wait_s = FIRST_PROBE_S
        self._lock = Lock()

    @property
    def closed(self) -> bool:
        """Whether calls may pass."""
        return self.state == "closed"

    def failed(self, error: object) -> None:
        """A call failed or ran out of time: open."""
        with self._lock:
            if self.state != "closed":
                return
            self.state = "open"
            self.openings += 1
            now = self._clock()
            if now - self._closed_at > CALM_S:
                self._wait_s = FIRST_PROBE_S
            self._probe_at = now + self._wait_s
        log.warning("cache_tier_lost", tier=self.name, error=str(error) or type(error).__name__)
        self.on_open()

    def due_in(self) -> float | None:
        """Seconds until the next probe is due; None while closed."""
        return None if self.state == "closed" else max(0.0, self._probe_at - self._clock())

    def try_probe(self) -> bool:
        """Probe if one is due; True when the tier came back by it."""
        with self._lock:
            if self.state != "open" or self._clock() < self._probe_at:
                return False
            self.state = "half_open"
        well = self._probe()
        with self._lock:
            self.state = "closed" if well else "open"
            self._wait_s = min(SLOWEST_PROBE_S, self._wait_s * 2)
            self._closed_at = self._clock()
            self._probe_at = self._closed_at + self._wait_s
        if well:
            log.info("cache_tier_back", tier=self.name)
        return well

    def _probe(self) -> bool:
        try:
            return self.probe is None or self.probe()
        except Exception as error:  # noqa: BLE001 (whatever a broken tier throws, it is still broken)
            log.debug("cache_probe_failed", tier=self.name, error=str(error))
            return False


def _nothing() -> None:
    """Nobody wants to know."""
