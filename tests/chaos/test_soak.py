from __future__ import annotations

import pytest

from tests.chaos.series import Sample, Series, slope


def sample(at_s, *, client_mb=100.0, redis_mb=10.0, calls_per_s=1_000.0):
    """One moment of a soak at a steady rate."""
    return Sample(
        at_s=at_s,
        rss_mb=[client_mb],
        calls=int(calls_per_s * at_s),
        fences=[10],
        outbox=[0],
        leases=[0],
        links=[10],
        l1_entries=[10],
        redis_mb=redis_mb,
        redis_keys=1_000,
        redis_fences=100,
        memcached_mb=20.0,
    )


def test_a_steady_series_is_flat_even_if_it_grew_at_first():
    """The first half is for filling what is bounded."""
    filling = [sample(at, client_mb=50.0 + at / 2) for at in range(5, 100, 5)]
    full = [sample(at) for at in range(100, 205, 5)]

    assert Series(3.0, filling + full).flat()


@pytest.mark.parametrize("figure", ["client_mb", "redis_mb"])
def test_a_series_that_grows_to_the_end_is_not_flat(figure):
    """A tenth more in each minute, in the client or in Redis."""
    growing = [sample(at, **{figure: 10.0 * (1 + at / 600)}) for at in range(5, 605, 5)]

    assert not Series(10.0, growing).flat()


def test_the_slope_is_that_of_the_line_through_the_points():
    """In units of the value per unit of time; a single moment has none."""
    assert slope([0.0, 1.0, 2.0], [1.0, 3.0, 5.0]) == pytest.approx(2.0)
    assert slope([1.0], [5.0]) == 0.0
