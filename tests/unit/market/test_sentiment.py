import math
from typing import Any

import pytest

from market.components import sentiment
from market.score_inputs import ScoreInputs
from tests.support.made_inputs import breadth, funding, long_short


def measured(**inputs: Any):
    """The component of these inputs alone."""
    return sentiment.of(ScoreInputs({}, **inputs))


@pytest.mark.parametrize(
    ("rate", "interval_h", "expected"),
    [
        (0.0005, 8.0, -math.tanh(1)),
        (-0.0005, 8.0, math.tanh(1)),
        (0.0001, 8.0, -math.tanh(0.2)),
        (0.0001, 4.0, -math.tanh(0.4)),  # twice a day as often is twice the rate
        (0.0001, 1.0, -math.tanh(1.6)),
        (0.0, 8.0, 0.0),
    ],
)
def test_crowded_longs_pay_and_count_against(rate, interval_h, expected):
    """0.05 % per eight hours is -tanh(1), whatever the exchange's own interval."""
    found = measured(funding=funding(rate, interval_h=interval_h))

    assert found.values["funding"] == pytest.approx(expected)
    assert found.found["funding"].facts == pytest.approx(
        {"rate": rate, "interval_h": interval_h, "rate_8h": rate * 8 / interval_h}
    )


@pytest.mark.parametrize(("ratio", "expected"), [(1.0, 0.0), (2.0, -0.6), (0.5, 0.6), (3.0, -0.8)])
def test_more_long_than_short_accounts_count_against(ratio, expected):
    """-tanh(ln r) is (1 - r^2) / (1 + r^2): two to one is -0.6."""
    found = measured(long_short=long_short(ratio))

    assert found.values["long_short"] == pytest.approx(expected)
    assert found.found["long_short"].facts == {"ratio": ratio}


@pytest.mark.parametrize(
    ("above", "symbols", "expected"), [(0, 4, -1.0), (1, 4, -0.5), (2, 4, 0.0), (4, 4, 1.0)]
)
def test_breadth_runs_from_none_above_to_all(above, symbols, expected):
    """Twice the share, less one."""
    found = measured(breadth=breadth(above, symbols))

    assert found.values["breadth"] == expected
    assert found.found["breadth"].facts == {"above": above, "symbols": symbols}


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (
            {"funding": funding(1e-4, interval_h=None)},
            "the exchange does not say for how many hours its funding rate is",
        ),
        (
            {"funding": funding(1e-4, interval_h=0.0)},
            "the funding interval is not a positive number of hours",
        ),
        ({"funding": funding(math.nan)}, "the funding rate is not a finite number"),
        ({"long_short": long_short(0.0)}, "the ratio of long to short accounts is not a positive number"),
        (
            {"long_short": long_short(math.inf)},
            "the ratio of long to short accounts is not a positive number",
        ),
        ({"breadth": breadth(0, 0)}, "no symbol of the exchange has a 24 h open"),
    ],
)
def test_what_says_nothing_gives_its_reason(inputs, reason):
    """No number is made up, and nothing raises."""
    found = measured(**inputs)

    assert set(found.values.values()) == {None}
    assert list(found.reasons.values()) == [reason]


def test_each_sub_score_is_odd_in_its_own_measure():
    """The opposite rate, the reciprocal ratio, the other share: the opposite value."""
    there = measured(funding=funding(2e-4), long_short=long_short(1.7), breadth=breadth(30, 100)).values
    back = measured(funding=funding(-2e-4), long_short=long_short(1 / 1.7), breadth=breadth(70, 100)).values

    assert back == pytest.approx({name: -value for name, value in there.items()})


def test_extreme_values_stay_within_the_range():
    """A rate of 300 % and a ratio of the largest float saturate."""
    found = measured(funding=funding(3.0), long_short=long_short(1e308)).values

    assert found == {"funding": -1, "long_short": -1}


def test_what_is_not_there_is_not_in_the_component():
    """The score says why."""
    assert measured().values == {}
    assert set(measured(breadth=breadth(1, 2)).values) == {"breadth"}
