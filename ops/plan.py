"""What one start consists of: the services in the order of their start and of their stop."""

from __future__ import annotations

import re
import shutil
import socket
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from checks import MOST_FETCHERS, MOST_SIMULATED, SIMULATED
from ops import environ, procfile
from ops.child import Service
from ops.ports import WantedPort, loopback, reachable
from ops.procfile import ProcfileError
from ops.supervisor import Gate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ops.backends import Backends
    from ops.embedded import ServerPlan
    from ops.environ import Login
    from settings import Settings

SIMULATOR = "simulator"
FETCHER = "fetcher"
SERVERS = ("redis", "memcached")
# Names of processes that no line of the Procfile may give away.
_TAKEN = {*SERVERS, "ops", "guard", *(f"{SIMULATOR}{number}" for number in range(1, MOST_SIMULATED + 1))}
_TAKEN |= {f"{FETCHER}{number}" for number in range(1, MOST_FETCHERS + 1)}
# Beside the simulator, because they need nothing of it.
_EARLY = ("web", "stream")
# In this order, each with the seconds it may take; together less than the whole stop may take.
_STOP_WITHIN_S = {
    "beat": 2.0,
    "fetcher": 6.0,
    "scorer": 6.0,
    "stream": 1.0,
    "web": 1.5,
    "flower": 1.0,
    SIMULATOR: 1.0,
    "redis": 1.0,
    "memcached": 1.0,
}
_STOP_ORDER = (("beat",), ("fetcher", "scorer"), ("stream",), ("web",), ("flower",), (SIMULATOR,), SERVERS)
# Usually 0.1 s; on a machine with much else to do, many times that.
_SERVER_WITHIN_S = 15.0
_SIMULATOR_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Services that start together, and what must be true before the next stage."""

    services: tuple[Service, ...]
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole start: stages, the order of stopping, and the settings as the processes get them."""

    stages: tuple[Stage, ...]
    stop_order: tuple[tuple[str, ...], ...]
    values: dict[str, str]

    @property
    def names(self) -> list[str]:
        """The names of all services, in the order of their start."""
        return [service.name for stage in self.stages for service in stage.services]


def wanted_ports(settings: Settings, backends: Backends) -> list[WantedPort]:
    """Return every port that this start is going to listen on and did not choose itself."""
    host = settings.bind_address
    ports = [
        WantedPort("WEB_PORT", host, settings.web_port),
        WantedPort("STREAM_PORT", host, settings.stream_port),
        WantedPort("FLOWER_PORT", loopback(host), settings.flower_port),
    ]
    simulators = [
        WantedPort("SIMULATOR_PORT", host, settings.simulator_port_of(number))
        for number in settings.simulated_exchanges().values()
    ]
    return [*ports, *simulators, *backends.ports]


def make(
    settings: Settings,
    backends: Backends,
    *,
    login: Login,
    procfile_text: str,
    root: Path,
    python: str,
    inherited: Mapping[str, str],
) -> Plan:
    """Lay out the start; raises ProcfileError where a line cannot be run."""
    values = environ.resolved(settings, backends)
    outside = environ.with_programs_of(python, inherited)
    entries = procfile.parse(procfile_text, environ.for_command_lines(settings, values))
    simulators: list[Service] = []
    services: list[Service] = []
    for entry in entries:
        if entry.name in _TAKEN:
            raise ProcfileError(f"line {entry.line}: the name {entry.name!r} is taken")
        if shutil.which(entry.argv[0], path=outside["PATH"]) is None:
            raise ProcfileError(f"line {entry.line}: there is no program {entry.argv[0]!r}")
        environment = environ.for_process(entry.name, values, login, outside)
        service = _service(entry.name, entry.argv, root, environment)
        if entry.name == SIMULATOR:
            simulators = _simulators(service, settings)
        elif entry.name == FETCHER:
            services += _fetchers(service, settings)
        else:
            services.append(service)
    early = (*simulators, *(service for service in services if service.name in _EARLY))
    late = tuple(service for service in services if service.name not in _EARLY)
    gates = tuple(_simulator_gate(service, settings) for service in simulators)
    stages = (_servers(backends.plans, inherited), Stage(early, gates), Stage(late))
    return Plan(stages, _stop_order(simulators, services), values)


def _servers(plans: tuple[ServerPlan, ...], inherited: Mapping[str, str]) -> Stage:
    return Stage(
        services=tuple(
            Service(
                plan.name,
                plan.argv,
                plan.folder,
                inherited,
                _STOP_WITHIN_S[plan.name],
                hushed=plan.hushed,
                stop_signal=plan.stop_signal,
                remedy=plan.files.put_aside if plan.files else None,
            )
            for plan in plans
        ),
        gates=tuple(
            Gate(
                what=f"the embedded {plan.name} did not answer on {plan.host}:{plan.port}",
                is_open=plan.is_ready,
                within_s=_SERVER_WITHIN_S,
                essential=plan.name == "redis",  # without Memcached the cache has a tier less
                service=plan.name,
            )
            for plan in plans
        ),
    )


def _service(name: str, argv: tuple[str, ...], cwd: Path, environment: Mapping[str, str]) -> Service:
    return Service(name, argv, cwd, environment, _STOP_WITHIN_S.get(name, _STOP_WITHIN_S["fetcher"]))


def _simulators(kind: Service, settings: Settings) -> list[Service]:
    """One process for each simulated exchange: the same command with a port and a seed of its own."""
    return [
        replace(
            kind,
            name=SIMULATOR if number == 1 else f"{SIMULATOR}{number}",
            environment={
                **kind.environment,
                "EXCHANGES": SIMULATED,  # counted among others, its port and seed would be moved once more
                "SIMULATOR_PORT": str(settings.simulator_port_of(number)),
                "SIMULATOR_SEED": str(settings.simulator_seed_of(number)),
            },
        )
        for number in settings.simulated_exchanges().values()
    ]


def _fetchers(kind: Service, settings: Settings) -> list[Service]:
    """As many processes as are wanted: the same command, each under a name of its own among the workers."""
    others = [f"{FETCHER}{number}" for number in range(2, settings.fetcher_processes + 1)]
    return [
        kind,
        *(
            replace(
                kind,
                name=name,
                argv=tuple(re.sub(rf"^{FETCHER}@", f"{name}@", argument) for argument in kind.argv),
            )
            for name in others
        ),
    ]


def _simulator_gate(service: Service, settings: Settings) -> Gate:
    port = int(service.environment["SIMULATOR_PORT"])
    return Gate(
        what=f"the {service.name} did not open its port {port}",
        is_open=lambda: _accepts((reachable(settings.bind_address), port)),
        within_s=_SIMULATOR_WITHIN_S,
        essential=False,
        service=service.name,
    )


def _accepts(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=0.5):
            return True
    except OSError:
        return False


def _stop_order(simulators: list[Service], services: list[Service]) -> tuple[tuple[str, ...], ...]:
    """Return the stages of the stop; a process that this file does not know goes with the workers."""
    known = {name for stage in _STOP_ORDER for name in stage}
    unknown = tuple(service.name for service in services if service.name not in known)
    all_of_them = tuple(service.name for service in simulators) or (SIMULATOR,)
    stages = tuple(all_of_them if SIMULATOR in stage else stage for stage in _STOP_ORDER)
    return tuple(stage + unknown if "fetcher" in stage else stage for stage in stages)
