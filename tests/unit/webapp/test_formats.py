"""Claims about how numbers are written, held by the server and by the browser's script alike."""

from __future__ import annotations

import json
import math
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from webapp import formats

SCRIPT = Path(__file__).parents[3] / "webapp" / "static" / "format.js"
HARD = [
    0.0,
    -0.0,
    0.5,
    1.5,
    2.5,
    0.125,
    71.25,
    99.995,
    999.9999,
    1000.0,
    1e-12,
    1e-15,
    3e20,
    -1e15,
    0.1,
    123456.7,
]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (103_251.4, "103,251.40"), (999.5, "999.500"), (2.13541, "2.1354"), (0.02902, "0.02902"),
        (0.000012584, "0.00001258"), (0.0, "0.0000"), (-1234.5, "\N{MINUS SIGN}1,234.50"),
        (1e-15, "0.000000000000"),
    ],
)  # fmt: skip
def test_a_price_has_decimals_by_its_size(value, text):
    """Four significant digits at least, down to twelve decimals."""
    assert formats.price(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.255, "+1.25%"),
        (-3.41, "\N{MINUS SIGN}3.41%"),
        (0.0, "0.00%"),
        (0.004, "0.00%"),
        (-0.004, "0.00%"),
        (1234.5, "+1,234.50%"),
    ],
)
def test_a_change_has_its_sign(value, text):
    """A true minus; nothing rounds to a signed zero."""
    assert formats.change(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(6.2e9, "6.20B"), (1e12, "1.00T"), (863_820_000.0, "863.82M"), (1500.0, "1.50k"), (999.4, "999")],
)
def test_a_large_amount_is_short(value, text):
    """Three to five digits and a unit."""
    assert formats.compact(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-3, "0s"),
        (59.9, "59s"),
        (60, "1m 00s"),
        (312, "5m 12s"),
        (11_100, "3h 05m"),
        (183_600, "2d 03h"),
    ],
)
def test_an_age_has_its_two_largest_units(seconds, text):
    """Never negative: clocks differ."""
    assert formats.age(seconds) == text


@pytest.mark.parametrize(
    ("value", "band"),
    [(0, "1"), (29.9, "1"), (30, "2"), (45, "3"), (55, "3"), (55.1, "4"), (70, "4"), (70.1, "5"), (None, "")],
)
def test_heat_follows_the_bands_of_the_score(value, band):
    """The same edges as the words."""
    assert formats.heat(value) == band


def test_small_writings():
    """Signs, words, shares and what is not there."""
    assert [formats.signed(x) for x in (0.25, -0.25, 0.0, 0.0001)] == [
        "+0.250",
        "\N{MINUS SIGN}0.250",
        "0.000",
        "0.000",
    ]
    assert (formats.words("strong_bullish"), formats.share(0.1), formats.percent(0.345)) == (
        "strong bullish",
        "0.100",
        "35%",
    )
    assert [formats.plus(x) for x in (1.234, -1.234, 0.001)] == ["+1.23", "\N{MINUS SIGN}1.23", "0.00"]
    assert [formats.far(x) for x in (2.5, -2.5, 2.49, None)] == ["high", "low", "", ""]
    assert [formats.exact(x) for x in (-28_948_712.4, 648_653.25, 0.00713649, 1060.0, 0.0)] == [
        "\N{MINUS SIGN}28,948,712", "648,653", "0.00713649", "1,060", "0",
    ]  # fmt: skip
    assert [formats.direction(x) for x in (1.0, -1.0, 0.0, None)] == ["up", "down", "flat", ""]
    assert (formats.write(None, "price"), formats.write(1.0, "one"), formats.whole(2.5)) == (
        "\N{EN DASH}",
        "1.0",
        "3",
    )


def test_a_line_of_closes_fits_its_box():
    """The first at the left, the highest at the top; too few give no line, equal ones a level one."""
    assert formats.spark([1.0, 3.0, 2.0]) == "0.0,17.0 32.0,1.0 64.0,9.0"
    assert formats.spark([2.0, 2.0]) == "0.0,9.0 64.0,9.0"
    assert formats.spark([1.0]) == ""


@pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed; the browser test covers the script"
)
def test_the_browser_writes_every_number_as_the_server_does():
    """Two implementations, one table of values, no difference."""
    chance = random.Random(7)
    values = HARD + [chance.uniform(-1, 1) * 10 ** chance.uniform(-13, 16) for _ in range(2_000)]
    names = (
        "price", "change", "compact", "percent", "two", "plus", "far", "one", "whole", "age", "heat",
        "direction", "utc",
    )  # fmt: skip
    program = f"""
        import * as f from {json.dumps(SCRIPT.as_uri())};
        const NEAR = new Set(["age", "utc"]);
        const values = JSON.parse(process.argv[1]), names = JSON.parse(process.argv[2]);
        const near = values.map((value) => Math.abs(value) % 4e9);
        const table = names.map((name) => (NEAR.has(name) ? near : values).map((value) => f[name](value)));
        console.log(JSON.stringify(table));
    """

    command = ["node", "--input-type=module", "-e", program, json.dumps(values), json.dumps(names)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    for name, texts in zip(names, json.loads(printed), strict=True):
        written = formats.FILTERS[name]
        spread = [math.fmod(abs(value), 4e9) for value in values] if name in {"age", "utc"} else values
        assert texts == [written(value) for value in spread], name
