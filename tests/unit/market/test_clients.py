from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import market
from market.clients import Clients, is_simulated, make_client
from market.errors import NotSupported
from market.exchanges import Exchanges, connect
from tests.support.replay import FreeLimiter

URL = "http://127.0.0.1:9999"


def test_importing_the_edge_does_not_load_ccxt():
    """Loading ccxt costs a second and 80 MB; only making a client may pay it."""
    folder = Path(market.__file__).parent
    imports = ", ".join(f"market.{file.stem}" for file in folder.glob("*.py") if file.stem != "__init__")

    finished = subprocess.run(
        [sys.executable, "-c", f"import sys, {imports}; sys.exit('ccxt' in sys.modules)"], check=False
    )

    assert finished.returncode == 0


def test_the_simulated_exchange_is_bybit_elsewhere():
    """Every address of the interface is overridden, those with a placeholder too."""
    client = make_client("simulated", simulator_url=URL + "/", timeout_s=2.5)

    assert client.id == "bybit"
    assert set(client.urls["api"].values()) == {URL}
    assert client.timeout == 2500


def test_real_exchanges_keep_their_addresses():
    """Only the simulator is local."""
    client = make_client("okx", simulator_url=URL, timeout_s=1)

    assert "127.0.0.1" not in str(client.urls["api"])


@pytest.mark.parametrize(("id", "types"), [("bybit", ["linear", "spot"]), ("okx", ["swap", "spot"])])
def test_only_markets_that_can_be_tracked_are_loaded(id, types):  # noqa: A002
    """Options and dated futures are most of the markets, and never asked for."""
    client = make_client(id, simulator_url=URL, timeout_s=1)

    assert client.options["fetchMarkets"]["types"] == types
    assert client.options["defaultType"] == "swap"
    assert client.has["fetchCurrencies"] is False


@pytest.mark.parametrize("id", ["nowhere", "Exchange", "__class__"])
def test_an_unknown_exchange_is_refused(id):  # noqa: A002
    """Only ccxt's exchanges, not whatever else its module holds."""
    with pytest.raises(NotSupported, match="no exchange"):
        make_client(id, simulator_url=URL, timeout_s=1)


@pytest.mark.parametrize("number", ["", *"23456789"])
def test_a_numbered_simulated_exchange_is_bybit_at_its_own_address(number):
    """Several simulated exchanges run side by side, each with a port of its own."""
    client = make_client(f"simulated{number}", simulator_url=URL, timeout_s=1)

    assert is_simulated(f"simulated{number}")
    assert set(client.urls["api"].values()) == {URL}


@pytest.mark.parametrize("id", ["simulated1", "simulated10", "simulated02", "simulatedx", "bybit", ""])
def test_other_names_are_not_simulated_exchanges(id):  # noqa: A002
    """One spelling for each, so that an id is one exchange everywhere."""
    assert not is_simulated(id)
    if id != "bybit":
        with pytest.raises(NotSupported):
            make_client(id, simulator_url=URL, timeout_s=1)


def test_each_thread_has_its_own_client_and_exchange():
    """The same one within a thread, another one in the next, the markets in common."""
    clients = Clients("simulated", make=lambda: make_client("simulated", simulator_url=URL, timeout_s=1))
    exchanges = Exchanges(id="simulated", clients=clients, limiter=FreeLimiter(), clock=lambda: 0.0)
    elsewhere: list[object] = []

    thread = threading.Thread(target=lambda: elsewhere.append(exchanges.get()))
    thread.start()
    thread.join()

    here = exchanges.get()
    assert exchanges.get() is here
    assert elsewhere[0] is not here
    assert elsewhere[0]._client is not here._client
    assert elsewhere[0]._markets is here._markets


def test_connecting_asks_nothing():
    """An address that nobody listens on is no trouble before the first call."""
    exchanges = connect("simulated", simulator_url=URL, timeout_s=1, clock=lambda: 42.0)

    assert exchanges.get().now() == 42.0
    assert exchanges.get().id == "simulated"
