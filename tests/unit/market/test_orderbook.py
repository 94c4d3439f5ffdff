import math

import numpy as np
import pytest

from market.components import orderbook
from tests.support.made_candles import book, mirrored_book


def values(bids, asks):
    """The three sub-scores."""
    return orderbook.measure(book(bids, asks)).values


def test_each_formula_by_hand():
    """Two levels a side, the second 1 % away, so that only the first is near."""
    found = values([(99.9, 3.0), (98.9, 5.0)], [(100.1, 1.0), (101.1, 7.0)])

    bids, asks = 3 + 5 * math.exp(-0.1), 1 + 7 * math.exp(-0.1)
    assert found["imbalance"] == pytest.approx(math.tanh(2 * (bids - asks) / (bids + asks)))
    assert found["depth"] == pytest.approx(math.tanh(math.log(3.0)))
    microprice = (99.9 * 1 + 100.1 * 3) / 4
    assert found["microprice"] == pytest.approx((microprice - 100) / 0.1)


def test_levels_beyond_the_fiftieth_do_not_count():
    """A wall at level 51 changes nothing."""
    bids = [(100 - 0.001 * level, 1.0) for level in range(1, 51)]
    asks = [(100 + 0.001 * level, 1.0) for level in range(1, 51)]

    assert values([*bids, (99.0, 1e6)], asks)["imbalance"] == 0


@pytest.mark.parametrize("middle", [100.0, 1.1, 70.3])
def test_a_level_exactly_at_half_a_percent_is_near(middle):
    """The edge belongs to the depth, on both sides and whatever rounding makes of it."""
    found = values([(middle * 0.995, 2.0)], [(middle * 1.005, 1.0)])

    assert found["depth"] == pytest.approx(math.tanh(math.log(2)))


def test_a_wide_book_has_no_depth_but_the_rest():
    """Nothing within half a percent on one side leaves the depth out, with its reason."""
    found = orderbook.measure(book([(99.0, 1.0)], [(101.0, 1.0)]))

    assert found.values == {"imbalance": 0, "depth": None, "microprice": 0}
    assert found.reasons == {"depth": "no volume within 0.5 % of the middle on one side"}


@pytest.mark.parametrize(
    ("bids", "asks", "reason"),
    [
        ([], [(1, 1)], "one side of the book is empty"),
        ([(1, 1)], [], "one side of the book is empty"),
        ([(2, 1)], [(1, 1)], "the book is crossed"),
        ([(1, math.nan)], [(2, 1)], "a price or amount in the book is not a finite number"),
        ([(1, -1)], [(2, 1)], "a price or amount in the book is negative"),
    ],
)
def test_a_book_that_cannot_be_true_says_nothing(bids, asks, reason):
    """All three sub-scores are absent, each with the reason."""
    found = orderbook.measure(book(bids, asks))

    assert set(found.values.values()) == {None}
    assert set(found.reasons.values()) == {reason}


def test_a_book_without_amounts_says_nothing():
    """Prices alone have no imbalance; the reasons differ by formula."""
    found = orderbook.measure(book([(99.9, 0)], [(100.1, 0)]))

    assert set(found.values.values()) == {None}
    assert found.reasons["imbalance"] == "no volume in the book"
    assert found.reasons["microprice"] == "no volume at the best prices"


def test_extreme_amounts_stay_within_the_range():
    """A ratio beyond what a float holds saturates."""
    found = values([(99.9, 1e300)], [(100.1, 1e-300)])

    assert found["depth"] == 1
    assert found["microprice"] == 1


def test_the_mirrored_book_has_the_opposite_values():
    """Bids and asks exchanged at the middle change the sign of all three."""
    random = np.random.default_rng(3)
    steps = np.cumsum(random.uniform(0.01, 0.05, 60))
    original = book(
        np.column_stack((100 - steps, random.uniform(0, 9, 60))),
        np.column_stack((100.01 + steps, random.uniform(0, 9, 60))),
    )

    there, back = orderbook.measure(original).values, orderbook.measure(mirrored_book(original)).values

    assert {name: -value for name, value in there.items()} == pytest.approx(back)
