from __future__ import annotations

import json
import threading

import pytest
from structlog.testing import capture_logs

from market.errors import BadAnswer, FewerMarkets
from market.plain_markets import changes, fingerprint, plain_markets
from market.shared_markets import SharedMarkets
from tests.support.made_bybit import BTC, MARKETS, STARTED, Bybit, made_exchange
from tests.support.replay import made_market, replayed_client
from tests.support.waiting import eventually


def listed(*names: str, kind: str = "swap"):
    """Markets of these bases against USDT, by symbol."""
    ending = "/USDT:USDT" if kind == "swap" else "/USDT"
    made = [made_market(name + ending, id=f"{name}USDT", kind=kind) for name in names]
    return {one["symbol"]: one for one in made}


class Client:
    """As much of a ccxt client as sharing markets takes."""

    id = "bybit"

    def __init__(self, *offered: str, kind: str = "swap", failure: Exception | None = None) -> None:
        self.markets: dict | None = None
        self.loads = 0
        self.offered = listed(*offered, kind=kind)
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

    def fetch_markets(self) -> list[dict]:
        """What the exchange lists."""
        return list(self.offered.values())

    def set_markets(self, markets: list[dict]) -> None:
        """Keep a list."""
        self.markets = {one["symbol"]: one for one in markets}

    def set_markets_from_exchange(self, source: Client) -> None:
        """Share by reference."""
        self.markets = source.markets


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


@pytest.mark.parametrize("offered", [{}, listed("A"), listed("A", "B", "C", "D", kind="spot")])
def test_a_list_that_lost_more_than_half_is_refused(offered):
    """What is known stays known, also when spot markets would take the perpetuals' place."""
    shared, client = SharedMarkets("x"), Client("A", "B", "C")
    shared.fit(client)
    before, client.offered = client.markets, offered

    with pytest.raises(BadAnswer, match="where 3 were known"):
        shared.reload(client)

    assert client.markets is before


def test_a_short_list_is_believed_when_whoever_asks_has_seen_it_before():
    """That one, by whatever order; not another that is as short."""
    shared, client = SharedMarkets("x"), Client("A", "B", "C", "D", "E")
    shared.fit(client)
    client.offered = listed("A", "B")
    with pytest.raises(FewerMarkets, match="2 markets to track where 5 were known") as refused:
        shared.reload(client)
    client.offered = listed("A", "C")
    with pytest.raises(FewerMarkets) as other:
        shared.reload(client, believed=refused.value.listed)
    assert other.value.listed != refused.value.listed

    client.offered = listed("B", "A")
    with capture_logs() as logs:
        shared.reload(client, now=70.0, believed=refused.value.listed)

    assert set(client.markets) == set(listed("A", "B"))
    assert shared.as_of == 70.0
    assert [(line["event"], line["markets"], line["known"]) for line in logs] == [("markets_believed", 2, 5)]


def test_spot_markets_take_the_place_of_perpetuals_once_they_are_believed():
    """An exchange may stop to trade them; one that lists nothing at all is never believed."""
    shared, client = SharedMarkets("x"), Client("A", "B", "C")
    shared.fit(client)
    client.offered = listed("A", "B", "C", "D", kind="spot")
    with pytest.raises(FewerMarkets) as refused:
        shared.reload(client)

    shared.reload(client, believed=refused.value.listed)
    assert set(client.markets) == set(client.offered)

    client.offered = listed("A", "B")
    shared.reload(client)
    assert set(client.markets) == set(client.offered)  # perpetuals are back: nothing is lost by them

    client.offered = {}
    with pytest.raises(BadAnswer) as empty:
        shared.reload(client, believed=fingerprint([]))
    assert not isinstance(empty.value, FewerMarkets)


def test_a_process_that_starts_holds_a_short_list_against_what_it_was_offered():
    """Else a restart would believe whatever the exchange lists at that moment."""
    shared, client = SharedMarkets("x"), Client("A")
    shared.adopt(plain_markets(listed("A", "B", "C", "D")), as_of=60.0)

    with pytest.raises(FewerMarkets, match="1 markets to track where 4 were known"):
        shared.reload(client, now=70.0)

    shared.fit(client)
    assert set(client.markets) == set(listed("A", "B", "C", "D"))


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


def test_adopted_markets_need_no_call():
    """A new process takes what another has loaded, and asks for prices at once."""
    bybit = Bybit()
    first, _, _ = made_exchange(bybit)
    first.candles(BTC, "1m", bars=5)
    plain = json.loads(json.dumps(first.plain_markets()))
    second, client, _ = made_exchange(bybit, markets={})

    second.adopt_markets(plain, as_of=STARTED)
    candles = second.candles(BTC, "1m", bars=5)

    assert len(candles) == 5
    assert [url.split("?")[0].rpartition("/")[2] for url in client.session.urls] == ["kline"]
    assert second.markets_as_of() == STARTED
    assert second.plain_markets() == plain


def test_only_the_tracked_kind_of_markets_is_handed_on():
    """Perpetuals in USDT that are traded; nothing else is ever asked for."""
    assert [one["symbol"] for one in plain_markets(MARKETS)] == ["BTC/USDT:USDT", "ETH/USDT:USDT"]


def test_handed_on_markets_are_small():
    """A thousand of them take less than half of what memcached takes as one value."""
    thousand = plain_markets(listed(*(f"NAME{number}" for number in range(1000))))

    assert len(thousand) == 1000
    assert len(json.dumps(thousand)) < 500_000


@pytest.mark.parametrize("as_of", [50.0, 40.0])
def test_markets_that_are_no_younger_are_not_adopted(as_of):
    """What another process loaded before us would take new listings away."""
    shared, client = SharedMarkets("x"), Client("A", "B")
    shared.fit(client, now=50.0)
    before = client.markets

    shared.adopt(plain_markets(listed("A")), as_of=as_of)
    shared.fit(client)

    assert client.markets is before


def test_younger_markets_are_adopted_by_all_clients():
    """A listing that another process found is known here without a call."""
    shared, first, second = SharedMarkets("x"), Client("A"), Client("A")
    shared.fit(first, now=50.0)

    shared.adopt(plain_markets(listed("A", "NEW")), as_of=60.0)
    shared.fit(second)
    shared.fit(first)

    assert "NEW/USDT:USDT" in first.markets
    assert first.markets is second.markets
    assert shared.as_of == 60.0


def test_an_empty_list_is_not_adopted():
    """Nothing known is no knowledge."""
    shared, client = SharedMarkets("x"), Client("A")

    shared.adopt([], as_of=60.0)
    shared.fit(client)

    assert client.loads == 1


def test_a_market_that_was_adopted_can_be_replaced_by_a_fresh_list():
    """The hourly refresh follows an adopted list as it follows a loaded one."""
    shared, client = SharedMarkets("x"), Client("A", "B", "C")
    shared.adopt(plain_markets(listed("A", "B")), as_of=60.0)
    shared.fit(client)

    shared.reload(client, now=70.0)

    assert set(client.markets) == set(listed("A", "B", "C"))
    assert shared.as_of == 70.0


def test_a_rename_is_told_from_a_delisting_and_a_new_listing():
    """The exchange's own name stays when ccxt's symbol changes."""
    before = plain_markets(listed("A", "OLD", "GONE"))
    renamed = made_market("BETTER/USDT:USDT", id="OLDUSDT")
    after = plain_markets({**listed("A", "NEW"), "BETTER/USDT:USDT": renamed})

    found = changes(before, after)

    assert found.renamed == {"OLD/USDT:USDT": "BETTER/USDT:USDT"}
    assert found.gone == ("GONE/USDT:USDT",)
    assert found.new == ("NEW/USDT:USDT",)


def test_a_symbol_that_another_market_takes_over_begins_anew():
    """Its candles are another market's from now on: it is gone, and it is new."""
    before = plain_markets(listed("A"))
    after = plain_markets({"A/USDT:USDT": made_market("A/USDT:USDT", id="1000AUSDT")})

    found = changes(before, after)

    assert (found.renamed, found.gone, found.new) == ({}, ("A/USDT:USDT",), ("A/USDT:USDT",))


def test_a_spot_market_and_a_perpetual_of_one_name_are_not_a_rename():
    """Bybit calls both BTCUSDT."""
    found = changes(plain_markets(listed("A", kind="spot")), plain_markets(listed("A")))

    assert (found.renamed, found.gone, found.new) == ({}, ("A/USDT",), ("A/USDT:USDT",))


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
