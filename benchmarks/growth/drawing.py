"""The picture of growth: cost by keys, cost by batch, memory by keys."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks.growth.measuring import BATCH, BATCHES
from benchmarks.growth.svg import Panel, Series, chart

if TYPE_CHECKING:
    from benchmarks.growth.measuring import Size

MB = 1e6
US_IN_MS = 1000
# The same operation has the same colour in every panel.
COLOURS = {"put_many": 1, "cascade": 2}


def drawn(sizes: list[Size]) -> str:
    """The SVG of what was measured."""
    most = sizes[-1]
    gets = tuple((size.keys, _middle(size, "get") / US_IN_MS) for size in sizes)
    by_keys = Panel(
        "Cost by keys in Redis", "keys in Redis", "ms",
        (Series("get", gets), *(_by_keys(sizes, what) for what in COLOURS)),
    )  # fmt: skip
    by_batch = Panel(
        f"Cost by batch, {most.keys:,} keys", "keys in the call", "ms",
        tuple(
            Series(what, tuple((batch, _middle(most, f"{what} of {batch}")) for batch in BATCHES), colour)
            for what, colour in COLOURS.items()
        ),
    )  # fmt: skip
    memory = Panel(
        "Memory of Redis", "keys in Redis", "MB",
        (
            Series(
                f"{most.bytes_a_key:,.0f} B a key",
                tuple((size.keys, size.keys * size.bytes_a_key / MB) for size in sizes),
            ),
        ),
    )  # fmt: skip
    return chart(
        (by_keys, by_batch, memory),
        "get, put_many and a cascade cost the same at any number of keys, the batches cost by their length, "
        "and memory grows by the key.",
    )


def _by_keys(sizes: list[Size], what: str) -> Series:
    points = ((size.keys, _middle(size, f"{what} of {BATCH}")) for size in sizes)
    return Series(f"{what} {BATCH}", tuple(points), COLOURS[what])


def _middle(size: Size, cost: str) -> float:
    return statistics.median(size.costs[cost])
