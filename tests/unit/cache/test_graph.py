from __future__ import annotations

import pytest

from cache import Catalogue, Grace, GraphError, Kind
from cache.catalogue import CANDLES, CATALOGUE, DASHBOARD, INDICATORS

A = Kind("a", ("x",), ttl=60)


def test_the_catalogue_is_a_usable_graph():
    """Importing it has checked it; its kinds have the default lifetimes."""
    assert CATALOGUE.lifetime(DASHBOARD) == 20
    assert CATALOGUE.kinds["indicators"].derived_from == ("candles",)


def test_two_kinds_of_one_name_are_refused():
    """The message names it."""
    with pytest.raises(GraphError, match="two kinds are named a"):
        Catalogue((A, Kind("a", (), ttl=1)))


def test_an_unknown_parent_is_refused():
    """The message names child and parent."""
    with pytest.raises(GraphError, match="b is derived from a, which is not in the catalogue"):
        Catalogue((Kind("b", (), ttl=1, derived_from=(A,)),))


def test_a_circle_is_refused():
    """The message shows the whole of it."""
    kinds = [Kind(name, (), ttl=1, derived_from=(parent,)) for name, parent in ("ab", "bc", "ca")]

    with pytest.raises(GraphError, match="a <- b <- c <- a"):
        Catalogue(kinds)


def test_a_kind_that_outlives_a_parent_is_refused():
    """The message names both and their lifetimes."""
    with pytest.raises(GraphError, match="b lives 61 s, longer than its parent a, 60 s"):
        Catalogue((A, Kind("b", (), ttl=61, derived_from=(A,))))


@pytest.mark.parametrize(
    "grace", [Grace(0.6, 30, 300), Grace(0.5, 31, 300), Grace(0.5, 30, 301)], ids=["share", "least", "most"]
)
def test_a_kind_with_more_grace_than_its_parent_is_refused(grace):
    """A candle's close is not outlived either, whatever the timeframe."""
    parent = Kind("a", ("timeframe",), ttl=60, close_grace=Grace(0.5, 30, 300))

    with pytest.raises(GraphError, match="b outlives its parent a after a candle's close"):
        Catalogue((parent, Kind("b", ("timeframe",), ttl=60, derived_from=(parent,), close_grace=grace)))


def test_life_by_close_wants_a_parent_that_has_it():
    """Else the child would live to the next close and the parent not."""
    with pytest.raises(GraphError, match="b outlives its parent a"):
        Catalogue((A, Kind("b", ("timeframe",), ttl=60, derived_from=(A,), close_grace=Grace(0.5, 30, 300))))


def test_lifetimes_can_be_given_and_are_checked_again():
    """A setting that breaks the hierarchy stops the start."""
    assert CATALOGUE.with_lifetimes({"dashboard": 5}).lifetime(DASHBOARD) == 5

    with pytest.raises(GraphError, match="dashboard lives 90 s, longer than its parent"):
        CATALOGUE.with_lifetimes({"dashboard": 90})
    with pytest.raises(GraphError, match="unknown kinds: nonsense"):
        CATALOGUE.with_lifetimes({"nonsense": 1})
    with pytest.raises(GraphError, match="a is not in the catalogue"):
        CATALOGUE.lifetime(A)


@pytest.mark.parametrize(
    ("kind", "timeframe", "grace_s"),
    [
        (CANDLES, "1m", 30),
        (CANDLES, "5m", 150),
        (CANDLES, "4h", 300),
        (INDICATORS, "1m", 22.5),
        (INDICATORS, "4h", 225),
    ],
)
def test_candles_live_to_their_next_close_and_a_grace(kind, timeframe, grace_s):
    """Counted from the newest close; the lifetime, where it is longer, ends with the close's."""
    seconds = {"1m": 60, "5m": 300, "4h": 14400}[timeframe]
    until = kind.fresh_until(as_of=1000.0, now=1000.0, ttl=60, params={"timeframe": timeframe})

    assert until == 1000 + seconds + grace_s
    assert kind.fresh_until(as_of=0.0, now=99_000.0, ttl=60, params={"timeframe": timeframe}) < 99_000
    assert kind.fresh_until(as_of=0.0, now=seconds, ttl=600, params={"timeframe": timeframe}) == seconds + 600


@pytest.mark.parametrize("timeframe", ["1m", "3m", "5m", "15m", "1h", "4h", "1d", "1w"])
def test_indicators_never_outlive_their_candles(timeframe):
    """Whenever either is stored, for the lifetimes that the kinds carry."""
    params = {"timeframe": timeframe}
    for age in range(0, 800_000, 997):
        of_candles, of_indicators = (
            kind.fresh_until(as_of=0.0, now=float(age), ttl=kind.ttl, params=params)
            for kind in (CANDLES, INDICATORS)
        )
        assert of_indicators <= of_candles
