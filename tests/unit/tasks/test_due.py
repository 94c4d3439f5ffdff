"""Claims about what a round sends out: as much as the exchange's rate carries, and no more."""

from __future__ import annotations

import random
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cache.catalogue import CANDLES, OPEN_INTEREST
from market.model import Instrument
from settings import Settings
from tasks import due, plain
from tasks.costs import Costs
from tasks.planning import RETRY_S
from tasks.setbacks import MANY, Doubts
from tasks.symbol_inputs import BY_PERIOD, BY_SYMBOL
from tasks.wire import House
from tests.support.dashboards import MovableClock, memory_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.symbol_inputs import SymbolInput

NAMES = [f"S{number}/USD" for number in range(60)]
ROUNDS, ROUND_S = 300, 2.0
COST, COST_OF_PRICES = 1.2, 2.0


class SlowExchange:
    """Carries one unit a second, and answers all that is sent out before the next round."""

    id = "kraken"

    def __init__(self, house: House) -> None:
        self.house = house
        self.asked: Counter[tuple[str, str]] = Counter()

    def now(self) -> float:
        """Its clock is ours."""
        return self.house.clock()

    def calls_within(self, seconds: float) -> int:
        """One a second."""
        return int(seconds)

    def fetch(self, what: SymbolInput, exchange: str, timeframe: str, symbols: list[str]) -> None:
        """Answer one batch at once."""
        now = self.now()
        for symbol in symbols:
            self.asked[what.source, symbol] += 1
            params = {
                "exchange": exchange,
                "symbol": symbol,
                **({"timeframe": timeframe} if timeframe else {}),
            }
            self.house.cache.put(what.kind.key(**params), {}, as_of=now - now % 60)


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowExchange]:
    """Sixty symbols on an exchange that carries a tenth of what their periods want."""
    clock = MovableClock()
    cache = memory_cache(clock)
    settings = Settings(timeframes=("1m",), period_candles=ROUND_S)
    made = SlowExchange(House(settings=settings, cache=cache, clock=clock, exchange=SimpleNamespace))
    costs = Costs()
    for name in (*BY_SYMBOL, "funding"):
        costs.note("kraken", name, COST)
    costs.note("kraken", "tickers", COST_OF_PRICES)
    monkeypatch.setattr(due, "COSTS", costs)
    monkeypatch.setattr(due, "ROUNDS", {})
    monkeypatch.setattr(due, "DOUBTS", Doubts())
    monkeypatch.setattr(due, "ENDS", {})
    monkeypatch.setattr(due, "send", made.fetch)
    yield made
    cache.close()


def run(exchange: SlowExchange, inputs: tuple[str, ...], rounds: int = ROUNDS) -> None:
    """Ten minutes of rounds, or so many."""
    instruments = [Instrument("kraken", name, name, "USD", "spot", 2.0) for name in NAMES]
    universe: dict[str, Any] = plain.universe(instruments, ("1m",), inputs)
    for _ in range(rounds):
        due.send_due(exchange.house, exchange, universe)  # type: ignore[arg-type]
        exchange.house.clock.move(ROUND_S)  # type: ignore[attr-defined]


def test_rounds_send_what_the_rate_carries_beside_the_prices_and_use_it(exchange: SlowExchange) -> None:
    """By the cost of each call; what one round sent too much, the next sends less."""
    run(exchange, ("candles", "order_book", "trades"))

    settings = exchange.house.settings
    prices = COST_OF_PRICES / settings.period_tickers + COST / settings.period_funding
    carried = ROUNDS * ROUND_S * (1.0 - prices)
    spent = sum(exchange.asked.values()) * COST
    assert 0.98 * carried <= spent <= carried + COST


def test_on_a_slow_exchange_nothing_waits_for_ever_and_then_all_age_alike(exchange: SlowExchange) -> None:
    """Where a round carries one call, the backfill and what is late take turns from round to round."""
    everything = {(source, name) for source in ("candles", "order_book", "trades") for name in NAMES}
    run(exchange, ("candles", "order_book", "trades"))
    assert 0.4 * ROUNDS < len(exchange.asked) < len(everything)
    assert max(exchange.asked.values()) > 1

    run(exchange, ("candles", "order_book", "trades"))
    assert set(exchange.asked) == everything
    exchange.asked.clear()
    run(exchange, ("candles", "order_book", "trades"))
    run(exchange, ("candles", "order_book", "trades"))

    for source in ("candles", "order_book", "trades"):
        counts = [exchange.asked[source, name] for name in NAMES]
        assert max(counts) - min(counts) <= 1, (source, counts)


def test_nothing_is_sent_of_what_the_exchange_lacks(exchange: SlowExchange) -> None:
    """Whatever else there is to do."""
    run(exchange, ("trades",))

    assert {source for source, _ in exchange.asked} == {"trades"}
    assert {one.source for one in BY_PERIOD} > {"trades"}
    assert exchange.house.cache.get(CANDLES.key(exchange="kraken", symbol=NAMES[0], timeframe="1m")) is None


def test_what_was_expired_is_asked_for_soon_and_once(exchange: SlowExchange) -> None:
    """A lost Redis makes everything doubted; what has a period of minutes does not wait for that."""
    run(exchange, ("open_interest",))
    key = OPEN_INTEREST.key(exchange="kraken", symbol=NAMES[0])
    before = exchange.house.cache.get(key)
    assert before is not None
    exchange.asked.clear()

    exchange.house.cache.expire(key)
    run(exchange, ("open_interest",), rounds=int(2 * RETRY_S / ROUND_S))

    after = exchange.house.cache.get(key)
    assert after is not None
    assert after.state == "fresh"
    assert exchange.asked["open_interest", NAMES[0]] == 1


def test_what_nobody_gets_an_answer_to_is_tried_with_one_symbol_a_round(exchange: SlowExchange) -> None:
    """The rate goes to what is answered; after the first good answer all are asked for again."""
    exchange.calls_within = lambda seconds: int(1000 * seconds)  # type: ignore[method-assign]
    for name in NAMES[:MANY]:
        due.DOUBTS.note("kraken", "trades", name)

    run(exchange, ("order_book", "trades"), rounds=10)

    asked = Counter(source for source, _ in exchange.asked.elements())
    assert asked["trades"] == 10
    assert asked["order_book"] >= len(NAMES)
    due.DOUBTS.clear("kraken", "trades", exchange.now())
    run(exchange, ("trades",), rounds=1)
    assert all(exchange.asked["trades", name] for name in NAMES)


def test_a_trial_is_not_for_ever_one_of_those_that_are_never_answered(
    exchange: SlowExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are the most overdue of all, and would be the first each time."""
    exchange.calls_within = lambda seconds: int(1000 * seconds)  # type: ignore[method-assign]
    never, well = set(NAMES[:MANY]), exchange.fetch
    for name in never:
        due.DOUBTS.note("kraken", "trades", name)

    def fetch(what: SymbolInput, exchange_id: str, timeframe: str, symbols: list[str]) -> None:
        exchange.asked.update(("tried", name) for name in symbols)
        good = [name for name in symbols if name not in never]
        if good:
            due.DOUBTS.clear("kraken", what.source, exchange.now())
        well(what, exchange_id, timeframe, good)

    monkeypatch.setattr(due, "send", fetch)
    monkeypatch.setattr(due, "random", random.Random(5))

    run(exchange, ("trades",), rounds=20)

    assert all(exchange.asked["trades", name] for name in set(NAMES) - never)


def test_a_series_that_came_without_its_newest_candles_does_not_wait_for_a_timeframe(
    exchange: SlowExchange,
) -> None:
    """Whoever answered left them out: it is asked for again as soon as what is merely late."""
    exchange.calls_within = lambda seconds: int(1000 * seconds)  # type: ignore[method-assign]
    key = CANDLES.key(exchange="kraken", symbol=NAMES[0], timeframe="1m")
    exchange.house.cache.put(key, {}, as_of=exchange.now() - 600)

    run(exchange, ("candles",), rounds=int(RETRY_S / ROUND_S) + 2)

    assert exchange.asked["candles", NAMES[0]] == 1
