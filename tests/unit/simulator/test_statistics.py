"""Claims about funding, open interest and account ratios as the simulated exchange answers for them."""

from __future__ import annotations

import pytest

from tests.support.simulator_parts import synthetic

NOW = 1_779_969_600.0 + 5 * 3600 + 12.5
BITCOIN = {"category": "linear", "symbol": "BTCUSDT"}


@pytest.fixture(scope="module")
def parts():
    """A synthetic exchange of sixty symbols."""
    return synthetic(NOW, symbols=60)


def test_funding_is_settled_every_eight_hours(parts):
    """The newest settled rate first; the ticker tells the coming one."""
    rows = parts.result("funding/history", **BITCOIN, limit=3)["list"]
    ticker = parts.result("tickers", **BITCOIN)["list"][0]

    times = [int(row["fundingRateTimestamp"]) for row in rows]
    assert all(time % (8 * 3_600_000) == 0 for time in times)
    assert times[0] - times[1] == 8 * 3_600_000
    assert times[0] <= NOW * 1000 < int(ticker["nextFundingTime"])
    assert all(abs(float(row["fundingRate"])) <= 0.003 for row in rows)
    ranged = parts.result("funding/history", **BITCOIN, startTime=times[2], endTime=times[1])["list"]
    assert [int(row["fundingRateTimestamp"]) for row in ranged] == times[1:]


@pytest.mark.parametrize(
    ("path", "name", "most"), [("open-interest", "intervalTime", 200), ("account-ratio", "period", 500)]
)
def test_statistics_come_in_pages_that_join(parts, path, name, most):
    """The cursor goes on where the page ended; fifty by default."""
    query = {**BITCOIN, name: "5min"}

    first = parts.result(path, **query)
    second = parts.result(path, **query, cursor=first["nextPageCursor"])
    whole = parts.result(path, **query, limit=100)
    largest = parts.result(path, **query, limit=9999)

    assert len(first["list"]) == 50
    assert first["list"] + second["list"] == whole["list"]
    assert len(largest["list"]) == most


def test_statistics_are_plausible(parts):
    """Shares add up to one; open interest is positive and moves little in five minutes."""
    ratio = parts.result("account-ratio", **BITCOIN, period="1h")["list"]
    interest = [
        float(row["openInterest"])
        for row in parts.result("open-interest", **BITCOIN, intervalTime="5min")["list"]
    ]

    assert all(float(row["buyRatio"]) + float(row["sellRatio"]) == pytest.approx(1) for row in ratio)
    assert min(interest) > 0
    assert max(interest) / min(interest) < 1.5
    ended = parts.result("open-interest", **BITCOIN, intervalTime="1h", endTime=1000)
    assert (ended["list"], ended["nextPageCursor"]) == ([], "")
