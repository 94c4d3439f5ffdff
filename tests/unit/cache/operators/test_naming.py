from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache import Kind
from cache.operators.naming import NotAKey, Pattern, named, nearest, one_key, one_kind

CONFLUENCE = Kind("confluence", ("exchange", "symbol"), ttl=30)
CANDLES = Kind("candles", ("exchange", "symbol", "timeframe"), ttl=60)
NOW = Kind("now", (), ttl=60)
KINDS = {kind.name: kind for kind in (CONFLUENCE, CANDLES, NOW)}
TEXT = "confluence|bybit|BTC/USDT:USDT"


def texts(*words: str) -> list[str]:
    """What the words name, as text."""
    return [one.text for one in named(words, KINDS)]


@pytest.mark.parametrize("words", [[TEXT], TEXT.split("|")])
def test_a_key_is_typed_as_its_text_or_in_words(words):
    """Both spellings name the same key."""
    key = one_key(words, KINDS)

    assert (key.text, key.kind, dict(key.params)) == (
        TEXT,
        CONFLUENCE,
        {"exchange": "bybit", "symbol": "BTC/USDT:USDT"},
    )


def test_several_keys_are_told_apart_in_either_spelling():
    """A kind's name takes as many words as the kind has parameters."""
    found = texts("confluence", "bybit", "BTC", TEXT, "now", "candles", "bybit", "BTC", "5m")

    assert found == ["confluence|bybit|BTC", TEXT, "now", "candles|bybit|BTC|5m"]


@given(st.text(min_size=1).filter(lambda text: "|" not in text and "*" not in text))
def test_any_parameter_can_be_typed_in_words(symbol):
    """Whatever the symbol is, the key is the one that the tasks write."""
    try:
        wanted = CONFLUENCE.key(exchange="bybit", symbol=symbol)
    except ValueError:
        return

    assert one_key(["confluence", "bybit", symbol], KINDS) == wanted
    assert one_key([wanted.text], KINDS) == wanted


def test_a_stray_percent_sign_is_spelled_as_it_is_stored():
    """The text of a key escapes it, and an operator need not know."""
    assert texts("confluence|bybit|50%") == ["confluence|bybit|50%25"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["confluense", "x", "y"], "did you mean confluence?\nkinds: candles, confluence, now"),
        (["confluence|bybit"], "confluence wants 2 parameters: exchange, symbol; got 1 (bybit)"),
        (["confluence", "bybit"], "got 1 (bybit)\ntype it as 'confluence|EXCHANGE|SYMBOL'"),
        (["confluence"], "got none"),
        (["candles|a|b|c|d"], "got 4 (a, b, c, d)"),
        (["confluence", "bybit", TEXT], "got 1 (bybit)"),
        (["now", "x"], "there is no kind 'x'"),
        (["confluence|\ud800|x"], "not valid Unicode"),
        (["*", "*"], "want one key, got 2"),
        (["candles|*"], "without *"),
        (["confluence|a|b|*"], "got 3 (a, b, *)"),
        (["confluence|*|a|b"], "wants 2 parameters"),
        (["confluence|*a"], "without *"),
        (["nokind|*"], "there is no kind 'nokind'"),
    ],
)
def test_what_names_no_key_is_told_with_what_would(words, says):
    """The message names the kinds, the parameters and the nearest name."""
    with pytest.raises(NotAKey, match=re.escape(says)):
        one_key(words, KINDS)


@pytest.mark.parametrize("words", [["candles|bybit|*|5m"], ["candles", "bybit", "*", "5m"]])
def test_a_star_makes_a_pattern_in_either_spelling(words):
    """The star stands for any text."""
    assert named(words, KINDS) == [Pattern("candles|bybit|*|5m")]


@pytest.mark.parametrize("text", ["*", "cand*", "candles|*", "candles|bybit|*", "candles|*|5m"])
def test_a_star_may_stand_for_several_parameters(text):
    """Nobody has to count the parameters of what shall all go."""
    assert named([text], KINDS) == [Pattern(text)]


def test_only_the_star_is_special_in_a_pattern():
    """Question marks and brackets are letters of a symbol like any other."""
    assert Pattern(r"a?[b]^\*").glob == r"a\?\[b\]\^\\*"


def test_the_nearest_name_is_offered_only_where_one_is_near():
    """A guess that fits nothing would only confuse."""
    assert nearest("confluense", KINDS) == "confluence"
    assert nearest("xyzzy", KINDS) is None
    with pytest.raises(NotAKey) as caught:
        one_kind("xyzzy", KINDS)
    assert "did you mean" not in str(caught.value)
