"""Candles that are doubted and loaded whole: an answer without its end does not take their place."""

from __future__ import annotations

import pytest

from cache.catalogue import CANDLES
from market.errors import BadAnswer
from tests.support.faulty_claims import assert_all_is_well
from tests.support.faulty_world import BTC, ETH, EXCHANGE, faulty_world

pytestmark = pytest.mark.integration


def test_a_whole_series_that_ends_before_what_is_known_is_refused():
    """It would be late at once, and as seldom asked for as a market that stands still."""
    with faulty_world() as world:
        kept = world.kept("candles")
        for symbol in (BTC, ETH):
            world.house.cache.expire(CANDLES.key(exchange=EXCHANGE, symbol=symbol, timeframe="1m"))
        now_ms = int(world.clock() * 1000)
        world.fault("gap", "candles", from_ms=now_ms - 3_600_000, to_ms=now_ms + 600_000)

        failure = world.ask("candles")

        assert (type(failure), failure.reason) == (BadAnswer, "candles going back in time")
        assert world.kept("candles") == kept
        assert_all_is_well(world)
