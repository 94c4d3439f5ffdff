"""Claims about how long others may keep an answer."""

from __future__ import annotations

import re

import pytest

from cache.catalogue import DASHBOARD
from cache.entry import Entry
from webapp.lives import lives

STORED = 1000.0
TTL_S = 20.0


def entry(*, fresh_for, usable_for=500.0):
    """An entry by its lives, in seconds since it was stored."""
    return Entry(
        key=DASHBOARD.key(view="data"), value={}, as_of=STORED, stored_at=STORED,
        fresh_until=STORED + fresh_for, usable_until=STORED + usable_for, version=1, tier="l1",
        clock=lambda: STORED,
    )  # fmt: skip


def reaches(headers):
    """How many seconds after it was stored a cache may serve it: freely, and while we give errors."""
    said = dict(headers)
    fresh, spare = map(int, re.findall(r"=(\d+)", said["Cache-Control"]))
    return fresh, fresh + spare


@pytest.mark.parametrize("age", [0.0, 0.9, 5.0, 11.9])
def test_the_fresh_life_is_whole_however_old_it_is(age):
    """A cache subtracts the age that stands beside it."""
    headers = lives(entry(fresh_for=12.7), STORED + age, ttl_s=TTL_S, marked=False)

    assert reaches(headers)[0] == 12
    assert dict(headers)["Age"] == str(int(age))


@pytest.mark.parametrize("fresh_for", [-3.0, 0.0, 5.0, 20.0])
@pytest.mark.parametrize("age", [0.0, 6.0, 19.0])
def test_a_body_that_says_live_reaches_no_further_than_its_kinds_life(fresh_for, age):
    """Errors or not: afterwards somebody else's cache would tell of a live market."""
    headers = lives(entry(fresh_for=fresh_for), STORED + age, ttl_s=TTL_S, marked=False)

    assert reaches(headers)[1] == TTL_S


def test_what_is_stale_may_not_be_kept_without_asking():
    """Not by its life, and not when it is marked while its life says otherwise."""
    late = lives(entry(fresh_for=5.0), STORED + 5.0, ttl_s=TTL_S, marked=False)
    marked = lives(entry(fresh_for=50.0), STORED + 21.0, ttl_s=TTL_S, marked=True)

    assert (reaches(late)[0], reaches(marked)[0]) == (0, 0)


def test_a_marked_body_may_be_shown_as_long_as_it_is_usable():
    """It misleads nobody; the limit is the same as our own."""
    headers = lives(entry(fresh_for=20.0), STORED + 30.0, ttl_s=TTL_S, marked=True)

    assert reaches(headers) == (0, 500)


def test_a_clock_that_lags_makes_no_negative_age():
    """Another machine stored it a moment ahead of us."""
    headers = lives(entry(fresh_for=20.0), STORED - 2.5, ttl_s=TTL_S, marked=False)

    assert dict(headers)["Age"] == "0"


def test_what_lives_until_the_next_close_is_asked_for_again_before():
    """A window of hours is fresh for an hour, and may be measured anew within a minute."""
    headers = lives(entry(fresh_for=3900.0), STORED + 1.0, ttl_s=TTL_S, marked=False)

    assert reaches(headers) == (TTL_S, TTL_S)
