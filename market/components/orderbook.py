"""The order book component: which side waits with more, near and far.

Amounts are in base units. A book mirrored at its own middle, bids and asks exchanged, changes
the sign of all three. Sources: the imbalance of two queues as in Gould and Bonart (2016), here over 50
levels; the middle weighted by the amounts of the other side as in Stoikov (2018).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from market.components.definition import Component, Found, Measured, SubScore
from market.score_inputs import ORDER_BOOK

if TYPE_CHECKING:
    from market.model import Floats, OrderBook
    from market.score_inputs import ScoreInputs

LEVELS = 50
DECAY = 0.1
DEPTH = 0.005  # 0.5 % of the middle on either side
_LEVEL_WEIGHTS = np.exp(-DECAY * np.arange(LEVELS))

COMPONENT = Component(
    "orderbook",
    "symbol",
    (
        SubScore(
            "imbalance",
            0.4,
            "tanh(2 (B - A) / (B + A)), 50 levels weighted by exp(-0.1 level)",
            (ORDER_BOOK,),
        ),
        SubScore("depth", 0.4, "tanh(ln(bid volume / ask volume)) within 0.5 % of the middle", (ORDER_BOOK,)),
        SubScore("microprice", 0.2, "(microprice - middle) / (spread / 2)", (ORDER_BOOK,)),
    ),
)


def of(inputs: ScoreInputs) -> Measured:
    """The component of one symbol; without a book nothing, not even a reason."""
    return Measured({}) if inputs.book is None else measure(inputs.book)


@np.errstate(all="ignore")  # what is too large to add up is no finite number, and said so
def measure(book: OrderBook) -> Measured:
    """The three sub-scores of one book; best levels first on both sides."""
    reason = _unusable_because(book)
    if reason:
        return Measured.of(dict.fromkeys(("imbalance", "depth", "microprice"), reason))
    return Measured.of(
        {"imbalance": _imbalance(book), "depth": _depth(book), "microprice": _microprice(book)}
    )


def _unusable_because(book: OrderBook) -> str | None:
    if not len(book.bids) or not len(book.asks):
        return "one side of the book is empty"
    if not math.isfinite(np.add.reduce(book.bids, axis=None) + np.add.reduce(book.asks, axis=None)):
        return "a price or amount in the book is not a finite number"
    if min(np.minimum.reduce(book.bids, axis=None), np.minimum.reduce(book.asks, axis=None)) < 0:
        return "a price or amount in the book is negative"
    if book.bids[0, 0] >= book.asks[0, 0]:
        return "the book is crossed"
    return None


def _weighted(side: Floats) -> float:
    amounts = side[:LEVELS, 1]
    return float(amounts @ _LEVEL_WEIGHTS[: len(amounts)])


def _imbalance(book: OrderBook) -> Found | str:
    bids, asks = _weighted(book.bids), _weighted(book.asks)
    if bids + asks <= 0:
        return "no volume in the book"
    return Found(math.tanh(2.0 * (bids - asks) / (bids + asks)), {"bids": bids, "asks": asks})


def _depth(book: OrderBook) -> Found | str:
    middle = float(book.bids[0, 0] + book.asks[0, 0]) / 2
    # A level that stands exactly at the edge is inside, whatever rounding says.
    reach = middle * DEPTH * (1.0 + 1e-9)
    bids = float(np.add.reduce(book.bids[:, 1][middle - book.bids[:, 0] <= reach]))
    asks = float(np.add.reduce(book.asks[:, 1][book.asks[:, 0] - middle <= reach]))
    if bids <= 0 or asks <= 0:
        return "no volume within 0.5 % of the middle on one side"
    value = math.tanh(math.log(bids) - math.log(asks))
    return Found(value, {"bids": bids, "asks": asks, "middle": middle})


def _microprice(book: OrderBook) -> Found | str:
    bid_amount, ask_amount = float(book.bids[0, 1]), float(book.asks[0, 1])
    if bid_amount + ask_amount <= 0:
        return "no volume at the best prices"
    # (microprice - middle) / (spread / 2), with the prices cancelled: rounding cannot enter.
    value = (bid_amount - ask_amount) / (bid_amount + ask_amount)
    return Found(value, {"bid": bid_amount, "ask": ask_amount})
