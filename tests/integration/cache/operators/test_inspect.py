from __future__ import annotations

import pytest

from cache import Put
from cache.operators import inspecting

pytestmark = pytest.mark.integration


def place(seen, tier):
    """What one tier answered."""
    return next(one for one in seen["places"] if one["tier"] == tier)


def test_inspect_tells_all_that_is_known_of_a_key(operator, cache, stored):
    """Where it is, its ages, version, size, its writer, its relatives and its value."""
    source, middle, last, end = (key.text for key in stored)
    entry = cache.get(stored[1])

    seen = operator.document("inspect", middle)

    assert (seen["found"], seen["state"], seen["why"]) == (True, "fresh", "")
    assert (seen["version"], seen["writer"]) == (entry.version, cache._hub.writer)
    assert (seen["as_of"], seen["stored_at"]) == (entry.as_of, entry.stored_at)
    assert 0 < seen["fresh_for_s"] <= seen["lifetime_s"] == 45
    assert 5 <= seen["age_s"] < 15
    assert (place(seen, "l2")["state"], place(seen, "l3")["state"]) == ("fresh", "fresh")
    assert place(seen, "l2")["version"] == entry.version
    assert [one["key"] for one in seen["derived_from"]] == [source]
    assert [one["key"] for one in seen["derives"]] == [last]
    assert (seen["derived_from_complete"], seen["derives_complete"]) == (True, True)
    assert seen["value"] == {"score": 65.5}
    assert end not in str(seen["derives"])


def test_sizes_are_told_as_stored_and_as_packed(operator, stored):
    """5,000 numbers shrink; the plain size is that of the value's msgpack."""
    big = operator.document("inspect", stored[0].text)["size"]
    small = operator.document("inspect", stored[1].text)["size"]

    assert big["compressed"]
    assert big["wire_bytes"] < big["plain_bytes"]
    assert big["plain_bytes"] > 5000
    assert not small["compressed"]
    assert small["plain_bytes"] < small["wire_bytes"] < 200


def test_an_expired_entry_is_stale_in_every_tier_and_the_fence_says_why(operator, cache, stored):
    """L2 is not told of an expiry: its copy is judged by the fence."""
    before = cache.get(stored[1]).version
    cache.expire(stored[0])

    seen = operator.document("inspect", stored[1].text)

    assert (seen["found"], seen["state"]) == (True, "stale")
    assert seen["below_fence"]
    assert seen["fence"] > before
    assert (place(seen, "l2")["state"], place(seen, "l3")["state"]) == ("stale", "stale")
    assert (seen["removal"], seen["below_removal"]) == (0, False)


def test_a_removed_entry_is_not_found_and_its_removal_is_told(operator, cache, stored):
    """The exit code is 1; the fences are what is left of it."""
    cache.remove(stored[0])

    code, out, complaint = operator.types("inspect", stored[1].text)
    seen = operator.document("inspect", stored[1].text)

    assert (code, complaint) == (1, "not stored")
    assert "absent" in out
    assert (seen["found"], seen["version"], seen["value"]) == (False, None, None)
    assert seen["removal"] == seen["fence"] > 0


def test_an_entry_whose_time_is_over_is_stale_and_then_gone(operator, make, stored):
    """The lifetime ends what no fence did."""
    make.clock.move(61)
    late = operator.document("inspect", stored[0].text)
    make.clock.move(700)
    code, out, _ = operator.types("inspect", stored[0].text)

    assert (late["state"], late["why"], late["fresh_for_s"]) == ("stale", "its time is over", 0)
    assert code == 1
    assert "gone: no longer usable" in out


def test_a_key_that_was_mistyped_is_answered_with_the_nearest_one(operator, stored):
    """A symbol without its settlement currency is the usual slip."""
    code, _, complaint = operator.types("inspect", "middle", "BTC/USDT")

    assert code == 1
    assert complaint == f"not stored; did you mean {stored[1].text!r}?"


def test_the_writer_is_named_while_its_reports_are_known(operator, cache, stored):
    """A number says nothing; the role, host and process id do."""
    unknown = operator.types("inspect", stored[1].text)[1]
    cache._engine.census.report()
    known = operator.types("inspect", stored[1].text)[1]
    cache._engine.census.report(ended=True)
    ended = operator.document("inspect", stored[1].text)["written_by"]

    assert f"process {cache._hub.writer:08x}, of which nothing is known" in unknown
    assert "written by  process@" in known
    assert ended.endswith(", which has ended")


def test_uses_of_the_last_hour_are_told_by_role(operator, cache, stored):
    """Memory is private to each process: what they reported of their uses is all there is."""
    for _ in range(7):
        cache.get(stored[1])
    cache._engine.census.report()

    seen = operator.document("inspect", stored[1].text)

    uses = seen["uses"]["process"]
    assert uses >= 7
    assert f"used {uses} times by process in the last hour" in operator.types("inspect", stored[1].text)[1]


def test_what_is_only_in_memcached_is_found_there(operator, cache, stored, make):
    """A Redis that evicted it leaves the copy in L2."""
    cache._engine.far.connect(1).delete(f"{{{make.prefix}}}:e:{stored[1].text}")

    seen = operator.document("inspect", stored[1].text)

    assert (seen["found"], seen["value"]) == (True, {"score": 65.5})
    assert (place(seen, "l3")["found"], place(seen, "l2")["found"]) == (False, True)


def test_a_copy_in_memcached_that_a_write_overtook_is_told_as_stale(operator, cache, stored, make):
    """A process that lost its Memcached for a moment left the old one there."""
    make("l1 l3").put(stored[3], {"score": 1})

    seen = operator.document("inspect", stored[3].text)

    assert (seen["state"], seen["value"]) == ("fresh", {"score": 1})
    assert (place(seen, "l2")["state"], place(seen, "l2")["why"]) == ("stale", "Redis holds a newer one")
    assert place(seen, "l2")["version"] < cache.get(stored[3]).version


def test_bytes_that_are_no_entry_are_told_as_such(operator, cache, stored, make):
    """Somebody else's value under our name breaks nothing."""
    cache._engine.far.connect(1).set(f"{{{make.prefix}}}:e:{stored[3].text}", b"hello")

    seen = operator.document("inspect", stored[3].text)

    assert place(seen, "l3")["why"] == "what is stored there is no entry of this key"
    assert seen["found"], "the copy in L2 is whole"


def test_many_relatives_are_cut_off_and_it_is_said(operator, cache, chain, monkeypatch):
    """A source of thousands is not read to the end."""
    monkeypatch.setattr(inspecting, "MOST_RELATED", 5)
    source, middle = chain[0].key(name="all"), chain[1]
    cache.put(source, 1)
    read = cache.get(source)
    cache.put_many([Put(middle.key(name=f"n{at}"), at, None, (read,)) for at in range(20)])

    seen = operator.document("inspect", source.text)

    assert (len(seen["derives"]), seen["derives_complete"]) == (5, False)
    assert "or more: the search was cut off here" in operator.types("inspect", source.text)[1]


def test_relatives_whose_life_is_over_are_left_out(operator, cache, stored, make):
    """They are swept out with the next write; until then they are only names."""
    redis, base = cache._engine.far.connect(1), f"{{{make.prefix}}}"
    redis.zadd(f"{base}:d:{stored[0].text}", {"middle|dead": 1})
    redis.zadd(f"{base}:d:source|dead", {stored[1].text: 1})

    derives = operator.document("inspect", stored[0].text)["derives"]
    derived_from = operator.document("inspect", stored[1].text)["derived_from"]

    assert [one["key"] for one in derives] == [stored[1].text]
    assert [one["key"] for one in derived_from] == [stored[0].text]


def test_looking_changes_nothing(operator, cache, stored, make):
    """Neither the version nor any key of Redis is touched by inspect and tree."""
    redis, mine = cache._engine.far.connect(1), f"{{{make.prefix}}}:*"

    def everything():
        return {name: redis.dump(name) for name in redis.scan_iter(mine) if b":meta" not in name}

    before, version = everything(), redis.hget(f"{{{make.prefix}}}:meta", "generation")
    for words in (("inspect", stored[1].text, "--full"), ("tree",), ("tree", stored[0].text)):
        operator.types(*words)

    assert everything() == before
    assert redis.hget(f"{{{make.prefix}}}:meta", "generation") == version
