"""Makes the calls of a plan on one cache and writes down what came of each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cache import Put
from tests.chaos.history import Event, Made
from tests.chaos.plan import INPUTS, KEYS, SOURCES

if TYPE_CHECKING:
    from cache import Entry, Key, TieredCache
    from tests.chaos.history import Recorder
    from tests.chaos.plan import Step


class Caller:
    """Makes calls on one cache; each is timed, and none of their errors gets lost."""

    def __init__(self, number: int, cache: TieredCache, record: Recorder) -> None:
        self.number = number
        self._cache = cache
        self._engine = cache._engine
        self._record = record
        self._count = 0

    def step(self, step: Step) -> None:
        """One call of the plan."""
        call, key, size = step.call, step.key, step.size
        {
            "get": lambda: self._reads(call, (key,)),
            "get_many": lambda: self._reads(call, KEYS),
            "put": lambda: self.puts(call, (key,), size),
            "put_many": lambda: self.puts(call, SOURCES, size),
            "derive": lambda: self._derives(call, (key,), size),
            "derive_many": lambda: self._derives_chain(call, key),
            "put_with_inputs": lambda: self._puts_with_inputs(call, key, size),
            "get_or_compute": lambda: self._computes(call, key),
            "expire": lambda: self._invalidates(call, key),
            "remove": lambda: self._invalidates(call, key),
        }[call]()

    def puts(self, call: str, keys: tuple[Key, ...], size: int) -> None:
        """Write new values."""
        puts = [Put(key, self._new(size)) for key in keys]
        began = self._began()
        results = self._timed(began, call, lambda: self._cache.put_many(puts))
        for put, result in zip(puts, results or (), strict=False):
            self._note(began, call, "write", put.value["id"], result.entry)

    def look(self) -> dict[str, object]:
        """What this process serves as fresh now, and how it is doing."""
        began = self._began()
        found = self._timed(began, "look", lambda: self._cache.get_many(KEYS)) or {}
        for entry in found.values():
            self._note(began, "look", "read", entry.value["id"], entry)
        health = self._cache.health()
        return {
            "fresh": {
                key.text: (entry.value["id"], entry.version, entry.fresh_until)
                for key, entry in found.items()
                if entry.state == "fresh"
            },
            "health": health,
            "owing": len(self._engine.outbox),
            "at": time.monotonic(),
        }

    def _reads(self, call: str, keys: tuple[Key, ...]) -> None:
        began = self._began()
        if call == "get":
            entry = self._timed(began, call, lambda: self._cache.get(keys[0]))
            found = {} if entry is None else {keys[0]: entry}
        else:
            found = self._timed(began, call, lambda: self._cache.get_many(keys)) or {}
        for entry in found.values():
            self._note(began, call, "read", entry.value["id"], entry)

    def _derives_chain(self, call: str, key: Key) -> None:
        """Everything derived under one name, and what gathers it, one kind after another."""
        for derived in INPUTS:
            if derived.params["name"] in {key.params["name"], "all"}:
                self._derives(call, (derived,), 0)

    def _derives(self, call: str, keys: tuple[Key, ...], size: int) -> None:
        seen: list[tuple[float, dict]] = []
        values = {key: self._new(size) for key in keys}

        def compute(batch):
            seen.append((time.monotonic(), batch))
            return values

        began = self._began()
        entries = self._timed(began, call, lambda: self._cache.derive_many(keys, INPUTS.__getitem__, compute))
        for key, entry in (entries or {}).items():
            made_at, batch = seen[0]
            self._note(began, call, "write", values[key]["id"], entry, made_at, _made(batch[key]))

    def _puts_with_inputs(self, call: str, key: Key, size: int) -> None:
        value, began = self._new(size), self._began()

        def put():
            inputs = self._cache.get_many(INPUTS[key])
            made_at = time.monotonic()
            result = self._cache.put(key, value, inputs=tuple(inputs.values()))
            return inputs, made_at, result

        done = self._timed(began, call, put)
        if done is not None:
            inputs, made_at, result = done
            self._note(began, call, "write", value["id"], result.entry, made_at, _made(inputs))

    def _computes(self, call: str, key: Key) -> None:
        value, made_at = self._new(0), []

        def compute():
            made_at.append(time.monotonic())
            return value

        began = self._began()
        entry = self._timed(began, call, lambda: self._cache.get_or_compute(key, compute))
        if entry is None:
            return
        if made_at:
            self._note(began, call, "write", value["id"], entry, made_at[0])
        else:
            self._note(began, call, "read", entry.value["id"], entry)

    def _invalidates(self, call: str, key: Key) -> None:
        began = self._began()
        touched = self._timed(began, call, lambda: getattr(self._cache, call)(key))
        if touched is not None:
            self._note(began, call, call, "", None, key=key.text)

    def _new(self, size: int) -> dict[str, str]:
        self._count += 1
        return {"id": f"{self.number}-{self._count}", "pad": "x" * size}

    def _near_is_well(self) -> bool:
        return all(breaker.closed for breaker in self._engine.tiers.near.breakers())

    def _began(self) -> dict[str, object]:
        engine = self._engine
        return {
            "proved": engine.coherence == "proved",
            "far": engine.far.breaker.closed,
            "near": self._near_is_well(),
            "invoked": time.monotonic(),
        }

    def _timed(self, began, call, make):
        try:
            answer = make()
        except Exception as error:  # noqa: BLE001 (any error breaks the promise that no call raises)
            began["returned"] = time.monotonic()
            self._record(Event(process=self.number, what="raised", call=call, error=repr(error), **began))
            return None
        began["returned"] = time.monotonic()
        began["near"] = began["near"] and self._near_is_well()
        return answer

    def _note(
        self,
        began: dict,
        call: str,
        what: str,
        value: str,
        entry: Entry | None,
        made_at: float | None = None,
        inputs: tuple[Made, ...] = (),
        *,
        key: str = "",
    ) -> None:
        engine = self._engine
        self._record(
            Event(
                process=self.number,
                what=what,
                call=call,
                key=key if entry is None else entry.key.text,
                value=value,
                version=0 if entry is None else entry.version,
                fresh=entry is not None and entry.state == "fresh",
                fresh_until=0.0 if entry is None else entry.fresh_until,
                tier="" if entry is None else entry.tier,
                owing=len(engine.outbox) > 0 or not engine.far.breaker.closed,
                made_at=made_at,
                inputs=inputs,
                **began,
            )
        )


def _made(inputs) -> tuple[Made, ...]:
    return tuple(
        Made(
            key.text, "" if entry is None else entry.value["id"], 0.0 if entry is None else entry.fresh_until
        )
        for key, entry in inputs.items()
    )
