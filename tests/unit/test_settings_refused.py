"""Claims about an environment that is wrong: what is refused, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import checks
import settings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("clean_environment")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("WEB_PORT", "99999", "WEB_PORT: got '99999'; input should be less than or equal to 65535"),
        ("WEB_PORT", "eighty", "WEB_PORT: got 'eighty'; input should be a valid integer"),
        ("SYMBOL_LIMIT", "0", "SYMBOL_LIMIT: got '0'; input should be greater than or equal to 1"),
        ("TTL_TICKERS", "-1", "TTL_TICKERS: got '-1'; input should be greater than 0"),
        ("TTL_TICKERS", "nan", "TTL_TICKERS: got 'nan'; input should be"),
        ("TIMEFRAMES", "1m,7m", "TIMEFRAMES: got '1m,7m'; want some of 1m, 3m"),
        ("TIMEFRAMES", "1m,1h", "TIMEFRAME_WEIGHTS: got no weight for 1h"),
        ("TIMEFRAME_WEIGHTS", "1m=-1,5m=1,30m=1,4h=1", "TIMEFRAME_WEIGHTS: want finite weights"),
        ("COMPONENT_WEIGHTS", "technical=1,astrology=2", "does not know astrology"),
        ("COMPONENT_WEIGHTS", "technical", "COMPONENT_WEIGHTS: got 'technical'; want name=number pairs"),
        (
            "PERIOD_TICKERS",
            "1e15",
            "PERIOD_TICKERS: got '1e15'; input should be less than or equal to 31536000",
        ),
        ("ALERT_COOLDOWN", "1e300", "ALERT_COOLDOWN: got '1e300'; input should be less than or equal to"),
        ("COMPONENT_WEIGHTS", "technical=0", "want finite weights of at least 0 with a positive sum"),
        ("COMPONENT_WEIGHTS", "technical=1e308,volume=1e308", "want finite weights of at least 0"),
        ("EXCHANGES", "by bit", "EXCHANGES: got 'by bit'; want exchange ids"),
        (
            "EXCHANGES",
            "bybt",
            "EXCHANGES: got 'bybt'; want exchange ids as ccxt spells them, not 'bybt'; is 'bybit' meant?",
        ),
        ("EXCHANGES", "okx,Kraken", "not 'Kraken'; is 'kraken' meant?"),
        ("EXCHANGES", "simulatd", "not 'simulatd'; is 'simulated' meant?"),
        ("EXCHANGES", "qqqqqqqq", "want exchange ids as ccxt spells them, not 'qqqqqqqq'"),
        ("EXCHANGES", "simulated,bybit", "want real or simulated exchanges, not both: every page would call"),
        ("EXCHANGES", "okx,simulated3", "want real or simulated exchanges, not both"),
        ("EXCHANGES", "simulated,simulated1", "not 'simulated1'; is 'simulated' meant?"),
        ("EXCHANGES", "simulated10", "not 'simulated10'; is 'simulated' meant?"),
        (
            "TTL_DASHBOARD",
            "90",
            "TTL_DASHBOARD: got 90 beside TTL_CONFLUENCE=30; want TTL_DASHBOARD <= TTL_CONFLUENCE, since",
        ),
        ("TTL_BREADTH", "29.5", "TTL_CONFLUENCE: got 30 beside TTL_BREADTH=29.5; want TTL_CONFLUENCE <="),
        (
            "PERIOD_ORDER_BOOKS",
            "90",
            "got 90 beside TTL_ORDER_BOOK=60; want PERIOD_ORDER_BOOKS <= 30 or TTL_ORDER_BOOK >= 180, so",
        ),
        ("PERIOD_TRADES", "31", "PERIOD_TRADES: got 31 beside TTL_TRADES=60; want PERIOD_TRADES <= 30 or"),
        ("PERIOD_TICKERS", "25", "PERIOD_TICKERS: got 25 beside TTL_BREADTH=45; want PERIOD_TICKERS <= 22.5"),
        ("PERIOD_SCORES", "16", "PERIOD_SCORES: got 16 beside TTL_CONFLUENCE=30; want PERIOD_SCORES <= 15"),
        ("PERIOD_ALERTS", "40", "PERIOD_ALERTS: got 40 beside TTL_ALERTS=60; want PERIOD_ALERTS <= 30 or"),
        ("TTL_EXCHANGE_STATUS", "600", "PERIOD_UNIVERSE: got 3600 beside TTL_EXCHANGE_STATUS=600; want"),
        (
            "PERIOD_CANDLES",
            "6",
            "PERIOD_CANDLES: got 6; want at most 5, a 12th of the shortest of TIMEFRAMES",
        ),
        ("PERIOD_BETA", "61", "PERIOD_BETA: got 61; want at most 60, else betas are late after each close"),
        (
            "ALERT_SCORE_LOW",
            "60",
            "ALERT_SCORE_LOW: got 60 beside ALERT_SCORE_HIGH=70; want more than 10 points between them",
        ),
        ("ALERT_SCORE_HIGH", "100", "ALERT_SCORE_HIGH: got '100'; input should be less than 100"),
        ("ALERT_COOLDOWN", "-1", "ALERT_COOLDOWN: got '-1'; input should be greater than or equal to 0"),
        ("MEMCACHED_SERVERS", "localhost", "MEMCACHED_SERVERS: got 'localhost'; want host:port"),
        ("MEMCACHED_SERVERS", "localhost:70000", "MEMCACHED_SERVERS: got 'localhost:70000'; want host:port"),
        ("REDIS_HOST", "redis://h", "REDIS_HOST: got 'redis://h'; string should match"),
        ("REDIS_TLS", "maybe", "REDIS_TLS: got 'maybe'; input should be a valid boolean"),
        (
            "REDIS_CA_FILE",
            "no/such.pem",
            "REDIS_CA_FILE: got 'no/such.pem'; want a file of certificates in PEM form that can be read (",
        ),
        ("REDIS_SENTINELS", "s1,s2:1", "REDIS_SENTINELS: got 's1,s2:1'; want host:port, separated by commas"),
        ("REDIS_SENTINEL_MASTER", "a/b", "REDIS_SENTINEL_MASTER: got 'a/b'; string should match"),
        ("REDIS_URL", "rediss://h/0?ssl_ca_certs=/no/such", "want an ssl_ca_certs that can be read (No such"),
        (
            "REDIS_URL",
            "redis+sentinel://s:1",
            "REDIS_URL: got a value that is not shown; want Sentinels as redis+",
        ),
        (
            "SIMULATOR_RECORDINGS",
            "no/such",
            "SIMULATOR_RECORDINGS: got 'no/such'; want a folder that can be read (No such file or directory)",
        ),
        ("SHARED_CACHE_PREFIX", "a b", "SHARED_CACHE_PREFIX: got 'a b'"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL: got 'LOUD'"),
    ],
)
def test_a_wrong_value_names_the_variable_what_it_got_and_what_it_wants(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    """One line each, so that the fix needs no documentation."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(settings.SettingsError) as caught:
        settings.load()

    assert len(caught.value.lines) == 1
    assert words in caught.value.lines[0]
    assert "\n" not in caught.value.lines[0]


@pytest.mark.parametrize("variable", ["REDIS_URL", "BROKER_URL"])
def test_a_wrong_url_is_refused_without_repeating_its_password(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Error lines end in logs."""
    monkeypatch.setenv(variable, "http://:hunter2@localhost/0")

    with pytest.raises(settings.SettingsError) as caught:
        settings.load()

    assert variable in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["base", "pro", "static_dependencies", "__init__", "abstract", "test"])
def test_what_lies_in_ccxts_folder_beside_its_exchanges_is_none(name: str) -> None:
    """Only an exchange has a client."""
    assert checks.exchanges_problem((name,)) is not None


def test_the_last_simulated_exchange_needs_a_port_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told before anything starts."""
    monkeypatch.setenv("EXCHANGES", "simulated,simulated9")
    monkeypatch.setenv("SIMULATOR_PORT", "65528")

    with pytest.raises(settings.SettingsError) as caught:
        settings.load()

    assert caught.value.lines == ("SIMULATOR_PORT: got 65528 for 9 exchanges in a row; want at most 65527",)
    monkeypatch.setenv("SIMULATOR_PORT", "65527")
    assert settings.load().simulator_url("simulated9") == "http://127.0.0.1:65535"


@pytest.mark.parametrize("name", ["candles-7m.csv", "candles-0m.csv", "candles.csv", "funding-8h.csv"])
def test_a_folder_without_candles_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """It is told before anything starts, not by a simulator that dies again and again."""
    (tmp_path / name).touch()
    monkeypatch.setenv("SIMULATOR_RECORDINGS", str(tmp_path))

    with pytest.raises(settings.SettingsError) as caught:
        settings.load()

    wanted = "want a folder with a file named like candles-1m.csv.gz or candles-5m.csv"
    assert caught.value.lines == (f"SIMULATOR_RECORDINGS: got '{tmp_path}'; {wanted}",)


def test_not_even_the_models_own_error_repeats_a_password() -> None:
    """A test or a script may build the settings itself."""
    with pytest.raises(ValueError, match="percent-encoded") as caught:
        settings.Settings(redis_url="redis://:hunter2/x@h:1/0")

    assert "hunter2" not in str(caught.value)


def test_complaints_about_several_variables_together_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its own line here as well."""
    monkeypatch.setenv("TIMEFRAMES", "1m,1h")
    monkeypatch.setenv("TTL_CONFLUENCE", "50")

    with pytest.raises(settings.SettingsError) as caught:
        settings.load()

    assert [line.partition(":")[0] for line in caught.value.lines] == ["TIMEFRAME_WEIGHTS", "TTL_CONFLUENCE"]


def test_every_wrong_variable_gets_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mistakes are told at once, not one after the other."""
    monkeypatch.setenv("WEB_PORT", "x")
    monkeypatch.setenv("STREAM_PORT", "0")

    with pytest.raises(settings.SettingsError) as caught:
        settings.load()

    assert [line.partition(":")[0] for line in caught.value.lines] == ["WEB_PORT", "STREAM_PORT"]
