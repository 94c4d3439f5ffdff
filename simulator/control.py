"""The control endpoint: state, counts, faults, limits and the clock, for callers on this machine alone."""

from __future__ import annotations

import math
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from simulator.faults import FaultRefused, Faults
from simulator.limiter import MODES, Limit, RateLimiter
from simulator.service import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.listing import Listing
    from simulator.tally import Tally

log = structlog.get_logger(__name__)


class ShiftedClock:
    """The exchange's clock: the machine's plus an offset that the control endpoint sets."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.offset_s = 0.0

    def __call__(self) -> float:
        """Unix seconds on the exchange's clock."""
        return self._clock() + self.offset_s


class Control:
    """Answers the paths under /control/."""

    def __init__(
        self, *, listing: Listing, limiter: RateLimiter, faults: Faults, tally: Tally, clock: ShiftedClock
    ) -> None:
        self._listing = listing
        self._limiter = limiter
        self._faults = faults
        self._tally = tally
        self._clock = clock
        self._routes: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "/control/state"): self._state,
            ("GET", "/control/requests"): lambda _: self._tally.report(),
            ("POST", "/control/requests/reset"): self._reset,
            ("GET", "/control/faults"): lambda _: {"faults": self._faults.listed()},
            ("POST", "/control/faults"): self._add_fault,
            ("DELETE", "/control/faults"): self._clear_faults,
            ("GET", "/control/limits"): lambda _: _limit_shown(self._limiter.limit),
            ("POST", "/control/limits"): self._set_limit,
            ("POST", "/control/clock"): self._set_clock,
        }

    def reply(self, method: str, path: str, body: bytes, *, peer: str, from_page: bool) -> Reply:
        """Answer one request; 403 for other machines and for web pages of other origins."""
        if from_page or not _is_loopback(peer):
            return _json({"error": "the control endpoint answers programs on this machine alone"}, 403)
        route = self._routes.get((method, path))
        if route is None:
            known = sorted(f"{verb} {where}" for verb, where in self._routes)
            return _json({"error": f"no {method} {path}; want one of: {', '.join(known)}"}, 404)
        try:
            return _json(route(_decoded(body) if method == "POST" else None))
        except FaultRefused as refused:
            return _json({"error": str(refused), "field": refused.field, "want": refused.message}, 400)

    def _state(self, _: Any) -> dict[str, Any]:
        market = self._listing.tape.market
        stop = market.stop_index
        return {
            "source": market.source,
            "seed": market.seed,
            "now_ms": int(self._clock() * 1000),
            "offset_s": self._clock.offset_s,
            "shift_ms": market.shift_ms,
            "base_ms": market.base_ms,
            "history_from_ms": market.first_index * market.base_ms,
            "ends_at_ms": None if stop is None else stop * market.base_ms,
            "ended": self._listing.tape.ended(int(self._clock())),
            "symbols": [one.symbol for one in self._listing.of("linear")],
            "spot_symbols": [one.symbol for one in self._listing.of("spot")],
            "betas": dict(market.betas),
            "limit": _limit_shown(self._limiter.limit),
        }

    def _reset(self, _: Any) -> dict[str, Any]:
        self._tally.reset()
        return self._tally.report()

    def _add_fault(self, wanted: Any) -> dict[str, Any]:
        fault = self._faults.add(wanted, now_ms=int(self._clock() * 1000))
        described = fault.described()
        log.info(
            "fault_set", path=fault.path, kind=fault.kind, left=fault.left, probability=fault.probability
        )
        return described

    def _clear_faults(self, _: Any) -> dict[str, Any]:
        lifted = self._faults.clear()
        log.info("faults_cleared", count=lifted)
        return {"cleared": lifted}

    def _set_limit(self, wanted: Any) -> dict[str, Any]:
        fields = _limit_shown(self._limiter.limit)
        for name, value in _object(wanted).items():
            if name not in fields:
                raise FaultRefused(name, f"unknown; want some of {', '.join(fields)}")
            fields[name] = value
        if fields["mode"] not in MODES:
            raise FaultRefused("mode", f"got {fields['mode']!r}; want one of {', '.join(MODES)}")
        limit = Limit(
            requests=int(_finite(fields, "requests", 0, 1_000_000)),
            window_s=_finite(fields, "window_s", 0.01, 3600),
            ban_s=_finite(fields, "ban_s", 0, 86_400),
            mode=fields["mode"],
        )
        self._limiter.change(limit)
        log.info(
            "limit_set", requests=limit.requests, window_s=limit.window_s, ban_s=limit.ban_s, mode=limit.mode
        )
        return _limit_shown(limit)

    def _set_clock(self, wanted: Any) -> dict[str, Any]:
        self._clock.offset_s = _finite(_object(wanted), "offset_s", -1e9, 1e9)
        log.info("clock_set", offset_s=self._clock.offset_s)
        return {"offset_s": self._clock.offset_s, "now_ms": int(self._clock() * 1000)}


def _limit_shown(limit: Limit) -> dict[str, Any]:
    return {"requests": limit.requests, "window_s": limit.window_s, "ban_s": limit.ban_s, "mode": limit.mode}


def _decoded(body: bytes) -> Any:
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise FaultRefused("body", f"is not JSON ({error})") from error


def _object(wanted: Any) -> dict[str, Any]:
    if not isinstance(wanted, dict):
        raise FaultRefused("body", "want a JSON object")
    return wanted


def _finite(fields: dict[str, Any], name: str, least: float, most: float) -> float:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise FaultRefused(name, f"got {value!r}; want a number from {least:g} to {most:g}")
    return value if math.isfinite(value) else least


def _is_loopback(peer: str) -> bool:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(msgspec.json.encode(value), status)
