import os

import pytest

from ops.lock import Held, Holder, RunLock, is_held, read_holder

HOLDER = Holder(pid=4711, since=1_747_699_200.0, web="http://127.0.0.1:8000")


def test_a_second_taker_is_told_who_came_first(tmp_path):
    """The refusal has to name the first start, or nobody finds it."""
    path = tmp_path / "run" / "lock"
    lock = RunLock.take(path, HOLDER)

    with pytest.raises(Held) as refusal:
        RunLock.take(path, HOLDER)

    assert refusal.value.holder == HOLDER
    assert refusal.value.holder.sentence(tmp_path) == (
        f"{tmp_path} is in use by pid 4711, running since 2025-05-20 00:00:00 UTC "
        "at http://127.0.0.1:8000; stop it, or set VAR_DIR to another folder"
    )
    lock.release()


def test_a_released_lock_leaves_no_file_and_can_be_taken_again(tmp_path):
    """A stop gives back what the start took."""
    path = tmp_path / "lock"
    RunLock.take(path, HOLDER).release()
    gone = not path.exists()

    again = RunLock.take(path, HOLDER)

    assert gone
    assert is_held(path)
    again.release()
    assert not is_held(path)


def test_a_file_without_a_living_holder_is_no_lock(tmp_path):
    """A kill leaves the file, and it must not matter."""
    path = tmp_path / "lock"
    path.write_text('{"pid": 1, "since": 0, "web": "a much longer text than the new one will be"}')

    lock = RunLock.take(path, HOLDER)

    assert read_holder(path) == HOLDER
    lock.release()


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    """Between opening and locking, the holder before may have removed the file."""
    path = tmp_path / "lock"
    real_open, opened = os.open, []

    def open_then_lose(*arguments: object):
        opened.append(real_open(*arguments))
        if len(opened) == 1:
            path.unlink()
        return opened[-1]

    monkeypatch.setattr(os, "open", open_then_lose)

    lock = RunLock.take(path, HOLDER)

    assert len(opened) == 2
    assert read_holder(path) == HOLDER
    lock.release()


@pytest.mark.parametrize("body", ["", "no json", "{}", '{"pid": "x", "since": 0, "web": ""}'])
def test_an_unreadable_name_is_no_name(tmp_path, body):
    """The holder may not have signed yet."""
    path = tmp_path / "lock"
    path.write_text(body)

    assert read_holder(path) is None
