"""Randomness without state: every number is a function of a key and an index.

A generator would have to be wound forward to reach a minute; a hash of (key, index) is there at once, so any
part of any history can be made alone and is the same after a restart. The mixing function is the finaliser of
SplitMix64 (Steele, Lea and Flood, 2014).
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

Unsigned = NDArray[np.uint64]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
# Where the lanes lie in memory, lowest bits first.
_LANES = (0, 1, 2, 3) if sys.byteorder == "little" else (3, 2, 1, 0)
_S27, _S30, _S31 = (np.uint64(bits) for bits in (27, 30, 31))
# Four uniform lanes of 16 bits add up to a bell with this middle and this standard deviation.
_BELL_MIDDLE = 131_070
BELL_UNIT = 65_536 / 3**0.5


def key(*parts: object) -> int:
    """A 63-bit key for what the parts name together."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def hashed(keys: Any, index: Any) -> Unsigned:
    """64 well-mixed bits for each pair of key and index (scalars or arrays that broadcast)."""
    bits = np.atleast_1d(index).astype(np.uint64) * _GOLDEN + np.asarray(keys).astype(np.uint64)
    bits ^= bits >> _S30
    bits *= _FIRST
    bits ^= bits >> _S27
    bits *= _SECOND
    bits ^= bits >> _S31
    return bits


def bell(bits: Unsigned) -> Integers:
    """Nearly normal whole numbers around 0, exact, with a standard deviation of BELL_UNIT."""
    quarters = bits.view(np.uint16)
    total = np.full(bits.shape, -_BELL_MIDDLE, dtype=np.int64)
    for lane in range(4):
        total += quarters[..., lane::4]
    return total


def normal(bits: Unsigned) -> Floats:
    """Nearly normal numbers of mean 0 and deviation 1, never beyond 3.5."""
    return bell(bits).astype(np.float64) * (1.0 / BELL_UNIT)


def uniform(bits: Unsigned, lane: int = 0) -> Floats:
    """Numbers in (0, 1); the four lanes (0..3) of the same bits are independent."""
    quarters = bits.view(np.uint16)[..., _LANES[lane] :: 4]
    numbers = quarters.astype(np.float64)
    numbers += 0.5
    numbers *= 1.0 / 65_536
    return numbers


def smooth(keys: Any, at_ms: Any, knot_ms: int) -> Floats:
    """A slowly wandering series around 0: normal numbers at the knots, straight lines between them.

    For one key and many times, or for many keys and one time.
    """
    times = np.atleast_1d(np.asarray(at_ms, dtype=np.int64))
    knot = times // knot_ms
    share = (times - knot * knot_ms) / knot_ms
    left, right = normal(hashed(keys, knot)), normal(hashed(keys, knot + 1))
    return left + (right - left) * share
