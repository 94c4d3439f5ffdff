"""`python -m benchmarks [cache|market|web|system|growth] [--quick] [--json|--markdown]`."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING

from benchmarks.result import as_json
from benchmarks.table import RESULTS, as_markdown, as_table

if TYPE_CHECKING:
    from benchmarks.result import Result

# Loaded when asked for: a group must not pay for the imports of another.
GROUPS = {
    "cache": "benchmarks.cache.run",
    "market": "benchmarks.market.run",
    "web": "benchmarks.web",
    "system": "benchmarks.system",
    "growth": "benchmarks.growth",
}
# These leave their figures behind, unless they were quick.
KEPT = ("cache", "market", "growth")
# Of these a few rows can be asked for.
BY_ROW = ("cache", "market")


def main() -> None:
    """Run the groups that are named, or all, and print what they found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"some of {', '.join(GROUPS)}; none means all")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", default="", help="rows of cache or market, as in B1,B9 or M1")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.groups if name not in GROUPS]
    if unknown:
        parser.error(f"groups: got {', '.join(unknown)}; want some of {', '.join(GROUPS)}")
    only = tuple(arguments.only.split(",")) if arguments.only else ()
    results = []
    for name in arguments.groups or GROUPS:
        results += _run(name, quick=arguments.quick, only=only)
    show = as_json if arguments.json else as_markdown if arguments.markdown else as_table
    print(show(results))
    if any(one.ours is None for one in results):
        raise SystemExit(1)


def _run(name: str, *, quick: bool, only: tuple[str, ...]) -> list[Result]:
    run = import_module(GROUPS[name]).run
    results: list[Result] = run(quick=quick, only=only) if name in BY_ROW else run(quick=quick)
    if name in KEPT and not quick and not only:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(as_json(results) + "\n")
    return results


if __name__ == "__main__":
    main()
