"""Asks a named server whether it is any use, the way the processes will speak to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from addresses import parse_redis
from ops.embedded import reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from addresses import RedisAddress

_WITHIN_S = 2.0
_UNREADABLE = "its address cannot be read, or has an option that is not known"
_EVICTING = "evicts; set its maxmemory-policy to noeviction, or messages can vanish"


def ask_redis(url: str) -> str | None:
    """Return None when the Redis answers and accepts the login in the URL, else why not."""
    return _with_client(url, lambda client: client.ping())[1]


def eviction_warning(broker_url: str) -> str | None:
    """Return a line when the broker's Redis may throw messages away under memory pressure."""
    found, refusal = _with_client(broker_url, lambda client: client.config_get("maxmemory*"))
    if refusal is not None:
        # Hosted servers forbid CONFIG; then there is nothing to say.
        return None
    bounded = str(found.get("maxmemory", "0")) != "0"
    return f"the broker's Redis {_EVICTING}" if bounded and _evicts(found) else None


def ask_memcached(server: str) -> str | None:
    """Return None when the Memcached at host:port tells its version, else why not."""
    host, _, port = server.rpartition(":")
    said = reply(host.strip("[]"), int(port), b"version\r\n", within_s=_WITHIN_S)
    if said.startswith(b"VERSION"):
        return None
    return "it does not speak Memcached's language" if said else "no answer"


def _with_client(url: str, ask: Callable[[Any], Any]) -> tuple[Any, str | None]:
    """What was answered, and why nothing was: a sentence that repeats nothing of the address."""
    try:
        client = _client(url)
    except (OSError, _redis_error()) as error:
        return None, _short(error)
    except ValueError:
        # Its words hold the part that could not be read: often one of the password.
        return None, _UNREADABLE
    try:
        return ask(client), None
    except (OSError, _redis_error()) as error:
        return None, _short(error)
    except (TypeError, ValueError):
        # An option of the address is found wrong only when the first connection is made.
        return None, _UNREADABLE
    finally:
        client.close()


def _client(url: str) -> Any:
    # Half the time of a start without a named Redis would go into this import.
    from redis import Redis  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    bounds: dict[str, Any] = {
        "socket_timeout": _WITHIN_S,
        "socket_connect_timeout": _WITHIN_S,
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
    }
    address = parse_redis(url)
    if not address.master:
        return Redis.from_url(address.for_redis(), **bounds)
    return Redis.from_url(address.for_server(*_present_master(address, bounds)), **bounds)


def _present_master(address: RedisAddress, bounds: dict[str, Any]) -> tuple[str, int]:
    from redis.sentinel import Sentinel  # noqa: PLC0415

    make: Any = Sentinel  # redis-py is typed in parts
    with make(address.sentinels(), sentinel_kwargs=address.sentinel_options(**bounds)) as sentinels:
        host, port = sentinels.discover_master(address.master)
    return str(host), int(port)


def _redis_error() -> type[Exception]:
    from redis.exceptions import RedisError  # noqa: PLC0415

    return RedisError


def _evicts(found: Any) -> bool:
    return str(found.get("maxmemory-policy", "noeviction")) != "noeviction"


def _short(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
