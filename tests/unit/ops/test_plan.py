from pathlib import Path

import pytest

from ops import plan
from ops.backends import Backends
from ops.embedded import plan_memcached, plan_redis
from ops.environ import Login
from ops.ports import WantedPort
from ops.procfile import ProcfileError
from settings import Settings

ROOT = Path(__file__).parents[3]
HERE = {"host": "127.0.0.1", "folder": Path("/somewhere")}
BACKENDS = Backends(
    redis_url="redis://127.0.0.1:1/0",
    broker_url="redis://127.0.0.1:1/1",
    memcached=("127.0.0.1:2",),
    plans=(
        plan_redis(binary=Path("/bin/redis"), port=1, **HERE),
        plan_memcached(binary=Path("/bin/memcached"), port=2, **HERE),
    ),
    notes=(),
    ports=(WantedPort("REDIS_PORT", "127.0.0.1", 1),),
)
PROCFILE = "\n".join(
    f"{name}: true" for name in ("scorer", "simulator", "fetcher", "beat", "web", "stream", "flower", "extra")
)


def make(text=PROCFILE, **fields: object):
    """The start of that Procfile under those settings."""
    return plan.make(
        Settings(**fields),
        BACKENDS,
        login=Login("me", "word", made_here=True),
        procfile_text=text,
        root=ROOT,
        python="/venv/bin/python",
        inherited={"PATH": "/usr/bin:/bin"},
    )


def test_servers_start_first_then_what_needs_no_exchange_then_the_workers():
    """A worker that starts before its servers begins its life with errors."""
    stages = [[service.name for service in stage.services] for stage in make().stages]

    assert stages == [
        ["redis", "memcached"],
        ["simulator", "web", "stream"],
        ["scorer", "fetcher", "beat", "flower", "extra"],
    ]


def test_workers_wait_for_the_servers_and_for_the_simulator():
    """Without a server the start ends; without the simulator it goes on and says so."""
    made = make()

    gates = [[gate.essential for gate in stage.gates] for stage in made.stages]
    assert gates == [[True, False], [False], []]
    assert [(gate.service, gate.within_s) for gate in made.stages[0].gates] == [
        ("redis", 15.0),
        ("memcached", 15.0),
    ]


def test_the_simulator_runs_only_when_it_is_asked_for():
    """A start on real exchanges must not carry a made-up one."""
    made = make(exchanges=("bybit",))

    assert "simulator" not in made.names
    assert made.stages[1].gates == ()


def test_each_simulated_exchange_has_a_process_with_its_port_and_its_seed():
    """One line of the Procfile is enough for all of them."""
    made = make(exchanges=("simulated", "simulated3"), simulator_port=7000, simulator_seed=5)

    early = {service.name: service.environment for service in made.stages[1].services}
    assert list(early) == ["simulator", "simulator3", "web", "stream"]
    assert [early[name]["SIMULATOR_PORT"] for name in ("simulator", "simulator3")] == ["7000", "7002"]
    assert [early[name]["SIMULATOR_SEED"] for name in ("simulator", "simulator3")] == ["5", "7"]
    assert early["web"]["EXCHANGES"] == "simulated,simulated3"
    assert [(gate.service, gate.essential) for gate in made.stages[1].gates] == [
        ("simulator", False),
        ("simulator3", False),
    ]
    assert ("simulator", "simulator3") in made.stop_order


def test_each_fetcher_has_a_name_of_its_own_among_the_workers():
    """Two workers of one name would answer for each other; all of them stop with the scorers."""
    text = "fetcher: true -n fetcher@%h -Q fetch.fast\nscorer: true -n scorer@%h"

    made = make(text, fetcher_processes=3)

    late = {service.name: service.argv for service in made.stages[2].services}
    assert late == {
        "fetcher": ("true", "-n", "fetcher@%h", "-Q", "fetch.fast"),
        "fetcher2": ("true", "-n", "fetcher2@%h", "-Q", "fetch.fast"),
        "fetcher3": ("true", "-n", "fetcher3@%h", "-Q", "fetch.fast"),
        "scorer": ("true", "-n", "scorer@%h"),
    }
    assert ("fetcher", "scorer", "fetcher2", "fetcher3") in made.stop_order
    assert [name for name in make(text).names if name.startswith("fetcher")] == ["fetcher"]


def test_a_simulated_exchange_without_the_first_is_started_alone():
    """The numbers need not begin with one."""
    made = make(exchanges=("simulated2",))

    assert [service.name for service in made.stages[1].services] == ["simulator2", "web", "stream"]
    assert ("simulator2",) in made.stop_order
    assert make(exchanges=("simulated2",)).names.count("simulator") == 0


def test_the_stop_goes_from_beat_to_the_servers_and_fits_into_its_time():
    """Even when nobody listens."""
    made = make()

    within_s = {service.name: service.stop_within_s for stage in made.stages for service in stage.services}
    longest = sum(max(within_s[name] for name in stage) for stage in made.stop_order)
    assert made.stop_order == (
        ("beat",), ("fetcher", "scorer", "extra"), ("stream",), ("web",), ("flower",), ("simulator",),
        ("redis", "memcached"),
    )  # fmt: skip
    assert longest <= 14


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("redis: true", "line 1: the name 'redis' is taken"),
        ("simulator2: true", "line 1: the name 'simulator2' is taken"),
        ("fetcher2: true", "line 1: the name 'fetcher2' is taken"),
        ("web: true\nbeat: no-such-program", "line 2: there is no program 'no-such-program'"),
    ],
)
def test_a_line_that_cannot_run_is_refused_before_anything_starts(text, message):
    """A misspelt program would else be a crash loop."""
    with pytest.raises(ProcfileError, match=message):
        make(text)


def test_every_port_is_checked_that_was_not_chosen_here():
    """Flower is on loopback even when the dashboard is not."""
    wanted = plan.wanted_ports(Settings(bind_address="0.0.0.0"), BACKENDS)

    assert [(want.variable, want.host) for want in wanted] == [
        ("WEB_PORT", "0.0.0.0"),
        ("STREAM_PORT", "0.0.0.0"),
        ("FLOWER_PORT", "127.0.0.1"),
        ("SIMULATOR_PORT", "0.0.0.0"),
        ("REDIS_PORT", "127.0.0.1"),
    ]
    assert len(plan.wanted_ports(Settings(exchanges=("okx",)), BACKENDS)) == 4
    several = plan.wanted_ports(
        Settings(exchanges=("simulated", "simulated4"), simulator_port=7000), BACKENDS
    )
    assert [want.port for want in several if want.variable == "SIMULATOR_PORT"] == [7000, 7003]


def test_the_embedded_redis_keeps_nothing_and_evicts_nothing():
    """An evicted queue is a lost task."""
    argv = " ".join(BACKENDS.plans[0].argv)

    assert "--maxmemory-policy noeviction" in argv
    assert "--maxmemory 512mb" in argv
    assert "--appendonly no" in argv
    assert "--bind 127.0.0.1" in argv


def test_the_repositorys_own_procfile_can_be_run():
    """All seven processes, and Flower on loopback without its login."""
    text = (ROOT / "Procfile").read_text()
    bare = "\n".join(
        line.replace("granian", "true").replace(" celery", " true") for line in text.splitlines()
    )

    made = make(bare.replace(": python", ": true"))

    argv = {service.name: service.argv for stage in made.stages for service in stage.services}
    assert set(argv) == {
        "redis", "memcached", "simulator", "fetcher", "scorer", "beat", "web", "stream", "flower"
    }  # fmt: skip
    assert "--address=127.0.0.1" in argv["flower"]
    assert "--max_tasks=5000" in argv["flower"]
    assert not any("word" in part for part in argv["flower"])
