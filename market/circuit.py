"""The circuit of one exchange: after failures in a row nobody asks, then one trial decides for all.

Pure: each step takes a circuit and the time and gives the next circuit. `cache/lua/bucket.lua` takes
the same steps for all processes together; a test holds the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

# What somebody hears who comes while a trial is on its way: it will be decided soon.
TRIAL_HINT_S = 1.0
# The least share of a pause that chance leaves, so that not everybody's return falls together.
LEAST_PAUSE = 0.75


@dataclass(frozen=True, slots=True)
class Rules:
    """After how many failures in a row it opens, and for how many seconds.

    Each trial that fails doubles the pause, up to `longest_s`. A trial nobody hears of again (its
    process died) is over after `trial_s`.
    """

    failures: int = 5
    first_s: float = 5.0
    longest_s: float = 60.0
    trial_s: float = 30.0

    def pause_s(self, openings: int, chance: float) -> float:
        """Seconds that it stays open for the `openings`-th time; `chance` is uniform in [0, 1)."""
        pause_s = min(self.longest_s, self.first_s * 2.0 ** min(openings - 1, 30))
        return pause_s * share_of_pause(chance)


def share_of_pause(chance: float) -> float:
    """The share of a pause that counts; `chance` is uniform in [0, 1)."""
    return 1 - chance * (1 - LEAST_PAUSE)


RULES = Rules()


@dataclass(frozen=True, slots=True)
class Circuit:
    """Closed while `openings` is 0, open until `open_until`, half open from then on; times in seconds."""

    failures: int = 0
    openings: int = 0
    open_until: float = 0.0
    reason: str = ""
    trial_by: str = ""
    trial_until: float = 0.0

    def refused_s(self, by: str, now: float) -> float:
        """Seconds for which `by` must not ask, 0 when it may: the trial's own further calls may, too."""
        if self.openings == 0 or self.trial_by == by:
            return 0.0
        if now < self.open_until:
            return self.open_until - now
        return min(TRIAL_HINT_S, max(0.0, self.trial_until - now))

    def let_through(self, by: str, now: float, rules: Rules = RULES) -> Circuit:
        """What it is once `by` was let through: half open, its call is the trial."""
        return self if self.openings == 0 else replace(self, trial_by=by, trial_until=now + rules.trial_s)

    def failed(
        self,
        by: str,
        now: float,
        *,
        reason: str,
        chance: float,
        retry_after_s: float = 0.0,
        rules: Rules = RULES,
    ) -> Circuit:
        """What it is once a call of `by` got no answer; a longer `Retry-After` wins over the pause.

        While it is not closed only the trial counts: the others were under way when it opened.
        """
        if self.openings == 0 and self.failures + 1 < rules.failures:
            return replace(self, failures=self.failures + 1)
        if self.openings and self.trial_by != by:
            return self
        openings = self.openings + 1
        pause_s = max(rules.pause_s(openings, chance), retry_after_s)
        return Circuit(self.failures + 1, openings, now + pause_s, reason)

    def answered(self, by: str) -> Circuit:
        """What it is once a call of `by` was answered: closed, unless it is open and that was no trial."""
        return self if self.openings and self.trial_by != by else CLOSED

    def dropped(self, by: str) -> Circuit:
        """What it is once `by` was let through and did not ask after all: the next may try."""
        return self if self.trial_by != by else replace(self, trial_by="", trial_until=0.0)


CLOSED = Circuit()
