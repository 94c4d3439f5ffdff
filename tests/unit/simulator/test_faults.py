from __future__ import annotations

import json

import pytest

from simulator.faults import FaultRefused
from tests.support.simulator_parts import synthetic

NOW = 1_779_969_600.0 + 3600.0
KLINE = "/v5/market/kline"
BITCOIN = {"category": "linear", "symbol": "BTCUSDT"}


@pytest.fixture
def parts():
    """A small synthetic exchange."""
    return synthetic(NOW)


def fault(parts, kind, path="*", **fields: object):
    """Put a fault in force."""
    return parts.faults.add({"path": path, "kind": kind, **fields}, now_ms=int(parts.clock.now * 1000))


def kline(parts, **query: object):
    """The reply to a request for candles."""
    return parts.reply("kline", **{**BITCOIN, "interval": "1", "limit": 5, **query})


@pytest.mark.parametrize("status", [403, 418, 429, 500, 502, 503])
def test_a_status_fault_answers_with_that_status(parts, status):
    """Once, as counted; then the exchange is itself again."""
    fault(parts, str(status), count=1)

    first, second = kline(parts), kline(parts)

    assert first.status == status
    assert b"<html>" in first.body
    assert second.status == 200


def test_a_429_says_when_to_come_back(parts):
    """Retry-After is what was asked for, one second by default; a status may be given as a number."""
    fault(parts, 429, count=1, retry_after_s=17)
    fault(parts, "429", count=1)

    assert kline(parts).headers["Retry-After"] == "17"
    assert kline(parts).headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("kind", "body"),
    [("null", b"null"), ("empty", b""), ("html", b"<!DOCTYPE html>"), ("truncated", b'{"retCode"')],
)
def test_a_body_fault_is_a_200_with_a_bad_body(parts, kind, body):
    """None of them decodes to an envelope."""
    good = kline(parts).body
    fault(parts, kind)

    reply = kline(parts)

    assert reply.status == 200
    assert reply.body.startswith(body)
    assert reply.body != good
    if kind == "truncated":
        assert good.startswith(reply.body)
        with pytest.raises(json.JSONDecodeError):
            json.loads(reply.body)


def test_breaks_and_delays_are_left_to_the_server(parts):
    """The reply says what is to be done with the connection, and after how long."""
    fault(parts, "latency", ms=250)
    fault(parts, "timeout", count=1, seconds=2)
    fault(parts, "reset", count=1)

    timed_out, reset, late = kline(parts), kline(parts), kline(parts)

    assert (timed_out.breaks, timed_out.delay_s) == ("timeout", 2.25)
    assert (reset.breaks, reset.delay_s) == ("reset", 0.25)
    assert (late.breaks, late.delay_s, late.status) == (None, 0.25, 200)
    outcomes = parts.tally.report()["paths"][KLINE]
    assert outcomes["outcomes"] == {"timeout": 1, "reset": 1, "200": 1}
    assert outcomes["faults"] == {"latency": 3, "timeout": 1, "reset": 1}


def test_a_fault_is_for_its_path_and_symbol_alone(parts):
    """Other paths and symbols are left in peace and do not use up the count."""
    fault(parts, "500", path=KLINE, symbol="ETHUSDT", count=1)

    assert parts.reply("time").status == 200
    assert kline(parts).status == 200
    assert kline(parts, symbol="ETHUSDT").status == 500
    assert kline(parts, symbol="ETHUSDT").status == 200


def test_a_probability_is_drawn_for_each_request():
    """The dice decide, so that a seed repeats a run."""
    rolls = iter([0.1, 0.9, 0.49, 0.51])
    parts = synthetic(NOW, dice=lambda: next(rolls))
    fault(parts, "502", probability=0.5)

    assert [kline(parts).status for _ in range(4)] == [502, 200, 502, 200]


def test_stale_candles_stop_while_everything_else_goes_on(parts):
    """Ten minutes later the newest candle is still the one of then; the ticker moves."""
    before = json.loads(kline(parts).body)["result"]["list"]
    fault(parts, "stale_candles", path=KLINE)

    parts.clock.move(600)

    assert json.loads(kline(parts).body)["result"]["list"] == before
    assert parts.answer("tickers", **BITCOIN)["time"] == int((NOW + 600) * 1000)


def test_a_wrong_clock_lies_in_the_header_and_the_time_only(parts):
    """Candles are those of the true time."""
    before = kline(parts)
    fault(parts, "clock", offset_s=-3600)

    reply = kline(parts)

    assert json.loads(reply.body)["time"] == int((NOW - 3600) * 1000)
    assert reply.headers["Date"] != before.headers["Date"]
    assert json.loads(reply.body)["result"] == json.loads(before.body)["result"]


def test_a_delisted_symbol_is_closed_gone_and_refused(parts):
    """Closed in the list of instruments, absent from the tickers, an error everywhere else."""
    fault(parts, "delisted", symbol="ETHUSDT")
    ether = {"category": "linear", "symbol": "ETHUSDT"}

    instruments = parts.result("instruments-info", category="linear")["list"]
    listed = {row["symbol"]: row["status"] for row in instruments}

    assert listed["ETHUSDT"] == "Closed"
    assert listed["BTCUSDT"] == "Trading"
    assert "ETHUSDT" not in {row["symbol"] for row in parts.result("tickers", category="linear")["list"]}
    for path, more in (
        ("tickers", {}),
        ("kline", {"interval": "1"}),
        ("orderbook", {}),
        ("recent-trade", {}),
        ("funding/history", {}),
        ("open-interest", {"intervalTime": "1h"}),
        ("account-ratio", {"period": "1h"}),
    ):
        answer = parts.answer(path, **ether, **more)
        assert (answer["retCode"], answer["retMsg"]) == (10001, "params error: symbol invalid")


def test_a_gap_withholds_candles_of_one_symbol_or_all(parts):
    """Exactly those that open inside it."""
    minute = int(NOW) * 1000 // 60_000 * 60_000
    fault(parts, "gap", from_ms=minute - 3 * 60_000, to_ms=minute - 60_000, symbol="BTCUSDT")

    bitcoin = [int(row[0]) for row in json.loads(kline(parts).body)["result"]["list"]]
    ether = json.loads(kline(parts, symbol="ETHUSDT").body)["result"]["list"]

    assert bitcoin == [minute, minute - 60_000, minute - 4 * 60_000]
    assert len(ether) == 5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        (None, "body"),
        ({"path": "*"}, "kind"),
        ({"path": "*", "kind": "explode"}, "kind"),
        ({"path": "*", "kind": True}, "kind"),
        ({"kind": "500"}, "path"),
        ({"path": "/v5/market/klines", "kind": "500"}, "path"),
        ({"path": "*", "kind": "500", "count": 0}, "count"),
        ({"path": "*", "kind": "500", "count": 1.5}, "count"),
        ({"path": "*", "kind": "500", "count": "3"}, "count"),
        ({"path": "*", "kind": "500", "count": 1, "probability": 0.5}, "count"),
        ({"path": "*", "kind": "500", "probability": 1.5}, "probability"),
        ({"path": "*", "kind": "500", "probability": True}, "probability"),
        ({"path": "*", "kind": "500", "ms": 5}, "ms"),
        ({"path": "*", "kind": "latency"}, "ms"),
        ({"path": "*", "kind": "latency", "ms": -1}, "ms"),
        ({"path": "*", "kind": "latency", "ms": float("nan")}, "ms"),
        ({"path": "*", "kind": "timeout", "seconds": 1e9}, "seconds"),
        ({"path": "*", "kind": "delisted"}, "symbol"),
        ({"path": "*", "kind": "delisted", "symbol": "NOPE"}, "symbol"),
        ({"path": "*", "kind": "500", "symbol": 5}, "symbol"),
        ({"path": "*", "kind": "gap", "from_ms": 5, "to_ms": 5}, "to_ms"),
        ({"path": "*", "kind": "gap", "from_ms": 5}, "to_ms"),
    ],
)
def test_a_bad_fault_is_refused_naming_the_field(parts, body, field):
    """The message says what is wanted; nothing is put in force."""
    with pytest.raises(FaultRefused) as refused:
        parts.faults.add(body, now_ms=0)

    assert refused.value.field == field
    assert (
        "want" in refused.value.message
        or "takes" in refused.value.message
        or "not both" in str(refused.value)
    )
    assert parts.faults.listed() == []


def test_faults_can_be_listed_and_lifted_and_are_bounded(parts):
    """All, or one by its number; a thousand are enough."""
    first = fault(parts, "500")
    fault(parts, "latency", ms=1)

    assert [one["kind"] for one in parts.faults.listed()] == ["500", "latency"]
    assert parts.faults.clear(first.number) == 1
    assert parts.faults.clear() == 1
    for _ in range(1000):
        fault(parts, "500")
    with pytest.raises(FaultRefused):
        fault(parts, "500")


def test_a_counted_fault_counts_down(parts):
    """Three times, then never."""
    fault(parts, "null", count=3)

    kline(parts)

    assert parts.faults.listed()[0]["left"] == 2
    assert [kline(parts).body == b"null" for _ in range(3)] == [True, True, False]
