from __future__ import annotations

import pytest

from tests.support.answering import server
from tests.support.simulator import running_simulator


@pytest.fixture(scope="session")
def simulator():
    """One synthetic market for all tests, of which each finds it healed."""
    with running_simulator(symbols=12, seed=7) as running:
        yield running


@pytest.fixture
def sim(simulator):
    """The simulator without anybody's faults, limits or clock."""
    simulator.clear_faults()
    simulator.limit(requests=600, window_s=5, ban_s=600, mode="403")
    simulator.move_clock(0)
    return simulator


@pytest.fixture
def http():
    """A server for one test."""
    with server() as http:
        yield http
