"""A user who looks at the dashboard all the time, and remembers every answer that must not be given."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from cache.catalogue import CANDLE_GRACE
from market.model import TIMEFRAME_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from settings import Settings
    from tests.support.system import Answer, System

SLACK_S = 3.0
"""For a request to the exchange, a message and a write, on a machine that has other work."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How old in seconds what is shown as live may be, from the lifetimes that a system was given.

    A value that is no longer fresh is noticed by the next publishing. A score is complete up to the time
    of its order book or, where that is earlier, up to the close of a candle that has not arrived.
    """

    price_s: float
    book_s: float
    candles_s: Mapping[int, float]
    document_s: float

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits that these settings promise."""
        noticed_s = settings.period_dashboard + SLACK_S
        return cls(
            price_s=settings.ttl_tickers + noticed_s,
            book_s=settings.ttl_order_book + noticed_s,
            candles_s={
                TIMEFRAME_SECONDS[name]: CANDLE_GRACE.seconds(TIMEFRAME_SECONDS[name]) + noticed_s
                for name in settings.timeframes
            },
            # Of its last publishing, in whole seconds. Its text may be older while there is nothing new
            # to say: its prices and scores bound that.
            document_s=settings.ttl_dashboard,
        )

    def score_s(self, as_of: float) -> float:
        """The limit for a score that is complete up to then: the grace of a candle only at a close."""
        closing = (grace_s for step_s, grace_s in self.candles_s.items() if as_of % step_s == 0)
        return max(self.book_s, *closing, 0.0)


class Watcher:
    """Asks for the dashboard again and again, and remembers every answer that a user must not get."""

    def __init__(self, system: System, *, every_s: float = 0.1) -> None:
        self._system = system
        self._limits = Limits.of(system.settings)
        self._every_s = every_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.answers = 0
        self.wrong: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(10)

    def _watch(self) -> None:
        while not self._done.wait(self._every_s):
            # The answer is as old as the question at most: a slow one is judged by when it was asked for.
            asked_at = time.time()
            try:
                answer = self._system.web("/api/dashboard/data")
            except OSError as error:
                self.wrong.append(f"{asked_at:.1f} no answer: {error}")
                continue
            self.answers += 1
            if trouble := wrong_with(answer, asked_at, self._limits):
                self.wrong.append(f"{asked_at:.1f} {trouble}")


def wrong_with(answer: Answer, now: float, limits: Limits) -> str | None:
    """What a user must not get: another status, unmarked old values, gaps without a reason."""
    if answer.status != 200:
        return f"{answer.status} {answer.body[:200]!r}"
    document: dict[str, Any] = answer.json()
    if document["state"] != "live" and not document["reason"]:
        return f"is {document['state']} without a reason"
    age_s = int(answer.headers["Age"])
    if document["state"] == "live" and age_s > limits.document_s:
        return f"says live {age_s} s after it was published"
    return next((trouble for row in document["symbols"] if (trouble := _wrong_row(row, now, limits))), None)


def _wrong_row(row: Mapping[str, Any], now: float, limits: Limits) -> str | None:
    if row["state"] != "live":
        return None if row["reason"] else f"{row['symbol']} is {row['state']} without a reason"
    if row["price"] is None or row["score"] is None:
        return f"{row['symbol']} is live without a price or a score"
    ages = {"price": now - row["price_as_of"], "score": now - row["score_as_of"]}
    longest = {"price": limits.price_s, "score": limits.score_s(row["score_as_of"])}
    old = [f"{name} of {ages[name]:.1f} s" for name in ages if ages[name] > longest[name]]
    return f"{row['symbol']} is live with a {' and a '.join(old)}" if old else None
