from __future__ import annotations

import json
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache import FrozenDict, Kind, NotCacheable, codec, envelope

KEY = Kind("k", ("x",), ttl=1).key(x="1")
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=30,
)  # fmt: skip


def sealed(value, version=7, *, expired=False):
    """A value in its envelope."""
    body, compressed = codec.pack(value)
    rest = envelope.rest_of(KEY, body, (1.0, 2.0, 3.0, 4.0))
    return envelope.sealed(rest, version, compressed=compressed, expired=expired)


def opened(body, key=KEY):
    """And out of it."""
    return envelope.opened(key, body, tier="l2", clock=time.time)


@given(PLAIN)
def test_every_plain_value_survives(value):
    """Of any shape; what is read can be encoded again, as msgpack and as JSON."""
    read = opened(sealed(value)).value

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(read)) == msgspec.msgpack.decode(
        msgspec.msgpack.encode(value)
    )
    assert msgspec.json.encode(read)


@given(PLAIN)
def test_no_part_of_what_is_read_can_be_changed(value):
    """Only tuples, frozen dicts and atoms, to any depth."""

    def parts(one):
        yield one
        for inner in one.values() if isinstance(one, dict) else one if isinstance(one, tuple) else ():
            yield from parts(inner)

    for part in parts(opened(sealed(value)).value):
        hash(part)
        assert not isinstance(part, (list, bytearray, set))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(a=1), lambda d: d.pop("a"), lambda d: d.clear(), lambda d: d.popitem(),
        lambda d: d.setdefault("z", 1), lambda d: d.__setitem__("a", 2), lambda d: d.__delitem__("a"),
        lambda d: d.__ior__({"b": 1}),
    ],
)  # fmt: skip
def test_a_frozen_dict_refuses_every_change(change):
    """With a message that says what to do instead."""
    frozen = FrozenDict(a=1)

    with pytest.raises(TypeError, match="copy with dict"):
        change(frozen)
    assert frozen == {"a": 1}


def test_a_frozen_dict_is_a_dict_to_readers():
    """It iterates, unpacks, compares, copies and dumps."""
    frozen = FrozenDict(a=1, b=FrozenDict(c=(1, 2)))

    assert {**frozen} == frozen == dict(frozen)
    assert json.loads(json.dumps(frozen)) == {"a": 1, "b": {"c": [1, 2]}}
    assert frozen.__reduce__()[0](*frozen.__reduce__()[1]) == frozen


def test_large_values_are_compressed_when_it_helps():
    """Text shrinks; noise is left alone."""
    import os

    assert codec.pack("a" * 100) == (b"\xd9d" + b"a" * 100, False)
    assert len(codec.pack("a" * 10_000)[0]) < 200
    assert codec.pack(os.urandom(10_000))[1] is False


@pytest.mark.parametrize(
    "value", [{1, 2} and object(), 2**70, "\ud800"], ids=["object", "large", "surrogate"]
)
def test_what_msgpack_cannot_carry_is_refused(value):
    """With one kind of error."""
    with pytest.raises(NotCacheable):
        codec.pack(value)


def test_a_circle_is_refused():
    """Not endless."""
    circle = []
    circle.append(circle)

    with pytest.raises(NotCacheable):
        codec.pack(circle)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xa7",
        b"x" * 100,
        sealed(1)[:-1] + b"\xc1",
        sealed("a" * 5000)[:-5],
        sealed("a" * 5000)[:60] + b"?" * 20,
    ],
    ids=["empty", "short", "other", "not msgpack", "cut", "not zstd"],
)
def test_other_bytes_are_no_entry(body):
    """A lying tier is a miss."""
    assert opened(body) is None


def test_another_keys_envelope_is_no_entry():
    """Two keys that were hashed to the same are told apart."""
    assert opened(sealed(1), key=Kind("k", ("x",), ttl=1).key(x="2")) is None


def test_an_expired_envelope_opens_stale():
    """Marked when sealed, or later, in its head; its version is read without the rest."""
    fresh, stale = sealed(1), sealed(1, expired=True)

    assert opened(fresh).fresh_until == 3.0
    assert opened(stale).fresh_until == opened(envelope.marked_expired(fresh)).fresh_until == 2.0
    assert opened(fresh).version == 7


def test_a_weight_is_more_than_its_bytes():
    """Python objects are larger than msgpack."""
    value = opened(sealed({"a": [1.0] * 100, "b": {"c": "d"}})).value

    assert codec.weigh(value) > 1000
