"""Wiring: `python -m webapp.stream`, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
import sys
import time

import logs
import settings as environment
from cache import TieredCache
from cache.catalogue import DASHBOARD
from webapp.published import Shelf
from webapp.stream.server import Stream
from webapp.words import VIEWS


async def serve(settings: environment.Settings) -> None:
    """Run the stream of these settings until a signal ends it."""
    cache = TieredCache.from_settings(settings, clock=time.time, name="stream")
    if settings.enable_cache_warming:
        await asyncio.to_thread(_warm, cache)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    shelf = Shelf(cache=cache, clock=time.time, ttl_s=cache.ttl(DASHBOARD))
    stream = Stream(cache=cache, shelf=shelf)
    try:
        await stream.run(
            host=settings.bind_address, port=settings.stream_port, stop=stop, listening=asyncio.Event()
        )
    finally:
        await asyncio.to_thread(cache.close)


def _warm(cache: TieredCache) -> None:
    """Load what the first client is told of, before there is one."""
    cache.warm([DASHBOARD.key(view=view) for view in VIEWS])
    cache.warm()


def main() -> int:
    """Read the settings and serve; the exit code for the shell."""
    try:
        settings = environment.load()
    except environment.SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - whoever starts it by hand reads this
        return 2
    logs.configure(settings.log_level)
    asyncio.run(serve(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
