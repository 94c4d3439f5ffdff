"""Values as bytes and back: msgpack, compressed above 1 KB, immutable when read."""

from __future__ import annotations

import sys
from threading import local
from typing import Any, NoReturn

import msgspec
import zstandard

COMPRESS_ABOVE = 1024
COMPRESSION_LEVEL = 1
WORTH_IT = 0.9
MOST_BYTES = 256 * 1024 * 1024

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_decode_flat = msgspec.msgpack.Decoder(dict[str, float | int | str | bool | None]).decode
_threads = local()
_all_atoms = frozenset((int, float, str, bool, bytes, type(None))).issuperset
# The first bytes that msgpack gives to a map.
_MAPS = frozenset((*range(0x80, 0x90), 0xDE, 0xDF))


class NotCacheable(TypeError):
    """The value holds something that msgpack cannot carry."""


class FrozenDict(dict[str, Any]):
    """A dict that cannot be changed: reads, compares and encodes (msgpack, JSON) as any other."""

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("values read from the cache are immutable; copy with dict(value) to change one")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _refuse
    __ior__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


def pack(value: Any) -> tuple[bytes, bool]:
    """The value as bytes, and whether they are compressed; raises NotCacheable."""
    try:
        plain = _encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise NotCacheable(str(error)) from error
    if len(plain) <= COMPRESS_ABOVE:
        return plain, False
    squeezed: bytes = _compressor().compress(plain)
    # Arrays of prices hardly shrink: then reading them should not cost a decompression either.
    return (squeezed, True) if len(squeezed) < WORTH_IT * len(plain) else (plain, False)


def unpack(body: bytes | memoryview, *, compressed: bool) -> Any:
    """The value in immutable form; raises ValueError when the bytes are not what `pack` made."""
    try:
        plain = _decompressed(body) if compressed else body
        if plain[0] in _MAPS:
            # Most maps hold nothing nested: those are known by their types while they are decoded.
            try:
                return FrozenDict(_decode_flat(plain))
            except msgspec.ValidationError:
                return freeze(_decode(plain))
        return freeze(_decode(plain))
    except IndexError:
        raise ValueError("not a packed value: it is empty") from None
    except (msgspec.DecodeError, zstandard.ZstdError, RecursionError) as error:
        raise ValueError(f"not a packed value: {error}") from error


def freeze(value: Any) -> Any:
    """The same value in tuples and FrozenDicts, to any depth."""
    kind = type(value)
    if kind is dict:
        if _all_atoms(map(type, value.values())):
            return FrozenDict(value)
        return FrozenDict({name: freeze(part) for name, part in value.items()})
    if kind is list:
        return tuple(value) if _all_atoms(map(type, value)) else tuple([freeze(part) for part in value])
    return value


def weigh(value: Any) -> int:
    """Roughly the bytes of memory that a frozen value takes."""
    size = sys.getsizeof(value)
    if isinstance(value, dict):
        return size + sum(sys.getsizeof(name) + weigh(part) for name, part in value.items())
    if isinstance(value, tuple):
        return size + sum(weigh(part) for part in value)
    return size


def _decompressed(body: bytes | memoryview) -> bytes:
    # What a frame says of its own size is believed by the decompressor, which asks for that much memory.
    if zstandard.frame_content_size(body) > MOST_BYTES:
        raise ValueError(f"not a packed value: it says that it has more than {MOST_BYTES} bytes")
    plain: bytes = _decompressor().decompress(body, max_output_size=MOST_BYTES)
    return plain


def _compressor() -> zstandard.ZstdCompressor:
    # Neither kind of context may be used by two threads at once.
    made: zstandard.ZstdCompressor | None = getattr(_threads, "compressor", None)
    if made is None:
        made = _threads.compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL)
    return made


def _decompressor() -> zstandard.ZstdDecompressor:
    made: zstandard.ZstdDecompressor | None = getattr(_threads, "decompressor", None)
    if made is None:
        made = _threads.decompressor = zstandard.ZstdDecompressor()
    return made
