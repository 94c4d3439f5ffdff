import asyncio
import json

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


def test_an_impatient_operator_is_told_once_and_the_wait_goes_on(monkeypatch):
    """A slow start is not a failed one."""
    answers = iter([Readiness(False, False, "nothing yet")] * 3 + [Readiness(True, True, "")])
    monkeypatch.setattr(ready, "ask", lambda _url: next(answers))
    monkeypatch.setattr(ready, "_POLL_S", 0)
    complaints = []

    asyncio.run(ready.wait_until_complete("http://x", patience_s=0, complain=complaints.append))

    assert complaints == ["nothing yet"]
    assert list(answers) == []
