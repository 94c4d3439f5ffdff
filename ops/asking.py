"""Asks a named server whether it is any use, the way the processes will speak to it."""

from __future__ import annotations

from typing import Any

from ops.embedded import reply

_WITHIN_S = 2.0
_EVICTING = "evicts; set its maxmemory-policy to noeviction, or messages can vanish"


def ask_redis(url: str) -> str | None:
    """Return None when the Redis answers and accepts the login in the URL, else why not."""
    client = _client(url)
    try:
        client.ping()
    except (OSError, _redis_error()) as error:
        return _short(error)
    finally:
        client.close()
    return None


def eviction_warning(broker_url: str) -> str | None:
    """Return a line when the broker's Redis may throw messages away under memory pressure."""
    client = _client(broker_url)
    try:
        found = client.config_get("maxmemory*")
    except (OSError, _redis_error()):
        # Hosted servers forbid CONFIG; then there is nothing to say.
        return None
    finally:
        client.close()
    bounded = str(found.get("maxmemory", "0")) != "0"
    return f"the broker's Redis {_EVICTING}" if bounded and _evicts(found) else None


def ask_memcached(server: str) -> str | None:
    """Return None when the Memcached at host:port tells its version, else why not."""
    host, _, port = server.rpartition(":")
    said = reply(host.strip("[]"), int(port), b"version\r\n", within_s=_WITHIN_S)
    if said.startswith(b"VERSION"):
        return None
    return "it does not speak Memcached's language" if said else "no answer"


def _client(url: str) -> Any:
    # Half the time of a start without a named Redis would go into this import.
    from redis import Redis  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    return Redis.from_url(
        url.replace("redis+socket://", "unix://", 1),
        socket_timeout=_WITHIN_S,
        socket_connect_timeout=_WITHIN_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def _redis_error() -> type[Exception]:
    from redis.exceptions import RedisError  # noqa: PLC0415

    return RedisError


def _evicts(found: Any) -> bool:
    return str(found.get("maxmemory-policy", "noeviction")) != "noeviction"


def _short(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
