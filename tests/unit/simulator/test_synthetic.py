from __future__ import annotations

import numpy as np
import pytest

from simulator.model import MINUTE_MS
from simulator.synthetic import FIRST_DAY, SyntheticMarket
from simulator.universe import coins
from simulator.waves import DAY_MINUTES

NOON = 20_600 * DAY_MINUTES + 720
SEED = 20_250_520


@pytest.fixture(scope="module")
def market():
    """A market of forty coins."""
    return SyntheticMarket(symbols=40, seed=SEED)


def returns_of(market, series, minutes):
    """Log returns of the newest minutes before noon."""
    return np.diff(np.log(market.base(series, NOON - minutes, NOON).close))


def test_another_instance_gives_the_same_history(market):
    """A restart changes nothing, in whatever order things are asked."""
    before = market.base(3, NOON - 5000, NOON)
    again = SyntheticMarket(symbols=40, seed=SEED)
    again.panel(NOON - 1440, NOON + 1)

    after = again.base(3, NOON - 5000, NOON)

    for left, right in zip(before.columns(), after.columns(), strict=True):
        assert (left == right).all()


def test_more_symbols_change_nothing_for_those_that_were_there(market):
    """A coin's prices do not depend on how many others are listed."""
    larger = SyntheticMarket(symbols=70, seed=SEED)

    left, right = market.base(39, NOON - 3000, NOON), larger.base(39, NOON - 3000, NOON)

    assert (left.close == right.close).all()
    assert (left.volume == right.volume).all()


def test_another_seed_gives_another_history(market):
    """The seed matters."""
    other = SyntheticMarket(symbols=3, seed=SEED + 1)

    assert (market.base(0, NOON - 100, NOON).close != other.base(0, NOON - 100, NOON).close).any()


def test_the_panel_of_all_series_agrees_with_each_alone(market):
    """Computing many coins at once gives the very same candles."""
    panel = SyntheticMarket(symbols=40, seed=SEED).panel(NOON - 1440, NOON)

    for series in (0, 7, 39):
        alone = market.base(series, NOON - 1440, NOON)
        assert (panel.close[series] == alone.close).all()
        assert (panel.volume[series] == alone.volume).all()


def test_a_range_is_the_same_alone_and_inside_a_longer_one(market):
    """History does not depend on where a request begins."""
    long, short = market.base(5, NOON - 60_000, NOON), market.base(5, NOON - 77, NOON)

    assert (long.close[-77:] == short.close).all()
    assert (long.open_ms[-77:] == short.open_ms).all()


@pytest.mark.parametrize("series", [1, 2, 5, 12, 26, 33])
def test_betas_can_be_recovered_by_least_squares(market, series):
    """cov/var of 1 m log returns finds the reported beta within four standard errors."""
    bitcoin, coin = returns_of(market, 0, 20_000), returns_of(market, series, 20_000)
    beta = market.betas[market.instruments[series].symbol]

    found = np.cov(coin, bitcoin)[0, 1] / bitcoin.var(ddof=1)

    residual = coin - found * bitcoin
    # Volatility clusters, so the error of the estimate is twice what independent residuals would give.
    error = 2 * residual.std() / (bitcoin.std() * np.sqrt(len(bitcoin)))
    assert abs(found - beta) < 4 * error
    assert error < 0.05


def test_volatility_clusters(market):
    """Sizes of returns correlate with those an hour before; returns themselves do not."""
    returns = returns_of(market, 0, 40_000)
    sizes = np.abs(returns)

    assert np.corrcoef(sizes[:-1], sizes[1:])[0, 1] > 0.1
    assert np.corrcoef(sizes[:-60], sizes[60:])[0, 1] > 0.1
    assert abs(np.corrcoef(returns[:-1], returns[1:])[0, 1]) < 0.05


def test_tails_are_heavier_than_normal(market):
    """The kurtosis of minute returns exceeds 3."""
    returns = returns_of(market, 0, 40_000)

    assert np.mean((returns / returns.std()) ** 4) > 3.5


@pytest.mark.parametrize("series", [0, 4, 39])
def test_candles_are_sound_and_continuous(market, series):
    """High and low enclose the body, each opens where the last closed, volume and turnover agree."""
    one = market.base(series, NOON - 50_000, NOON)
    instrument = market.instruments[series]

    assert (one.low > 0).all()
    assert (one.low <= np.minimum(one.open, one.close)).all()
    assert (one.high >= np.maximum(one.open, one.close)).all()
    assert (one.open[1:] == one.close[:-1]).all()
    assert (np.diff(one.open_ms) == MINUTE_MS).all()
    price = one.turnover / np.maximum(one.volume, 1) / instrument.unit
    traded = one.volume > 0
    assert (price[traded] >= one.low[traded] * (1 - 1e-9)).all()
    assert (price[traded] <= one.high[traded] * (1 + 1e-9)).all()


def test_prices_stay_near_their_centre_for_years(market):
    """BTC's level returns to its centre: five years stay within a factor of two of it."""
    minutes = [day * DAY_MINUTES for day in range(18_700, 20_600, 13)]

    prices = [market.base(0, minute, minute + 1).close[0] / 10 for minute in minutes]

    assert min(prices) > 95_000 / 2
    assert max(prices) < 95_000 * 2


def test_turnover_ranks_bitcoin_and_ether_first(market):
    """The order of size is the familiar one."""
    turnover = market.panel(NOON - 1440, NOON).turnover.sum(axis=1)

    assert np.argsort(-turnover)[:2].tolist() == [0, 1]


def test_nothing_trades_before_the_listing_day(market):
    """The history has a beginning."""
    first = FIRST_DAY * DAY_MINUTES

    assert len(market.base(0, first - 10, first)) == 0
    assert len(market.base(0, first - 10, first + 10)) == 10
    assert market.funding_rate(market.instruments[0], 0) is None


def test_names_are_unique_plain_and_begin_with_the_familiar_ones():
    """Hundreds of symbols, none twice."""
    names = [coin.name for coin in coins(400, SEED)]

    assert names[:3] == ["BTC", "ETH", "SOL"]
    assert len(set(names)) == 400
    assert all(name.isascii() and name.isalnum() and name.isupper() for name in names)


def test_a_price_has_at_least_four_significant_digits():
    """Ticks are fine enough for an order book below the price."""
    for coin in coins(400, SEED):
        assert 10_000 <= round(coin.centre * 10**coin.price_decimals) < 1_000_000
