"""Charts as SVG, written by hand: panels side by side, lines with their names at their ends.

The colours stand out on white as on black, and nothing is drawn behind them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

COLOURS = ("#3a86c8", "#d97b29", "#3c9d6d", "#b65fb0")
TEXT, FAINT = "#7d8590", "#7d859055"
WIDTH, HEIGHT = 330, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 92, 44, 52
NAME_GAP = 14.0


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, its points by x, and the number of its colour."""

    name: str
    points: tuple[tuple[float, float], ...]
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram with logarithmic axes."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]


def chart(panels: tuple[Panel, ...], description: str) -> str:
    """The panels as one drawing; `description` is for those who cannot see it."""
    width = (LEFT + WIDTH + RIGHT) * len(panels)
    height = TOP + HEIGHT + BOTTOM
    body = "".join(
        f'<g transform="translate({number * (LEFT + WIDTH + RIGHT) + LEFT},{TOP})">{_panel(panel)}</g>\n'
        for number, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="12">\n'
        f"<title>{escape(description)}</title>\n{body}</svg>\n"
    )


def decades(values: list[float]) -> list[float]:
    """The powers of ten that enclose all values."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def short(value: float) -> str:
    """A tick's label: 0.1, 10, 1k, 1M."""
    for bound, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= bound:
            return f"{value / bound:g}{letter}"
    return f"{value:g}"


def spread_out(wanted: list[float], gap: float) -> list[float]:
    """The places of labels, moved down where they would touch; in the order given."""
    placed: dict[int, float] = {}
    last = -math.inf
    for index in sorted(range(len(wanted)), key=wanted.__getitem__):
        last = placed[index] = max(wanted[index], last + gap)
    return [placed[index] for index in range(len(wanted))]


def _panel(panel: Panel) -> str:
    x_ticks = decades([x for one in panel.series for x, _ in one.points])
    y_ticks = decades([y for one in panel.series for _, y in one.points])
    ends = [_at(one.points[-1][1], y_ticks, HEIGHT) for one in panel.series]
    places = spread_out([HEIGHT - end for end in ends], NAME_GAP)
    parts = [
        _text(WIDTH / 2, -24, panel.title, 'text-anchor="middle" font-size="14" font-weight="600"'),
        _text(WIDTH / 2, HEIGHT + 40, panel.x_label, 'text-anchor="middle"'),
        _text(-8, -10, panel.y_label, 'text-anchor="end"'),
        *(_vertical(tick, x_ticks) for tick in x_ticks),
        *(_horizontal(tick, y_ticks) for tick in y_ticks),
        *(
            _line(one, x_ticks, y_ticks, COLOURS[one.colour % len(COLOURS)], places[number])
            for number, one in enumerate(panel.series)
        ),
    ]
    return "\n".join(parts)


def _text(x: float, y: float, words: str, attributes: str, colour: str = TEXT) -> str:
    return f'<text x="{x}" y="{y}" {attributes} fill="{colour}">{escape(words)}</text>'


def _at(value: float, ticks: list[float], length: float) -> float:
    first, last = math.log10(ticks[0]), math.log10(ticks[-1])
    return round((math.log10(value) - first) / (last - first) * length, 1)


def _vertical(tick: float, ticks: list[float]) -> str:
    x = _at(tick, ticks, WIDTH)
    return (
        f'<line x1="{x}" x2="{x}" y1="0" y2="{HEIGHT}" stroke="{FAINT}"/>'
        f'<text x="{x}" y="{HEIGHT + 18}" text-anchor="middle" fill="{TEXT}">{short(tick)}</text>'
    )


def _horizontal(tick: float, ticks: list[float]) -> str:
    y = HEIGHT - _at(tick, ticks, HEIGHT)
    return (
        f'<line x1="0" x2="{WIDTH}" y1="{y}" y2="{y}" stroke="{FAINT}"/>'
        f'<text x="-8" y="{y + 4}" text-anchor="end" fill="{TEXT}">{short(tick)}</text>'
    )


def _line(series: Series, x_ticks: list[float], y_ticks: list[float], colour: str, name_at: float) -> str:
    points = [(_at(x, x_ticks, WIDTH), HEIGHT - _at(y, y_ticks, HEIGHT)) for x, y in series.points]
    path = " ".join(f"{x},{y}" for x, y in points)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in points)
    name = f'<text x="{points[-1][0] + 9}" y="{name_at + 4}" fill="{colour}">{escape(series.name)}</text>'
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}{name}'
