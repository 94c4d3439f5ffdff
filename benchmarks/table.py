"""Results as tables.

`python -m benchmarks.table` prints those of the last full run as Markdown, `--docs` puts them into the docs.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.result import from_json

if TYPE_CHECKING:
    from benchmarks.result import Result

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs" / "benchmarks.md"
GROUPS = ("cache", "market", "growth")
MARKS = {True: "reached", False: "NOT reached", None: "-"}


def as_table(results: list[Result]) -> str:
    """A table for people: a line per result, and one below it per peer, further figure, miss and note."""
    lines = [f"{'id':4} {'workload':58} {'ours':>14} {'spread':>21}  verdict"]
    for one in results:
        ours = _ours(one)
        verdict = f"{MARKS[one.reached]} ({one.reach})" if one.reach else ""
        lines.append(f"{one.id:4} {one.what:58} {ours:>14} {_span(one.spread):>21}  {verdict}")
        lines += [f"     {'':8}{name:50} {_peer(one, name):>14} {_ratio(one, name)}" for name in one.peers]
        lines += [f"     {'':4}+ {name:52} {figure:>14,g}" for name, figure in one.further.items()]
        lines += [f"     {'':4}! missed: {rule}" for rule in one.missed]
        lines += [f"     {'':4}* {note}" for note in one.notes]
    return "\n".join(lines)


def as_markdown(results: list[Result]) -> str:
    """The same as a Markdown table, one row per result."""
    rows = ["| id | workload | Tidemark | peers (times as long) | reach | |", "|---|---|---|---|---|---|"]
    rows += [f"| {' | '.join(_cells(one))} |" for one in results]
    return "\n".join(rows)


def _cells(one: Result) -> tuple[str, ...]:
    figures = [f"**{_ours(one)}** ({_span(one.spread)})"]
    figures += [f"{name} {figure:,g}" for name, figure in one.further.items()]
    peers = [f"{name} {_peer(one, name)}{_times(one, name)}" for name in one.peers]
    mark = MARKS[one.reached].replace("NOT reached", "**not reached**")
    verdict = "; ".join((mark, *one.missed))
    return one.id, one.what, "<br>".join(figures), "<br>".join(peers), _escaped(one.reach), verdict


def _ours(one: Result) -> str:
    return "-" if one.ours is None else f"{one.ours:,g} {one.unit}"


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _span(spread: tuple[float, float]) -> str:
    return f"{spread[0]:,g} to {spread[1]:,g}"


def _peer(one: Result, name: str) -> str:
    return ("at least " if name in one.at_least else "") + f"{one.peers[name]:,g}"


def _ratio(one: Result, name: str) -> str:
    ratio = one.ratios.get(name)
    if ratio is None:
        return ""
    return f"{ratio.smallest:9,.3g} to {ratio.largest:<8,.3g} x {ratio.median:,.3g}"


def _times(one: Result, name: str) -> str:
    ratio = one.ratios.get(name)
    return "" if ratio is None else f" ({ratio.median:,.3g}x)"


def with_table(text: str, group: str, table: str) -> str:
    """The page with the table of a group between its two marks; raises ValueError where there are none."""
    begin, end = f"<!-- {group}: begin -->", f"<!-- {group}: end -->"
    marked = re.compile(f"{begin}.*?{end}", re.DOTALL)
    if not marked.search(text):
        raise ValueError(f"the page has no place for {group}: want {begin} and {end}")
    return marked.sub(lambda _: f"{begin}\n{table}\n{end}", text)


def main() -> None:
    """Print or file the stored results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__)
    parser.add_argument("--docs", action="store_true", help=f"write them into {DOCS.name}")
    arguments = parser.parse_args()
    page = DOCS.read_text()
    for group in GROUPS:
        stored = RESULTS / f"{group}.json"
        if not stored.exists():
            continue
        table = as_markdown(from_json(stored.read_text()))
        if not arguments.docs:
            print(table)
        page = with_table(page, group, table)
    if arguments.docs:
        DOCS.write_text(page)


if __name__ == "__main__":
    main()
