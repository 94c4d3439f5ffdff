"""Claims about the colours: every text can be read on every ground that it stands on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = (Path(__file__).parents[3] / "webapp" / "static" / "tidemark.css").read_text(encoding="utf-8")
AA = 4.5
GROUNDS = ("ground", "panel", "raised")
TEXTS = ("text", "muted", "link", "up", "down", "late", "bad", "good")
PAIRS = [
    *((text, ground) for text in TEXTS for ground in GROUNDS),
    *(("text", ground) for ground in ("heat1", "heat2", "heat4", "heat5")),
    *((text, f"{tone}-ground") for tone in ("late", "bad", "simulated") for text in ("text", tone)),
    ("muted", "none-ground"),
]  # fmt: skip


def palette(theme):
    """The colours of one theme by name; the light one changes some of the dark one's."""
    dark, light = (
        dict(re.findall(r"--([\w-]+): (#\w+);", block)) for block in re.findall(r"\{([^}]*)\}", STYLE)[:2]
    )
    return dark if theme == "dark" else {**dark, **light}


def luminance(colour):
    """As WCAG defines it, of #rgb or #rrggbb."""
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    parts = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_text_stands_out_from_its_ground(theme):
    """WCAG AA for text of any size."""
    colours = palette(theme)

    ratios = {
        (text, ground): (max(pair) + 0.05) / (min(pair) + 0.05)
        for text, ground in PAIRS
        for pair in [(luminance(colours[text]), luminance(colours[ground]))]
    }

    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < AA} == {}
