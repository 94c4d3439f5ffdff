"""What the limiter hears of each call: once, and only what says something about the whole exchange."""

from __future__ import annotations

import pytest
import requests

from market.errors import BadAnswer, LimiterFull, MarketError, NotSupported, SymbolUnknown
from tests.support.made_bybit import BTC, STARTED, Bybit, made_exchange

BOOK = {"retCode": 0, "result": {"s": "BTCUSDT", "b": [["1", "2"]], "a": [["3", "4"]], "ts": STARTED * 1000}}


def outcomes(answer, ask=lambda exchange: exchange.order_book(BTC)):
    """What the limiter was told, whatever came of the call."""
    exchange, _, limiter = made_exchange(lambda _url: answer, clock=lambda: STARTED)
    try:
        ask(exchange)
    except MarketError:
        return limiter.outcomes
    return limiter.outcomes


def test_an_answer_is_told_once_for_a_call():
    """Also when a call is not the only one of a method."""
    bybit = Bybit(minute=1500.5)
    exchange, _, limiter = made_exchange(bybit)

    exchange.candles(BTC, "1m", bars=1200)

    assert bybit.limits == [1000, 201]
    assert limiter.outcomes == ["succeeded", "succeeded"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((BOOK, 200, {}), "succeeded"),
        (("{}", 503, {}), "ExchangeUnavailable"),
        (("{}", 429, {}), "RateLimited"),
        (("{}", 403, {}), "Banned"),
        (requests.exceptions.ReadTimeout("slow"), "ExchangeUnavailable"),
        (requests.exceptions.ConnectionError("refused"), "ExchangeUnavailable"),
        (("<html>", 200, {}), "succeeded"),
        (("{}", 404, {}), "succeeded"),
        (({"retCode": 10001, "retMsg": "symbol invalid"}, 200, {}), "succeeded"),
    ],
)
def test_only_the_absence_of_the_whole_exchange_is_a_failure(answer, told):
    """A wrong answer, an unknown symbol or a call that does not exist come from one that is there."""
    assert outcomes(answer) == [told]


def test_an_impossible_value_comes_from_an_exchange_that_is_there():
    """What our own checks refuse was answered."""
    crossed = {"retCode": 0, "result": {"s": "BTCUSDT", "b": [["9", "2"]], "a": [["3", "4"]]}}

    assert outcomes((crossed, 200, {})) == ["succeeded"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda exchange: exchange.order_book("NEW/USDT:USDT"),
        lambda exchange: exchange.candles(BTC, "7m", bars=5),
        lambda exchange: exchange.long_short("BTC/USDT"),
        lambda exchange: exchange.inputs(),
    ],
)
def test_what_was_never_asked_says_nothing(ask):
    """No turn was taken."""
    assert outcomes((BOOK, 200, {}), ask) == []


def test_a_turn_that_does_not_come_is_no_failure_of_the_exchange():
    """Our own limiter is full: nothing was sent, nothing is told, nothing is closed."""
    exchange, client, limiter = made_exchange(lambda _url: BOOK, clock=lambda: STARTED)

    def full(*_: object, **__: object) -> None:
        raise LimiterFull("bybit", "full", until=STARTED + 30)

    limiter.acquire = full

    with pytest.raises(LimiterFull):
        exchange.order_book(BTC)
    assert (limiter.outcomes, limiter.closures, client.session.urls) == ([], [], [])


def test_a_failure_of_ours_is_told_as_neither():
    """A programming error is not the exchange's."""
    exchange, client, limiter = made_exchange(lambda _url: BOOK, clock=lambda: STARTED)
    client.fetch_order_book = lambda *_: (_ for _ in ()).throw(AssertionError("ours"))

    with pytest.raises(AssertionError):
        exchange.order_book(BTC)
    assert limiter.outcomes == []


def test_a_book_of_the_future_is_refused():
    """It would be fresh for ever."""
    later = {**BOOK, "result": {**BOOK["result"], "ts": (STARTED + 60) * 1000}}

    with pytest.raises(BadAnswer, match="time that cannot be"):
        made_exchange(lambda _url: later, clock=lambda: STARTED)[0].order_book(BTC)


def test_a_cause_that_lets_the_rest_of_a_batch_go_on_is_told_apart():
    """The three that a batch survives; none of them opens a circuit."""
    kinds = {
        BadAnswer: ("<html>", 200, {}),
        NotSupported: ("{}", 404, {}),
        SymbolUnknown: ({"retCode": 10001, "retMsg": "params error: Symbol Is Invalid"}, 200, {}),
    }
    for kind, answer in kinds.items():
        exchange, _, limiter = made_exchange(lambda _url, answer=answer: answer, clock=lambda: STARTED)

        with pytest.raises(kind):
            exchange.order_book(BTC)
        assert limiter.outcomes == ["succeeded"]
