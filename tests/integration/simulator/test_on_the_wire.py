from __future__ import annotations

import json
import socket
import time
from email.utils import parsedate_to_datetime

import pytest
import requests

from tests.support.simulator import running_simulator

pytestmark = pytest.mark.integration
BITCOIN = {"category": "linear", "symbol": "BTCUSDT"}


@pytest.fixture(scope="module")
def running():
    """One exchange for all tests here."""
    with running_simulator(symbols=5, arguments=("--limit", "0")) as simulator:
        yield simulator


@pytest.fixture
def simulator(running):
    """The exchange without faults."""
    running.clear_faults()
    yield running
    running.clear_faults()
    running.move_clock(0)


def kline(simulator, **more: object):
    """A raw request for candles."""
    return simulator.get("kline", **{**BITCOIN, "interval": "1", "limit": "5", **more})


@pytest.mark.parametrize("status", ["403", "418", "429", "500", "502", "503"])
def test_statuses(simulator, status):
    """Seen once, then the exchange answers again."""
    simulator.fault(status, path="/v5/market/kline", count=1)

    answers = [kline(simulator), kline(simulator)]

    assert [answer.status_code for answer in answers] == [int(status), 200]
    assert ("Retry-After" in answers[0].headers) == (status == "429")


@pytest.mark.parametrize("kind", ["html", "truncated", "null", "empty"])
def test_bad_bodies(simulator, kind):
    """Status 200, a length that is right, and nothing that decodes to an envelope."""
    simulator.fault(kind, count=1)

    answer = kline(simulator)

    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["Content-Length"])
    if kind == "null":
        assert answer.json() is None
    else:
        with pytest.raises(requests.exceptions.JSONDecodeError):
            answer.json()
    assert answer.headers["Content-Type"].startswith("text/html" if kind == "html" else "application/json")


def test_latency(simulator):
    """The answer comes, late; others are not held up."""
    simulator.fault("latency", path="/v5/market/kline", ms=300, count=1)

    started = time.monotonic()
    answer = kline(simulator)

    assert answer.status_code == 200
    assert time.monotonic() - started >= 0.3


def test_a_timeout_answers_nothing_and_is_bounded(simulator):
    """The client's patience ends first; without any, the connection is dropped in the end."""
    simulator.fault("timeout", count=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        simulator.get("time", timeout=0.3)

    simulator.fault("timeout", count=1, seconds=0.2)
    with pytest.raises(requests.exceptions.ConnectionError):
        simulator.get("time", timeout=5)


def test_a_reset_is_a_tcp_reset(simulator):
    """Not an orderly end: the socket itself says so."""
    simulator.fault("reset", count=1)

    with socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as connection:
        connection.sendall(b"GET /v5/market/time HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(100)


def test_stale_candles_gaps_and_delistings(simulator):
    """The faults that bend what is shown."""
    now_ms = simulator.state()["now_ms"] // 60_000 * 60_000
    simulator.fault("stale_candles", path="/v5/market/kline", at_ms=now_ms - 600_000)
    simulator.fault("gap", path="/v5/market/kline", from_ms=now_ms - 720_000, to_ms=now_ms - 660_000)
    simulator.fault("delisted", symbol="ETHUSDT")

    opens = [int(row[0]) for row in kline(simulator).json()["result"]["list"]]
    instruments = simulator.get("instruments-info", category="linear").json()["result"]["list"]
    tickers = simulator.get("tickers", category="linear").json()["result"]["list"]

    assert opens == [now_ms - place * 60_000 for place in (10, 11, 13, 14)]
    assert {row["symbol"]: row["status"] for row in instruments}["ETHUSDT"] == "Closed"
    assert "ETHUSDT" not in {row["symbol"] for row in tickers}


def test_a_wrong_clock(simulator):
    """Date header and time agree with each other and not with the machine."""
    simulator.fault("clock", offset_s=-7200, count=1)

    began = time.time()
    answer = simulator.get("time")
    ended = time.time()

    claimed = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert began - 1 < claimed + 7200 <= ended
    assert answer.json()["time"] / 1000 == pytest.approx(claimed, abs=1)


def test_the_whole_exchange_can_live_ahead(simulator):
    """A day ahead the newest candle is tomorrow's."""
    simulator.move_clock(86_400)

    began = time.time()
    newest = int(kline(simulator).json()["result"]["list"][0][0])
    ended = time.time()

    assert began - 61 < newest / 1000 - 86_400 <= ended


def test_a_probability_hits_a_part_of_the_requests(simulator):
    """Neither none nor all of sixty."""
    simulator.fault("500", probability=0.5)

    statuses = [simulator.get("time").status_code for _ in range(60)]

    assert 10 < statuses.count(500) < 50


def test_requests_are_counted_by_path_and_outcome(simulator):
    """What was asked is what is reported."""
    simulator.reset_requests()
    simulator.fault("502", path="/v5/market/time", count=1)
    for _ in range(3):
        simulator.get("time")
    kline(simulator)

    counts = simulator.requests()

    assert counts["total"] == 4
    assert counts["paths"]["/v5/market/time"]["outcomes"] == {"502": 1, "200": 2}
    assert counts["paths"]["/v5/market/time"]["faults"] == {"502": 1}
    assert counts["paths"]["/v5/market/kline"]["requests"] == 1


def test_bad_faults_and_web_pages_are_refused(simulator):
    """400 names the field; a request that a page of another origin makes gets 403."""
    url = f"{simulator.url}/control/faults"

    bad = requests.post(url, json={"path": "*", "kind": "latency"}, timeout=5)
    page = requests.post(
        url, json={"path": "*", "kind": "500"}, headers={"Origin": "https://example.org"}, timeout=5
    )

    assert (bad.status_code, bad.json()["field"]) == (400, "ms")
    assert page.status_code == 403
    assert simulator.faults() == []


def test_only_get_is_answered(simulator):
    """Another method of a known path is an unknown path."""
    assert requests.post(f"{simulator.url}/v5/market/time", timeout=5).status_code == 404
    assert requests.get(f"{simulator.url}/nowhere", timeout=5).json()["retCode"] == 404


def test_other_machines_cannot_reach_the_control_endpoint():
    """On all interfaces the exchange answers everybody, the control endpoint only loopback."""
    address = _own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    with running_simulator(symbols=2, environment={"BIND_ADDRESS": "0.0.0.0"}) as simulator:
        exchange = requests.get(f"http://{address}:{simulator.port}/v5/market/time", timeout=5)
        control = requests.get(f"http://{address}:{simulator.port}/control/state", timeout=5)

    assert exchange.status_code == 200
    assert control.status_code == 403


def test_the_601st_request_of_a_window_is_refused():
    """Exactly 600 are answered; then 403 until the ban is lifted (a wide window, for slow machines)."""
    with running_simulator(symbols=2) as simulator:
        simulator.limit(window_s=60)
        statuses = [simulator.get("time").status_code for _ in range(600)]
        refused = simulator.get("time")
        banned = kline(simulator)
        simulator.limit(ban_s=0)

        assert set(statuses) == {200}
        assert (refused.status_code, refused.text) == (403, "access too frequent")
        assert banned.status_code == 403
        assert simulator.requests()["limited"] == 2
        assert simulator.get("time").status_code == 200


def test_answers_are_json_with_the_headers_of_the_exchange(simulator):
    """Content type, date, and one connection for many requests."""
    began = time.time()
    answer = simulator.get("time")
    ended = time.time()

    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert began - 1 < parsedate_to_datetime(answer.headers["Date"]).timestamp() <= ended
    assert list(json.loads(answer.content)) == ["retCode", "retMsg", "result", "retExtInfo", "time"]


def _own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address
