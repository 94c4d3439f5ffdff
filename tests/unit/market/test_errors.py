from __future__ import annotations

import pickle

import pytest

from market.errors import Banned, ExchangeUnavailable, LimiterFull, RateLimited, SymbolUnknown


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("x", "HTTP 429", until=5.0),
        LimiterFull("x", "full", until=5.0),
        Banned("x", "HTTP 403", until=5.0, symbol="S"),
        ExchangeUnavailable("x", "HTTP 503", retry_after=3.0),
        SymbolUnknown("x", "delisted", symbol="S"),
    ],
)
def test_an_error_survives_the_way_to_another_process(error):
    """Workers hand exceptions on by pickling; no field is lost."""
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.__dict__ == error.__dict__


def test_the_message_names_exchange_and_symbol():
    """A log line alone tells where it happened."""
    assert str(Banned("okx", "HTTP 403", until=1.0, symbol="BTC/USDT")) == "okx BTC/USDT: HTTP 403"
    assert str(Banned("okx", "HTTP 403", until=1.0)) == "okx: HTTP 403"
