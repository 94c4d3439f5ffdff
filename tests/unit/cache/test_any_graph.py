from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from hypothesis import given, settings
from hypothesis import strategies as st

from cache import Catalogue, GraphError, Kind, Put, TieredCache, make_tiers
from tests.support.shapes import webs

TTLS = (5.0, 10.0, 20.0)
many = settings(max_examples=300, deadline=None, derandomize=True)
some = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def plans(draw):
    """Name, lifetime and parents of some kinds: often all right, often wrong in one place, or in many."""
    number = draw(st.integers(1, 6))
    plan = []
    for i in range(number):
        parents = sorted(draw(st.sets(st.integers(0, i - 1), max_size=2))) if i else []
        longest = min((plan[parent][1] for parent in parents), default=TTLS[-1])
        ttl = draw(st.sampled_from([ttl for ttl in TTLS if ttl <= longest]))
        plan.append((f"k{i}", ttl, tuple(f"k{parent}" for parent in parents)))
    for _ in range(draw(st.sampled_from((0, 0, 1, 1, 3)))):
        at = draw(st.integers(0, number - 1))
        name, ttl, parents = plan[at]
        plan[at] = draw(
            st.sampled_from(
                [
                    (f"k{draw(st.integers(0, number - 1))}", ttl, parents),
                    (name, draw(st.sampled_from(TTLS)), parents),
                    (name, ttl, (*parents, f"k{draw(st.integers(0, number))}")),
                ]
            )
        )
    return plan


def is_sound(plan):
    """The rules of the contract, in the plainest words."""
    lives = {name: ttl for name, ttl, _ in plan}
    if len(lives) != len(plan):
        return False
    if any(parent not in lives for _, _, parents in plan for parent in parents):
        return False
    try:
        TopologicalSorter({name: parents for name, _, parents in plan}).prepare()
    except CycleError:
        return False
    return all(ttl <= lives[parent] for _, ttl, parents in plan for parent in parents)


def is_accepted(plan):
    """Whether the catalogue takes it; a refusal names a kind that is in it."""
    try:
        Catalogue([Kind(name, (), ttl=ttl, derived_from=parents) for name, ttl, parents in plan])
    except GraphError as error:
        return not any(name in str(error) for name, _, _ in plan)
    return True


@many
@given(plans())
def test_the_catalogue_takes_exactly_the_sound_graphs(plan):
    """No cycle, no unknown parent, no name twice, no kind that outlives a parent."""
    assert is_accepted(plan) == is_sound(plan)


def test_the_plans_are_of_both_sorts():
    """The property above is not held by one that is always the same."""
    seen = set()

    @many
    @given(plans())
    def look(plan):
        seen.add(is_sound(plan))

    look()
    assert seen == {True, False}


PART, WHOLE = Kind("part", ("name",), ttl=60), Kind("whole", ("name",), ttl=60, gathers=True)


@some
@given(web=webs(), roots=st.sets(st.integers(0, 11), min_size=1, max_size=3), removing=st.booleans())
def test_without_redis_a_cascade_takes_exactly_the_closure(web, roots, removing):
    """Of any web, whatever is invalidated: what a plain reference finds, no more and no less."""
    now = 1_800_000_000.0
    cache = TieredCache(
        tiers=make_tiers(clock=lambda: now), clock=lambda: now, catalogue=Catalogue((PART, WHOLE))
    )
    keys = [(WHOLE if node in web.gathering else PART).key(name=f"{node}") for node in range(len(web.inputs))]
    entries = []
    for key, inputs in zip(keys, web.inputs, strict=True):
        entries.append(cache.put_many([Put(key, 1, inputs=tuple(entries[i] for i in inputs))])[0].entry)
    roots = {root % len(keys) for root in roots}

    touched = (cache.remove if removing else cache.expire)(*(keys[root] for root in roots))

    reached = web.closure(roots)
    assert {key.text for key in touched} == {keys[node].text for node in reached}
    gone = web.closure(roots, sparing=web.gathering - roots) if removing else set()
    found = cache.get_many(keys)
    for node, key in enumerate(keys):
        state = found[key].state if key in found else "gone"
        assert state == ("gone" if node in gone else "stale" if node in reached else "fresh")
