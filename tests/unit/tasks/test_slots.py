"""Claims about how many threads one exchange may hold."""

from __future__ import annotations

import pytest

from tasks.slots import Slots, slots_of


def ask_in_vain(slots: Slots) -> None:
    """Take the one slot, see twice that there is no other, and fail."""
    with slots.taken("okx"):
        for _ in range(2):
            with slots.taken("okx") as another:
                assert not another
        raise TimeoutError


def test_an_exchange_gets_no_more_threads_than_its_bound_and_the_others_theirs() -> None:
    """Whoever hangs keeps its own alone."""
    slots = Slots(1)

    with slots.taken("frozen") as first, slots.taken("frozen") as second, slots.taken("well") as other:
        assert (first, second, other) == (True, False, True)


def test_a_slot_is_free_again_after_its_block_and_only_then() -> None:
    """Also after a failure; and who got none gives none back."""
    slots = Slots(1)

    with pytest.raises(TimeoutError):
        ask_in_vain(slots)

    with slots.taken("okx") as free:
        assert free


def test_several_exchanges_leave_threads_to_each_other_and_one_alone_takes_all() -> None:
    """Even of two threads one exchange may use one."""
    assert slots_of(8, 1).most == 8
    assert slots_of(8, 2).most == 6
    assert slots_of(8, 3).most == 3
    assert slots_of(2, 3).most == 1
