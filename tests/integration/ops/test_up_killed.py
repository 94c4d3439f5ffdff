"""Claims about what is killed: processes come back, and what a death leaves behind does not stay."""

import os
import signal
import time

import psutil
import pytest

from ops import embedded
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def test_a_killed_process_comes_back_and_the_log_says_how_it_died(system):
    """The supervisor is there so that nobody has to watch."""
    system.define("scorer")
    system.start().until_ready()
    first = system.pid_of("scorer")

    os.kill(first, signal.SIGKILL)

    second = eventually(lambda: (pid := system.pid_of("scorer")) != first and pid, within_s=30)
    assert second != first
    assert "scorer died (killed by SIGKILL); starting it again in 1." in system.said()
    assert system.state().processes["scorer"].restarts == 1


def test_what_a_dead_process_leaves_behind_is_killed_before_it_starts_again(system, gone):
    """Orphaned pool processes would go on taking messages with old code and old connections."""
    system.define("scorer", "--family")
    system.start().until_ready()
    eventually(lambda: ("scorer", "start") in system.events(), within_s=30)
    orphan = psutil.Process(int(system.events("scorer")[0][1].split()[1]))

    os.kill(system.pid_of("scorer"), signal.SIGKILL)

    eventually(lambda: gone([orphan]), within_s=30)
    assert [event for _, event in system.events("scorer")].count("start") == 1


@pytest.mark.parametrize("again", [False, True], ids=["alone", "with a second Ctrl-C"])
def test_processes_that_ignore_sigterm_are_killed_within_15_seconds(system, gone, again):
    """A stop that hangs is a stop that people replace by kill -9."""
    for name in ("stream", "beat"):
        system.define(name, "--stubborn", "--family")
    system.start().until_ready()
    eventually(
        lambda: ("stream", "start") in system.events() and ("beat", "start") in system.events(), within_s=10
    )
    family = system.descendants()
    began = time.monotonic()

    system.process.send_signal(signal.SIGINT)
    if again:
        eventually(lambda: "SIGINT: stopping" in system.said(), within_s=30)
        eventually(
            lambda: system.process.send_signal(signal.SIGINT) or "SIGINT again" in system.said(), within_s=10
        )
    code = system.process.wait(timeout=20)

    assert code == 0
    assert gone(family)
    assert time.monotonic() - began < (8 if again else 15)


def test_a_killed_supervisor_takes_everything_along(system, gone):
    """Not even kill -9 leaves workers that nobody stops, however deep they stand."""
    system.define("scorer", "--family", "--stubborn")
    system.start().until_ready()
    eventually(lambda: ("scorer", "start") in system.events(), within_s=30)
    family = system.descendants()

    system.process.kill()

    system.process.wait()
    eventually(lambda: gone(family), within_s=30)
    assert len(family) >= 6


def test_a_start_after_a_killed_supervisor_is_not_kept_from_its_folder(system, gone):
    """What a kill leaves in var/ must not need a person to clean up."""
    system.start().until_ready()
    family = system.descendants()
    system.process.kill()
    system.process.wait()
    eventually(lambda: gone(family), within_s=30)

    system.output.write_text("")
    system.start().until_ready()

    assert system.stop() == 0


def test_an_embedded_redis_comes_back_on_its_port(system):
    """The processes know one address; it must stay true."""
    system.start().until_ready()
    address = system.server_address("REDIS_URL")
    port = int(address.rpartition(":")[2].partition("/")[0])
    first = system.pid_of("redis")

    os.kill(first, signal.SIGKILL)

    eventually(lambda: system.pid_of("redis") != first, within_s=30)
    eventually(lambda: embedded.reply("127.0.0.1", port, b"PING\r\n") == b"+PONG\r\n", within_s=30)
    assert address.endswith("/0")


def test_a_killed_guard_is_replaced_before_it_is_needed(system, gone):
    """The last will holds even when somebody tears it up."""
    system.define("scorer", "--family", "--stubborn")
    system.define("beat")
    system.start().until_ready()
    eventually(lambda: ("scorer", "start") in system.events(), within_s=30)
    first = system.state().guard_pid
    os.kill(first, signal.SIGKILL)
    os.kill(system.pid_of("beat"), signal.SIGKILL)
    eventually(lambda: system.state().guard_pid != first and system.pid_of("beat"), within_s=30)
    family = system.descendants()

    system.process.kill()

    system.process.wait()
    eventually(lambda: gone(family), within_s=30)
