from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from market.score_inputs import INPUTS
from settings import Settings
from tasks import scoring
from tasks.wire import House
from tests.support.cached_inputs import offer
from tests.support.dashboards import MovableClock, memory_cache

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def house() -> Iterator[House]:
    """A house over memory alone that follows two symbols; the exchange has everything."""
    clock = MovableClock()
    cache = memory_cache(clock)
    made = House(settings=Settings(), cache=cache, clock=clock, exchange=_nobody)
    offer(made, INPUTS)
    yield made
    cache.close()


def _nobody(name: str) -> Any:
    raise AssertionError(f"{name} is asked")


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the score was asked for, each time that it was computed."""
    asked: list[dict[str, Any]] = []
    compute = scoring.confluence

    def noted(**wanted: Any) -> Any:
        asked.append(wanted)
        return compute(**wanted)

    monkeypatch.setattr(scoring, "confluence", noted)
    return asked
