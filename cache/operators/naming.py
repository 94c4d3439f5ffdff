"""Keys as an operator types them: `kind|parameter|...` or the same in separate words, `*` for any text."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from cache.keys import SEPARATOR, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cache.keys import Key, Kind

ANY = "*"
_CLOSE = 0.5


class NotAKey(ValueError):
    """What was typed names no key; the message says what would."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """The keys whose text is like this one; `*` stands for any text, also over several parameters."""

    text: str

    @property
    def glob(self) -> str:
        """The pattern as Redis reads it, where more than the star has a meaning."""
        return "".join(f"\\{letter}" if letter in "?[]\\^" else letter for letter in self.text)


def named(words: Sequence[str], kinds: Mapping[str, Kind]) -> list[Key | Pattern]:
    """The keys and patterns that the words spell, in order; raises NotAKey."""
    return [_one(parts, kinds) for parts in _grouped(words, kinds)]


def one_key(words: Sequence[str], kinds: Mapping[str, Kind]) -> Key:
    """The one key that the words spell; raises NotAKey."""
    found = named(words, kinds)
    if len(found) != 1:
        raise NotAKey(f"want one key, got {len(found)}")
    if isinstance(found[0], Pattern):
        raise NotAKey(f"want a key without {ANY}; expire and remove take patterns")
    return found[0]


def one_kind(name: str, kinds: Mapping[str, Kind]) -> Kind:
    """The kind of that name; raises NotAKey with the nearest one and all there are."""
    kind = kinds.get(name)
    if kind is not None:
        return kind
    near = nearest(name, kinds)
    guess = f"; did you mean {near}?" if near else ""
    raise NotAKey(f"there is no kind {name!r}{guess}\nkinds: {', '.join(sorted(kinds))}")


def nearest(text: str, candidates: Mapping[str, object] | Sequence[str]) -> str | None:
    """The candidate that is most like the text, if any is like it at all."""
    found = get_close_matches(text, list(candidates), n=1, cutoff=_CLOSE)
    return found[0] if found else None


def _grouped(words: Sequence[str], kinds: Mapping[str, Kind]) -> Iterator[list[str]]:
    """The words of each key: a word with separators is a key, any other begins one of several words."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if SEPARATOR in word or ANY in word:
            yield word.split(SEPARATOR)
            continue
        kind = one_kind(word, kinds)
        count = len(kind.params)
        # A word with separators begins a key of its own; a parameter that has one is typed as text.
        end = next((at for at, other in enumerate(rest[:count]) if SEPARATOR in other), count)
        parts, rest = rest[:end], rest[end:]
        yield [word, *(_escaped(part) for part in parts)]


def _one(parts: list[str], kinds: Mapping[str, Kind]) -> Key | Pattern:
    text = SEPARATOR.join(parts)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotAKey(f"{text!r} is not valid Unicode") from None
    if ANY in parts[0]:
        return Pattern(text)
    kind = one_kind(parts[0], kinds)
    values = parts[1:]
    # A star may stand for several parameters at once, so there may be fewer.
    if len(values) > len(kind.params) or (len(values) < len(kind.params) and ANY not in text):
        raise NotAKey(_wrong_number(kind, values))
    if ANY in text:
        return Pattern(text)
    key = parse(text, kinds)
    if key is None:
        raise NotAKey(_wrong_number(kind, values))
    # Built anew, so that a stray % is spelled as it is stored.
    return kind.key(**key.params)


def _wrong_number(kind: Kind, values: Sequence[str]) -> str:
    wants = f"{len(kind.params)} parameter{'s' * (len(kind.params) != 1)}"
    got = f"{len(values)} ({', '.join(values)})" if values else "none"
    spelled = SEPARATOR.join((kind.name, *(name.upper() for name in kind.params)))
    return f"{kind.name} wants {wants}: {', '.join(kind.params)}; got {got}\ntype it as {spelled!r}"


def _escaped(part: str) -> str:
    # Redis's own star has no spelling in a key's text, so a star is always a pattern.
    return part.replace("%", "%25").replace(SEPARATOR, "%7C")
