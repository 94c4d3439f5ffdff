from __future__ import annotations

import xml.etree.ElementTree as ET  # only reads what this test's own code wrote

import pytest

from benchmarks.growth.svg import Panel, Series, chart, decades, short, spread_out

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def drawing():
    """Two panels, the first with two lines."""
    lines = (Series("flat", ((10, 1), (1000, 1))), Series("linear & steep", ((10, 1), (1000, 100))))
    panels = (Panel("Cost <& time>", "keys", "ms", lines), Panel("Memory", "keys", "MB", lines[1:]))
    return ET.fromstring(chart(panels, "What <it> shows"))  # noqa: S314 - our own


def test_it_is_well_formed_and_described(drawing):
    """Names with special characters do not break it, and it can be read aloud."""
    texts = [one.text for one in drawing.iter(f"{SVG}text")]

    assert drawing.find(f"{SVG}title").text == "What <it> shows"
    assert {"Cost <& time>", "Memory", "flat", "linear & steep"} <= set(texts)


def test_each_series_is_a_line_with_its_points(drawing):
    """Flat lines stay level, steep ones rise (upwards is less in SVG)."""
    flat, steep, _ = (
        [tuple(map(float, point.split(","))) for point in one.get("points").split()]
        for one in drawing.iter(f"{SVG}polyline")
    )

    assert flat[0][1] == flat[1][1]
    assert steep[0][1] > steep[1][1]
    assert len(list(drawing.iter(f"{SVG}circle"))) == 6


def test_everything_lies_within_the_drawing(drawing):
    """No point is cut off."""
    for one in drawing.iter(f"{SVG}circle"):
        assert 0 <= float(one.get("cx")) <= 330
        assert 0 <= float(one.get("cy")) <= 300


@pytest.mark.parametrize(
    ("values", "ticks"),
    [([1, 1000], [1, 10, 100, 1000]), ([0.5, 30], [0.1, 1, 10, 100]), ([5], [1, 10]), ([10], [10, 100])],
)
def test_ticks_are_the_powers_of_ten_around_the_values(values, ticks):
    """At least two, so that there is an axis."""
    assert decades(values) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("value", "label"), [(0.1, "0.1"), (10, "10"), (1e3, "1k"), (1e5, "100k"), (1e6, "1M"), (1e9, "1G")]
)
def test_ticks_are_labelled_briefly(value, label):
    """As people say them."""
    assert short(value) == label


def test_names_that_would_touch_are_moved_apart():
    """In the order of their lines, whichever was given first."""
    assert spread_out([50, 10, 52], 14) == [50, 10, 64]
    assert spread_out([10, 50], 14) == [10, 50]
