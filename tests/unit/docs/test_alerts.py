"""What docs/alerts.md and docs/api.md say of alerts is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cache.catalogue import ALERT_KINDS, MOST_ALERTS
from cache.journal import KEPT_S, MOST_ENTRIES
from market import alert_bars, alerts
from market.signals import HYSTERESIS

DOCS = Path(__file__).parents[3] / "docs"
ALERTS = (DOCS / "alerts.md").read_text(encoding="utf-8")
DAY_S = 86_400


def test_every_kind_has_its_line() -> None:
    """In the order of the code, and no other."""
    table = ALERTS.partition("## The six kinds")[2].partition("\n\n- ")[0]

    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == ALERT_KINDS


@pytest.mark.parametrize(
    "said",
    [
        f"return is at least {alert_bars.RETURN_Z:g}",
        f"up to {alert_bars.RETURNS} returns",
        f"than\n  {alert_bars.FEWEST_RETURNS} returns",
        f"above {alert_bars.VOLUME_RATIO:g} times the mean of the {alert_bars.VOLUME_BARS} bars",
        f"more than {alert_bars.MOST_FILLED * 100:g} % filled",
        f"last hour ({alert_bars.MOST_LATE})",
        f"at most {alerts.NEWS_FOR_S / 60:g} minutes ago",
        f"what was true more than {alerts.NEWS_FOR_S / 60:g} minutes ago",
        f"Bitcoin's is at least {alerts.DIVERGENCE_Z:g}",
        f"for {alerts.UNREACHABLE_FOR_S:g} s",
        f"late for {alerts.STALE_SYMBOL_FOR_S:g} s, or an exchange's for {alerts.STALE_EXCHANGE_FOR_S:g} s",
        f"than {alerts.FEW_SHARE * 100:g} % of them",
        f"only {HYSTERESIS:g} points inside",
        f"newest {MOST_ENTRIES:,} are kept, for {KEPT_S / DAY_S:g} days",
        f"the newest {MOST_ALERTS:,}",
    ],
)
def test_every_figure_is_that_of_the_code(said: str) -> None:
    """A threshold that is changed is changed in both."""
    assert said in ALERTS
