"""The figures of a soak over time, and whether they are flat."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What lives in Redis and Memcached lives this long, so its amount follows the rate of that time.
RATE_OVER_S = 30.0
# What counts as flat: at most this share more at the end of the second half than at its beginning, by least
# squares. What is in the servers follows the rate of calls and is less steady.
MOST_GROWTH = {"client": 0.03, "redis": 0.1, "memcached": 0.1}

HEADING = (
    "    s   calls/s |  client RSS MB           |  fences  outbox  leases   links      L1 |"
    " redis MB    keys  fences | memcached MB"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment: seconds since the start, megabytes, and counts; client figures are one for each process."""

    at_s: float
    rss_mb: list[float]
    calls: int
    fences: list[int]
    outbox: list[int]
    leases: list[int]
    links: list[int]
    l1_entries: list[int]
    redis_mb: float
    redis_keys: int
    redis_fences: int
    memcached_mb: float


@dataclass(slots=True)
class Series:
    """A whole soak."""

    minutes: float
    samples: list[Sample] = field(default_factory=list)

    def growth(self) -> dict[str, float]:
        """By how much each figure grew over the second half, as a share of its mean.

        What is in Redis follows the rate of calls, which is not steady on a machine with other work: it
        has grown only if it has also grown by the rate.
        """
        half = self.samples[len(self.samples) // 2 :]
        times = [sample.at_s for sample in half]
        rates = [self._rate(sample) for sample in half]
        own = {f"client {n}": [one.rss_mb[n] for one in half] for n in range(len(half[0].rss_mb))}
        own["memcached memory"] = [one.memcached_mb for one in half]
        following = {
            "redis memory": [one.redis_mb for one in half],
            "redis keys": [float(one.redis_keys) for one in half],
            "redis fences": [float(one.redis_fences) for one in half],
        }
        by_rate = {
            name: [value / rate for value, rate in zip(values, rates, strict=True)]
            for name, values in following.items()
        }
        return {
            **{name: relative_growth(times, values) for name, values in own.items()},
            **{
                name: min(relative_growth(times, values), relative_growth(times, by_rate[name]))
                for name, values in following.items()
            },
        }

    def _rate(self, sample: Sample) -> float:
        """Calls a second in the half minute before."""
        since = next(one for one in self.samples if one.at_s >= sample.at_s - RATE_OVER_S or one is sample)
        if since is sample:
            return sample.calls / sample.at_s
        return max(1.0, (sample.calls - since.calls) / (sample.at_s - since.at_s))

    def flat(self) -> bool:
        """Whether nothing grows."""
        return all(share <= MOST_GROWTH[name.split()[0]] for name, share in self.growth().items())

    def save(self, path: Path) -> None:
        """All figures as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        body = {
            "minutes": self.minutes,
            "flat": self.flat(),
            "most_growth": MOST_GROWTH,
            "growth": self.growth(),
            "calls_per_s": self.samples[-1].calls / self.samples[-1].at_s,
            "samples": [asdict(sample) for sample in self.samples],
        }
        path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def mean(values: list[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)


def relative_growth(times: list[float], values: list[float]) -> float:
    """From the first moment to the last along the line through the values, as a share of their mean."""
    return slope(times, values) * (times[-1] - times[0]) / max(1e-9, mean(values))


def slope(times: list[float], values: list[float]) -> float:
    """By least squares, in units of the value per unit of time; 0 where there is but one moment."""
    middle, level = mean(times), mean(values)
    spread = sum((time_ - middle) ** 2 for time_ in times)
    if spread == 0:
        return 0.0
    return sum((t - middle) * (v - level) for t, v in zip(times, values, strict=True)) / spread


def line(one: Sample) -> str:
    """One sample as a line of the table; of the clients' counts the largest."""
    rss = " ".join(f"{size:6.1f}" for size in one.rss_mb)
    return (
        f"{one.at_s:5.0f} {one.calls / one.at_s:9.0f} | {rss} | {max(one.fences):7d} {max(one.outbox):7d} "
        f"{max(one.leases):7d} {max(one.links):7d} {max(one.l1_entries):7d} | {one.redis_mb:8.1f} "
        f"{one.redis_keys:7d} {one.redis_fences:7d} | {one.memcached_mb:8.1f}"
    )
