"""Why an input of a symbol is absent although it was asked for: noted by who asks, told by who scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache.catalogue import REFUSAL
from market.errors import NotSupported
from market.score_inputs import candles_input
from tasks.symbol_inputs import BY_PERIOD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cache import Entry, Key
    from market.errors import MarketError
    from tasks.wire import House

NOT_YET = "not received yet"
"""In the reason of whatever is absent and may come any moment."""
BELIEVED_S = 1800.0
"""For so long what was noted last is held to be so: on a slow exchange it may take as long to ask again."""
GIVEN_UP_S = 900.0
"""What was asked for in vain for longer than this is no longer awaited."""

NAMES = {one.kind.name: one.source for one in BY_PERIOD}


def note(house: House, key: Key, error: MarketError) -> None:
    """Keep what was answered instead of a value, unless there is an older value to go on with."""
    if house.cache.get(key) is not None:
        return
    refusal, now = key_of(key), house.clock()
    before = house.cache.get(refusal)
    value = {
        "reason": error.reason,
        "since": before.value["since"] if before and _is_true(before, now) else now,
        "final": isinstance(error, NotSupported),
    }
    house.cache.put(refusal, value, as_of=now)


def forget(house: House, key: Key) -> None:
    """Take back what was noted: there is a value now, or nobody asks for one any more."""
    house.cache.remove(key_of(key))


def reasons(house: House, absent: Iterable[Key]) -> dict[Key, str]:
    """Why each of these inputs of a symbol is absent, as far as anybody was told."""
    keys = {key_of(key): key for key in absent if "symbol" in key.params}
    if not keys:
        return {}
    found, now = house.cache.get_many(keys), house.clock()
    return {
        keys[refusal]: _said(entry.value, now) for refusal, entry in found.items() if _is_true(entry, now)
    }


def _is_true(entry: Entry, now: float) -> bool:
    """Whether it was noted lately: what is still refused is asked for again, and noted, after its rest.

    Another process may have got the value meanwhile, which takes nothing back.
    """
    return now - entry.as_of <= BELIEVED_S


def _said(value: Mapping[str, Any], now: float) -> str:
    reason = f"asked for in vain: {value['reason']}"
    gone = value["final"] or now - value["since"] > GIVEN_UP_S
    return reason if gone else f"{NOT_YET}; {reason}"


def key_of(key: Key) -> Key:
    """Under which key it is noted why this one, of candles or an input or made of it, has no value."""
    timeframe = key.params.get("timeframe")
    name = candles_input(timeframe) if timeframe else NAMES[key.kind.name]
    return REFUSAL.key(exchange=key.params["exchange"], symbol=key.params["symbol"], input=name)
