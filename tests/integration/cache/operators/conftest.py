from __future__ import annotations

import io
import json
import math

import pytest

from cache import TieredCache, make_tiers
from cache.operators import command_line
from cache.operators.desk import Desk
from cache.operators.looking import Looker
from cache.operators.paper import Paper


class Operator:
    """Types commands at the servers of one `make`, and reads what comes back."""

    def __init__(self, make, catalogue) -> None:
        self._make = make
        self._catalogue = catalogue
        self.answers = []
        self.questions = []

    def types(self, *words: str):
        """Run one command; returns its exit code, what it wrote and what it complained of."""
        out, complaints = io.StringIO(), []
        options = command_line.parsed(words)
        looker = Looker(self.tiers())
        try:
            desk = self.desk(looker, Paper(out, as_json=options.json), complaints.append)
            return command_line.run(desk, options), out.getvalue(), "\n".join(complaints)
        finally:
            looker.close()

    def document(self, *words: str):
        """The JSON document of one command, whatever its exit code."""
        return json.loads(self.types(*words, "--json")[1])

    def desk(self, looker, paper, complain):
        """What a command works with."""
        return Desk(
            catalogue=self._catalogue,
            tiers=self.tiers(),
            looker=looker,
            open_cache=self.opened,
            clock=self._make.clock,
            paper=paper,
            complain=complain,
            ask=self._ask if self.answers else None,
        )

    def opened(self, *, listening):
        """A cache of the operator's own."""
        return TieredCache(
            tiers=self.tiers(),
            clock=self._make.clock,
            catalogue=self._catalogue,
            usable_for=600,
            listening=listening,
            name=None,
        )

    def tiers(self):
        """The servers, as the settings would name them."""
        make = self._make
        return make_tiers(
            clock=make.clock,
            redis_url=f"{make.redis.url}/0",
            memcached_servers=(make.memcached.address,),
            prefix=make.prefix,
        )

    def _ask(self, question):
        self.questions.append(question)
        return self.answers.pop(0)


@pytest.fixture
def cache(make):
    """A process of the running system, which reports only when a test has it do so."""
    made = make()
    made._engine.census._due = math.inf
    return made


@pytest.fixture
def operator(make, cache):
    """Somebody at a command line beside it."""
    return Operator(make, cache.catalogue)


@pytest.fixture
def breakable_operator(make_breakable):
    """The same on servers that this test may break."""
    return Operator(make_breakable, make_breakable().catalogue)


@pytest.fixture
def stored(cache, chain):
    """A chain of four values, each made of the one before."""
    source, *derived = (kind.key(name="BTC/USDT:USDT") for kind in chain)
    cache.put(source, {"closes": list(range(5000))}, as_of=cache._clock() - 5)
    for parent, child in zip((source, *derived), derived, strict=False):
        cache.derive(child, (parent,), lambda _: {"score": 65.5})
    return (source, *derived)
