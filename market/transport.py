"""Between one ccxt client and the network: waits for the limiter, reads the clock, refuses non-JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from market.answers import describe_body
from market.errors import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from market.exchange_clock import ExchangeClock
    from market.limiter import Limiter

log = structlog.get_logger(__name__)

CLOCK_TOLERANCE_S = 5.0


class Transport:
    """Replaces two methods of one client, those which ccxt calls before and for every HTTP request.

    `throttle(cost)` gets ccxt's own cost for each request, also for each page of a paginated call.
    `fetch` returns decoded JSON or, silently, whatever else came with a 200: that is refused here,
    once for all calls, because the parsers behind it make empty results or rows of None of it.
    """

    def __init__(
        self,
        *,
        exchange: str,
        client: Any,
        limiter: Limiter,
        clock: Callable[[], float],
        exchange_clock: ExchangeClock,
        patience_s: float,
    ) -> None:
        self.sent_at = clock()
        self.turns = 0  # that the limiter has given
        self.spent = 0.0  # ccxt's cost of them
        self._exchange = exchange
        self._client = client
        self._limiter = limiter
        self._clock = clock
        self._exchange_clock = exchange_clock
        self._patience_s = patience_s
        self._clock_is_off = False
        self._fetch_of_class = type(client).fetch
        client.enableRateLimit = True  # else ccxt does not call throttle
        client.throttle = self._throttle
        client.fetch = self._fetch

    def _throttle(self, cost: float | None = None) -> None:
        weight = 1.0 if cost is None else float(cost)
        self._limiter.acquire(weight, patience_s=self._patience_s)
        self.turns += 1
        self.spent += weight

    def _fetch(
        self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Any:
        self._client.last_response_headers = None
        self.sent_at = self._clock()
        try:
            answer = self._fetch_of_class(self._client, url, method, headers, body)
        finally:
            self._note_clock()
        if not isinstance(answer, dict | list):
            raise BadAnswer(self._exchange, f"answered with {describe_body(answer)}")
        return answer

    def _note_clock(self) -> None:
        headers = self._client.last_response_headers or {}
        self._exchange_clock.note(headers, sent_at=self.sent_at, received_at=self._clock())
        offset_s = self._exchange_clock.offset_s or 0.0
        is_off = abs(offset_s) > CLOCK_TOLERANCE_S
        if is_off and not self._clock_is_off:
            log.warning("exchange_clock_off", exchange=self._exchange, offset_s=round(offset_s, 1))
        self._clock_is_off = is_off
