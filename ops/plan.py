"""What one start consists of: the services in the order of their start and of their stop."""

from __future__ import annotations

import shutil
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

SIMULATED = "simulated"
SERVERS = ("redis", "memcached")
# Beside the simulator, because they need nothing of it.
_EARLY = ("simulator", "web", "stream")
# In this order, each with the seconds it may take; together less than the whole stop may take.
_STOP_WITHIN_S = {
    "beat": 2.0,
    "fetcher": 6.0,
    "scorer": 6.0,
    "stream": 1.0,
    "web": 1.5,
    "flower": 1.0,
    "simulator": 1.0,
    "redis": 1.0,
    "memcached": 1.0,
}
_STOP_ORDER = (("beat",), ("fetcher", "scorer"), ("stream",), ("web",), ("flower",), ("simulator",), SERVERS)
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
    if SIMULATED in settings.exchanges:
        ports.append(WantedPort("SIMULATOR_PORT", host, settings.simulator_port))
    return [*ports, *backends.ports]


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
    services = []
    for entry in entries:
        if entry.name in {*SERVERS, "ops", "guard"}:
            raise ProcfileError(f"line {entry.line}: the name {entry.name!r} is taken")
        if shutil.which(entry.argv[0], path=outside["PATH"]) is None:
            raise ProcfileError(f"line {entry.line}: there is no program {entry.argv[0]!r}")
        if entry.name != "simulator" or SIMULATED in settings.exchanges:
            environment = environ.for_process(entry.name, values, login, outside)
            services.append(_service(entry.name, entry.argv, root, environment))
    early = tuple(service for service in services if service.name in _EARLY)
    late = tuple(service for service in services if service.name not in _EARLY)
    simulated = any(service.name == "simulator" for service in early)
    stages = (
        _servers(backends.plans, inherited),
        Stage(early, (_simulator_gate(settings),) if simulated else ()),
        Stage(late),
    )
    return Plan(stages, _stop_order(services), values)


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
            )
            for plan in plans
        ),
        gates=tuple(
            Gate(
                what=f"the embedded {plan.name} did not answer on {plan.host}:{plan.port}",
                is_open=plan.answers,
                within_s=_SERVER_WITHIN_S,
                essential=plan.name == "redis",  # without Memcached the cache has a tier less
                service=plan.name,
            )
            for plan in plans
        ),
    )


def _service(name: str, argv: tuple[str, ...], cwd: Path, environment: Mapping[str, str]) -> Service:
    return Service(name, argv, cwd, environment, _STOP_WITHIN_S.get(name, _STOP_WITHIN_S["fetcher"]))


def _simulator_gate(settings: Settings) -> Gate:
    address = (reachable(settings.bind_address), settings.simulator_port)
    return Gate(
        what=f"the simulated exchange did not open its port {settings.simulator_port}",
        is_open=lambda: _accepts(address),
        within_s=_SIMULATOR_WITHIN_S,
        essential=False,
    )


def _accepts(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=0.5):
            return True
    except OSError:
        return False


def _stop_order(services: list[Service]) -> tuple[tuple[str, ...], ...]:
    """Return the stages of the stop; a process that this file does not know goes with the workers."""
    known = {name for stage in _STOP_ORDER for name in stage}
    others = tuple(service.name for service in services if service.name not in known)
    return tuple(stage + others if "fetcher" in stage else stage for stage in _STOP_ORDER)
