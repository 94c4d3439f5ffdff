"""Claims about the environment: what is read, what is refused, and in which words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import checks
import settings
from cache.catalogue import CATALOGUE
from cache.graph import GraphError

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_nothing_set_gives_the_simulated_exchange_on_loopback() -> None:
    """The embedded default needs no account, no server and no open port."""
    loaded = settings.load()

    assert loaded.exchanges == ("simulated",)
    assert loaded.bind_address == "127.0.0.1"
    assert loaded.redis_location() is None
    assert loaded.memcached_locations() == ()


def test_lists_are_split_at_commas_without_repeats() -> None:
    """Spaces and a name given twice do no harm."""
    loaded = settings.Settings(exchanges="bybit, okx,bybit")

    assert loaded.exchanges == ("bybit", "okx")


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


def test_the_known_exchanges_are_those_of_ccxt() -> None:
    """They are found by their files, because importing ccxt costs every process a second."""
    import ccxt

    assert checks.known_exchanges() == set(ccxt.exchanges)


def test_reading_the_settings_does_not_import_ccxt() -> None:
    """Web and stream have no use for its 80 MB."""
    code = "import sys, settings; settings.load(); sys.exit('ccxt' in sys.modules)"

    ended = subprocess.run([sys.executable, "-c", code], cwd=README.parent, check=False)

    assert ended.returncode == 0


def test_the_table_of_parents_is_that_of_the_cache() -> None:
    """The settings refuse with a name what the cache would refuse in every process."""
    derived = {name: kind.derived_from for name, kind in CATALOGUE.kinds.items() if kind.derived_from}

    assert derived == checks.DERIVED_FROM
    assert settings.Settings().lifetimes() == CATALOGUE.lifetimes


@pytest.mark.parametrize("kind", list(CATALOGUE.kinds))
@pytest.mark.parametrize("seconds", [1, 19.5, 20, 30, 30.5, 45, 60, 61, 100_000])
def test_settings_and_cache_agree_on_which_lifetimes_fit(kind: str, seconds: float) -> None:
    """Equal is allowed, longer is not, on both sides."""
    lifetimes = {**CATALOGUE.lifetimes, kind: float(seconds)}

    try:
        CATALOGUE.with_lifetimes(lifetimes)
    except GraphError:
        fits = False
    else:
        fits = True

    assert (checks.lifetime_problems(lifetimes) == []) is fits


def test_simulated_exchanges_follow_one_another_each_with_a_port_and_a_history_of_its_own() -> None:
    """Their numbers say where they listen, whatever the order and whichever are left out."""
    loaded = settings.Settings(exchanges="simulated3,simulated", simulator_port=7000, simulator_seed=5)

    assert loaded.simulated_exchanges() == {"simulated3": 3, "simulated": 1}
    assert [loaded.simulator_url(name) for name in loaded.exchanges] == [
        "http://127.0.0.1:7002",
        "http://127.0.0.1:7000",
    ]
    assert [loaded.simulator_seed_of(number) for number in (1, 3)] == [5, 7]
    assert settings.Settings(exchanges="bybit").simulated_exchanges() == {}


def test_the_last_simulated_exchange_needs_a_port_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told before anything starts."""
    monkeypatch.setenv("EXCHANGES", "simulated,simulated9")
    monkeypatch.setenv("SIMULATOR_PORT", "65528")

    with pytest.raises(settings.SettingsError) as caught:
        settings.load()

    assert caught.value.lines == ("SIMULATOR_PORT: got 65528 for 9 exchanges in a row; want at most 65527",)
    monkeypatch.setenv("SIMULATOR_PORT", "65527")
    assert settings.load().simulator_url("simulated9") == "http://127.0.0.1:65535"


@pytest.mark.parametrize("name", ["candles-1m.csv.gz", "candles-4h.csv"])
def test_a_folder_with_candles_is_played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """The same names as the simulator takes."""
    (tmp_path / name).touch()
    monkeypatch.setenv("SIMULATOR_RECORDINGS", str(tmp_path))

    assert settings.load().simulator_recordings == tmp_path


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


@pytest.mark.parametrize(
    ("given", "cache", "broker"),
    [
        ({"redis_host": "r"}, "redis://r:6379/0", "redis://r:6379/1"),
        ({"redis_port": 6380}, "redis://127.0.0.1:6380/0", "redis://127.0.0.1:6380/1"),
        ({"redis_host": "::1"}, "redis://[::1]:6379/0", "redis://[::1]:6379/1"),
        ({"redis_url": "redis://:p@r:1/0"}, "redis://:p@r:1/0", "redis://:p@r:1/1"),
        (
            {"redis_url": "rediss://h:1/0?ssl_cert_reqs=none"},
            "rediss://h:1/0?ssl_cert_reqs=none",
            "rediss://h:1/1?ssl_cert_reqs=none",
        ),
        (
            {"redis_url": "unix:///run/redis.sock"},
            "unix:///run/redis.sock",
            "redis+socket:///run/redis.sock?virtual_host=1",
        ),
        (
            {"redis_url": "redis+socket:///run/redis.sock?virtual_host=2"},
            "unix:///run/redis.sock?db=2",
            "redis+socket:///run/redis.sock?virtual_host=1",
        ),
        (
            {"redis_host": "r", "broker_url": "unix:///run/redis.sock?db=4"},
            "redis://r:6379/0",
            "redis+socket:///run/redis.sock?virtual_host=4",
        ),
        ({"redis_url": "redis://r:1"}, "redis://r:1", "redis://r:1/1"),
        (
            {"redis_host": "::1", "redis_username": "me", "redis_password": "a/b@c", "redis_tls": True},
            "rediss://me:a%2Fb%40c@[::1]:6379/0",
            "rediss://me:a%2Fb%40c@[::1]:6379/1?ssl_cert_reqs=required",
        ),
        (
            {"redis_sentinels": "s:1, [::1]:2"},
            "redis+sentinel://s:1,[::1]:2/mymaster/0",
            "redis+sentinel://s:1,[::1]:2/mymaster/1",
        ),
        (
            {
                "redis_sentinels": "s:1",
                "redis_sentinel_master": "m",
                "redis_password": "p:w",
                "redis_sentinel_password": "s/w",
                "redis_tls": True,
                "broker_url": "redis://b/3",
            },
            "rediss+sentinel://:p%3Aw@s:1/m/0?sentinel_password=s/w",
            "redis://b/3",
        ),
        (
            {"redis_url": "redis+sentinel://s:1/m/0?sentinel_password=x"},
            "redis+sentinel://s:1/m/0?sentinel_password=x",
            "redis+sentinel://s:1/m/1?sentinel_password=x",
        ),
        (
            {"redis_host": "r", "broker_url": "redis+sentinel://s:1/m/4"},
            "redis://r:6379/0",
            "redis+sentinel://s:1/m/4",
        ),
        ({"redis_host": "r", "broker_url": "redis://b/3"}, "redis://r:6379/0", "redis://b/3"),
    ],
)
def test_the_broker_stands_beside_the_cache_unless_it_has_its_own(
    given: dict[str, object], cache: str, broker: str
) -> None:
    """Two databases, never one: the broker's must not evict."""
    loaded = settings.Settings(**given)

    assert (loaded.redis_location(), loaded.broker_location()) == (cache, broker)


def test_the_file_to_trust_goes_to_every_encrypted_address_that_names_none(tmp_path: Path) -> None:
    """The cache's and the broker's; a plain address has no use for it."""
    ours, other = tmp_path / "ours.pem", tmp_path / "other.pem"
    ours.touch(), other.touch()
    addresses = (
        "rediss://h/0",
        f"rediss://h/0?ssl_ca_certs={other}",
        "redis://h/0",
        "rediss+sentinel://s:1/m/0",
    )

    trusted = [
        (found.redis_location() or "", found.broker_location() or "")
        for found in (settings.Settings(redis_url=url, redis_ca_file=ours) for url in addresses)
    ]

    assert [(str(ours) in cache, str(ours) in broker) for cache, broker in trusted] == [
        (True, True),
        (False, False),
        (False, False),
        (True, True),
    ]


@pytest.mark.parametrize(("variable", "value"), [("REDIS_URL", "redis://:hunter2@h/0"), ("REDIS_HOST", "h")])
def test_sentinels_beside_another_name_of_redis_are_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Only one of them can be meant, and the other would be forgotten in silence."""
    monkeypatch.setenv("REDIS_SENTINELS", "s:1")
    monkeypatch.setenv(variable, value)

    with pytest.raises(settings.SettingsError) as caught:
        settings.load()

    (line,) = caught.value.lines
    assert line == (
        f"REDIS_SENTINELS: got 's:1' beside {variable}; "
        "want one of the two, since each names the cache's Redis"
    )


def test_a_memcached_host_alone_gets_the_usual_port() -> None:
    """And a list of servers stands before it."""
    assert settings.Settings(memcached_host="::1").memcached_locations() == ("[::1]:11211",)
    assert settings.Settings(memcached_host="m").memcached_locations() == ("m:11211",)
    assert settings.Settings(memcached_host="m", memcached_servers="a:1,b:2").memcached_locations() == (
        "a:1",
        "b:2",
    )


def test_weights_of_the_chosen_timeframes_only() -> None:
    """Leaving out a timeframe leaves out its weight."""
    assert settings.Settings(timeframes="1m,4h").timeframe_weights == {"1m": 0.5, "4h": 0.05}


def test_settings_are_frozen() -> None:
    """Nobody changes the configuration of a running process."""
    loaded = settings.Settings()

    with pytest.raises(ValueError, match="frozen"):
        loaded.web_port = 1


def test_no_password_shows_in_the_representation() -> None:
    """A settings object may end in a log line."""
    loaded = settings.Settings(
        flower_password="hunter2",  # noqa: S106 - the point
        redis_url="redis://:hunter2@r/0",
        redis_password="hunter2",  # noqa: S106 - the point
        redis_sentinel_password="hunter2",  # noqa: S106 - the point
    )

    assert "hunter2" not in repr(loaded)


def test_the_readme_lists_every_setting() -> None:
    """The table is complete, so a user need not read the code."""
    text = README.read_text(encoding="utf-8")

    absent = [name.upper() for name in settings.Settings.model_fields if f"`{name.upper()}`" not in text]

    assert absent == []
