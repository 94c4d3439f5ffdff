from __future__ import annotations

import pytest

from cache import Catalogue, Kind, codec, envelope
from cache.operators.judging import judged
from cache.operators.looking import Held

NOW = 1000.0
SOURCE = Kind("source", ("name",), ttl=60)
CATALOGUE = Catalogue((SOURCE,))
KEY = SOURCE.key(name="x")
VERSION = 500


def sealed(*, key=KEY, fresh_until=NOW + 10, usable_until=NOW + 100, **marks: bool):
    """An entry of version 500, stored ten seconds ago."""
    marks.setdefault("expired", False)
    times = (NOW - 12, NOW - 10, fresh_until, usable_until)
    body, compressed = codec.pack({"a": 1})
    return envelope.sealed(
        envelope.rest_of(key, body, times, writer=7), VERSION, compressed=compressed, **marks
    )


@pytest.mark.parametrize(
    ("body", "fence", "removal", "floor", "state", "why"),
    [
        (sealed(), 0, 0, 0, "fresh", ""),
        (sealed(), VERSION, VERSION, VERSION, "fresh", ""),
        (sealed(), VERSION + 1, 0, 0, "stale", "it is older than its fence"),
        (sealed(), VERSION + 1, VERSION + 1, 0, "gone", "it is older than its removal"),
        (sealed(), 0, 0, VERSION + 1, "stale", "it is older than what Redis lost"),
        (sealed(expired=True), 0, 0, 0, "stale", "marked expired when it was stored, or since"),
        (sealed(unsettled=True), 0, 0, 0, "stale", "written while Redis was away, which has not got it"),
        (sealed(fresh_until=NOW), 0, 0, 0, "stale", "its time is over"),
        (sealed(usable_until=NOW), 0, 0, 0, "gone", "no longer usable"),
        (envelope.removal(KEY.text, VERSION), 0, 0, 0, "gone", "removed while Redis was away"),
        (None, 0, 0, 0, "absent", ""),
        (b"hello", 0, 0, 0, "absent", "what is stored there is no entry of this key"),
        (b"", 0, 0, 0, "absent", "what is stored there is no entry of this key"),
        (sealed(key=SOURCE.key(name="y")), 0, 0, 0, "absent", "what is stored there is no entry of this key"),
    ],
)
def test_an_entry_is_judged_as_a_reader_would_and_the_reason_is_told(body, fence, removal, floor, state, why):
    """At the very version of a fence an entry is not older than it."""
    held = Held(KEY.text, body, fence, removal)

    found = judged(held, CATALOGUE, body=body, tier="l3", floor=floor, now=NOW)

    assert (found.state, found.why) == (state, why)
    assert found.fresh_for_s == (10 if state == "fresh" else 0)


def test_what_no_kind_here_knows_is_no_entry():
    """Another version of the system may have left it."""
    found = judged(Held("older|x", sealed(), 0, 0), CATALOGUE, body=sealed(), tier="l3", floor=0, now=NOW)

    assert (found.state, found.why) == ("absent", "of no kind that is known here")
