"""The tiered cache: process memory, Memcached and Redis behind one object.

`TieredCache` is what tasks and web use; `catalogue` holds the kinds of values and their graph.
"""

from __future__ import annotations

from cache.ageing import Ageing
from cache.codec import FrozenDict, NotCacheable
from cache.entry import Change, Entry, Put, PutResult, Token, Value
from cache.graph import Catalogue, GraphError
from cache.journal import Acknowledged, Journal, JournalEntry, Observation, Recorded
from cache.keys import Grace, Key, KeyMismatch, Kind, parse
from cache.leases import RunLock
from cache.tiered import TieredCache
from cache.wiring import CacheSettings, Tiers, make_tiers

__all__ = [
    "Acknowledged",
    "Ageing",
    "CacheSettings",
    "Catalogue",
    "Change",
    "Entry",
    "FrozenDict",
    "Grace",
    "GraphError",
    "Journal",
    "JournalEntry",
    "Key",
    "KeyMismatch",
    "Kind",
    "NotCacheable",
    "Observation",
    "Put",
    "PutResult",
    "Recorded",
    "RunLock",
    "TieredCache",
    "Tiers",
    "Token",
    "Value",
    "make_tiers",
    "parse",
]
