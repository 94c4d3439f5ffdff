from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import (
    BadAnswer,
    Banned,
    ExchangeUnavailable,
    FewerMarkets,
    LimiterFull,
    MarketError,
    NotSupported,
    RateLimited,
    SymbolUnknown,
)
from market.retry import LONGEST_DELAY_S, delay_s, retried


class Trouble:
    """A call that fails with these errors, one after the other, then answers; on a clock of its own."""

    def __init__(self, *errors: MarketError, lasts_s: float = 0.0) -> None:
        self.errors = list(errors)
        self.lasts_s = lasts_s
        self.now = 100.0
        self.began: list[float] = []
        self.slept: list[float] = []

    def __call__(self) -> str:
        """Fail or answer, after the time that it takes."""
        self.began.append(self.now)
        self.now += self.lasts_s
        if self.errors:
            raise self.errors.pop(0)
        return "answer"

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.slept.append(seconds)
        self.now += seconds

    def ask(self, *, until: float = 1e9, chance: float = 0.5, **options: float) -> str:
        """Ask it with retries."""
        return retried(
            self,
            until=until,
            clock=lambda: self.now,
            sleep=self.sleep,
            chance=lambda: chance,
            **options,
        )


SILENT = ExchangeUnavailable("x", "timed out")


@pytest.mark.parametrize("accident", [SILENT, BadAnswer("x", "answered with HTML")])
def test_an_accident_is_asked_again(accident):
    """No answer, or one that is rubbish as a whole."""
    trouble = Trouble(accident, accident)

    assert trouble.ask() == "answer"
    assert len(trouble.began) == 3


@pytest.mark.parametrize(
    "error",
    [
        ExchangeUnavailable("x", "busy", retry_after=1.0),
        RateLimited("x", "HTTP 429", until=101.0),
        FewerMarkets("x", "2 markets to track where 5 were known", listed="a"),
        LimiterFull("x", "full", until=101.0),
        Banned("x", "HTTP 403", until=101.0),
        SymbolUnknown("x", "gone", symbol="A/USDT"),
        NotSupported("x", "HTTP 404"),
        BadAnswer("x", "high below low", symbol="A/USDT"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_no_accident_is_raised_at_once(error):
    """Asking again would be refused, forbidden or of no use."""
    trouble = Trouble(error)

    with pytest.raises(MarketError) as raised:
        trouble.ask()

    assert raised.value is error
    assert (len(trouble.began), trouble.slept) == (1, [])


def test_the_last_failure_is_raised_as_it_is():
    """After the third attempt there is no fourth."""
    last = ExchangeUnavailable("x", "the third")
    trouble = Trouble(SILENT, SILENT, last, SILENT)

    with pytest.raises(ExchangeUnavailable, match="the third") as raised:
        trouble.ask()

    assert raised.value is last
    assert len(trouble.began) == 3


@given(
    lasts_s=st.floats(0, 5), left_s=st.floats(0, 20), chance=st.floats(0, 0.999), attempts=st.integers(1, 6)
)
def test_no_attempt_but_the_first_could_last_beyond_the_deadline(lasts_s, left_s, chance, attempts):
    """Whatever a call lasts and chance brings: what is begun again is over in time."""
    trouble = Trouble(*[SILENT] * 10, lasts_s=lasts_s)
    until = trouble.now + left_s

    with pytest.raises(ExchangeUnavailable):
        trouble.ask(until=until, chance=chance, call_s=lasts_s, attempts=attempts)

    assert len(trouble.began) <= attempts
    assert all(began + lasts_s <= until + 1e-9 for began in trouble.began[1:])
    assert len(trouble.slept) == len(trouble.began) - 1


def test_a_delay_is_anything_from_nothing_to_a_bound_that_doubles():
    """Full jitter; the bound stops growing."""
    assert delay_s(1, 0.0) == 0.0
    assert [delay_s(failures, 1.0) for failures in (1, 2, 3)] == [0.25, 0.5, 1.0]
    assert delay_s(50, 1.0) == LONGEST_DELAY_S
