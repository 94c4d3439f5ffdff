"""A score as text: every number with its weight and share, what it came from, and what is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from market.score import ComponentPart, InputState, Score, SubScorePart

NONE = "-"


def breakdown(score: Score) -> str:
    """One symbol's score with all that it is made of."""
    band = (score.band or "no band").replace("_", " ")
    parts = {"quality": score.quality, "agreement": score.agreement, "strength": score.strength}
    least = ", ".join(f"{name} {_fixed(part)}" for name, part in parts.items())
    lines = [
        f"{score.symbol}, {moment(score.computed_at)}",
        "",
        f"  score       {_fixed(score.score, 2):>6}  {band}, signal {score.signal or 'none'}",
        f"  confidence  {_fixed(score.confidence):>6}  the least of {least}",
        "",
        f"  {'component':24} {'value':>7} {'score':>6} {'weight':>7} {'share':>7}",
    ]
    for name, part in score.components.items():
        lines += _component(name, part)
    lines += _section("inputs", [_input(score, state) for state in score.inputs])
    lines += _section("missing", [f"{name}: {reason}" for name, reason in _missing(score).items()])
    return "\n".join(lines)


def overview(scores: Iterable[Score]) -> str:
    """One line a symbol, highest score first, those without one last."""
    known = sorted(scores, key=lambda one: (one.score is None, -(one.score or 0.0), one.symbol))
    names = list(known[0].components) if known else []
    head = f"{'symbol':20} {'score':>6} {'band':15} {'signal':8} {'confidence':>10}"
    lines = [head + "".join(f" {name:>15}" for name in names)]
    for one in known:
        band = (one.band or NONE).replace("_", " ")
        line = f"{one.symbol:20} {_fixed(one.score, 2):>6} {band:15} {one.signal or NONE:8}"
        line += f" {_fixed(one.confidence):>10}"
        lines.append(line + "".join(f" {_fixed(part.score, 1):>15}" for part in one.components.values()))
    return "\n".join(lines)


def moment(at: float) -> str:
    """A Unix time in seconds for people."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _component(name: str, part: ComponentPart) -> Iterable[str]:
    yield _line(name, part.x, part.weight, part.share, score=part.score)
    if part.x is None:
        return
    for sub in part.sub_scores:
        yield _line(f"  {sub.name}", sub.value, sub.weight, sub.share, words=_how(sub))


def _line(
    name: str,
    value: float | None,
    weight: float,
    share: float | None,
    *,
    score: float | None = None,
    words: str = "",
) -> str:
    cells = (_fixed(value), "" if score is None else _fixed(score, 1), _fixed(weight), _fixed(share))
    line = f"  {name:24} {cells[0]:>7} {cells[1]:>6} {cells[2]:>7} {cells[3]:>7}  {words}"
    return line.rstrip()


def _how(sub: SubScorePart) -> str:
    """The values by timeframe, and the formula."""
    parts = [
        f"{name} {_fixed(part.value)}"
        for name, part in (sub.timeframes or {}).items()
        if part.value is not None
    ]
    return f"{', '.join(parts)}  [{sub.formula}]" if parts else f"[{sub.formula}]"


def _input(score: Score, state: InputState) -> str:
    """One input: how long its series is and when it was true, or why it is not used."""
    bars = {
        each.name: f"{each.bars} bars, "
        for part in score.components.values()
        for sub in part.sub_scores
        for each in sub.inputs
        if each.bars is not None
    }
    known = "" if state.as_of is None else f"{bars.get(state.name, '')}as of {moment(state.as_of)}"
    words = (known, "stale" if state.stale else "", "" if state.used else f"not used: {state.reason}")
    return f"{state.name}: {', '.join(filter(None, words))}"


def _missing(score: Score) -> Mapping[str, str]:
    """Reasons by whom they concern: whole components, then sub-scores that share a reason together."""
    concerned: dict[str, list[str]] = {}
    for component, part in score.components.items():
        for sub in part.sub_scores if part.x is not None else ():
            if sub.reason:
                concerned.setdefault(sub.reason, []).append(f"{component}.{sub.name}")
    return {**score.missing, **{", ".join(names): reason for reason, names in concerned.items()}}


def _section(title: str, lines: list[str]) -> tuple[str, ...]:
    return ("", f"  {title}", *(f"    {line}" for line in lines)) if lines else ()


def _fixed(value: float | None, decimals: int = 3) -> str:
    return NONE if value is None else f"{value:.{decimals}f}"
