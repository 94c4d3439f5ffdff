"""The explorer of orders itself: it finds every outcome, and no more orders than it must run."""

from __future__ import annotations

from math import comb

import pytest

from tests.support.steps import Actor, Touch, every_order, gate


class Register:
    """Something shared that is read and written in steps of their own."""

    def __init__(self) -> None:
        self.value = 0

    def read(self):
        """What it holds."""
        return self.value

    def write(self, value):
        """Replace it."""
        self.value = value


def gated(process, register):
    """One process's way to the register."""
    way = Register()
    way.read, way.write = register.read, register.write
    gate(way, "read", Touch(process, "register"))
    gate(way, "write", Touch(process, "register", writes=True))
    return way


def outcomes(*, reduced, processes=("a", "b"), shared=True):
    """The number of orders and what came of them when each process adds one to the register."""
    registers, seen, number = [], [], 0

    def begin():
        one = Register()
        registers[:] = [one] if shared else [Register() for _ in processes]
        ways = {
            name: gated(name, registers[0] if shared else registers[i]) for i, name in enumerate(processes)
        }
        return {
            name: Actor(lambda way=way: way.write(way.read() + 1), Touch(name)) for name, way in ways.items()
        }

    for _ in every_order(begin, reduced=reduced):
        number += 1
        seen.append(tuple(register.value for register in registers))
    return number, set(seen)


def test_every_order_of_two_is_run():
    """Three steps each: as many as there are ways to shuffle them; the lost update is among them."""
    number, seen = outcomes(reduced=False)

    assert number == comb(6, 3)
    assert seen == {(1,), (2,)}


@pytest.mark.parametrize("processes", [("a", "b"), ("a", "b", "c")])
def test_fewer_orders_come_to_the_same(processes):
    """Swaps of steps that touch nothing in common are left out; no outcome is."""
    all_of_them, outcomes_of_all = outcomes(reduced=False, processes=processes)
    some, outcomes_of_some = outcomes(reduced=True, processes=processes)

    assert outcomes_of_some == outcomes_of_all
    assert some < all_of_them / 2


def test_those_who_share_nothing_have_one_order():
    """Whoever goes first."""
    own = {"a": Touch("a", "x", writes=True), "b": Touch("b", "y", writes=True)}

    def begin():
        places = {name: Register() for name in own}
        for name, place in places.items():
            gate(place, "write", own[name])
        return {
            name: Actor(lambda place=place: place.write(1), Touch(name)) for name, place in places.items()
        }

    assert len(list(every_order(begin))) == 1


def test_an_actors_error_is_the_explorers():
    """No failed assertion in a thread goes unseen."""

    def fail():
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        list(every_order(lambda: {"a": Actor(fail, Touch("a"))}))
