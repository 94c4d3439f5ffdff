"""Claims about beat while its ticks cannot be sent."""

from __future__ import annotations

import pytest
from celery import Celery
from celery.beat import ScheduleEntry
from celery.schedules import schedule
from kombu.exceptions import OperationalError
from structlog.testing import capture_logs

from tasks.beat import QUIET_S, SteadyScheduler


class Beat:
    """A scheduler whose ticks end with `error` while there is one, on a clock that is moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.error: Exception | None = None
        app = Celery("made", set_as_current=False)
        monkeypatch.setattr(app, "send_task", self._send)
        self.scheduler = SteadyScheduler(app, schedule_filename="unused", lazy=True)
        self.scheduler.clock = lambda: self.now
        self._entry = ScheduleEntry("made", "tasks.made", schedule=schedule(1.0, app=app), app=app)

    def tick(self, times: int = 1) -> list[dict[str, object]]:
        """Let that many ticks come at this moment; what was logged."""
        with capture_logs() as logs:
            for _ in range(times):
                self.scheduler.apply_entry(self._entry)
        return logs

    def _send(self, *_args: object, **_options: object) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def beat(monkeypatch: pytest.MonkeyPatch) -> Beat:
    """A beat whose broker answers."""
    return Beat(monkeypatch)


def test_a_broker_that_is_away_is_a_line_now_and_then_and_one_when_it_is_back(beat: Beat) -> None:
    """The first tick that is lost is told at once, with the error's name; the others are counted."""
    assert beat.tick() == []
    beat.error = OperationalError("connection refused")

    first, following = beat.tick(), beat.tick(4)
    beat.now += QUIET_S
    (later,) = beat.tick(2)
    beat.error = None
    back, after = beat.tick(), beat.tick()

    line = {
        "event": "ticks_not_sent", "log_level": "warning", "task": "tasks.made", "exc_info": None,
        "error": "OperationalError", "reason": "connection refused",
    }  # fmt: skip
    assert first == [{**line, "unsent": 1}]
    assert following == []
    assert later == {**line, "unsent": 6}
    assert back == [{"event": "ticks_sent_again", "log_level": "info", "unsent": 7}]
    assert after == []


def test_a_broker_that_comes_and_goes_fills_no_log(beat: Beat) -> None:
    """What is lost within the quiet seconds is in the next line's count."""
    for _ in range(3):
        beat.error = OperationalError("reset")
        told = beat.tick()
        beat.error = None
        told += beat.tick()
    beat.error = OperationalError("reset")
    beat.now += QUIET_S

    (line,) = beat.tick()

    assert told == []
    assert line["unsent"] == 3


def test_an_error_that_nobody_expects_keeps_its_stack(beat: Beat) -> None:
    """It is a fault in the schedule or in Celery, and somebody has to find it."""
    beat.error = TypeError("not serialisable")

    (line,) = beat.tick()

    assert (line["error"], line["exc_info"]) == ("TypeError", beat.error)


def test_a_schedule_that_cannot_be_written_down_ends_nothing(
    beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: the tick was sent, and so is the next one."""

    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(beat.scheduler, "sync", full)
    monkeypatch.setattr(beat.scheduler, "should_sync", lambda: True)

    logs = beat.tick(2)

    assert [log["event"] for log in logs] == ["beat_schedule_not_kept"] * 2
    assert logs[0]["reason"] == "[Errno 28] No space left on device"
