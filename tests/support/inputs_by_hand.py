"""Volume, order flow and sentiment written a second time, from the rules, with plain loops over lists."""

from __future__ import annotations

import math

from tests.support.columns_by_hand import true_range, wilder

TIE = 1e-12


class VolumeByHand:
    """The four sub-scores of the volume on any bar that has the bars for them."""

    def __init__(self, candles) -> None:
        self.open, self.high, self.low, self.close, self.volume = (
            getattr(candles, name).tolist() for name in ("open", "high", "low", "close", "volume")
        )
        self.atr = wilder(true_range(self.high, self.low, self.close), 14)

    def all(self, at):
        """All of them by name."""
        traded = math.fsum(self.volume[at - 19 : at + 1])
        return {
            "money_flow": self.money_flow(at) / traded,
            "delta": self.delta(at) / traded,
            "balance": self.balance(at) / traded,
            "vwap": math.tanh((self.close[at] - self.vwap(at) / traded) / self.atr[at]),
        }

    def money_flow(self, at):
        """Volume times the place of the close, from -1 at the low to 1 at the high."""
        flow = 0.0
        for k in range(at - 19, at + 1):
            width = self.high[k] - self.low[k]
            if width > TIE * self.close[at]:
                flow += (2 * self.close[k] - self.high[k] - self.low[k]) / width * self.volume[k]
        return flow

    def delta(self, at):
        """Volume of the rising bars less that of the falling ones."""
        return sum(
            self.volume[k] * side(self.close[k] - self.open[k], self.close[at])
            for k in range(at - 19, at + 1)
        )

    def balance(self, at):
        """On-balance volume now, less that of 20 bars ago."""
        line = [0.0]
        for k in range(at - 19, at + 1):
            step = side(self.close[k] - self.close[k - 1], self.close[at])
            line.append(line[-1] + self.volume[k] * step)
        return line[-1] - line[0]

    def vwap(self, at):
        """The typical prices times their volumes."""
        return math.fsum(
            (self.high[k] + self.low[k] + self.close[k]) / 3 * self.volume[k] for k in range(at - 19, at + 1)
        )


def side(difference, price):
    """The sign, within the tie of prices."""
    return (difference > TIE * price) - (difference < -TIE * price)


def flow_by_hand(trades):
    """cvd, large and pace of trades of which the last 15 minutes are known whole."""
    end = trades.as_of
    rows = [
        (time, price * amount, side)
        for time, price, amount, side in zip(
            trades.time.tolist(),
            trades.price.tolist(),
            trades.amount.tolist(),
            trades.side.tolist(),
            strict=True,
        )
        if time >= end - 900
    ]

    def share(chosen):
        return sum(notional * side for _, notional, side in chosen) / sum(
            notional for _, notional, _ in chosen
        )

    # Nearest rank: nine tenths of the trades, rounded up, do not exceed it.
    percentile = sorted(notional for _, notional, _ in rows)[math.ceil(len(rows) * 9 / 10) - 1]
    newer, older = ([row for row in rows if (row[0] >= end - 450) is half] for half in (True, False))
    return {
        "cvd": share(rows),
        "large": share([row for row in rows if row[1] >= percentile]),
        "pace": math.tanh(2 * (share(newer) - share(older))),
    }
