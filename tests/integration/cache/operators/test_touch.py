from __future__ import annotations

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture
def many(cache, chain):
    """Twelve values of the first kind."""
    keys = [chain[0].key(name=f"coin{at:02}") for at in range(12)]
    for key in keys:
        cache.put(key, 1)
    return keys


def test_expire_touches_a_key_and_all_that_is_made_of_it(operator, cache, stored):
    """Every process sees it stale, and the operator sees what was touched."""
    code, out, complaint = operator.types("expire", stored[1].text)

    assert (code, complaint) == (0, "")
    assert out.splitlines()[0] == "3 keys expired: middle 1, next 1, last 1"
    assert [cache.get(key, max_age=0).state for key in stored[1:]] == ["stale"] * 3
    assert operator.document("inspect", stored[0].text)["state"] == "fresh"


def test_remove_tells_what_went_and_what_only_turned_stale(operator, cache, stored, gathered):
    """What gathers many parts outlives the removal of one."""
    board = gathered[0].key(name="all")
    cache.derive(board, stored[1:2], lambda _: 1)

    code, out, _ = operator.types("remove", stored[0].text, "--yes")

    assert code == 0
    assert "4 keys removed: source 1, middle 1, next 1, last 1" in out
    assert "1 key expired: board 1" in out
    assert operator.document("inspect", board.text)["state"] == "stale"


def test_remove_asks_and_takes_no_for_an_answer(operator, stored):
    """The question names the keys; nothing happens without a yes."""
    operator.answers = [False]

    code, out, complaint = operator.types("remove", stored[0].text)

    assert (code, out, complaint) == (0, "", "nothing was removed")
    assert operator.questions == [f"remove 1 key ({stored[0].text}) and all that is made of them?"]
    assert operator.document("inspect", stored[0].text)["found"]


@pytest.mark.parametrize(("answers", "words"), [([True], ()), ([], ("--yes",)), ([], ())])
def test_remove_goes_ahead_when_told_to_or_where_nobody_can_answer(operator, stored, answers, words):
    """A script that names a key means it."""
    operator.answers = answers

    code = operator.types("remove", stored[0].text, *words)[0]

    assert code == 0
    assert not operator.document("inspect", stored[0].text)["found"]


def test_a_pattern_is_not_removed_by_a_script_without_yes(operator, many):
    """A star that caught too much cannot be taken back."""
    code, _, complaint = operator.types("remove", "source|*")

    assert (code, complaint) == (2, "this would remove 12 keys and all that is made of them; say --yes")
    assert operator.document("inspect", many[0].text)["found"]


def test_a_dry_run_shows_the_keys_and_touches_none(operator, many):
    """The preview counts them by kind."""
    code, out, _ = operator.types("expire", "source|coin0*", "--dry-run")
    body = operator.document("expire", "source|coin0*", "--dry-run")

    assert code == 0
    assert out.splitlines()[0] == "10 keys would be touched, and all that is made of them: source 10"
    assert out.splitlines()[-1] == "  ... and 2 more"
    assert (body["asked"], body["expired"], body["dry_run"]) == ([key.text for key in many[:10]], [], True)
    assert operator.document("inspect", many[0].text)["state"] == "fresh"


def test_a_pattern_takes_exactly_what_is_like_it(operator, cache, chain, many):
    """Brackets and question marks are letters; only the star is special."""
    odd = chain[0].key(name="coin[0]?")
    cache.put(odd, 1)

    body = operator.document("expire", "source", "coin[0]*")

    assert body["expired"] == [odd.text]
    assert operator.document("inspect", many[0].text)["state"] == "fresh"


def test_a_pattern_that_nothing_is_like_is_not_found(operator, stored):
    """The exit code tells a script."""
    code, out, complaint = operator.types("expire", "source|nobody*")

    assert (code, out, complaint) == (1, "", "nothing is stored that is like this")
    assert operator.document("expire", "source|nobody*")["asked"] == []
    assert operator.document("inspect", stored[0].text)["state"] == "fresh"


def test_a_key_that_was_not_stored_is_fenced_and_told_of(operator, chain):
    """The invalidation holds for what is being computed now; the exit code says that nothing was there."""
    key = chain[3].key(name="unknown")

    code, _, complaint = operator.types("expire", key.text)

    assert code == 1
    assert "not one of them was stored; the fence holds all the same" in complaint
    assert operator.document("inspect", key.text)["fence"] > 0


def test_more_keys_than_one_call_takes_are_all_touched(operator, many, monkeypatch):
    """Redis is not held up by one call for everything."""
    monkeypatch.setattr("cache.operators.touching.MOST_AT_ONCE", 5)

    assert operator.document("expire", "*")["expired"] == [key.text for key in many]


def test_the_operator_is_not_counted_among_the_processes(operator, cache, stored):
    """Who only looks in would spoil the hit rates."""
    operator.types("expire", stored[0].text)
    cache._engine.census.report()

    assert len(cache.stats_everywhere()["processes"]) == 1
