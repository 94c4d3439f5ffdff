"""The public interface from a request to what goes back: limits first, then faults, then the exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING

import structlog

from simulator.answers import TOO_MANY_VISITS, Query, Refusal, View, envelope
from simulator.faults import BODIES, STATUSES, Effect, Fault, Faults
from simulator.limiter import FORBIDDEN, RETURN_CODE, RateLimiter, Verdict
from simulator.rest.depth import orderbook, recent_trade
from simulator.rest.instruments import instruments_info, server_time
from simulator.rest.kline import kline
from simulator.rest.statistics import account_ratio, funding_history, open_interest_history
from simulator.rest.tickers import tickers
from simulator.tally import OTHER, Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.listing import Listing

log = structlog.get_logger(__name__)

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"

ENDPOINTS: dict[str, Callable[[Listing, Query, View], bytes]] = {
    "/v5/market/time": server_time,
    "/v5/market/instruments-info": instruments_info,
    "/v5/market/tickers": tickers,
    "/v5/market/kline": kline,
    "/v5/market/orderbook": orderbook,
    "/v5/market/recent-trade": recent_trade,
    "/v5/market/funding/history": funding_history,
    "/v5/market/open-interest": open_interest_history,
    "/v5/market/account-ratio": account_ratio,
}
PATHS = tuple(ENDPOINTS)
_REASONS = {
    "403": b"Forbidden",
    "418": b"I'm a teapot",
    "429": b"Too Many Requests",
    "500": b"Internal Server Error",
    "502": b"Bad Gateway",
    "503": b"Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: an answer, after a delay; or, with `breaks`, no answer at all."""

    body: bytes = b""
    status: int = 200
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    breaks: str | None = None


class Service:
    """Answers the exchange's paths."""

    def __init__(
        self,
        *,
        listing: Listing,
        limiter: RateLimiter,
        faults: Faults,
        tally: Tally,
        clock: Callable[[], float],
    ) -> None:
        self._listing = listing
        self._limiter = limiter
        self._faults = faults
        self._tally = tally
        self._clock = clock
        self._said_ended = False
        self._date = (0, "")

    def reply(self, path: str, query: Query, client: str) -> Reply:
        """Judge and answer one request of one address."""
        counted = self._tally.name(path)
        self._tally.request(counted, query)
        now = self._clock()
        verdict = self._limiter.admit(client)
        if verdict.allowed:
            effect = self._faults.befall(path, query.get("symbol", "")) if counted != OTHER else Effect()
            reply = self._answered(path, query, now, effect, verdict)
            if effect.kinds:
                self._tally.fault(counted, effect.kinds)
        else:
            self._tally.limited(counted)
            reply = self._limited(client, now, verdict)
        self._tally.outcome(counted, reply.breaks or str(reply.status))
        return reply

    def _answered(self, path: str, query: Query, now: float, effect: Effect, verdict: Verdict) -> Reply:
        claimed = now + effect.clock_offset_s
        headers = self._headers(claimed, verdict)
        fault = effect.answer
        if fault is not None and fault.kind not in BODIES:
            return _broken(fault, headers, effect.delay_s)
        body, status = self._body(path, query, now, int(claimed * 1000), effect)
        if fault is not None:
            return _garbled(fault, body, headers, effect.delay_s)
        return Reply(body, status, headers=headers, delay_s=effect.delay_s)

    def _body(
        self, path: str, query: Query, now: float, claimed_ms: int, effect: Effect
    ) -> tuple[bytes, int]:
        endpoint = ENDPOINTS.get(path)
        if endpoint is None:
            return envelope(b"{}", now_ms=claimed_ms, code=404, message="Not Found"), 404
        view = View(int(now), claimed_ms, effect.candles_until_ms, effect.delisted, effect.gaps)
        self._note_end(view)
        try:
            return envelope(endpoint(self._listing, query, view), now_ms=claimed_ms), 200
        except Refusal as refusal:
            return (
                envelope(refusal.result, now_ms=claimed_ms, code=refusal.code, message=refusal.message),
                200,
            )

    def _limited(self, client: str, now: float, verdict: Verdict) -> Reply:
        limit = self._limiter.limit
        if verdict.banned_now:
            log.warning("rate_limit_exceeded", client=client, requests=limit.requests, ban_s=limit.ban_s)
        headers = self._headers(now, verdict)
        if limit.mode == FORBIDDEN:
            return Reply(b"access too frequent", 403, PLAIN, headers)
        body = envelope(
            b"{}",
            now_ms=int(now * 1000),
            code=TOO_MANY_VISITS,
            message="Too many visits. Exceeded the API Rate Limit.",
        )
        if limit.mode == RETURN_CODE:
            return Reply(body, 200, JSON, headers)
        headers["Retry-After"] = str(int(verdict.wait_s) + 1)
        return Reply(body, 429, JSON, headers)

    def _headers(self, now: float, verdict: Verdict) -> dict[str, str]:
        second = int(now)
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        headers = {"Date": self._date[1]}
        if self._limiter.limit.requests:
            headers["X-Bapi-Limit"] = str(self._limiter.limit.requests)
            headers["X-Bapi-Limit-Status"] = str(verdict.remaining)
            headers["X-Bapi-Limit-Reset-Timestamp"] = str(int((now + verdict.wait_s) * 1000))
        return headers

    def _note_end(self, view: View) -> None:
        if not self._said_ended and self._listing.tape.ended(view.second):
            self._said_ended = True
            log.warning("recording_ended", symbols=len(self._listing.of("linear")), status="Closed")


def _broken(fault: Fault, headers: dict[str, str], delay_s: float) -> Reply:
    """A status in the exchange's stead, or no answer."""
    if fault.kind not in STATUSES:
        return Reply(delay_s=delay_s + fault.extra.get("seconds", 0.0), breaks=fault.kind)
    wait_s = fault.extra.get("retry_after_s", 0)
    if wait_s:
        headers["Retry-After"] = f"{wait_s:.0f}"
    reason = _REASONS[fault.kind]
    page = b"<html><head><title>%b %b</title></head><body>%b</body></html>" % (
        fault.kind.encode(),
        reason,
        reason,
    )
    return Reply(page, STATUSES[fault.kind], HTML, headers, delay_s)


def _garbled(fault: Fault, body: bytes, headers: dict[str, str], delay_s: float) -> Reply:
    """A 200 whose body is not what it should be."""
    if fault.kind == "html":
        page = b"<!DOCTYPE html><html><body><h1>Under maintenance</h1></body></html>"
        return Reply(page, 200, HTML, headers, delay_s)
    cut = {"truncated": body[: max(1, len(body) * 2 // 3)], "null": b"null", "empty": b""}[fault.kind]
    return Reply(cut, 200, JSON, headers, delay_s)
