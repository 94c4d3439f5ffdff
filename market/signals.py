"""From a score to words: the band that is displayed, and the signal with its hysteresis."""

from __future__ import annotations

from typing import Literal

Signal = Literal["long", "short", "neutral"]

LONG_AT, SHORT_AT = 70.0, 30.0
HYSTERESIS = 5.0
LEAST_CONFIDENCE = 0.3
BANDS = ((30.0, "strong_bearish"), (45.0, "bearish"))


def next_signal(previous: Signal | None, score: float | None, confidence: float | None) -> Signal | None:
    """The signal after a new score in [0, 100]; None without a score.

    Long is entered at 70 and left below 65, short is entered at 30 and left above 35. Below a
    confidence of .3 there is no signal: that edge has no hysteresis.
    """
    if score is None or confidence is None:
        return None
    if confidence < LEAST_CONFIDENCE:
        return "neutral"
    if score >= LONG_AT - (HYSTERESIS if previous == "long" else 0.0):
        return "long"
    if score <= SHORT_AT + (HYSTERESIS if previous == "short" else 0.0):
        return "short"
    return "neutral"


def band_of(score: float | None) -> str | None:
    """<30 strong_bearish, <45 bearish, <=55 neutral, <=70 bullish, above strong_bullish."""
    if score is None:
        return None
    for edge, word in BANDS:
        if score < edge:
            return word
        if 100.0 - score < edge:
            return word.replace("bearish", "bullish")
    return "neutral"
