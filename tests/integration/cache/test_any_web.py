from __future__ import annotations

import time
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache import Put
from tests.support.shapes import bounded, webs

pytestmark = pytest.mark.integration

_numbers = count()


@pytest.fixture(params=["l3", "l1 l2 l3"])
def caches(request, make):
    """Two processes over the same tiers."""
    return make.proved(request.param), make.proved(request.param)


def stored(cache, web, chain, gathered):
    """One entry for each node of the web, put with its inputs; the keys and the entries."""
    number = next(_numbers)
    kinds = (chain[1], gathered[0])
    keys = [kinds[node in web.gathering].key(name=f"{number}-{node}") for node in range(len(web.inputs))]
    entries = []
    for key, inputs in zip(keys, web.inputs, strict=True):
        entries.append(cache.put_many([Put(key, 1, inputs=tuple(entries[i] for i in inputs))])[0].entry)
    return keys, entries


@bounded
@given(web=webs(), roots=st.sets(st.integers(0, 11), min_size=1, max_size=3), removing=st.booleans())
def test_a_cascade_takes_exactly_the_closure(caches, chain, gathered, web, roots, removing):
    """Of any web, in one call of Redis: what a plain reference finds, no more and no less."""
    one, other = caches
    keys, _ = stored(one, web, chain, gathered)
    roots = {root % len(keys) for root in roots}

    touched = (other.remove if removing else other.expire)(*(keys[root] for root in roots))

    reached = web.closure(roots)
    assert {key.text for key in touched} == {keys[node].text for node in reached}
    gone = web.closure(roots, sparing=web.gathering - roots) if removing else set()
    found = other.get_many(keys)
    for node, key in enumerate(keys):
        state = found[key].state if key in found else "gone"
        assert state == ("gone" if node in gone else "stale" if node in reached else "fresh")


@bounded
@given(web=webs(), waits=st.lists(st.floats(0, 15), min_size=12, max_size=12))
def test_nothing_is_fresh_for_longer_than_any_of_its_inputs(make, chain, gathered, web, waits):
    """However deep, and whenever each was stored."""
    clock = _Clock()
    cache = make("l1 l3", clock=clock, listening=False)
    number, kinds, entries = next(_numbers), (chain[1], gathered[0]), []
    for node, inputs in enumerate(web.inputs):
        clock.now += waits[node]
        key = kinds[node in web.gathering].key(name=f"h{number}-{node}")
        put = Put(key, 1, inputs=tuple(entries[i] for i in inputs))
        entries.append(cache.put_many([put])[0].entry)
    cache.close()

    for node, inputs in enumerate(web.inputs):
        assert all(entries[node].fresh_until <= entries[i].fresh_until for i in inputs)


class _Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        """Now."""
        return self.now
