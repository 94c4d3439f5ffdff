from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.decimals import padded, step_text, text, texts, trimmed


@given(st.integers(0, 10**15), st.integers(0, 12))
def test_texts_are_exact_and_without_trailing_zeros(count, decimals):
    """The string is the decimal number itself, in its shortest form."""
    written = text(count, decimals)

    assert Decimal(written) == Decimal(count).scaleb(-decimals)
    assert written == texts(np.array([count]), decimals)[0]
    assert "." not in written or not written.endswith(("0", "."))


@given(st.integers(0, 10**15), st.integers(0, 12))
def test_padded_numbers_keep_every_decimal(count, decimals):
    """As many decimals as the scale has."""
    written = padded(count, decimals)

    assert Decimal(written) == Decimal(count).scaleb(-decimals)
    assert len(written.partition(".")[2]) == decimals


@pytest.mark.parametrize(("decimals", "expected"), [(0, "1"), (1, "0.1"), (5, "0.00001")])
def test_a_step_is_one_unit_of_the_last_decimal(decimals, expected):
    """Tick sizes are powers of ten."""
    assert step_text(decimals) == expected


@pytest.mark.parametrize(
    ("number", "decimals", "expected"),
    [(1.5, 4, "1.5"), (100.0, 2, "100"), (1200.0, 0, "1200"), (-0.00012, 8, "-0.00012")],
)
def test_floats_lose_their_trailing_zeros_only(number, decimals, expected):
    """Zeros before the point stay."""
    assert trimmed(number, decimals) == expected
