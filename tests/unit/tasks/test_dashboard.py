"""Claims about the document that the dashboard serves."""

from __future__ import annotations

import json
from typing import Any

from cache.catalogue import TICKERS
from tasks.dashboard import ExchangeInputs, document, is_complete, mobile, published
from tests.support.entries import NOW, alerts_entry, beta_window, entry, score, tickers

OK = {"id": "okx", "state": "ok", "reason": None}
BANNED = {"id": "okx", "state": "banned", "reason": "tickers: 418"}


def inputs(**parts: Any) -> ExchangeInputs:
    """One exchange with one live symbol, but for the parts given."""
    given = {"status": OK, "symbols": ["BTC/USDT"], "tickers": tickers(), "scores": {"BTC/USDT": score()}}
    return ExchangeInputs(**{**given, **parts})


def whole(*exchanges: ExchangeInputs, now: float = NOW) -> dict[str, Any]:
    """The document of these exchanges."""
    return document(
        exchanges or [inputs()],
        now=now,
        simulated=False,
        hourly_btc=None,
        turnover_floor=0.0,
        price_ttl_s=60.0,
    )


def test_a_live_dashboard_has_its_numbers_and_no_reason() -> None:
    """Schema, times, counts and rows agree with what is cached."""
    made = whole()

    assert (made["schema"], made["state"], made["reason"]) == (1, "live", None)
    assert (made["generated_at"], made["as_of"], made["age_s"]) == (NOW, NOW - 3, 3.0)
    assert made["overview"]["symbols"] == made["overview"]["up"] == 1
    assert [row["symbol"] for row in made["movers"]["gainers"]] == ["BTC/USDT"]


def test_what_nobody_has_looked_at_is_null_with_a_reason() -> None:
    """An empty list would say that there are no alerts."""
    made = whole()

    assert (made["alerts"], made["beta"]) == (None, None)
    assert made["missing"] == {
        "alerts": "nobody has looked for alerts yet", "beta": "not measured yet",
    }  # fmt: skip


def test_betas_and_alerts_are_among_what_is_shown() -> None:
    """Each exchange's windows, and the newest alerts."""
    made = document(
        [inputs(betas={"5m": beta_window(), "1h": None})],
        now=NOW, simulated=False, hourly_btc=None, turnover_floor=0.0, price_ttl_s=60.0,
        alerts=alerts_entry(3),
    )  # fmt: skip

    assert made["beta"]["okx"]["5m"]["symbols"]["BTC/USDT"]["beta"] == 1.2346
    assert made["beta"]["okx"]["1h"]["reason"] == "not measured yet"
    assert [alert["id"] for alert in made["alerts"]] == ["3", "2", "1"]
    assert (made["missing"], made["late"]) == ({}, {})


def test_a_price_that_was_kept_moves_nobody_without_a_mark() -> None:
    """The row of an earlier answer is among the movers, and says so; Bitcoin's price is called late."""
    made = whole(inputs(tickers=tickers(confirmed_ago=300)))

    (gainer,) = made["movers"]["gainers"]
    assert (gainer["price_state"], gainer["price_as_of"]) == ("stale", NOW - 3)
    assert {"btc_price", "btc_change_24h", "up", "down"} <= set(made["overview"]["late"])
    assert "price_state" not in whole()["overview"]["late"]
    assert whole()["movers"]["gainers"][0]["price_state"] == "live"


def test_a_dashboard_that_is_not_live_names_the_exchange_in_trouble() -> None:
    """How many are concerned, and why."""
    made = whole(inputs(status=BANNED, tickers=tickers(fresh_for=-1)))

    assert made["state"] == "delayed"
    assert made["reason"] == "1 of 1 symbols are not live; okx: tickers: 418"


def test_a_dashboard_that_asks_more_than_a_rate_carries_says_so_while_something_is_late() -> None:
    """Fewer symbols are the cure; while nothing is late there is nothing to say."""
    made = whole(inputs(tickers=tickers(fresh_for=-1), carries=4))

    assert made["reason"] == "1 of 1 symbols are not live; okx: its rate keeps 4 of 1 symbols up to date"
    assert whole(inputs(carries=4))["reason"] is None


def test_nothing_yet_is_empty_and_not_complete() -> None:
    """No rows: no numbers, no claim of being done."""
    made = whole(inputs(symbols=[], tickers=None, scores={}))

    assert (made["state"], made["as_of"], made["age_s"]) == ("empty", None, None)
    assert not is_complete(made)


def test_complete_means_that_every_symbol_has_a_score() -> None:
    """One that is still waiting keeps it open."""
    assert is_complete(whole())
    assert not is_complete(whole(inputs(symbols=["BTC/USDT", "ETH/USDT"])))


def test_the_telephone_gets_the_first_twenty_without_the_details() -> None:
    """Twenty rows, in the same order, without components and sparks."""
    symbols = [f"S{number}/USDT" for number in range(30)]

    cut = mobile(whole(inputs(symbols=symbols)))

    assert [row["symbol"] for row in cut["symbols"]] == symbols[:20]
    assert not {"components", "spark", "missing"} & cut["symbols"][0].keys()


def test_the_telephone_gets_the_most_traded_of_all_exchanges() -> None:
    """Not the first exchange's alone; betas go with the rows that are shown."""
    names = [f"S{number}/USDT" for number in range(15)]

    def listed(exchange: str, turnover: float) -> ExchangeInputs:
        row = {"last": 1.0, "change_24h": 1.0, "as_of": NOW, "confirmed_at": NOW}
        values = {name: {**row, "turnover_24h": turnover / (place + 1)} for place, name in enumerate(names)}
        found = entry(TICKERS.key(exchange=exchange), {"tickers": values})
        return inputs(
            status={**OK, "id": exchange},
            symbols=names,
            tickers=found,
            betas={"1h": beta_window(*names)},
        )

    cut = mobile(whole(listed("okx", 1e6), listed("bybit", 9e6)))

    turnovers = [
        {"okx": 1e6, "bybit": 9e6}[row["exchange"]] / (int(row["symbol"][1:-5]) + 1) for row in cut["symbols"]
    ]
    assert len(cut["symbols"]) == 20
    assert turnovers == sorted(turnovers, reverse=True)
    assert {row["exchange"] for row in cut["symbols"]} == {"okx", "bybit"}
    for exchange in ("okx", "bybit"):
        shown = {row["symbol"] for row in cut["symbols"] if row["exchange"] == exchange}
        assert set(cut["beta"][exchange]["1h"]["symbols"]) == shown


def test_the_body_is_json_without_nan() -> None:
    """Strict JSON: what Python's own encoder would let through is not in it."""
    value = published(whole(), complete=True, previous=None)

    def refuse(word: str) -> None:
        raise AssertionError(word)

    decoded = json.loads(value["body"], parse_constant=refuse)
    assert decoded["symbols"][0]["score"] == 71.23
    assert value["complete"] is True


def test_a_document_that_says_nothing_new_keeps_its_bytes() -> None:
    """So that a browser's 304 stays a 304; the time that passed is in the Age header."""
    first = published(whole(now=NOW), complete=True, previous=None)

    second = published(whole(now=NOW + 1), complete=True, previous=first)

    assert second == first


def test_a_changed_number_changes_the_etag() -> None:
    """And with it the bytes."""
    first = published(whole(), complete=True, previous=None)

    second = published(whole(inputs(scores={"BTC/USDT": score(12.0)})), complete=True, previous=first)

    assert second["etag"] != first["etag"]
    assert second["body"] != first["body"]
