"""Claims about the betas and alerts of the dashboard: short, and honest about what is missing or old."""

from __future__ import annotations

from tasks.sections import ALERT_FIELDS, alerts_section, beta_section, late, missing
from tests.support.entries import NOW, alerts_entry, beta_window


def test_figures_are_rounded_to_what_is_shown() -> None:
    """Four digits, by least squares; the full answer has the rest."""
    section = beta_section({"okx": {"5m": beta_window()}})

    assert section is not None
    window = section["okx"]["5m"]
    assert window["symbols"] == {
        "BTC/USDT": {"beta": 1.2346, "correlation": 0.8765, "divergence_z": -2.7183, "reason": None}
    }
    assert (window["leader"], window["as_of"], window["state"]) == ("BTC/USDT", NOW - 5, "live")


def test_a_window_that_nobody_renews_is_stale_and_keeps_its_figures() -> None:
    """Since when, in words."""
    section = beta_section({"okx": {"5m": beta_window(fresh_for=-1)}})

    assert section is not None
    window = section["okx"]["5m"]
    assert (window["state"], window["reason"]) == ("stale", "not measured since 23:59:59 UTC")
    assert window["symbols"]["BTC/USDT"]["beta"] == 1.2346


def test_a_window_without_figures_is_empty_with_its_reason() -> None:
    """Not there yet, or not to be measured."""
    section = beta_section({"okx": {"5m": beta_window(reason="BTC is not among the symbols"), "1h": None}})

    assert section is not None
    told = [(window["state"], window["reason"]) for window in section["okx"].values()]
    assert told == [("empty", "BTC is not among the symbols"), ("empty", "not measured yet")]


def test_nothing_measured_at_all_is_null() -> None:
    """With the reason among what is missing."""
    section = beta_section({"okx": {"5m": None}, "bybit": {}})

    assert section is None
    assert missing(section, []) == {"beta": "not measured yet"}


def test_the_newest_twenty_alerts_are_shown_without_their_numbers() -> None:
    """The list of all is elsewhere, with what each was raised from."""
    section = alerts_section(alerts_entry(30))

    assert section is not None
    assert [alert["id"] for alert in section] == [str(number) for number in range(30, 10, -1)]
    assert tuple(section[0]) == ALERT_FIELDS


def test_no_alerts_is_not_the_same_as_nobody_looking() -> None:
    """A list without entries, and null."""
    assert alerts_section(alerts_entry(0)) == []
    assert alerts_section(None) is None
    assert missing({}, None) == {"alerts": "nobody has looked for alerts yet"}


def test_alerts_that_nobody_looks_for_any_more_are_late() -> None:
    """The list stays; since when it is old is told."""
    assert late(alerts_entry(1, fresh_for=-1)) == {
        "alerts": "nobody has looked for alerts since 23:59:58 UTC"
    }
    assert late(alerts_entry(1)) == late(None) == {}
