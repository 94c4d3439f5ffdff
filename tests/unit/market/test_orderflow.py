import math
from dataclasses import replace

import numpy as np
import pytest

from market.components import orderflow
from market.score_inputs import ScoreInputs
from market.timeframe_view import view_of
from tests.support.inputs_by_hand import flow_by_hand
from tests.support.made_candles import rising, walk
from tests.support.made_inputs import NOW, exchanged, mirrored_trades, random_trades, trades

# (seconds ago, price, amount, side): notionals 100, 200, 300, 400, and what is bought of them.
FOUR = [(800, 100, 1, 1), (600, 100, 2, -1), (400, 100, 3, 1), (10, 100, 4, 1)]
NOUGHT = {"cvd", "large", "pace"}


def measured(known):
    """The sub-scores of these trades alone."""
    return orderflow.of(ScoreInputs({}, trades=known))


def test_each_formula_on_numbers_worked_out_with_a_pencil():
    """Bought 800 of 1,000; the newer half bought all of 700, the older one a third too little."""
    found = measured(trades(FOUR))

    assert found.values["cvd"] == pytest.approx((100 - 200 + 300 + 400) / 1000)
    assert found.values["pace"] == pytest.approx(math.tanh(2 * (1 - (100 - 200) / 300)))
    assert found.reasons == {"large": "needs 10 trades, has 4"}
    assert found.found["cvd"].facts == pytest.approx(
        {"trades": 4, "covered_s": 900, "signed": 600, "notional": 1000}
    )
    assert found.found["pace"].facts == pytest.approx({"newer": 1, "older": -1 / 3})


def test_the_large_trades_are_those_that_nine_tenths_do_not_exceed():
    """Of notionals 1 to 20 the ninetieth percentile by nearest rank is 18: 18, 19 and 20 count."""
    rows = [(500 - size, 1.0, size, 1 if size in {18, 20} else -1) for size in range(1, 21)]
    found = measured(trades(rows))

    assert found.values["large"] == pytest.approx((18 - 19 + 20) / 57)
    assert found.found["large"].facts == pytest.approx(
        {"trades": 3, "percentile": 18, "signed": 19, "notional": 57}
    )


def test_trades_of_one_size_are_all_large():
    """At least the percentile: a tie at the percentile leaves none out, whatever its factors round to."""
    prices = np.linspace(90, 110, 30)
    rows = [(30.0 * at, price, 1000 / price, 1) for at, price in enumerate(prices)]

    assert measured(trades(rows)).found["large"].facts["trades"] == 30


@pytest.mark.parametrize("seed", range(5))
def test_sub_scores_follow_their_formulas_on_random_trades(seed):
    """A thousand uneven trades give what plain loops give."""
    known = random_trades(1000, seed=seed)

    assert measured(known).values == pytest.approx(flow_by_hand(known), abs=1e-12)


def test_trades_older_than_fifteen_minutes_do_not_count():
    """They may be known; the window is the newest 900 s, its edge included."""
    old = [(901, 100, 1e6, -1), (900, 100, 5, 1)]
    found = measured(trades(old + FOUR, since=NOW - 3600))

    assert found.found["cvd"].facts["trades"] == 5
    assert found.values["cvd"] == pytest.approx((600 + 500) / 1500)


def test_where_less_is_known_the_halves_are_those_of_what_is_known():
    """Known for 500 s, the middle is 250 s ago: only the newest trade is in the newer half."""
    found = measured(trades(FOUR[2:], since=NOW - 500))

    assert found.found["cvd"].facts["covered_s"] == 500
    assert found.found["pace"].facts == {"newer": 1, "older": 1}
    assert found.values["pace"] == 0


def test_less_than_five_minutes_of_trades_are_no_flow():
    """299 s are refused, 300 s are not; the reason says both numbers."""
    short, enough = (measured(trades(FOUR[3:], since=NOW - known)) for known in (299, 300))

    assert set(short.values.values()) == {None}
    assert set(short.reasons.values()) == {"only 299 s of trades are known, needs 300"}
    assert enough.values["cvd"] == 1


def test_a_quiet_quarter_of_an_hour_has_no_flow():
    """Nothing was traded, and all of it is known: that is no 0."""
    found = measured(trades([], since=NOW - 900))

    assert set(found.values) == NOUGHT
    assert set(found.reasons.values()) == {"no trades in 900 s"}


@pytest.mark.parametrize(("kept", "half"), [(slice(0, 2), "newer"), (slice(2, 4), "older")])
def test_a_half_without_trades_has_no_pace(kept, half):
    """The other sub-scores stay."""
    found = measured(trades(FOUR[kept]))

    assert found.values["cvd"] is not None
    assert found.reasons["pace"] == f"no trades in the {half} half"


def test_the_window_ends_at_the_newest_trade_where_the_clock_says_less():
    """A clock of whole seconds may lie before the last trade."""
    known = replace(trades(FOUR, since=NOW - 2000), as_of=NOW - 100)

    assert measured(known).found["cvd"].facts["trades"] == 4
    assert measured(known).found["cvd"].facts["covered_s"] == 900


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"price": np.array([100.0, math.nan, 1, 1])}, "is not a finite number"),
        ({"amount": np.array([1.0, math.inf, 1, 1])}, "is not a finite number"),
        ({"since": -math.inf}, "is not a finite number"),
        ({"price": np.array([100.0, 0, 1, 1])}, "is not positive"),
        ({"amount": np.array([1.0, -1, 1, 1])}, "is not positive"),
    ],
)
def test_trades_that_cannot_be_true_say_nothing(wrong, reason):
    """A reason for all three, and never an exception."""
    found = measured(replace(trades(FOUR), **wrong))

    assert set(found.values.values()) == {None}
    assert all(said.endswith(reason) for said in found.reasons.values())


@pytest.mark.parametrize("change", [exchanged, mirrored_trades])
def test_buys_and_sells_exchanged_have_the_opposite_values(change):
    """At the same prices, and at mirrored prices with the notional of each trade kept."""
    original = random_trades(400, seed=3)
    there, back = measured(original).values, measured(change(original)).values

    assert back == pytest.approx({name: -value for name, value in there.items()}, abs=1e-12)


def test_mirrored_prices_with_the_amounts_kept_are_another_market():
    """Why the mirror keeps the notional: 2 m - p weighs the trades anew, and cvd with them."""
    original = trades([(500, 100, 1, 1), (100, 300, 1, -1)])
    turned = replace(exchanged(original), price=400 - original.price)

    assert measured(original).values["cvd"] == pytest.approx(-0.5)
    assert measured(turned).values["cvd"] == pytest.approx(-0.5)


def test_nothing_known_of_trades_is_not_in_the_component():
    """The score says why; the component has no word for what it was not given."""
    assert orderflow.of(ScoreInputs({"1m": view_of(walk(100))})).values == {}
    assert set(measured(trades(FOUR)).values) == NOUGHT
    assert orderflow.of(ScoreInputs({"1m": view_of(rising(100))})).reasons == {}
