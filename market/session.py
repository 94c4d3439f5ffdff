"""The HTTP session of a ccxt client: an answer comes whole within the time-out, and within reason."""

from __future__ import annotations

import time
from typing import Any

import requests
from requests.exceptions import ConnectionError as Disconnected
from requests.exceptions import ReadTimeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

# All tickers of a large exchange are below 2 MB; more than this is not an answer to a call of ours.
LARGEST_BODY = 64 * 1024 * 1024
_PIECE = 64 * 1024


class WholeAnswerSession(requests.Session):
    """A session whose time-out is for the whole body.

    The one of `requests` begins anew with each byte, so that an exchange (or a proxy) which drips
    would hold a worker's thread for ever.
    """

    def request(self, method: str, url: str, *args: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        """Ask as `requests` does, then read the body until the time-out, a number of seconds."""
        give_up_at = time.monotonic() + float(options.get("timeout") or 60.0)
        response = super().request(method, url, *args, **{**options, "stream": True})
        try:
            # What `requests` keeps a read body in; `response.content` and `.text` come from it.
            response._content = _read(response, give_up_at)  # noqa: SLF001
        except BaseException:
            response.close()
            raise
        response._content_consumed = True  # noqa: SLF001
        return response


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
