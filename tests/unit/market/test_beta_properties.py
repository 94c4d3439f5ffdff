"""What always holds of betas, whatever the prices."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.made_candles import scaled
from tests.support.made_returns import market, one, series

seeds = st.integers(0, 2**31)


@given(seeds, st.floats(1e-6, 1e6))
def test_the_unit_of_a_price_changes_nothing(seed, factor):
    """All prices of either series times a constant: the same figures, but for the last digits."""
    leader, other = map(series, market(seed=seed))

    found, changed = one(leader, other), one(scaled(leader, factor), scaled(other, 1 / factor))

    assert changed.ols.beta == pytest.approx(found.ols.beta, rel=1e-9)
    assert changed.ewma.beta == pytest.approx(found.ewma.beta, rel=1e-9)
    assert changed.divergence_z == pytest.approx(found.divergence_z, rel=1e-6, abs=1e-9)


@given(seeds)
def test_bitcoin_beside_itself_is_one(seed):
    """Beta, correlation and R2; it cannot diverge from itself."""
    leader = series(market(seed=seed)[0])

    found = one(leader, leader)

    assert (found.ols.beta, found.ols.correlation, found.ols.r2) == pytest.approx((1, 1, 1), abs=1e-12)
    assert (found.ewma.beta, found.ewma.correlation) == pytest.approx((1, 1), abs=1e-12)
    assert (found.divergence_z, found.reason) == (None, "divergence: it moves exactly as BTC does")


@given(seeds, st.floats(-5, 5).filter(lambda beta: abs(beta) > 0.01))
def test_what_moves_by_a_multiple_has_that_beta_and_its_sign(seed, beta):
    """An exact multiple of the leader's returns: correlation 1 or -1."""
    x = market(seed=seed)[0]

    found = one(series(x), series(beta * x))

    assert found.ols.beta == pytest.approx(beta, rel=1e-6)
    assert found.ewma.beta == pytest.approx(beta, rel=1e-6)
    assert found.ols.correlation == pytest.approx(math.copysign(1, beta), abs=1e-6)


@given(seeds)
def test_turning_the_returns_round_turns_the_sign(seed):
    """Beta, correlation and divergence become their negatives; R2 stays."""
    x, y = market(seed=seed)

    found, turned = one(series(x), series(y)), one(series(x), series(-y))

    assert turned.ols.beta == pytest.approx(-found.ols.beta, rel=1e-6)
    assert turned.ewma.correlation == pytest.approx(-found.ewma.correlation, rel=1e-6)
    assert turned.ols.r2 == pytest.approx(found.ols.r2, rel=1e-6)
    assert turned.divergence_z == pytest.approx(-found.divergence_z, rel=1e-5, abs=1e-7)
