from __future__ import annotations

from cache import make_tiers
from cache.leases import Leases
from cache.local_order import Dependents


def test_dependents_are_bounded():
    """The oldest inputs are forgotten first."""
    dependents = Dependents(limit=4)
    for i in range(10):
        dependents.link(f"child{i}", [(f"input{i}", 1)])

    assert dependents.closure(["input9"]) == ("input9", "child9")
    assert dependents.closure(["input0"]) == ("input0",)


def test_a_local_lease_runs_out():
    """Without Redis a lock holds within this process, for its time."""
    leases = Leases(None)
    first = leases.take("a", 0.0)
    second = leases.take("a", 30)

    assert (bool(first), bool(second), bool(leases.take("a", 30))) == (True, True, False)
    first.release()
    assert not leases.take("a", 30).held
    with second:
        assert second.held
    assert leases.take("a", 30).held


def test_local_leases_do_not_pile_up():
    """Those that have run out are forgotten."""
    leases = Leases(None)
    for i in range(3000):
        leases.take(f"l{i}", 0.0)
        leases.claim(f"c{i}", 30)

    assert len(leases._local) <= 1000
    assert len(leases._claims) <= 1000
    assert not leases.claim("c2999", 30)
    assert leases.claim("c0", 30)


def test_a_tier_that_is_not_named_is_absent(clock):
    """Each stand-in says that it is not there."""
    tiers = make_tiers(clock=clock)

    assert (tiers.near.installed, tiers.far.installed) == (False, False)
    assert tiers.near.fetch(["a"], 0) == {}
    assert tiers.near.drop(["a"], 0)
    assert tiers.far.fetch(["a"]) is None
    assert tiers.far.commit([], heard=0, seen=0) is None
    assert tiers.far.invalidate([], "expire", heard=0, seen=0) is None
    assert tiers.far.sync(heard=0, seen=0, since=0) is None
