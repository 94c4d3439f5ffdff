from __future__ import annotations

import json

import pytest

from tests.support.simulator_parts import recorded, synthetic, write_candles

NOW = 1_779_969_600.5


@pytest.fixture
def parts():
    """A small synthetic exchange."""
    return synthetic(NOW)


def ask(parts, method, path, body=None, *, peer="127.0.0.1", from_page=False):
    """Status and decoded body of a control request."""
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = parts.control.reply(method, f"/control/{path}", raw, peer=peer, from_page=from_page)
    return reply.status, json.loads(reply.body)


def test_the_state_tells_what_plays(parts):
    """Source, clock, symbols and betas."""
    status, state = ask(parts, "GET", "state")

    assert status == 200
    assert state["source"] == "synthetic"
    assert state["now_ms"] == int(NOW * 1000)
    assert state["symbols"][0] == "BTCUSDT"
    assert state["betas"]["ETHUSDT"] == 1.25
    assert state["shift_ms"] == 0
    assert state["ends_at_ms"] is None
    assert state["seed"] == 7


def test_the_state_of_a_recording_tells_its_shift_and_end(tmp_path):
    """So that a test can find the recorded candle behind a played one."""
    write_candles(tmp_path, {"BTC": [("1", "1", "1", "1", "1")] * 90})
    parts = recorded(tmp_path, NOW)

    state = ask(parts, "GET", "state")[1]

    assert state["source"] == "recordings"
    assert state["history_from_ms"] == 1_700_000_040_000 + state["shift_ms"]
    assert state["ends_at_ms"] == state["history_from_ms"] + 90 * 60_000
    assert state["betas"] == {}
    assert not state["ended"]


@pytest.mark.parametrize("peer", ["10.0.0.7", "192.168.1.5", "2001:db8::1", "", "::ffff:10.0.0.1"])
def test_other_machines_are_refused(parts, peer):
    """403, whatever they ask."""
    assert ask(parts, "GET", "state", peer=peer)[0] == 403
    assert ask(parts, "POST", "faults", {"path": "*", "kind": "500"}, peer=peer)[0] == 403
    assert parts.faults.listed() == []


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_ask(parts, peer):
    """All spellings of loopback."""
    assert ask(parts, "GET", "state", peer=peer)[0] == 200


def test_web_pages_are_refused(parts):
    """A page in a browser on this machine cannot break the exchange."""
    assert ask(parts, "POST", "faults", {"path": "*", "kind": "500"}, from_page=True)[0] == 403


def test_faults_are_set_listed_and_lifted(parts):
    """The three verbs of /control/faults."""
    set_status, one = ask(parts, "POST", "faults", {"path": "/v5/market/kline", "kind": "429", "count": 2})

    assert set_status == 200
    assert (one["path"], one["kind"], one["left"]) == ("/v5/market/kline", "429", 2)
    assert ask(parts, "GET", "faults")[1]["faults"] == [one]
    assert ask(parts, "DELETE", "faults") == (200, {"cleared": 1})


def test_a_bad_fault_gets_400_with_the_field_and_the_fix(parts):
    """Field and wish are there for programs, the sentence for people."""
    status, problem = ask(parts, "POST", "faults", {"path": "*", "kind": "latency"})

    assert status == 400
    assert problem["field"] == "ms"
    assert problem["want"] == "missing; want a number from 0 to 600000"
    assert ask(parts, "POST", "faults", b"{")[1]["field"] == "body"
    assert ask(parts, "POST", "faults")[1]["field"] == "body"


def test_requests_are_counted_and_the_count_begins_again(parts):
    """Per path; unknown paths together."""
    parts.reply("time")
    parts.reply("time")
    parts.reply("no-such-thing")

    counts = ask(parts, "GET", "requests")[1]

    assert counts["total"] == 3
    assert counts["paths"]["/v5/market/time"]["requests"] == 2
    assert counts["paths"]["other"]["outcomes"] == {"404": 1}
    assert ask(parts, "POST", "requests/reset")[1] == {
        "total": 0, "limited": 0, "seconds": 0.0, "peak": {"requests": 0, "window_s": 5.0}, "paths": {},
    }  # fmt: skip


def test_requests_are_counted_by_what_they_ask_for(parts):
    """So that a test can hold what was asked against the least that had to be."""
    for interval in ("1", "5", "5"):
        parts.reply("kline", category="linear", symbol="BTCUSDT", interval=interval)
    parts.reply("open-interest", category="linear", symbol="ETHUSDT", intervalTime="5min")
    parts.reply("tickers", category="linear")

    paths = ask(parts, "GET", "requests")[1]["paths"]

    assert {path.rpartition("/")[2]: told["asked"] for path, told in paths.items()} == {
        "kline": {"BTCUSDT 1": 1, "BTCUSDT 5": 2},
        "open-interest": {"ETHUSDT 5min": 1},
        "tickers": {"": 1},
    }


def test_the_busiest_window_is_known(parts):
    """Three requests within five seconds, two of them with the fourth, seven seconds after the first."""
    for wait_s in (0, 3, 1.5, 2.5):
        parts.clock.move(wait_s)
        parts.reply("time")

    told = ask(parts, "GET", "requests")[1]

    assert told["peak"] == {"requests": 3, "window_s": 5.0}
    assert told["seconds"] == 7.0


def test_the_clock_moves_the_whole_exchange(parts):
    """An hour ahead: time, header and newest candle."""
    status, answer = ask(parts, "POST", "clock", {"offset_s": 3600})

    assert (status, answer["now_ms"]) == (200, int((NOW + 3600) * 1000))
    newest = parts.result("kline", category="linear", symbol="BTCUSDT", interval="1", limit=1)["list"][0]
    assert int(newest[0]) == int(NOW + 3600) * 1000 // 60_000 * 60_000
    assert parts.answer("time")["time"] == int((NOW + 3600) * 1000)


@pytest.mark.parametrize(
    "body", [{}, {"offset_s": "1"}, {"offset_s": float("inf")}, {"offset_s": True}, [], None]
)
def test_a_bad_offset_is_refused(parts, body):
    """400, and the clock stays."""
    status, problem = ask(parts, "POST", "clock", body)

    assert status == 400
    assert problem["field"] in {"offset_s", "body"}
    assert parts.shifted.offset_s == 0


def test_the_limit_can_be_changed(parts):
    """What is not named stays."""
    assert ask(parts, "POST", "limits", {"requests": 5, "mode": "429"})[0] == 200

    limit = ask(parts, "GET", "limits")[1]

    assert limit == {"requests": 5, "window_s": 5.0, "ban_s": 600.0, "mode": "429"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mode": "nice"}, "mode"),
        ({"requests": -1}, "requests"),
        ({"window_s": 0}, "window_s"),
        ({"x": 1}, "x"),
    ],
)
def test_a_bad_limit_is_refused(parts, body, field):
    """400 names the field."""
    status, problem = ask(parts, "POST", "limits", body)

    assert (status, problem["field"]) == (400, field)


def test_unknown_control_paths_name_the_known_ones(parts):
    """404 that helps."""
    status, problem = ask(parts, "GET", "nothing")

    assert status == 404
    assert "POST /control/faults" in problem["error"]
