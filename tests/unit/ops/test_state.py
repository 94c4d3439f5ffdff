import os

from ops import memory, state
from ops.lock import Holder, RunLock
from ops.state import ProcessState, RunFolder, SystemState

RUNNING = SystemState(
    pid=1,
    guard_pid=2,
    since=3.0,
    addresses={"dashboard": "http://127.0.0.1:8000/"},
    processes={"web": ProcessState(pid=4, restarts=5), "beat": ProcessState(pid=None, restarts=1)},
)


def test_the_state_is_read_back_only_while_the_lock_is_held(tmp_path):
    """What a killed system left behind is not a running one."""
    folder = RunFolder(tmp_path)
    lock = RunLock.take(folder.lock, Holder(1, 2.0, "http://x"))
    state.write(folder, RUNNING)

    running = state.read(folder)
    lock.release()

    assert running == RUNNING
    assert state.read(folder) is None


def test_a_broken_state_is_none(tmp_path):
    """Another version may have written it."""
    folder = RunFolder(tmp_path)
    lock = RunLock.take(folder.lock, Holder(1, 2.0, "http://x"))
    folder.state.write_text('{"processes": {"web": {"surprise": 1}}}')

    assert state.read(folder) is None
    folder.clear()
    assert not folder.state.exists()
    lock.release()


def test_memory_is_summed_over_a_services_whole_group(tmp_path):
    """A prefork worker is one service of several processes."""
    me = os.getpid()
    (tmp_path / str(me)).mkdir()
    (tmp_path / str(me) / "smaps_rollup").write_text("Rss: 9999 kB\nPss: 2048 kB\nPss_Dirty: 7 kB\n")
    (tmp_path / "4194305").mkdir()
    (tmp_path / "self").mkdir()
    running = SystemState(
        pid=me, guard_pid=-1, since=0, addresses={}, processes={"web": ProcessState(os.getpgid(0), 0)}
    )

    uses = {use.name: (use.processes, use.pss_kb) for use in memory.measure(running, proc=tmp_path)}

    assert uses["ops"] == (1, 2048)
    assert uses["guard"] == (0, 0)


def test_the_table_ends_with_the_sum_in_megabytes():
    """That is the figure for the documentation."""
    text = memory.table([memory.Use("ops", 1, 2048), memory.Use("scorer", 3, 10_240)])

    assert text.splitlines()[-1].split() == ["total", "4", "12.0"]
