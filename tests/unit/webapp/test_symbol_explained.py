"""Claims about real scores as they are explained: nothing is left out, and what is said adds up."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from cache.catalogue import CONFLUENCE
from tests.support.dashboards import put_universe
from tests.support.made_inputs import NOW as SCORED_AT
from tests.support.scored import INPUTS, scored
from webapp.formats import share, signed

API = "/api/symbols/simulated/BTC/USDT:USDT"
SIX = {"technical", "volume", "orderflow", "orderbook", "price_structure", "sentiment"}


@pytest.fixture
def put(cache, clock):
    """Put a score of these inputs where the web finds it, five seconds after it was made."""
    clock.now = SCORED_AT + 5
    put_universe(cache, "BTC/USDT:USDT")

    def putting(inputs=INPUTS, **changes: object) -> None:
        plain = scored(inputs, **changes).to_plain()
        value = {**plain, "as_of": SCORED_AT - 20, "stale": []}
        cache.put(CONFLUENCE.key(exchange="simulated", symbol="BTC/USDT:USDT"), value, as_of=SCORED_AT - 20)

    return putting


def words(page):
    """What a reader sees, in one line."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_the_parts_of_the_answer_add_up_to_the_score(put, client):
    """Pencil and paper: values to components, components to the score, by the shares that are told."""
    put()

    told = client.get(API).json

    assert set(told["components"]) == SIX
    for part in told["components"].values():
        assert part["x"] == pytest.approx(sum(one["share"] * one["value"] for one in part["sub_scores"]))
        for one in part["sub_scores"]:
            frames = one["timeframes"] or {}
            if frames:
                mean = sum(of["share"] * of["value"] for of in frames.values())
                assert one["value"] == pytest.approx(mean)
    assert told["score"] == pytest.approx(
        50 + 50 * sum(part["share"] * part["x"] for part in told["components"].values())
    )


def test_every_input_of_every_sub_score_has_its_age(put, client):
    """Each as old as it was, plus the five seconds since."""
    put()

    told = client.get(API).json

    inputs = [
        one for part in told["components"].values() for sub in part["sub_scores"] for one in sub["inputs"]
    ]
    assert {one["kind"] for one in inputs} == {
        "candles", "order_book", "trades", "open_interest", "funding", "long_short", "breadth",
    }  # fmt: skip
    assert all(one["age_s"] == pytest.approx(SCORED_AT + 5 - one["as_of"]) for one in inputs + told["inputs"])


def test_the_page_says_all_that_the_answer_says(put, client):
    """Each sub-score with its value, weight, share and formula; each input; each number that was taken."""
    put()
    told = client.get(API).json

    page = words(client.get(API.removeprefix("/api")).text)

    for part in told["components"].values():
        for one in part["sub_scores"]:
            name, formula = one["name"].replace("_", " "), re.sub(r"\s+", " ", one["formula"])
            assert f"{name} {signed(one['value'])} {formula} weight {share(one['weight'])}" in page
            for fact in one["facts"]:
                assert fact.replace("_", " ") in page
    for one in told["inputs"]:
        assert f"{one['name'].replace('_', ' ')} used" in page


def test_what_is_missing_is_named_with_its_reason(put, client):
    """An input that the exchange does not have, and one that has not come yet."""
    reasons = {"funding": "okx has no funding rates", "trades": "not received yet"}
    put(replace(INPUTS, funding=None, trades=None), reasons=reasons)

    told = client.get(API).json
    page = words(client.get(API.removeprefix("/api")).text)

    gaps = {one["name"]: one["reason"] for one in told["inputs"] if not one["used"]}
    assert gaps == reasons
    for part, name in (("sentiment", "funding"), ("orderflow", "cvd")):
        (one,) = [each for each in told["components"][part]["sub_scores"] if each["name"] == name]
        assert (one["value"], one["share"]) == (None, None)
        assert one["reason"]
    for reason in reasons.values():
        assert page.count(reason) >= 2  # among the inputs, and beside the sub-score
    assert told["score"] is not None
