"""Claims about the signal of a score: it holds from one score to the next, and goes with what is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cache.catalogue import CONFLUENCE, ORDER_BOOK
from tasks import derive, scoring
from tests.support.cached_inputs import BTC, put, put_all
from tests.support.derived import derive_all, score

if TYPE_CHECKING:
    from tasks.wire import House


def test_a_signal_survives_a_time_without_a_score(house: House, scored: list[dict[str, Any]]) -> None:
    """The hysteresis goes on from where it was, not from neutral."""
    put(house, CONFLUENCE, {"signal": "long", "fingerprint": ""})
    derive.derive_scores(house, "okx", [BTC])
    without = score(house).value
    derive.derive_scores(house, "okx", [BTC])
    put_all(house)
    derive_all(house)

    assert (without["score"], without["signal"], without["held_signal"]) == (None, None, "long")
    assert [one["previous_signal"] for one in scored] == ["long", "long"]


def test_a_signal_survives_an_expired_score(house: House, scored: list[dict[str, Any]]) -> None:
    """What is stale is read all the same: a worker that died in between loses nothing."""
    put(house, CONFLUENCE, {"signal": "short", "held_signal": "short", "fingerprint": ""})
    house.cache.expire(CONFLUENCE.key(exchange="okx", symbol=BTC))

    put_all(house)
    derive_all(house)

    assert scored[0]["previous_signal"] == "short"


@pytest.mark.parametrize("kind", [CONFLUENCE, ORDER_BOOK])
def test_a_signal_does_not_survive_the_removal_of_its_score_or_of_what_that_is_made_of(
    house: House, scored: list[dict[str, Any]], kind: Any
) -> None:
    """A symbol that is listed anew, or stands for another market, starts from where it is."""
    put_all(house)
    derive_all(house)
    assert score(house).value["held_signal"] is not None

    house.cache.remove(kind.key(exchange="okx", symbol=BTC))
    put_all(house)
    derive_all(house)

    assert scored[-1]["previous_signal"] is None


def test_a_score_that_is_removed_while_the_next_is_computed_leaves_no_signal(
    house: House, scored: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever scores has begun before, and has not looked at it yet."""
    put(house, CONFLUENCE, {"signal": "long", "held_signal": "long", "fingerprint": ""})
    put_all(house)

    def removed(*of: Any) -> Any:
        house.cache.remove(CONFLUENCE.key(exchange="okx", symbol=BTC))
        return scoring.inputs_of(*of)

    monkeypatch.setattr(derive, "inputs_of", removed)
    derive.derive_scores(house, "okx", [BTC])

    assert scored[0]["previous_signal"] is None
