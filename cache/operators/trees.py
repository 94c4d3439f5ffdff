"""`tree`: the catalogue's graph with what is stored of each kind, or all that is made of one key."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cache.operators.inspecting import Relative
from cache.operators.inspection_text import remark
from cache.operators.judging import STYLES
from cache.operators.paper import Ink
from cache.operators.units import duration, number, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cache.keys import Key, Kind
    from cache.operators.desk import Desk

MOST_NODES = 2000


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of a drawn tree; `again` where what is below it has been drawn before."""

    lines: str
    name: str
    again: bool


@dataclass(frozen=True, slots=True)
class KindNode:
    """One kind, what it is made of and what is made of it, and how many entries Redis holds of it."""

    name: str
    params: tuple[str, ...]
    lifetime_s: float
    to_next_close: bool
    gathers: bool
    derived_from: tuple[str, ...]
    derives: tuple[str, ...]
    stored: int


def drawn(roots: Sequence[str], below: Mapping[str, Sequence[str]]) -> Iterator[Branch]:
    """The lines of a graph drawn as trees; what is below a node that comes twice is drawn once."""
    seen: set[str] = set()

    def draw(name: str, lead: str, corner: str) -> Iterator[Branch]:
        again = name in seen and bool(below.get(name))
        seen.add(name)
        yield Branch(lead + corner, name, again)
        if again:
            return
        children = below.get(name, ())
        inner = lead + {"": "", "├─ ": "│  ", "└─ ": "   "}[corner]
        for child in children:
            yield from draw(child, inner, "└─ " if child == children[-1] else "├─ ")

    for root in roots:
        yield from draw(root, "", "")


def of_kinds(desk: Desk, kind: Kind | None) -> None:
    """Show the kinds, or one of them and what is made of it."""
    stored = desk.looker.stored()
    counts = Counter(text.partition("|")[0] for text in stored.texts)
    nodes = {name: _node(desk, one, counts[name]) for name, one in desk.catalogue.kinds.items()}
    roots = [kind.name] if kind is not None else [name for name, one in nodes.items() if not one.derived_from]
    branches = list(drawn(roots, {name: node.derives for name, node in nodes.items()}))
    if desk.paper.as_json:
        shown = dict.fromkeys(branch.name for branch in branches)
        unknown = {} if kind else {name: count for name, count in counts.items() if name not in nodes}
        body = {
            "kinds": [asdict(nodes[name]) for name in shown],
            "unknown": unknown,
            "complete": stored.complete,
        }
        desk.paper.document(body)
        return
    if kind is not None and kind.derived_from:
        desk.paper.line(Ink("derived from ", "dim"), ", ".join(kind.derived_from))
    desk.paper.table(
        [_kind_row(branch, nodes[branch.name]) for branch in branches],
        head=("kind", "stored", "lifetime", "parameters", ""),
        right=(1,),
    )
    _tell_the_rest(desk, counts, complete=stored.complete, all_kinds=kind is None)


def of_key(desk: Desk, key: Key) -> bool:
    """Show all that is made of a key, with states; False when neither it nor anything of it is there."""
    below, complete = _closure(desk, key.text)
    states = desk.state(tuple(below))
    nodes = {
        text: Relative(
            text, one.state, one.why, one.fresh_for_s, None if one.entry is None else one.entry.age
        )
        for text, one in states.items()
    }
    if desk.paper.as_json:
        listed = [{**asdict(node), "derives": below[text]} for text, node in nodes.items()]
        desk.paper.document({"key": key.text, "nodes": listed, "complete": complete})
    else:
        desk.paper.table(_key_row(branch, nodes[branch.name]) for branch in drawn((key.text,), below))
        if not complete:
            desk.paper.line(Ink(f"cut off at {plural(MOST_NODES, 'key')}", "yellow"))
    return any(node.state != "absent" for node in nodes.values())


def _closure(desk: Desk, root: str) -> tuple[dict[str, tuple[str, ...]], bool]:
    """For each key reached from the root, nearest first, what is made of it; and whether that is all."""
    below: dict[str, tuple[str, ...]] = {}
    wave, complete = [root], True
    while wave:
        answers = desk.looker.derived(wave, MOST_NODES)
        for text in wave:
            below[text] = tuple(sorted(answers[text].texts))
            complete = complete and answers[text].complete
        reached = dict.fromkeys(child for text in wave for child in below[text] if child not in below)
        room = MOST_NODES - len(below)
        complete = complete and len(reached) <= room
        wave = list(reached)[:room]
    # What was cut off is not drawn either.
    return {
        text: tuple(one for one in children if one in below) for text, children in below.items()
    }, complete


def _node(desk: Desk, kind: Kind, stored: int) -> KindNode:
    derives = tuple(one.name for one in desk.catalogue.kinds.values() if kind.name in one.derived_from)
    return KindNode(
        name=kind.name,
        params=kind.params,
        lifetime_s=desk.catalogue.lifetime(kind),
        to_next_close=kind.close_grace is not None,
        gathers=kind.gathers,
        derived_from=kind.derived_from,
        derives=derives,
        stored=stored,
    )


def _kind_row(branch: Branch, node: KindNode) -> tuple[str | Ink, ...]:
    name = f"{branch.lines}{node.name}"
    if branch.again:
        return name, Ink("see above", "dim")
    lifetime = duration(node.lifetime_s) + (", or to the next close" if node.to_next_close else "")
    note = "outlives the removal of a part" if node.gathers else ""
    return name, number(node.stored), lifetime, ", ".join(node.params), Ink(note, "dim")


def _key_row(branch: Branch, node: Relative) -> tuple[str | Ink, ...]:
    name = f"{branch.lines}{node.key}"
    if branch.again:
        return name, Ink(node.state, STYLES[node.state]), Ink("what is made of it: see above", "dim")
    return name, Ink(node.state, STYLES[node.state]), remark(node)


def _tell_the_rest(desk: Desk, counts: Counter[str], *, complete: bool, all_kinds: bool) -> None:
    unknown = sum(count for name, count in counts.items() if name not in desk.catalogue.kinds)
    if unknown and all_kinds:
        desk.paper.line(
            Ink(f"and {plural(unknown, 'entry', 'entries')} of kinds that are not known here", "yellow")
        )
    if not complete:
        desk.paper.line(Ink("counted in part only: there are too many keys", "yellow"))
