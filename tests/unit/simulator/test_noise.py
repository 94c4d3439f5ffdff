from __future__ import annotations

import numpy as np

from simulator import noise


def test_the_same_key_and_index_give_the_same_bits_however_they_are_asked():
    """A single index gives what it gives among many."""
    many = noise.hashed(noise.key("a", 1), np.arange(1000))

    alone = noise.hashed(noise.key("a", 1), np.array([417]))

    assert alone[0] == many[417]


def test_other_keys_give_other_numbers():
    """Two keys have nothing in common: their normal numbers do not correlate."""
    index = np.arange(50_000)

    left, right = (noise.normal(noise.hashed(noise.key(name), index)) for name in ("left", "right"))

    assert abs(np.corrcoef(left, right)[0, 1]) < 0.02


def test_normal_numbers_have_mean_0_and_deviation_1():
    """The bell is centred and scaled."""
    numbers = noise.normal(noise.hashed(noise.key("bell"), np.arange(200_000)))

    assert abs(numbers.mean()) < 0.01
    assert abs(numbers.std() - 1) < 0.01
    assert np.abs(numbers).max() < 3.5


def test_uniform_lanes_fill_the_unit_interval_and_are_independent():
    """Each lane is uniform; two lanes of the same bits do not correlate."""
    bits = noise.hashed(noise.key("lanes"), np.arange(100_000))

    lanes = [noise.uniform(bits, lane) for lane in range(4)]

    for lane in lanes:
        assert 0 < lane.min() < 0.001
        assert 0.999 < lane.max() < 1
        assert abs(lane.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(lanes[0], lanes[3])[0, 1]) < 0.02


def test_a_smooth_series_has_no_jumps():
    """Between two seconds it moves by no more than its slope allows."""
    series = noise.smooth(noise.key("slow"), np.arange(0, 7_200_000, 1000), 600_000)

    assert np.abs(np.diff(series)).max() < 0.02
    assert series.std() > 0.1
