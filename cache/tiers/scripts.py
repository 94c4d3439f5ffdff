"""The Lua operations, read from the package, sent by their hash."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

_FOLDER = resources.files("cache") / "lua"


class Script:
    """One operation. A server that does not know it (it restarted) is taught by the same call."""

    def __init__(self, name: str, *, ordered: bool) -> None:
        parts = ("prelude", name) if ordered else (name,)
        self.source = "\n".join((_FOLDER / f"{part}.lua").read_text(encoding="utf-8") for part in parts)
        # Redis names scripts by SHA-1; nothing secret hangs on it.
        self.digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, client: Redis, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run it; raises what redis-py raises."""
        try:
            return ask(client, "EVALSHA", self.digest, len(keys), *keys, *args)
        except NoScriptError:
            return client.eval(self.source, len(keys), *keys, *args)


def ask(client: Redis, *command: Any) -> Any:
    """The plain answer to one command; raises what redis-py raises, and tries once.

    A third quicker than the client's own way, which looks for options, callbacks, retries and listeners.
    """
    pool = client.connection_pool
    connection = pool.get_connection()
    try:
        connection.send_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it out
        return connection.read_response()
    finally:
        pool.release(connection)


COMMIT = Script("commit", ordered=True)
INVALIDATE = Script("invalidate", ordered=True)
SYNC = Script("sync", ordered=True)
CANARY = Script("canary", ordered=True)
ACQUIRE = Script("acquire", ordered=False)
EXTEND = Script("extend", ordered=False)
RELEASE = Script("release", ordered=False)
BUCKET = Script("bucket", ordered=False)
