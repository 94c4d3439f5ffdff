"""Claims about markets that all threads of a process share: loaded once, renewed for all of them."""

from __future__ import annotations

import threading

import pytest

from market.errors import BadAnswer
from market.shared_markets import SharedMarkets
from tests.support.market_lists import Client
from tests.support.replay import replayed_client
from tests.support.waiting import eventually


def test_markets_are_loaded_once_and_shared():
    """The second client takes the first one's, by reference."""
    shared, first, second = SharedMarkets("x"), Client("A", "B"), Client("A", "B")

    for client in (first, second, first):
        shared.fit(client)

    assert (first.loads, second.loads) == (1, 0)
    assert second.markets is first.markets


def test_reloaded_markets_reach_every_client_at_its_next_call():
    """A new listing shows everywhere, without a call for each thread."""
    shared, first, second = SharedMarkets("x"), Client("A", "B"), Client("A", "B", "C")
    shared.fit(first)

    shared.reload(second, now=50.0)
    shared.fit(first)

    assert first.markets is second.markets
    assert "C/USDT:USDT" in first.markets
    assert shared.as_of == 50.0


def test_no_markets_at_all_are_a_bad_answer():
    """An exchange without markets is none; the next call tries again."""
    shared, client = SharedMarkets("x"), Client()

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
    shared, first = SharedMarkets("x"), Client(failure=BadAnswer("x", "dead"))
    others = [Client() for _ in range(3)]
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


def test_intervals_are_asked_for_once_an_hour_and_for_a_new_symbol():
    """One call of its own, shared by all threads."""
    shared, asked = SharedMarkets("x"), []

    def load() -> dict[str, float]:
        asked.append(1)
        return {"A": 4.0}

    for now, symbols in ((0.0, "A"), (10.0, "A"), (20.0, "AB"), (30.0, "B"), (3620.0, "A")):
        assert shared.intervals(symbols, now=now, load=load) == {"A": 4.0}

    assert len(asked) == 3


def test_a_failed_call_for_intervals_is_tried_again():
    """Its error is the caller's, and nothing is remembered."""
    shared = SharedMarkets("x")

    def fail() -> dict[str, float]:
        raise BadAnswer("x", "broken")

    with pytest.raises(BadAnswer):
        shared.intervals("A", now=0.0, load=fail)

    assert shared.intervals("A", now=1.0, load=lambda: {"A": 8.0}) == {"A": 8.0}


def test_a_client_without_markets_and_without_an_offer_loads_them():
    """Only the very first process asks."""
    client = replayed_client("bybit", {}, lambda _url: {"retCode": 0, "result": {"list": []}})

    with pytest.raises(BadAnswer, match="no markets"):
        SharedMarkets("bybit").fit(client)

    assert any("instruments-info" in url for url in client.session.urls)
