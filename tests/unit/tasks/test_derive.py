"""Claims about what is computed: only what changed, from all that is there, and what is late or missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cache.catalogue import FUNDING, INDICATORS, LONG_SHORT, OPEN_INTEREST, ORDER_BOOK, TRADES
from market.inputs import LongShort
from market.score_inputs import INPUTS
from tasks import derive
from tests.support.cached_inputs import BTC, ETH, TIMEFRAMES, offer, put, put_all, put_candles
from tests.support.dashboards import NOW
from tests.support.derived import derive_all, score
from tests.support.made_candles import book

if TYPE_CHECKING:
    from tasks.wire import House


def test_a_score_is_made_of_everything_that_there_is(house: House) -> None:
    """Six components, nothing missing, nothing late."""
    put_all(house)

    derive_all(house)

    value = score(house).value
    assert value["missing"] == ()
    assert value["stale"] == ()
    assert {name for name, part in value["components"].items() if part["score"] is not None} == {
        "technical", "volume", "orderflow", "orderbook", "price_structure", "sentiment",
    }  # fmt: skip


def test_a_symbol_whose_inputs_did_not_change_is_not_scored_again_and_its_life_is_renewed(
    house: House, scored: list[dict[str, Any]]
) -> None:
    """The numbers stay as they were computed; the entry is as young as its inputs allow."""
    put_all(house)
    derive_all(house)
    first = score(house)

    house.clock.move(5)  # type: ignore[attr-defined]
    derive_all(house)

    again = score(house)
    assert len(scored) == 1
    assert again.value["computed_at"] == first.value["computed_at"]
    assert again.stored_at == first.stored_at + 5
    assert again.fresh_until > first.fresh_until


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (TRADES, None),
        (ORDER_BOOK, book([(99.0, 1.0)], [(101.0, 4.0)], as_of=NOW).to_plain()),
        (LONG_SHORT, LongShort("okx", BTC, 0.5, NOW).to_plain()),
    ],
)
def test_a_symbol_is_scored_again_as_soon_as_one_of_its_inputs_is_another(
    house: House, scored: list[dict[str, Any]], kind: Any, value: Any
) -> None:
    """One that is new, and one that is gone; the other symbols are left alone."""
    put_all(house)
    put_candles(house, ETH)
    derive_all(house, BTC, ETH)

    if value is None:
        house.cache.remove(kind.key(exchange="okx", symbol=BTC))
    else:
        put(house, kind, value)
    derive_all(house, BTC, ETH)

    assert [one["symbol"] for one in scored] == [BTC, ETH, BTC]


def test_a_symbol_is_scored_again_when_an_input_turns_late(
    house: House, scored: list[dict[str, Any]]
) -> None:
    """Nothing was written; the score must say it all the same."""
    put_all(house)
    derive_all(house)

    house.clock.move(house.settings.ttl_trades + 1)  # type: ignore[attr-defined]
    derive_all(house)

    assert len(scored) == 2
    assert "trades" in score(house).value["stale"]


@pytest.mark.parametrize("kind", [OPEN_INTEREST, LONG_SHORT, FUNDING])
def test_an_answer_that_repeats_what_was_long_ago_is_late_however_lately_it_came(
    house: House, kind: Any
) -> None:
    """Its own time tells: an exchange may go on answering with what it wrote down hours ago."""
    put_all(house)
    key = kind.key(exchange="okx") if kind is FUNDING else kind.key(exchange="okx", symbol=BTC)
    repeated, long_ago = house.cache.get(key), house.clock() - 10 * 3600
    assert repeated is not None
    value = repeated.value
    if kind is FUNDING:
        value = {"funding": {BTC: {**value["funding"][BTC], "as_of": long_ago}}}
    house.cache.put(key, value, as_of=long_ago)

    derive_all(house)

    assert list(score(house).value["stale"]) == [kind.name]


def test_other_weights_are_a_reason_to_score_again(house: House, scored: list[dict[str, Any]]) -> None:
    """A restart with other settings shows their scores at once."""
    put_all(house)
    derive_all(house)
    weights = {**house.settings.component_weights, "technical": 0.9}

    changed = replace(house, settings=house.settings.model_copy(update={"component_weights": weights}))
    derive_all(changed)

    assert len(scored) == 2


def test_a_view_is_computed_again_only_from_other_candles(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And otherwise renewed like a score."""
    computed: list[Any] = []
    compute = derive.views_of
    monkeypatch.setattr(derive, "views_of", lambda candles: computed.extend(candles) or compute(candles))
    put_candles(house)
    derive.derive_views(house, "okx", [BTC], ["1m"])
    key = INDICATORS.key(exchange="okx", symbol=BTC, timeframe="1m")
    first = house.cache.get(key)

    house.clock.move(5)  # type: ignore[attr-defined]
    derive.derive_views(house, "okx", [BTC], ["1m"])
    again = house.cache.get(key)
    assert len(computed) == 1
    assert again.stored_at == first.stored_at + 5  # type: ignore[union-attr]

    put_candles(house)
    derive.derive_views(house, "okx", [BTC], ["1m"])

    assert len(computed) == 2


def test_what_is_missing_has_the_reason_why(house: House, scored: list[dict[str, Any]]) -> None:
    """Not received yet, not offered by the exchange, or left out for this symbol."""
    offer(house, tuple(name for name in INPUTS if name != "open_interest"))
    put(house, FUNDING, {"funding": {}}, None)

    derive.derive_scores(house, "okx", [BTC])

    assert scored[0]["reasons"] == {
        **{f"candles {timeframe}": "not received yet" for timeframe in TIMEFRAMES},
        "order_book": "not received yet",
        "trades": "not received yet",
        "long_short": "not received yet",
        "breadth": "not received yet",
        "funding": "okx gave no funding rate for it",
        "open_interest": "okx has no open interest",
    }


def test_slow_inputs_do_not_make_a_score_older_than_it_is(house: House) -> None:
    """What changes every five minutes says all there is until it is late; the book is of its own moment."""
    put_all(house)
    house.clock.move(20)  # type: ignore[attr-defined]
    house.cache.put(
        ORDER_BOOK.key(exchange="okx", symbol=BTC),
        book([(99.0, 2.0)], [(101.0, 1.0)], as_of=house.clock() - 2).to_plain(),
        as_of=house.clock() - 2,
    )

    derive_all(house)

    assert score(house).as_of == house.clock() - 2
