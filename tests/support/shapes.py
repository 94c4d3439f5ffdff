"""Keys, values and graphs of any shape, for what must hold of all of them; and plain references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypothesis.strategies import DrawFn

bounded = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    # Every example has keys of its own, so that they may share servers and caches.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

CHARACTERS = st.characters(exclude_categories=["Cs"])
NASTY = ("", " ", "|", "%", "%7C", "%257C", "\x00", "\r\n", "e\u0301", "\u00e9", "#", "{}", "ﬁ", "\U0001f680")
NAMES = st.one_of(
    st.text(CHARACTERS, max_size=20),
    st.lists(st.sampled_from(NASTY), max_size=4).map("".join),
    # Longer than Memcached carries, and alike up to the last character.
    st.builds(lambda stem, end: stem * 300 + end, st.sampled_from("aü|"), st.sampled_from(("", "1", "|"))),
)
"""Any Unicode text, and the ones most likely to be confused."""

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(CHARACTERS)
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(CHARACTERS), inner),
    max_leaves=30,
)
"""Whatever msgpack carries: NaN and infinities, 64 bits, bytes, empty ones, nested ones."""


@dataclass(frozen=True, slots=True)
class Web:
    """Things derived from things: for each its inputs, which all come before it. Some of them gather."""

    inputs: tuple[tuple[int, ...], ...]
    gathering: frozenset[int]

    def closure(self, roots: Iterable[int], *, sparing: frozenset[int] = frozenset()) -> set[int]:
        """The roots and all derived from them, without going into those spared; the plainest way."""
        found = set(roots)
        for node, inputs in enumerate(self.inputs):
            if node not in sparing and found.intersection(inputs):
                found.add(node)
        return found


@st.composite
def webs(draw: DrawFn, most: int = 12) -> Web:
    """Random webs, sparse ones and dense ones."""
    number = draw(st.integers(1, most))
    inputs = tuple(
        tuple(sorted(draw(st.sets(st.integers(0, node - 1), max_size=3)))) if node else ()
        for node in range(number)
    )
    return Web(inputs, frozenset(draw(st.sets(st.integers(0, number - 1), max_size=2))))
