"""The command line of `python -m cache`: what can be typed, and what runs then."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cache.operators import inspecting, inspection_text, statistics, trees
from cache.operators.desk import BAD_USAGE, FOUND, NOT_FOUND
from cache.operators.naming import ANY, NotAKey, named, nearest, one_key, one_kind
from cache.operators.touching import touch
from cache.operators.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cache.keys import Key
    from cache.operators.desk import Desk

_KEY = "kind|parameter|..., or the same in separate words"
_ABOUT = """Look into the cache of the running system, and invalidate what is in it.

A key is typed as its text, 'confluence|bybit|BTC/USDT:USDT', or in words, confluence bybit BTC/USDT:USDT.
The addresses are those of the settings; where they name no Redis, of VAR_DIR/run/environment,
which `make up` leaves there while it runs."""
_CODES = "exit codes: 0, 1 not found, 2 bad usage, 3 no Redis"


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """What was typed; exits with 2 and a line that says what is wrong."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="one JSON document (watch: one for each line)")
    shared.add_argument("--environment", metavar="FILE", help="take the settings from KEY=value lines")
    parser = argparse.ArgumentParser(
        prog="python -m cache",
        description=_ABOUT,
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[Desk, argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[shared], help=about, description=about, epilog=_CODES)
        command.set_defaults(run=run)
        return command

    one = add("inspect", _inspect, "where a key is, its ages, versions and fences, its relatives, its value")
    one.add_argument("key", nargs="+", metavar="KEY", help=_KEY)
    one.add_argument("--full", action="store_true", help="the whole value and all relatives")
    tree = add("tree", _tree, "the kinds and what is stored of them, or all that is made of one key")
    tree.add_argument("key", nargs="*", metavar="KIND|KEY", help=f"a kind, or a key: {_KEY}")
    for name, about in (
        ("expire", "turn keys, and all that is made of them, stale"),
        ("remove", "make keys, and all that is made of them, go"),
    ):
        command = add(name, _touch, about)
        command.add_argument("key", nargs="+", metavar="KEY", help=f"{_KEY}; '{ANY}' stands for any text")
        command.add_argument("--dry-run", action="store_true", help="only show which keys these are")
        if name == "remove":
            command.add_argument("--yes", action="store_true", help="do not ask")
    add("stats", _stats, "hit rates, breakers and coherence of all processes, memory of the servers")
    watch = add("watch", _watch, "changes as they happen")
    watch.add_argument("kind", nargs="*", metavar="KIND", help="of these kinds only")
    return parser.parse_args(arguments)


def run(desk: Desk, options: argparse.Namespace) -> int:
    """Run the command; returns the exit code. Raises NoRedis."""
    try:
        code: int = options.run(desk, options)
    except NotAKey as error:
        desk.complain(str(error))
        return BAD_USAGE
    return code


def _inspect(desk: Desk, options: argparse.Namespace) -> int:
    key = one_key(options.key, desk.catalogue.kinds)
    seen = inspecting.inspected(desk, key)
    near = None if seen.found else _nearest_stored(desk, key)
    if desk.paper.as_json:
        desk.paper.document(inspecting.with_nearest(seen, near))
    else:
        inspection_text.show(desk.paper, seen, full=options.full)
    if seen.found:
        return FOUND
    desk.complain("not stored" + (f"; did you mean {near!r}?" if near else ""))
    return NOT_FOUND


def _nearest_stored(desk: Desk, key: Key) -> str | None:
    return nearest(key.text, desk.looker.stored(f"{key.kind.name}|*").texts)


def _tree(desk: Desk, options: argparse.Namespace) -> int:
    words, kinds = options.key, desk.catalogue.kinds
    if not words or (len(words) == 1 and words[0] in kinds):
        trees.of_kinds(desk, kinds[words[0]] if words else None)
        return FOUND
    key = one_key(words, kinds)
    if trees.of_key(desk, key):
        return FOUND
    near = _nearest_stored(desk, key)
    desk.complain("not stored" + (f"; did you mean {near!r}?" if near else ""))
    return NOT_FOUND


def _touch(desk: Desk, options: argparse.Namespace) -> int:
    wanted = named(options.key, desk.catalogue.kinds)
    return touch(desk, options.command, wanted, yes=getattr(options, "yes", True), dry_run=options.dry_run)


def _stats(desk: Desk, _: argparse.Namespace) -> int:
    statistics.show(desk)
    return FOUND


def _watch(desk: Desk, options: argparse.Namespace) -> int:
    kinds = [one_kind(name, desk.catalogue.kinds) for name in options.kind]
    return Watch(desk, kinds).run(stopped=lambda: False)
