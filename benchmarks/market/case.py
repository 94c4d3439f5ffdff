"""What one size of system was found to take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lateness:
    """Seconds, over many scores and moments: since a book or trades were answered, since a score was made.

    `stale_share` is the share of looks that found a score past its life, or none.
    """

    inputs_p50_s: float
    inputs_p95_s: float
    computed_p50_s: float
    computed_p95_s: float
    stale_share: float


@dataclass(frozen=True, slots=True)
class Case:
    """One system of so many symbols and scorer processes.

    `complete_s` is None when its dashboard was not complete within the bound, `filled_s` likewise when its
    scores did not nearly all have candles, book and trades. `cpu` is processor seconds
    in each second that was watched, by process; `start_cpu_s` those of all until then. Bytes are by tier,
    those of the memory tier by role; memory is in MB by process. `requests_s` are requests a second to all
    exchanges while it was watched, `refused` those that they refused since the start.
    """

    symbols: int
    scorers: int
    complete_s: float | None
    filled_s: float | None
    start_cpu_s: float
    lateness: Lateness
    cpu: dict[str, float]
    tier_bytes: dict[str, float]
    l1_bytes: dict[str, float]
    pss_mb: dict[str, float]
    rss_mb: dict[str, float]
    requests_s: float
    refused: int
