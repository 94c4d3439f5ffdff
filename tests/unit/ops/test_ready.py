import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ops import ready
from ops.ready import Readiness, understand


def test_ready_and_complete_is_all_that_is_asked():
    """Nothing is missing then."""
    verdict = understand(b'{"ready": true, "complete": true, "state": "live", "tiers": {"redis": "ok"}}')

    assert verdict.ready
    assert verdict.complete
    assert verdict.missing == ""


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        ({"ready": False, "complete": False, "state": "empty"}, "no dashboard yet (state empty)"),
        (
            {"ready": False, "state": "empty", "exchanges": [{"id": "okx", "reason": "universe: refused"}]},
            "no dashboard yet (state empty); okx: universe: refused",
        ),
        ({"ready": True, "complete": False, "state": "live"}, "not every symbol is scored"),
        (
            {"ready": True, "complete": False, "tiers": {"redis": "open", "memory": "ok"}},
            "not every symbol is scored; cache tier redis: open",
        ),
    ],
)
def test_what_is_missing_is_said_in_words(answer, missing):
    """Whoever waits for a minute wants to know for what."""
    assert understand(json.dumps(answer).encode()).missing == missing


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"[1]"])
def test_an_answer_without_sense_is_not_ready(body):
    """Something else may answer on that port."""
    assert not understand(body).ready


class HalfAnAnswer(BaseHTTPRequestHandler):
    """A 503 whose body ends before it is whole, as a process gives that is killed while it answers."""

    def do_GET(self):
        """Promise a hundred bytes and send three."""
        self.send_response(503)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"{..")

    def log_message(self, *_: object):
        """Say nothing."""


def test_a_refusal_that_is_cut_off_is_not_ready():
    """A web process that dies while it answers must not take the whole system along."""
    with HTTPServer(("127.0.0.1", 0), HalfAnAnswer) as server:
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        verdict = ready.ask(f"http://127.0.0.1:{server.server_port}/readyz")
        answering.join()

    assert not verdict.ready
    assert verdict.missing == "the web process does not answer"


def test_an_impatient_operator_is_told_once_and_the_wait_goes_on(monkeypatch):
    """A slow start is not a failed one."""
    answers = iter([Readiness(False, False, "nothing yet")] * 3 + [Readiness(True, True, "")])
    monkeypatch.setattr(ready, "ask", lambda _url: next(answers))
    monkeypatch.setattr(ready, "_POLL_S", 0)
    complaints = []

    asyncio.run(ready.wait_until_complete("http://x", patience_s=0, complain=complaints.append))

    assert complaints == ["nothing yet"]
    assert list(answers) == []
