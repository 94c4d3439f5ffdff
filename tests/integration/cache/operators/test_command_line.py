from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from cache import TieredCache, make_tiers
from cache.catalogue import CANDLES, INDICATORS
from ops import environ
from tests.support.system import CLEARED
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[4]
SYMBOL = "BTC/USDT:USDT"


class Shell:
    """An operator's shell, in whose VAR_DIR a system runs."""

    def __init__(self, var) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in CLEARED}
        self.environment = {**kept, "VAR_DIR": str(var), "PYTHONWARNINGS": "error"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin one command."""
        return subprocess.Popen(
            [sys.executable, "-m", "cache", *words], cwd=ROOT, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def types(self, *words: str) -> tuple[int, str, str]:
        """Run one command to its end."""
        process = self.start(*words)
        out, complaint = process.communicate(timeout=60)
        return process.returncode, out, complaint


@pytest.fixture
def system(shared_redis, shared_memcached, tmp_path, request):
    """A process's cache on the servers that the environment file names."""
    prefix = f"cli{abs(hash(request.node.name)) % 10**8}"
    (tmp_path / "run").mkdir()
    environ.write(
        tmp_path / "run" / "environment",
        {
            "REDIS_URL": f"{shared_redis.url}/0",
            "MEMCACHED_SERVERS": shared_memcached.address,
            "SHARED_CACHE_PREFIX": prefix,
            "TTL_INDICATORS": "40",
        },
    )
    cache = TieredCache(
        tiers=make_tiers(
            clock=time.time,
            redis_url=f"{shared_redis.url}/0",
            memcached_servers=(shared_memcached.address,),
            prefix=prefix,
        )
    )
    yield cache
    cache.close()


@pytest.fixture
def keys(system):
    """Candles and what is made of them, stored."""
    candles, indicators = (
        kind.key(exchange="bybit", symbol=SYMBOL, timeframe="5m") for kind in (CANDLES, INDICATORS)
    )
    system.put(candles, {"closes": [1.0, 2.0]})
    system.derive(indicators, (candles,), lambda _: {"rsi": 61.2})
    return candles, indicators


@pytest.fixture
def shell(tmp_path):
    """A shell beside the system."""
    return Shell(tmp_path)


def test_each_command_finds_the_running_system_by_itself(shell, system, keys):
    """No address is typed: the file that the start left names the servers."""
    candles, indicators = (key.text for key in keys)

    inspect = shell.types("inspect", "candles", "bybit", SYMBOL, "5m")
    tree = shell.types("tree", candles)
    kinds = json.loads(shell.types("tree", "--json")[1])["kinds"]
    stats = shell.types("stats")
    expire = shell.types("expire", "candles|*|5m")
    remove = json.loads(shell.types("remove", indicators, "--json")[1])

    assert (inspect[0], tree[0], stats[0], expire[0]) == (0, 0, 0, 0)
    assert inspect[1].startswith(f"{candles}  fresh")
    assert f"└─ {indicators}" in tree[1]
    assert next(kind for kind in kinds if kind["name"] == "indicators")["lifetime_s"] == 40
    assert "Memcached" in stats[1]
    assert "2 keys expired: candles 1, indicators 1" in expire[1]
    assert remove["removed"] == [indicators]
    assert "\x1b" not in inspect[1] + tree[1] + stats[1] + expire[1]
    assert inspect[2] + tree[2] + stats[2] + expire[2] == ""
    assert system.stats_everywhere()["ended"] == 0, "operators are not counted"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watch_ends_cleanly_with_a_signal(shell, system, keys, number):
    """Ctrl-C is how it is meant to end: exit code 0, no traceback."""
    process = shell.start("watch", "candles", "--json")
    complaints: list[str] = []
    reader = Thread(target=lambda: complaints.extend(process.stderr or ()))
    reader.start()
    eventually(lambda: complaints, within_s=20)
    system.expire(keys[0])
    line = process.stdout.readline() if process.stdout else ""

    process.send_signal(number)
    code = process.wait(10)
    reader.join(5)
    rest = process.stdout.read() if process.stdout else ""

    assert (json.loads(line)["keys"], rest) == ([keys[0].text], "")
    assert (code, complaints) == (0, ["watching candles; Ctrl-C ends it\n"])
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


@pytest.mark.usefixtures("system")
def test_a_reader_that_has_read_enough_is_no_error(shell, system, keys):
    """`watch | head -1` ends with the first line's reader, without a traceback."""
    process = shell.start("watch")
    assert process.stdout
    assert process.stderr
    said = process.stderr.readline()
    system.expire(keys[0])
    process.stdout.readline()
    process.stdout.close()
    for _ in range(2):
        system.expire(keys[0])
    process.wait(20)

    assert said.startswith("watching all kinds")
    assert (process.returncode, process.stderr.read()) == (0, "")
    process.stderr.close()


@pytest.mark.usefixtures("system")
def test_exit_codes_tell_a_script_what_happened(shell, tmp_path):
    """0, 1 not found, 2 bad usage, 3 no Redis; each with a line that says more."""
    missing = shell.types("inspect", "candles", "bybit", SYMBOL, "5m")
    unknown = shell.types("inspect", "candels", "bybit")
    no_command = shell.types()
    no_file = shell.types("tree", "--environment", str(tmp_path / "none"))
    shell.environment["REDIS_URL"] = "nonsense://secret"
    bad_setting = shell.types("tree")
    shell.environment["REDIS_URL"] = "redis://:secret@127.0.0.1:1/0?nonsense=1"
    bad_option = shell.types("tree")
    shell.environment["REDIS_URL"] = "redis://:secret@127.0.0.1:1/0"
    dead = shell.types("tree")
    named = shell.types("tree", "--environment", str(tmp_path / "run" / "environment"))
    del shell.environment["REDIS_URL"]
    shell.environment["VAR_DIR"] = str(tmp_path / "nobody")
    nowhere = shell.types("stats")

    wrong = (unknown, no_command, no_file, bad_setting, bad_option)
    assert [one[0] for one in wrong] == [2] * 5
    assert (missing[0], dead[0], named[0], nowhere[0]) == (1, 3, 0, 3)
    assert missing[2] == "not stored\n"
    assert "did you mean candles?" in unknown[2]
    assert "cannot read" in no_file[2]
    assert "the address is from the environment" in dead[2]
    assert "no Redis is named" in nowhere[2]
    assert "Traceback" not in "".join(one[2] for one in wrong)
    assert "secret" not in bad_setting[2] + bad_option[2] + dead[2]
