"""The HTTP session of a ccxt client: an answer comes whole within the time-out, and within reason."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import requests
from requests.exceptions import ConnectionError as Disconnected
from requests.exceptions import ConnectTimeout, ReadTimeout
from requests.exceptions import SSLError as Untrusted
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError, SSLError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

# All tickers of a large exchange are below 2 MB; more than this is not an answer to a call of ours.
LARGEST_BODY = 64 * 1024 * 1024
_PIECE = 64 * 1024
# An address of which nothing has to be escaped: its server, and what is asked of that.
_PLAIN = re.compile(r"(https?://[A-Za-z0-9.:-]+)(/[A-Za-z0-9._~/?&=,+:-]*)")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class WholeAnswerSession(requests.Session):
    """A session whose time-out is for the whole body.

    The one of `requests` begins anew with each byte, so that an exchange (or a proxy) which drips
    would hold a worker's thread for ever. A plain question goes straight to the kept connection: what
    `requests` puts together for each (cookies, proxies, hooks, the environment) costs more than asking.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pools: dict[str, HTTPConnectionPool] = {}
        self._elsewhere: set[str] = set()  # servers that send us on

    def request(self, method: str, url: str, *args: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        """Ask as `requests` does, then read the body until the time-out, a number of seconds."""
        give_up_at = time.monotonic() + float(options.get("timeout") or 60.0)
        response = None if args else self._asked_plainly(method, url, options)
        if response is None:
            response = super().request(method, url, *args, **{**options, "stream": True})
        try:
            # What `requests` keeps a read body in; `response.content` and `.text` come from it.
            response._content = _read(response, give_up_at)  # noqa: SLF001
        except BaseException:
            response.close()
            raise
        response._content_consumed = True  # noqa: SLF001
        return response

    def close(self) -> None:
        """Close all connections."""
        self._pools.clear()
        super().close()

    def _asked_plainly(self, method: str, url: str, options: Mapping[str, Any]) -> requests.Response | None:
        """An answer whose body is yet to be read; None where the question is not plain, or sent elsewhere."""
        address = _PLAIN.fullmatch(url)
        if address is None or method != "GET" or self.trust_env or self.proxies or not _are_plain(options):
            return None
        server, asked = address.groups()
        if server in self._elsewhere:
            return None
        raw = _answered(self._pool(server), asked, options.get("headers") or {}, options.get("timeout"))
        if raw.status in _REDIRECTS:
            raw.close()  # its body may drip
            self._elsewhere.add(server)
            return None
        response = requests.Response()
        response.status_code, response.reason = raw.status, raw.reason  # type: ignore[assignment]
        response.headers, response.raw, response.url = CaseInsensitiveDict(raw.headers), raw, url
        return response

    def _pool(self, server: str) -> HTTPConnectionPool:
        """The connections to a server, which `requests` has set up: whom it trusts is decided there."""
        pool = self._pools.get(server)
        if pool is None:
            adapter = self.get_adapter(server)
            request = requests.Request("GET", server).prepare()
            pool = adapter.get_connection_with_tls_context(request, verify=True)  # type: ignore[attr-defined]
            adapter.cert_verify(pool, server, verify=True, cert=None)  # type: ignore[attr-defined]
            self._pools[server] = pool
        return pool


def _are_plain(options: Mapping[str, Any]) -> bool:
    """Whether there is nothing in them but headers and a time-out."""
    more = options.keys() - {"headers", "timeout", "verify"}
    return options.get("verify", True) is True and not any(options[name] for name in more)


def _answered(
    pool: HTTPConnectionPool, asked: str, headers: Mapping[str, str], timeout: float | None
) -> BaseHTTPResponse:
    """Status and headers of an answer; errors as `requests` names them."""
    try:
        return pool.urlopen(
            "GET", asked, headers=headers, retries=False, redirect=False, assert_same_host=False,
            preload_content=False, decode_content=False, timeout=timeout,
        )  # fmt: skip
    except NewConnectionError as exc:  # refused, or no such name: of urllib3's time-outs only by descent
        raise Disconnected(exc) from exc
    except ConnectTimeoutError as exc:
        raise ConnectTimeout(exc) from exc
    except ReadTimeoutError as exc:
        raise ReadTimeout(exc) from exc
    except SSLError as exc:
        raise Untrusted(exc) from exc
    except (HTTPError, OSError) as exc:
        raise Disconnected(exc) from exc


def _read(response: requests.Response, give_up_at: float) -> bytes:
    body = bytearray()
    try:
        # read1 hands over what has come instead of waiting for a full piece.
        while piece := response.raw.read1(_PIECE, decode_content=True):
            body += piece
            if len(body) > LARGEST_BODY:
                raise Disconnected(f"a body of more than {LARGEST_BODY} bytes", response=None)
            if time.monotonic() > give_up_at:
                raise ReadTimeout("the body did not come within the time-out")
    except ReadTimeoutError as exc:
        raise ReadTimeout(str(exc)) from exc
    except HTTPError as exc:
        raise Disconnected(str(exc)) from exc
    response.raw.release_conn()
    return bytes(body)
