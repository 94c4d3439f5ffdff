from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import market
from market.clients import Clients, SharedMarkets, make_client
from market.errors import BadAnswer, NotSupported
from market.exchanges import Exchanges, connect
from tests.support.replay import FreeLimiter
from tests.support.waiting import eventually

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


class Client:
    """As much of a ccxt client as sharing markets takes."""

    id = "bybit"

    def __init__(self, markets: object = None, failure: Exception | None = None) -> None:
        self.markets: object = None
        self.loads = 0
        self.offered = markets if markets is not None else {"A": 1, "B": 2}
        self.failure = failure
        self.arrived = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def load_markets(self) -> None:
        """Take time, then load or fail."""
        self.loads += 1
        self.arrived.set()
        self.go_on.wait(5)
        if self.failure:
            raise self.failure
        self.markets = dict(self.offered)

    def fetch_markets(self) -> list[str]:
        """What the exchange lists."""
        return list(self.offered)

    def set_markets(self, markets: list[str]) -> None:
        """Keep a list."""
        self.markets = dict.fromkeys(markets)

    def set_markets_from_exchange(self, source: Client) -> None:
        """Share by reference."""
        self.markets = source.markets


def test_markets_are_loaded_once_and_shared():
    """The second client takes the first one's, by reference."""
    shared, first, second = SharedMarkets("x"), Client(), Client()

    for client in (first, second, first):
        shared.fit(client)

    assert (first.loads, second.loads) == (1, 0)
    assert second.markets is first.markets


def test_reloaded_markets_reach_every_client_at_its_next_call():
    """A new listing shows everywhere, without a call for each thread."""
    shared, first, second = SharedMarkets("x"), Client(), Client()
    shared.fit(first)
    second.offered = {"A": 1, "B": 2, "C": 3}

    shared.reload(second)
    shared.fit(first)

    assert first.markets is second.markets
    assert "C" in first.markets


@pytest.mark.parametrize("offered", [{}, {"A": 1}])
def test_a_list_that_lost_more_than_half_is_refused(offered):
    """What is known stays known."""
    shared, client = SharedMarkets("x"), Client({"A": 1, "B": 2, "C": 3})
    shared.fit(client)
    before, client.offered = client.markets, offered

    with pytest.raises(BadAnswer, match="where 3 were known"):
        shared.reload(client)

    assert client.markets is before


def test_no_markets_at_all_are_a_bad_answer():
    """An exchange without markets is none; the next call tries again."""
    shared, client = SharedMarkets("x"), Client({})

    for _ in range(2):
        with pytest.raises(BadAnswer, match="no markets"):
            shared.fit(client)

    assert client.loads == 2


class CountingLock:
    """A lock that tells how many have come to it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.came = 0

    def __enter__(self) -> None:
        self.came += 1
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def test_threads_that_waited_for_a_failed_attempt_share_its_failure():
    """Ten threads must not try a dead exchange one after the other."""
    shared, first, others = (
        SharedMarkets("x"),
        Client(failure=BadAnswer("x", "dead")),
        [Client() for _ in range(3)],
    )
    shared._lock = CountingLock()
    failures: list[Exception] = []
    first.go_on.clear()

    def fit(client: Client) -> None:
        try:
            shared.fit(client)
        except BadAnswer as exc:
            failures.append(exc)

    threads = [threading.Thread(target=fit, args=(client,)) for client in (first, *others)]
    threads[0].start()
    first.arrived.wait(5)
    for thread in threads[1:]:
        thread.start()
    eventually(lambda: shared._lock.came == 4, within_s=5)
    first.go_on.set()
    for thread in threads:
        thread.join(5)

    assert len(failures) == 4
    assert [one.loads for one in others] == [0, 0, 0]


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
