"""Asking once more what failed by accident: a little later, by chance, and never past a deadline."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

import structlog

from market.errors import BadAnswer, ExchangeUnavailable, FewerMarkets

if TYPE_CHECKING:
    from collections.abc import Callable

    from market.errors import MarketError

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

ATTEMPTS = 3
FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 4.0


def is_accident(error: MarketError) -> bool:
    """Whether the same call may well succeed at once.

    It may where no answer came and nobody said when to come back, and where the whole answer was
    rubbish. It will not where the exchange or our own limiter keeps us away, where the symbol or the
    endpoint does not exist, where an answer that arrived whole is wrong for its symbol, or where a list
    lost most of its markets: that is asked for again soon enough.
    """
    if isinstance(error, ExchangeUnavailable):
        return error.retry_after is None
    whole = isinstance(error, BadAnswer) and not isinstance(error, FewerMarkets)
    return whole and error.symbol is None


def delay_s(failures: int, chance: float) -> float:
    """Seconds before the next attempt after so many failures: "full jitter".

    Uniform between nothing and a bound that doubles, so that callers which failed together do not come
    back together. `chance` is uniform in [0, 1).
    """
    return chance * min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (failures - 1))


def retried(
    call: Callable[[], Answer],
    *,
    until: float,
    call_s: float = 0.0,
    attempts: int = ATTEMPTS,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    chance: Callable[[], float] = random.random,
) -> Answer:
    """The answer of `call`, asked again after an accident, at most `attempts` times in all.

    `until` is the time by `clock` at which nobody wants the answer any more, such as when the task's
    message expires: an attempt that could last beyond it (`call_s` at most) is not begun. The last
    failure is raised as it is, and so is everything that is no accident.
    """
    for failures in range(1, attempts):
        try:
            return call()
        except (ExchangeUnavailable, BadAnswer) as error:
            wait_s = delay_s(failures, chance())
            if not is_accident(error) or clock() + wait_s + call_s > until:
                raise
            log.info("call_retried", exchange=error.exchange, reason=error.reason, failures=failures)
        sleep(wait_s)
    return call()
