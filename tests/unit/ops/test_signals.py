import signal

import pytest

from ops.signals import StopSignals


@pytest.fixture
def installed(monkeypatch):
    """Collect the handlers instead of installing them; SIGHUP is ignored, as under nohup."""
    handlers = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(
        signal, "getsignal", lambda number: signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL
    )
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

    assert signal.SIGHUP not in installed
