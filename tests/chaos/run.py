"""One seed from the start to the verdict."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cache.keeper import CANARY_S, SETTLED_BY_ALL_S
from tests.chaos.checker import Verdict, check, percentile
from tests.chaos.history import Event, Recorder, read_all
from tests.chaos.plan import KEYS, PROCESSES, QUIET_S, Plan, plan
from tests.chaos.worker import open_cache
from tests.chaos.world import Disturber, Hung, World

if TYPE_CHECKING:
    from cache import TieredCache
    from tests.chaos.world import Crew

READY_WITHIN_S = 60.0
FINISH_WITHIN_S = 15.0
# How long agreement is waited for; what is allowed is AGREE_WITHIN_S.
PATIENCE_S = 10.0
AGREE_WITHIN_S = 2.0
# A process that has just found Redis again doubts for a while more what others may have invalidated alone.
DOUBTED_FOR_S = SETTLED_BY_ALL_S + CANARY_S
# A machine that stands still for longer than a tier's budget is an outage that the plan does not know.
MOST_RELAPSES = 2
# While nothing is broken changes are seen within 5 ms (p99), and almost half a second later where messages
# are lost and canaries tell; between them is what a machine may stand still for meanwhile.
QUIET_WITHIN_S = 0.2
QUIET_MARGIN_S = 0.3
WELL = {"l1": {"up", "absent"}, "l2": {"up"}, "l3": {"up"}, "coherence": {"proved"}}


@dataclass(slots=True)
class Report:
    """What came of one seed. Times are seconds since all faults were mended and all planned calls made.

    Or since the last relapse: a process that found a tier broken again after all had been well, without
    any fault of the plan, has the time that an outage is given counted from the end of that one.
    """

    plan: Plan
    verdict: Verdict = field(default_factory=Verdict)
    events: list[Event] = field(default_factory=list)
    started_at: float = 0.0
    well_after_s: float | None = None
    agreed_after_s: float | None = None
    relapses: int = 0
    final_seen_after_s: float | None = None
    troubles: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return not (self.verdict.violations or self.troubles)


def run(
    seed: int,
    seconds: float,
    *,
    processes: int = PROCESSES,
    only: str = "",
    keep: Path | None = None,
    deaf: bool = False,
) -> Report:
    """Run one seed; `only` leaves the faults that have this word, `keep` is a folder for the histories.

    With `deaf` the processes heed no messages: that is to be found out.
    """
    made = plan(seed, seconds, processes=processes)
    if only:
        made = Plan(seed, seconds, made.steps, tuple(one for one in made.faults if only in str(one)))
    report = Report(made)
    with tempfile.TemporaryDirectory(prefix="tidemark-chaos-") as name, ExitStack() as stack:
        folder = Path(name)
        try:
            world = World(made, folder, stack, deaf=deaf)
            _live(report, world, stack.enter_context(closing(Recorder(folder / "history-faults.jsonl"))))
            if not deaf:
                _agree(report, world)
        except Hung as error:
            report.troubles.append(str(error))
        report.events = read_all(sorted(folder.glob("history-*.jsonl")))
        if keep is not None:
            shutil.copytree(folder, keep / f"seed-{seed}", dirs_exist_ok=True)
    # A change just before the first fault may meet it on its way.
    report.verdict = check(report.events, quiet_until=report.started_at + QUIET_S - QUIET_MARGIN_S)
    quiet_s = percentile(report.verdict.quiet_lags_s, 0.99)
    if quiet_s > QUIET_WITHIN_S and not deaf:
        report.troubles.append(f"before the first fault changes were seen after {quiet_s * 1e3:.1f} ms (p99)")
    return report


def _live(report: Report, world: World, record: Recorder) -> None:
    crew = world.crew
    crew.all_say("ready", READY_WITHIN_S)
    report.started_at = time.monotonic() + 0.2
    crew.tell([report.started_at] * len(crew))
    Disturber(world, report.plan, record).run(report.started_at)
    record.flush()
    crew.all_say("done", report.plan.seconds + FINISH_WITHIN_S)


def _agree(report: Report, world: World) -> None:
    """Wait until all are well and say the same as Redis; then once more, after each key was written."""
    with closing(open_cache(world.redis.port, None, entries=0)) as truth:
        _heal(report, world.crew, truth)
        _write_once_more(report, world.crew, truth)
    world.crew.tell(["stop"] * len(world.crew))
    world.crew.all_say("closed", FINISH_WITHIN_S)


def _heal(report: Report, crew: Crew, truth: TieredCache) -> None:
    healed_at = time.monotonic()
    give_up_at = healed_at + PATIENCE_S
    looks: list[dict] = []
    unlike: dict[str, list[str]] = {}
    while time.monotonic() < give_up_at and report.agreed_after_s is None:
        looks = crew.ask(["look"] * len(crew))
        well = all(is_well(look) for look in looks)
        if report.well_after_s is not None and not well:
            report.relapses += 1
            report.well_after_s = None
        if report.relapses and not well:
            healed_at = time.monotonic()
        after_s = time.monotonic() - healed_at
        if report.well_after_s is None and well:
            report.well_after_s = after_s
        found = differences([*looks, _truth(truth)])
        if after_s < AGREE_WITHIN_S or not merely_doubted(found):
            unlike = found
        if report.well_after_s is not None and not found:
            report.agreed_after_s = after_s
        time.sleep(0.02)
    _complain(report, looks, unlike)


def _write_once_more(report: Report, crew: Crew, truth: TieredCache) -> None:
    parts = [[key.text for key in KEYS[number :: len(crew)]] for number in range(len(crew))]
    crew.ask(parts)
    written_at = time.monotonic()
    while time.monotonic() < written_at + PATIENCE_S and report.final_seen_after_s is None:
        looks = crew.ask(["look"] * len(crew))
        if not differences([*looks, _truth(truth)]) and all(
            len(look["fresh"]) == len(KEYS) for look in looks
        ):
            report.final_seen_after_s = time.monotonic() - written_at
    if report.final_seen_after_s is None or report.final_seen_after_s > AGREE_WITHIN_S:
        report.troubles.append(f"the last writes were seen by all after {report.final_seen_after_s} s")


def _complain(report: Report, looks: list[dict], unlike: dict[str, list[str]]) -> None:
    if report.well_after_s is None or report.well_after_s > AGREE_WITHIN_S:
        unwell = [
            f"{number}: {look['health']}, owes {look['owing']}"
            for number, look in enumerate(looks)
            if not is_well(look)
        ]
        report.troubles.append(f"well again after {report.well_after_s} s; {'; '.join(unwell)}")
    if report.relapses > MOST_RELAPSES:
        report.troubles.append(f"unwell again {report.relapses} times, with no fault left")
    if not agreed_in_time(report.well_after_s, report.agreed_after_s, unlike):
        report.troubles.append(f"agreed after {report.agreed_after_s} s; unlike: {unlike}")


def agreed_in_time(well_s: float | None, agreed_s: float | None, unlike: dict[str, list[str]]) -> bool:
    """Whether all agreed soon enough, `unlike` being what they still said differently when it was time."""
    if well_s is None or agreed_s is None:
        return False
    doubted = merely_doubted(unlike)
    return agreed_s <= (max(AGREE_WITHIN_S, well_s + DOUBTED_FOR_S) if doubted else AGREE_WITHIN_S)


def merely_doubted(unlike: dict[str, list[str]]) -> bool:
    """Whether some take for stale what Redis (the last column) calls fresh, and nobody says anything else."""
    return all(said[-1] != "-" and set(said) <= {"-", said[-1]} for said in unlike.values())


def is_well(look: dict) -> bool:
    """Whether a process believes in all its tiers again and owes nothing."""
    return not look["owing"] and all(look["health"][name] in words for name, words in WELL.items())


def differences(looks: list[dict]) -> dict[str, list[str]]:
    """The keys of which not all say the same, with what each says; what ended meanwhile does not count."""
    ended_by = max(look["at"] for look in looks) + time.time() - time.monotonic()
    said: dict[str, list[str]] = {}
    for number, look in enumerate(looks):
        for key, (value, _version, fresh_until) in look["fresh"].items():
            if fresh_until > ended_by + 0.05:
                said.setdefault(key, ["-"] * len(looks))[number] = value
    return {key: values for key, values in said.items() if len(set(values)) > 1}


def _truth(cache: TieredCache) -> dict:
    found = cache.get_many(KEYS)
    return {
        "fresh": {
            key.text: (entry.value["id"], entry.version, entry.fresh_until)
            for key, entry in found.items()
            if entry.state == "fresh"
        },
        "at": time.monotonic(),
    }
