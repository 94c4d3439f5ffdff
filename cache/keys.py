"""A kind is a family of cached values; a key is a kind with its parameters filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, overload

from cache.codec import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Mapping

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
SEPARATOR = "|"


class KeyMismatch(ValueError):
    """A key was asked for with parameters other than its kind's."""


@dataclass(frozen=True, slots=True)
class Grace:
    """How long after the next close a value stays fresh: a share of the timeframe, within bounds."""

    share: float
    at_least_s: float
    at_most_s: float

    def seconds(self, timeframe_s: float) -> float:
        """The grace for one timeframe."""
        return min(self.at_most_s, max(self.at_least_s, self.share * timeframe_s))

    def times(self, factor: float) -> Grace:
        """The same grace, scaled."""
        return Grace(self.share * factor, self.at_least_s * factor, self.at_most_s * factor)

    def exceeds(self, other: Grace) -> bool:
        """Whether it could be longer than the other for some timeframe."""
        return (
            self.share > other.share or self.at_least_s > other.at_least_s or self.at_most_s > other.at_most_s
        )


class Kind:
    """A family of values: its name, its parameters, its default lifetime in seconds and its parents.

    With `close_grace` (which wants a `timeframe` parameter) a value lives until the close that
    follows its `as_of`, plus the grace, where that is longer than the lifetime; and never longer
    after that close than the lifetime or the grace, whenever it is stored.

    A kind that `gathers` is made of many parts and is good without one of them: removing a part
    turns it stale, and only its own removal makes it go.
    """

    __slots__ = ("close_grace", "derived_from", "gathers", "name", "params", "ttl")

    def __init__(
        self,
        name: str,
        params: tuple[str, ...],
        *,
        ttl: float,
        derived_from: tuple[Kind | str, ...] = (),
        close_grace: Grace | None = None,
        gathers: bool = False,
    ) -> None:
        shadowed = [param for param in params if hasattr(str, param)]
        if shadowed:
            raise KeyMismatch(f"{name}: a parameter named {shadowed[0]} hides a method of text")
        self.name = name
        self.params = params
        self.ttl = ttl
        self.derived_from = tuple(
            parent if isinstance(parent, str) else parent.name for parent in derived_from
        )
        self.close_grace = close_grace
        self.gathers = gathers

    def __repr__(self) -> str:
        return f"Kind({self.name!r})"

    def key(self, **params: str) -> Key:
        """The key with these parameters; raises KeyMismatch when they are not the kind's."""
        if params.keys() != set(self.params):
            raise KeyMismatch(f"{self.name} wants {', '.join(self.params)}; got {', '.join(params)}")
        return Key(self, tuple(params[name] for name in self.params))

    def fresh_until(self, *, as_of: float, now: float, ttl: float, params: Mapping[str, str]) -> float:
        """Until when a value stored now is fresh, its inputs apart."""
        if self.close_grace is None:
            return now + ttl
        timeframe_s = timeframe_seconds(params["timeframe"])
        grace_s = self.close_grace.seconds(timeframe_s)
        next_close = as_of + timeframe_s
        return min(max(now + ttl, next_close + grace_s), next_close + max(grace_s, ttl))


class Key(str):
    """One value's name. `text` (also `str(key)`) is its one spelling, in every tier and message.

    Parameters are read as `key.params["symbol"]` or `key.symbol`. It is text itself, so that looking
    one up costs no more than looking up text.
    """

    __slots__ = ("kind", "params", "raw", "text")

    kind: Kind
    params: FrozenDict
    text: str
    raw: bytes

    def __new__(cls, kind: Kind, values: tuple[str, ...], text: str | None = None) -> Self:
        """The key of these values, which must be as many as the kind's parameters."""
        if text is None:
            text = SEPARATOR.join((kind.name, *(_escaped(kind, value) for value in values)))
        try:
            raw = text.encode()
        except UnicodeEncodeError:
            raise KeyMismatch(f"{kind.name}: {text!r} is not valid Unicode") from None
        made = super().__new__(cls, text)
        put = object.__setattr__
        put(made, "kind", kind)
        put(made, "params", FrozenDict(zip(kind.params, values, strict=True)))
        put(made, "text", text)
        put(made, "raw", raw)
        return made

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a key is immutable; {name} cannot be set")

    def __getattr__(self, name: str) -> str:
        if name in Key.__slots__ or name not in self.params:
            raise AttributeError(name)
        value: str = self.params[name]
        return value

    def __reduce__(self) -> tuple[object, ...]:
        return Key, (self.kind, tuple(self.params.values()))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{self.text}>"


def parse(text: str, kinds: Mapping[str, Kind]) -> Key | None:
    """The key spelled by `text`, or None when no kind has this name and number of parameters."""
    name, *parts = text.split(SEPARATOR)
    kind = kinds.get(name)
    if kind is None or len(parts) != len(kind.params):
        return None
    if "%" in text:
        parts = [part.replace("%7C", SEPARATOR).replace("%25", "%") for part in parts]
    return Key(kind, tuple(parts), text)


class Touched(Sequence[Key]):
    """The keys that an invalidation touched, nearest first; equal to a tuple of the same keys.

    They arrive as text, and making a thousand keys takes longer than the cascade: they are made when
    they are looked at. Texts of kinds that are not in the catalogue are left out then.
    """

    __slots__ = ("_kinds", "_made", "texts")

    def __init__(self, texts: Sequence[str], kinds: Mapping[str, Kind]) -> None:
        self.texts = texts
        self._kinds = kinds
        self._made: tuple[Key, ...] | None = None

    @property
    def _keys(self) -> tuple[Key, ...]:
        if self._made is None:
            parsed = (parse(text, self._kinds) for text in self.texts)
            self._made = tuple(key for key in parsed if key is not None)
        return self._made

    @overload
    def __getitem__(self, index: int) -> Key: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Key, ...]: ...

    def __getitem__(self, index: int | slice) -> Key | tuple[Key, ...]:
        return self._keys[index]

    def __len__(self) -> int:
        return len(self._keys)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Touched):
            return self.texts == other.texts
        return self._keys == other

    def __hash__(self) -> int:
        return hash(self._keys)

    def __repr__(self) -> str:
        return repr(self._keys)


def timeframe_seconds(timeframe: str) -> float:
    """The length of a timeframe such as "5m" or "1d" in seconds; raises KeyMismatch for another word."""
    count, unit = timeframe[:-1], timeframe[-1:]
    if unit not in UNIT_SECONDS or not count.isdigit():
        raise KeyMismatch(f"{timeframe!r} is not a timeframe; want a number and one of s, m, h, d, w")
    return float(int(count) * UNIT_SECONDS[unit])


def _escaped(kind: Kind, value: str) -> str:
    if not isinstance(value, str):
        raise KeyMismatch(f"{kind.name}: a parameter is text; got {value!r}")
    return value.replace("%", "%25").replace(SEPARATOR, "%7C")
