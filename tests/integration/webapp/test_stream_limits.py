"""Claims about the bounds of the stream, held in this process so that they can be set low."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Self

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cache.catalogue import DASHBOARD
from tests.support.dashboards import memory_cache, publish
from tests.support.waiting import eventually
from webapp.published import Shelf
from webapp.stream import server

pytestmark = pytest.mark.integration


class Running:
    """A stream in this loop, over a cache of its own."""

    def __init__(self, port, **limits: int) -> None:
        self.cache = memory_cache(time.time)
        shelf = Shelf(cache=self.cache, clock=time.time, ttl_s=self.cache.ttl(DASHBOARD))
        self.stream = server.Stream(cache=self.cache, shelf=shelf, **limits)
        self.url = f"ws://127.0.0.1:{port}/ws"
        self.port = port
        self.stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Start it."""
        listening = asyncio.Event()
        running = self.stream.run(host="127.0.0.1", port=self.port, stop=self.stop, listening=listening)
        self.task = asyncio.create_task(running)
        await asyncio.wait_for(listening.wait(), 20)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it."""
        self.stop.set()
        await asyncio.wait_for(self.task, 20)
        self.cache.close()


def test_more_clients_than_allowed_are_turned_away_and_a_place_becomes_free(unused_port):
    """503 for the third of two; who leaves makes room."""

    async def scene():
        async with Running(unused_port, most_clients=2) as stream:
            async with connect(stream.url), connect(stream.url):
                with pytest.raises(InvalidStatus) as full:
                    await connect(stream.url)
            await asyncio.to_thread(eventually, lambda: not stream.stream.clients, 20)
            async with connect(stream.url) as later:
                assert later.state.name == "OPEN"
        return full.value.response.status_code

    assert asyncio.run(scene()) == 503


def test_a_client_with_too_much_waiting_is_dropped_and_the_others_hear(unused_port, monkeypatch):
    """One that does not read costs the others nothing."""
    slow = set()
    monkeypatch.setattr(server, "_waiting", lambda client: 10**9 if client in slow else 0)

    async def scene():
        async with Running(unused_port) as stream, connect(stream.url) as sluggish:
            slow.update(stream.stream.clients)
            async with connect(stream.url) as quick:
                await asyncio.to_thread(publish, stream.cache)
                heard = json.loads(await asyncio.wait_for(quick.recv(), 20))
                with pytest.raises(ConnectionClosed):
                    await asyncio.wait_for(sluggish.recv(), 20)
        return heard

    assert asyncio.run(scene())["etag"] == '"abc123"'


def test_a_change_that_was_not_told_is_found_by_looking(unused_port, monkeypatch):
    """Messages of the cache may be lost or switched off."""
    monkeypatch.setattr(server, "LOOK_AGAIN_S", 0.05)

    async def scene():
        running = Running(unused_port)
        monkeypatch.setattr(running.cache, "subscribe", lambda *_: lambda: None)
        async with running as stream, connect(stream.url) as client:
            await asyncio.to_thread(publish, stream.cache)
            return json.loads(await asyncio.wait_for(client.recv(), 20))

    assert asyncio.run(scene())["etag"] == '"abc123"'


def test_an_error_of_ours_ends_the_process_instead_of_silencing_it(unused_port, monkeypatch):
    """Whoever watches the process starts it again."""

    async def scene():
        running = Running(unused_port)

        def broken():
            raise RuntimeError("a defect")

        monkeypatch.setattr(running.stream, "_frames", broken)
        async with running as stream:
            await asyncio.wait({stream.task}, timeout=20)

    with pytest.raises(RuntimeError, match="a defect"):
        asyncio.run(scene())
