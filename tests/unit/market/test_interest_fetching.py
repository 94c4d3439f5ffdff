"""Claims about fetching open interest: an hour of it, in base units, true as of its newest row."""

from __future__ import annotations

import pytest

from market.errors import BadAnswer, NotSupported
from market.inputs import OpenInterest
from tests.support.made_bybit import BTC, MARKETS, STARTED, bybit
from tests.support.replay import made_market

FIVE = 300.0


def interest_rows(*rows: tuple[float, object]):
    """Bybit's answer, newest first; seconds from the start."""
    made = [
        {"openInterest": amount, "timestamp": str(round((STARTED + time) * 1000))} for time, amount in rows
    ]
    return {"retCode": 0, "result": {"symbol": "BTCUSDT", "category": "linear", "list": made[::-1]}}


def test_an_hour_of_open_interest_comes_with_one_call():
    """Rows of five minutes, true as of the newest."""
    rows = [(-FIVE * number, str(1000 + number)) for number in range(14, 0, -1)]
    exchange, client, _ = bybit(interest_rows(*rows))

    found = exchange.open_interest(BTC, None)

    assert found.time == tuple(STARTED + time for time, _ in rows)
    assert found.amount == tuple(float(amount) for _, amount in rows)
    assert found.as_of == STARTED - FIVE
    assert found.time[-1] - found.time[0] == 65 * 60
    (url,) = client.session.urls
    assert "intervalTime=5min" in url
    assert "limit=14" in url


def test_what_was_known_is_kept_for_an_hour_and_corrected():
    """An answer with fewer rows than before takes none away; a row that comes again counts as it is now."""
    previous = OpenInterest(
        "bybit", BTC, tuple(STARTED - FIVE * n for n in range(16, 0, -1)), (5.0,) * 16, STARTED
    )
    exchange, _, _ = bybit(interest_rows((-FIVE, "7"), (-1.0, "8")))

    found = exchange.open_interest(BTC, previous)

    assert found.amount[-3:] == (5.0, 7.0, 8.0)
    assert found.time[-1] - found.time[0] <= 70 * 60
    assert found.time[0] == STARTED - FIVE * 14


def snapshots(*moments: tuple[float, str]):
    """What is known after reading the present value at these moments."""
    found = None
    for moment, amount in moments:
        exchange, client, _ = bybit(interest_rows((moment, amount)), now=STARTED + moment)
        client.has["fetchOpenInterestHistory"] = False
        found = exchange.open_interest(BTC, found)
    return found


def test_without_a_history_the_present_value_is_appended():
    """An hour later there is an hour of it."""
    found = snapshots(*((FIVE * number, str(100 + number)) for number in range(20)))

    assert len(found.time) == 15
    assert found.amount == tuple(float(100 + number) for number in range(5, 20))


def test_of_one_minute_only_the_newest_value_is_kept():
    """Whoever reads more often does not push the hour out."""
    found = snapshots((0, "1"), (20, "2"), (40, "3"), (60, "4"))

    assert (found.time, found.amount) == ((STARTED + 40, STARTED + 60), (3.0, 4.0))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (interest_rows(), "no open interest"),
        (interest_rows((-FIVE, "0")), "not positive"),
        (interest_rows((-FIVE, "-3")), "not positive"),
        (interest_rows((-FIVE, "x")), "not positive"),
        (interest_rows((-FIVE, None)), "not positive"),
        (interest_rows((3600.0, "3")), "time that cannot be"),
        (interest_rows((-7200.0, "3")), "back in time"),
    ],
)
def test_impossible_open_interest_is_refused(raw, reason):
    """The value before it stays."""
    previous = OpenInterest("bybit", BTC, (STARTED - 3600.0,), (5.0,), STARTED - 3600.0)

    with pytest.raises(BadAnswer, match=reason):
        bybit(raw)[0].open_interest(BTC, previous)


def test_open_interest_in_contracts_of_unknown_size_is_not_guessed():
    """Where nobody says which unit an exchange counts in, contracts of one are the only safe case."""
    markets = {**MARKETS, BTC: made_market(BTC, id="BTCUSDT", contractSize=0.01)}
    exchange, client, _ = bybit(interest_rows((-FIVE, "3")), markets=markets)
    client.id = "elsewhere"
    rows = [{"openInterestAmount": 3.0, "openInterestValue": 9.0, "timestamp": (STARTED - FIVE) * 1000}]
    client.fetch_open_interest_history = lambda *_: rows

    with pytest.raises(NotSupported, match="quote units"):
        exchange.open_interest(BTC, None)
