"""Stands in for a tier that is not installed, so that callers need no `if`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cache.breaker import Breaker
    from cache.entry import Outcome, Reason
    from cache.tiers.base import Abandon, Cascade, Commit, Item, Sealed, Snapshot


class _Absent:
    """What both absences share."""

    installed = False

    def __init__(self, name: str) -> None:
        self.name = name

    def breakers(self) -> Sequence[Breaker]:
        """None: nothing can break."""
        return ()

    def reopen(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class NoSharedMemory(_Absent):
    """An L2 that holds nothing."""

    def fetch(self, texts: Sequence[str], generation: int) -> dict[str, bytes]:  # noqa: ARG002 (the Protocol's signature)
        """Nothing, ever."""
        return {}

    def store(self, items: Sequence[Sealed], generation: int, *, fill: bool) -> dict[str, Outcome]:  # noqa: ARG002 (the Protocol's signature)
        """Nothing is kept."""
        return {item.text: "absent" for item in items}

    def drop(self, texts: Sequence[str], generation: int) -> bool:  # noqa: ARG002 (the Protocol's signature)
        """Nothing was there."""
        return True

    def mark_below(self, versions: Mapping[str, int], generation: int) -> None:
        """Nothing is there."""

    def post(self, generation: int | None = None, kinds: Mapping[str, int] | None = None) -> None:
        """Nobody would read it."""


class NoAuthority(_Absent):
    """An L3 that can never be asked: the process decides for itself."""

    def fetch(
        self,
        texts: Sequence[str],  # noqa: ARG002 (the Protocol's signature)
        *,
        fenced: bool = False,  # noqa: ARG002 (the Protocol's signature)
    ) -> dict[str, bytes] | None:
        """Cannot say."""
        return None

    def commit(self, items: Sequence[Item], *, heard: int, seen: int) -> Commit | None:  # noqa: ARG002 (the Protocol's signature)
        """Cannot decide."""
        return None

    def invalidate(
        self,
        texts: Sequence[str],  # noqa: ARG002 (the Protocol's signature)
        reason: Reason,  # noqa: ARG002 (the Protocol's signature)
        *,
        heard: int,  # noqa: ARG002 (the Protocol's signature)
        seen: int,  # noqa: ARG002 (the Protocol's signature)
        pinned: int | None = None,  # noqa: ARG002 (the Protocol's signature)
    ) -> Cascade | None:
        """Cannot decide."""
        return None

    def sync(self, *, heard: int, seen: int, since: int, abandon: Abandon = "") -> Snapshot | None:  # noqa: ARG002 (the Protocol's signature)
        """Cannot say."""
        return None
