import pytest

from ops.kept import KeptFiles

SAID = [
    "Bad file format reading the append only file appendonly.aof.2.incr.aof: make a backup of your AOF file",
    "Unknown command 'X' reading the append only file appendonly.aof.2.incr.aof",
    "Failure to obtain the AOF file appendonly.aof.2.base.rdb length. stat: No such file or directory",
    "Invalid AOF manifest file format",
    "Found an empty AOF manifest",
    "Can't handle RDB format version 80",
    "Internal error in RDB reading offset 0, function at rdb.c:3611 -> RDB CRC error",
]


@pytest.fixture
def files(tmp_path):
    """Files of Redis 6.2 and of 7 in one folder."""
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("file")
    (tmp_path / "appendonly.aof").write_text("old")
    return KeptFiles(tmp_path, "tidemark")


@pytest.mark.parametrize("line", SAID)
def test_files_that_the_server_could_not_read_are_put_aside_and_none_is_deleted(files, line):
    """Else the start would end at the same line for ever."""
    said = files.put_aside(["Server initialized", f"7:M 21 Nov 2026 19:00:45.894 # {line}", ""])

    names = sorted(path.name for path in files.folder.iterdir())
    assert all(name.startswith("unreadable-") for name in names)
    assert [name.partition("-appendonly")[2] for name in names] == [".aof", "dir"]
    assert all(str(files.folder / name) in said for name in names)


@pytest.mark.parametrize("lines", [[], ["Could not create server TCP listening socket: Address in use"]])
def test_an_end_for_another_reason_leaves_the_files(files, lines):
    """A server that was killed finds everything again."""
    assert files.put_aside(lines) is None
    assert (files.folder / "appendonly.aof").read_text() == "old"


def test_files_that_cannot_be_moved_are_told(tmp_path, files, monkeypatch):
    """The keeper goes on trying, and its operator knows why nothing helps."""

    def refuse(_path, _target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "rename", refuse)

    said = files.put_aside(SAID[:1])

    assert said == f"redis cannot read what it kept, and {tmp_path} cannot be changed (Permission denied)"
