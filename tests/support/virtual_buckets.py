"""Buckets in a real Redis whose clock a test moves: the same script, with another clock put into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cache.tiers import scripts

if TYPE_CHECKING:
    import pytest

    from cache import TieredCache

CLOCK = "redis.call('TIME')"


class VirtualTime:
    """The clock of the bucket scripts while it is installed; `now` in seconds."""

    def __init__(self, cache: TieredCache, monkeypatch: pytest.MonkeyPatch) -> None:
        far = cache._engine.far
        assert far is not None
        self._redis = far.quick
        self._key = f"{far.base}:clock"
        script = scripts.Script("bucket", ordered=False)
        assert script.source.count(CLOCK) == 1
        script.source = script.source.replace(CLOCK, f"redis.call('HMGET', '{self._key}', 's', 'us')")
        script.digest = far.quick.script_load(script.source)
        monkeypatch.setattr(scripts, "BUCKET", script)
        self.now = 1_000_000.0
        self.move(0.0)

    def move(self, seconds: float) -> None:
        """Let time pass."""
        # Whole microseconds, as Redis counts them.
        self.now = round(self.now + seconds, 6)
        whole = int(self.now)
        micro = round((self.now - whole) * 1_000_000)
        self._redis.hset(self._key, mapping={"s": whole, "us": micro})
