"""Faults on demand: what goes wrong, for which requests, how often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count as counting
from typing import TYPE_CHECKING, Any

from simulator.answers import Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What a fault does: answer in the exchange's stead, break the connection, delay, or bend what is shown.
STATUSES = {"403": 403, "418": 418, "429": 429, "500": 500, "502": 502, "503": 503}
BODIES = ("html", "truncated", "null", "empty")
BREAKS = ("timeout", "reset")
BENDS = ("stale_candles", "clock", "delisted", "gap")
KINDS = ("latency", *STATUSES, *BODIES, *BREAKS, *BENDS)
_ALWAYS = ("path", "kind", "count", "probability", "symbol")
# The extra fields of each kind with (default, least, most); None as default: must be given.
_EXTRA: dict[str, dict[str, tuple[float | None, float, float]]] = {
    "latency": {"ms": (None, 0, 600_000)},
    "429": {"retry_after_s": (1, 0, 86_400)},
    "503": {"retry_after_s": (0, 0, 86_400)},
    "timeout": {"seconds": (30, 0.01, 120)},
    "clock": {"offset_s": (None, -1e9, 1e9)},
    "stale_candles": {"at_ms": (0, 0, 1e15)},
    "gap": {"from_ms": (None, 0, 1e15), "to_ms": (None, 0, 1e15)},
}
_MOST_FAULTS = 1000


class FaultRefused(Exception):
    """A fault that cannot be set: `field` is what is wrong with it, the message what it wants."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in force. `left` None: as often as wanted; `symbol` None: whatever is asked for."""

    number: int
    path: str
    kind: str
    left: int | None
    probability: float
    symbol: str | None
    extra: Mapping[str, float]

    def meets(self, path: str, symbol: str) -> bool:
        """Whether a request is one that this fault is for; delistings and gaps are for all of a path."""
        if self.path not in {"*", path}:
            return False
        return self.kind in {"delisted", "gap"} or self.symbol in {None, symbol}

    def described(self) -> dict[str, Any]:
        """The fault as the control endpoint shows it."""
        return {
            "id": self.number,
            "path": self.path,
            "kind": self.kind,
            "left": self.left,
            "probability": self.probability,
            "symbol": self.symbol,
            **self.extra,
        }


@dataclass(frozen=True, slots=True)
class Effect:
    """What all faults together do to one request; `answer` is the fault that replaces the answer."""

    delay_s: float = 0.0
    answer: Fault | None = None
    clock_offset_s: float = 0.0
    candles_until_ms: int | None = None
    delisted: frozenset[str] = frozenset()
    gaps: tuple[Gap, ...] = ()
    kinds: tuple[str, ...] = ()


UNHARMED = Effect()


class Faults:
    """The faults in force, oldest first; a fault with a count is used up by the requests that it meets."""

    def __init__(self, *, paths: tuple[str, ...], symbols: frozenset[str], dice: Callable[[], float]) -> None:
        self._paths = paths
        self._symbols = symbols
        self._dice = dice
        self._numbers = counting(1)
        self._faults: list[Fault] = []

    def add(self, wanted: Any, *, now_ms: int) -> Fault:
        """Check a fault as it came in (decoded JSON) and put it in force; raises FaultRefused."""
        fault = self._checked(wanted, now_ms)
        if len(self._faults) >= _MOST_FAULTS:
            raise FaultRefused(
                "path", f"there are {_MOST_FAULTS} faults already; DELETE /control/faults first"
            )
        self._faults.append(fault)
        return fault

    def clear(self, number: int | None = None) -> int:
        """Lift one fault, or all; returns how many were lifted."""
        before = len(self._faults)
        self._faults = [] if number is None else [one for one in self._faults if one.number != number]
        return before - len(self._faults)

    def listed(self) -> list[dict[str, Any]]:
        """All faults in force."""
        return [fault.described() for fault in self._faults]

    def befall(self, path: str, symbol: str) -> Effect:
        """What happens to a request; counts down the faults that took part in it."""
        if not self._faults:
            return UNHARMED
        effect = UNHARMED
        for fault in list(self._faults):
            if not fault.meets(path, symbol) or (fault.kind not in _COMBINED and effect.answer is not None):
                continue
            if fault.probability < 1 and self._dice() >= fault.probability:
                continue
            self._use(fault)
            effect = _with(effect, fault)
        return effect

    def _use(self, fault: Fault) -> None:
        if fault.left is None:
            return
        place = self._faults.index(fault)
        if fault.left <= 1:
            del self._faults[place]
        else:
            self._faults[place] = replace(fault, left=fault.left - 1)

    def _checked(self, wanted: Any, now_ms: int) -> Fault:
        if not isinstance(wanted, dict):
            raise FaultRefused("body", 'want a JSON object such as {"path": "*", "kind": "500", "count": 1}')
        kind = _one_of(wanted, "kind", KINDS)
        path = _one_of(wanted, "path", ("*", *self._paths))
        allowed = {*_ALWAYS, *_EXTRA.get(kind, {})}
        for name in wanted:
            if name not in allowed:
                raise FaultRefused(str(name), f"unknown; {kind} takes {', '.join(sorted(allowed))}")
        if "count" in wanted and "probability" in wanted:
            raise FaultRefused("count", "give count or probability, not both")
        left = _number(wanted, "count", None, 1, 1_000_000_000) if "count" in wanted else None
        if left is not None and left != int(left):
            raise FaultRefused("count", f"got {left}; want a whole number")
        extra = {name: _number(wanted, name, *bounds) for name, bounds in _EXTRA.get(kind, {}).items()}
        if kind == "stale_candles" and not extra["at_ms"]:
            extra["at_ms"] = now_ms
        if kind == "gap" and extra["from_ms"] >= extra["to_ms"]:
            raise FaultRefused("to_ms", f"got {extra['to_ms']:.0f}; want more than from_ms")
        return Fault(
            number=next(self._numbers),
            path=path,
            kind=kind,
            left=None if left is None else int(left),
            probability=_number(wanted, "probability", 1.0, 0.0, 1.0),
            symbol=self._symbol(wanted, kind),
            extra=extra,
        )

    def _symbol(self, wanted: Mapping[str, Any], kind: str) -> str | None:
        symbol = wanted.get("symbol")
        if symbol is None:
            if kind == "delisted":
                raise FaultRefused("symbol", "missing; want the symbol to delist, such as BTCUSDT")
            return None
        if not isinstance(symbol, str) or symbol not in self._symbols:
            raise FaultRefused(
                "symbol", f"got {symbol!r}; want one of /control/state's symbols, such as BTCUSDT"
            )
        return symbol


_COMBINED = ("latency", *BENDS)


def _with(effect: Effect, fault: Fault) -> Effect:
    """The effect with one more fault in it."""
    extra = fault.extra
    effect = replace(effect, kinds=(*effect.kinds, fault.kind))
    match fault.kind:
        case "latency":
            return replace(effect, delay_s=effect.delay_s + extra["ms"] / 1000)
        case "clock":
            return replace(effect, clock_offset_s=effect.clock_offset_s + extra["offset_s"])
        case "stale_candles":
            until = int(extra["at_ms"])
            return replace(effect, candles_until_ms=min(until, effect.candles_until_ms or until))
        case "delisted":
            return replace(effect, delisted=effect.delisted | {str(fault.symbol)})
        case "gap":
            gap = Gap(fault.symbol, int(extra["from_ms"]), int(extra["to_ms"]))
            return replace(effect, gaps=(*effect.gaps, gap))
        case _:
            return replace(effect, answer=fault)


def _one_of(wanted: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = wanted.get(name)
    # HTTP statuses may be given as numbers.
    value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if value not in choices:
        got = "missing" if name not in wanted else f"got {wanted[name]!r}"
        raise FaultRefused(name, f"{got}; want one of {', '.join(choices)}")
    return str(value)


def _number(wanted: Mapping[str, Any], name: str, default: float | None, least: float, most: float) -> float:
    if name not in wanted:
        if default is None:
            raise FaultRefused(name, f"missing; want a number from {least:g} to {most:g}")
        return default
    value = wanted[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise FaultRefused(name, f"got {value!r}; want a number from {least:g} to {most:g}")
    return value
