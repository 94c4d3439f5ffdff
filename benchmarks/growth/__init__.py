"""What growth costs: operations at a thousand, a hundred thousand and a million keys in Redis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.growth.drawing import drawn
from benchmarks.growth.measuring import BATCH, BATCHES, measured
from benchmarks.result import of_rounds

if TYPE_CHECKING:
    from benchmarks.growth.measuring import Size
    from benchmarks.result import Result

PICTURE = Path(__file__).parents[2] / "docs" / "growth.svg"
SIZES, QUICK_SIZES = (1_000, 100_000, 1_000_000), (1_000, 10_000)
OPERATIONS = {
    "get": ("us", "get from Redis"),
    f"put_many of {BATCH}": ("ms", f"put_many of {BATCH} into Redis"),
    f"cascade of {BATCH}": ("ms", f"expire with a cascade of {BATCH}"),
}


def run(*, quick: bool) -> list[Result]:
    """Measure at each size in turn; a full run draws the picture of the docs as well."""
    sizes = measured(QUICK_SIZES if quick else SIZES, rounds=3 if quick else 9)
    if not quick:
        PICTURE.write_text(drawn(sizes))
    return [*_costs(sizes), *_batches(sizes[-1]), *_memory(sizes)]


def _costs(sizes: list[Size]) -> list[Result]:
    return [
        of_rounds(f"G{number}", f"{what}, {size.keys:,} keys", size.costs[name], unit)
        for number, (name, (unit, what)) in enumerate(OPERATIONS.items(), start=1)
        for size in sizes
    ]


def _batches(size: Size) -> list[Result]:
    return [
        of_rounds(id_, f"{what} of {batch}, {size.keys:,} keys", size.costs[f"{what} of {batch}"], "ms")
        for id_, what in (("G4", "put_many"), ("G5", "cascade"))
        for batch in BATCHES
    ]


def _memory(sizes: list[Size]) -> list[Result]:
    return [
        of_rounds("G6", f"memory of a key, {size.keys:,} keys", [size.bytes_a_key], "B") for size in sizes
    ]
