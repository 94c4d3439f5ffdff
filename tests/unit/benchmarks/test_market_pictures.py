from __future__ import annotations

import xml.etree.ElementTree as ET  # only reads what this test's own code wrote

import pytest

from benchmarks.market.case import Case, Lateness
from benchmarks.market.drawing import PICTURES

SVG = "{http://www.w3.org/2000/svg}"
FAIR = {"redis": 10.0, "fetcher": 150.0, "scorer": 200.0, "web": 80.0, "beat": 70.0}


def case(symbols, scorers=2, *, complete_s=10.0, cpu=0.5):
    """One size as it might have been measured."""
    return Case(
        symbols=symbols,
        scorers=scorers,
        complete_s=complete_s,
        filled_s=complete_s,
        start_cpu_s=20.0,
        lateness=Lateness(7.0, 14.0, 5.0, 9.0, 0.0),
        cpu=dict.fromkeys(FAIR, cpu),
        tier_bytes={"Redis": 4e6 * symbols, "Memcached": 2e6 * symbols},
        l1_bytes={"L1 of fetcher": 3e6, "L1 of scorer": 6e6},
        pss_mb=FAIR,
        rss_mb=FAIR,
        requests_s=30.0,
        refused=0,
    )


@pytest.mark.parametrize("file", PICTURES)
def test_every_size_has_its_point_and_every_line_its_name(file):
    """Sizes with the usual scorers make one line, the others lines of their own."""
    cases = [case(175), case(500), case(1000), case(2000), case(175, 1), case(1000, 4)]

    drawing = ET.fromstring(PICTURES[file](cases))  # noqa: S314 - our own
    texts = {one.text for one in drawing.iter(f"{SVG}text")}

    assert {"1 scorer", "2 scorers", "4 scorers", "scorer", "fetcher", "redis", "others"} <= texts
    points = [len(one.get("points").split()) for one in drawing.iter(f"{SVG}polyline")]
    assert max(points) == 4
    assert min(points) == 1


def test_what_did_not_come_about_is_left_out_and_not_drawn_as_nought():
    """A dashboard that was never complete has no time; a process that slept has no place on these axes."""
    cases = [case(175), case(2000, complete_s=None, cpu=0.0)]

    drawing = ET.fromstring(PICTURES["market-growth.svg"](cases))  # noqa: S314 - our own

    first = next(drawing.iter(f"{SVG}polyline"))
    assert len(first.get("points").split()) == 1
