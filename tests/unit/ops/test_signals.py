import signal

import pytest

from ops.signals import StopSignals


@pytest.fixture
def installed(monkeypatch):
    """Collect the handlers instead of installing them; all are ignored, as in the background of a script."""
    handlers = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(signal, "getsignal", lambda _number: signal.SIG_IGN)
    return handlers


def test_an_order_before_anybody_listens_is_kept(installed):
    """A Ctrl-C during the first moments is not lost."""
    signals, heard = StopSignals(), []

    installed[signal.SIGINT](signal.SIGINT, None)
    signals.listen(heard.append)
    installed[signal.SIGTERM](signal.SIGTERM, None)

    assert heard == [signal.SIGINT, signal.SIGTERM]


def test_a_hangup_that_is_ignored_stays_ignored(installed):
    """Whoever wrote nohup wants it to go on."""
    StopSignals()

    assert set(installed) == {signal.SIGINT, signal.SIGTERM}


def test_in_the_end_nothing_is_heard_any_more(installed):
    """A third Ctrl-C must not break into the cleaning up."""
    StopSignals().ignore()

    assert set(installed.values()) == {signal.SIG_IGN}
