"""Claims about the explained score of one symbol."""

from __future__ import annotations

import pytest

from cache.catalogue import CONFLUENCE, UNIVERSE
from tests.support.dashboards import NOW, put_beta, put_score, put_status, put_universe, score

URL = "/api/symbols/simulated/BTC/USDT:USDT"


@pytest.fixture(autouse=True)
def _listed(cache):
    put_universe(cache, "BTC/USDT:USDT", "ETH/USDT:USDT")
    put_status(cache, "tickers")


def test_the_score_is_served_with_its_state_and_age(cache, client, clock):
    """All that was cached, and how true it is now."""
    put_score(cache)

    clock.move(2)
    answer = client.get(URL)

    assert answer.status_code == 200
    plain = score()
    for sub_score in plain["components"]["technical"]["sub_scores"]:
        sub_score["inputs"] = [{**one, "age_s": NOW + 2 - one["as_of"]} for one in sub_score["inputs"]]
    none = {
        "ols": None, "ewma": None, "divergence_z": None, "as_of": None, "bars": None, "leader": None,
        "state": "empty", "reason": "not measured yet",
    }  # fmt: skip
    expected = {
        **plain, "state": "live", "reason": None, "as_of": NOW - 3, "age_s": 5.0, "simulated": True,
        "inputs": [], "beta": {"1h": none, "5m": none},
    }  # fmt: skip
    assert answer.json == expected
    assert answer.headers["Age"] == "2"
    assert answer.headers["Cache-Control"] == "max-age=30, stale-if-error=0"


def test_before_its_list_is_known_the_exchange_says_why(cache, client):
    """A symbol cannot be known without the list: what keeps the list away is told."""
    cache.remove(UNIVERSE.key(exchange="simulated"))
    put_status(cache, "universe", state="unreachable", reason="connection refused")

    answer = client.get(URL)

    assert answer.status_code == 503
    assert answer.json["detail"].endswith("not known yet; simulated: universe: connection refused")
    assert [one["state"] for one in answer.json["exchanges"]] == ["unreachable"]


def test_a_symbol_that_is_not_listed_is_404_even_with_an_old_score(cache, client):
    """A delisted symbol left with all that was derived from it."""
    cache.put(CONFLUENCE.key(exchange="simulated", symbol="OLD/USDT"), score(), as_of=NOW)

    answer = client.get("/api/symbols/simulated/OLD/USDT")

    assert answer.status_code == 404
    assert answer.json["type"] == "urn:tidemark:problem:symbol-unknown"
    assert (answer.json["exchange"], answer.json["symbol"]) == ("simulated", "OLD/USDT")


def test_an_exchange_that_is_not_used_is_404(client):
    """Nothing will ever be known of it."""
    answer = client.get("/api/symbols/nowhere/BTC/USDT")

    assert answer.status_code == 404
    assert "nowhere" in answer.json["detail"]


def test_a_listed_symbol_without_a_score_is_503_and_empty(client):
    """It is coming."""
    answer = client.get("/api/symbols/simulated/ETH/USDT:USDT")

    assert (answer.status_code, answer.json["state"]) == (503, "empty")
    assert answer.headers["Retry-After"]


def test_before_the_exchange_was_asked_for_its_list_nothing_is_unknown(cache, client):
    """Too early is not never."""
    cache.remove(UNIVERSE.key(exchange="simulated"))

    answer = client.get("/api/symbols/simulated/ANY/USDT")

    assert (answer.status_code, answer.json["state"]) == (503, "empty")


def test_a_lost_list_does_not_hide_a_score(cache, client):
    """The score itself proves that the symbol was tracked."""
    put_score(cache)
    cache.remove(UNIVERSE.key(exchange="simulated"))

    assert client.get(URL).status_code == 200


def test_a_new_list_is_believed_at_once(cache, client):
    """The names are kept per version of the list."""
    put_score(cache)
    assert client.get(URL).status_code == 200

    put_universe(cache, "ETH/USDT:USDT")

    assert client.get(URL).status_code == 404


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/symbols/simulated/" + "X" * 81, "symbol"),
        ("/api/symbols/" + "x" * 41 + "/BTC", "exchange"),
        ("/api/symbols/simulated/BTC%0A", "symbol"),
        ("/api/symbols/simulated/%00", "symbol"),
        ("/api/symbols/sim%7Fulated/BTC", "exchange"),
        ("/api/symbols/simulated/%FF%FE", "symbol"),
    ],
)
def test_what_no_exchange_could_list_is_400_and_names_the_part(client, path, field):
    """Before it gets anywhere near a key."""
    answer = client.get(path)

    assert (answer.status_code, answer.json["field"]) == (400, field)
    assert answer.json["detail"].startswith(f"{field}: ")


@pytest.mark.parametrize("symbol", ["ÖL/USDT", "币/USDT", "A|B%/USDT", "🙂"])
def test_any_letter_may_be_in_a_symbol(cache, client, symbol):
    """Keys carry any Unicode."""
    put_universe(cache, symbol)
    put_score(cache, symbol=symbol)

    answer = client.get(f"/api/symbols/simulated/{symbol.replace('%', '%25')}")

    assert (answer.status_code, answer.json["symbol"]) == (200, symbol)


def test_every_input_says_how_old_it_is(cache, client, clock):
    """Also those that the score could not use, and those that are not there."""
    absent = {
        "name": "funding",
        "as_of": None,
        "used": False,
        "stale": False,
        "reason": "no funding rate yet",
    }
    book = {"name": "order_book", "as_of": NOW - 4, "used": True, "stale": True, "reason": None}
    put_score(cache, inputs=[book, absent])

    clock.move(2)
    told = client.get(URL).json

    assert told["inputs"] == [{**book, "age_s": 6.0}, {**absent, "age_s": None}]


def test_the_beta_of_the_symbol_stands_beside_its_score(cache, client):
    """Both windows, both estimators, with the state of each window."""
    put_score(cache)
    put_beta(cache, "1h", {"BTC/USDT:USDT": (1.0, 0.3)})
    put_beta(cache, "5m", {"BTC/USDT:USDT": "needs 30 bars in common with BTC, has 7"})

    beta = client.get(URL).json["beta"]

    assert (beta["1h"]["ols"]["beta"], beta["1h"]["ewma"]["beta"], beta["1h"]["divergence_z"]) == (
        1.0,
        1.25,
        0.3,
    )
    assert (beta["1h"]["state"], beta["1h"]["reason"], beta["1h"]["bars"]) == ("live", None, 168)
    assert (beta["5m"]["ols"], beta["5m"]["state"]) == (None, "empty")
    assert beta["5m"]["reason"] == "needs 30 bars in common with BTC, has 7"


def test_a_new_beta_changes_the_tag(cache, client):
    """The score stayed as it was; the answer did not."""
    put_score(cache)
    tags = [client.get(URL).headers["ETag"]]

    for z in (0.3, 0.4):
        put_beta(cache, "1h", {"BTC/USDT:USDT": (1.0, z)})
        tags.append(client.get(URL).headers["ETag"])

    assert len(set(tags)) == 3


def test_a_beta_that_nobody_renews_keeps_its_figures_and_says_so(cache, client, clock):
    """Hours after the last close."""
    put_beta(cache, "5m", {"BTC/USDT:USDT": (1.1, 0.3)})
    clock.move(7200)
    put_score(cache)

    beta = client.get(URL).json["beta"]["5m"]

    assert (beta["ols"]["beta"], beta["state"]) == (1.1, "stale")
    assert beta["reason"] == "not measured since 00:00:00 UTC"
