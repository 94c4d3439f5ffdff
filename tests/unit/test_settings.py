"""Claims about the environment: what is read, and what comes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import checks
import settings
from cache.catalogue import CATALOGUE
from cache.graph import GraphError

pytestmark = pytest.mark.usefixtures("clean_environment")

README = Path(__file__).parents[2] / "README.md"


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


@pytest.mark.parametrize("name", ["candles-1m.csv.gz", "candles-4h.csv"])
def test_a_folder_with_candles_is_played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """The same names as the simulator takes."""
    (tmp_path / name).touch()
    monkeypatch.setenv("SIMULATOR_RECORDINGS", str(tmp_path))

    assert settings.load().simulator_recordings == tmp_path


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
