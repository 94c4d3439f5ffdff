"""Claims about the threads of all fetchers beside what an exchange that counts in windows can bear."""

from __future__ import annotations

import pytest

import checks
from market.limiter import HARD_SHARE, PUBLISHED
from settings import Settings

pytestmark = pytest.mark.usefixtures("clean_environment")


def test_the_windows_are_those_of_the_limiter() -> None:
    """The start warns of those exchanges, and of no fewer threads than the limiter leaves calls free."""
    spare = {window.requests - int(HARD_SHARE * window.requests) for window in PUBLISHED.values()}

    assert set(checks.COUNTS_IN_A_WINDOW) == set(PUBLISHED)
    assert spare == {checks.SPARE_IN_A_WINDOW}


def test_the_defaults_are_told_nothing_of() -> None:
    """One fetcher has as many threads as there are calls to spare."""
    default = Settings()

    assert default.fetcher_processes * default.fetch_threads == checks.SPARE_IN_A_WINDOW


@pytest.mark.parametrize("exchanges", [("simulated",), ("bybit", "okx"), ("kraken", "bybit", "okx", "gate")])
@pytest.mark.parametrize("processes", range(1, checks.MOST_FETCHERS + 1))
def test_the_most_threads_that_a_warning_names_are_the_most_that_fit(
    exchanges: tuple[str, ...], processes: int
) -> None:
    """One more is warned of, with the variables and the number that mends it."""
    said = checks.fetchers_warning(exchanges, processes=processes, threads=64)
    assert said is not None
    fitting = int(said.partition("set FETCH_THREADS to ")[2].split()[0])

    at_most = checks.fetchers_warning(exchanges, processes=processes, threads=fitting)
    beyond = checks.fetchers_warning(exchanges, processes=processes, threads=fitting + 1)

    assert at_most is None
    assert beyond is not None
    assert beyond.startswith(f"FETCH_THREADS={fitting + 1} with FETCHER_PROCESSES={processes}: ")


def test_an_exchange_whose_calls_cost_is_asked_by_as_many_threads_as_are_wanted() -> None:
    """No window of it could be overfull: ccxt spaces the calls."""
    assert checks.fetchers_warning(("okx", "kraken"), processes=9, threads=64) is None
