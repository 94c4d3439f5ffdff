"""What each claimed exchange has, costs and carries, asked of ccxt: `python -m market exchanges`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market.candle_fetching import OVERLAP_BARS
from market.clients import make_client
from market.confidence import MISSING_FACTOR
from market.errors import LimiterFull
from market.exchange import Exchange
from market.limiter import rate_of
from market.particulars import most_trades
from market.score_inputs import INPUTS
from market.shared_markets import SharedMarkets

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Mapping

    from market.limiter import Rate

CLAIMED = ("binance", "bybit", "okx", "kraken", "coinbase", "bitget", "kucoin", "gate")
TIMEFRAMES = {"1m": 60.0, "5m": 300.0, "30m": 1800.0, "4h": 14_400.0}
BARS = 500
# Seconds between two calls for one symbol, and for all of them at once, as Tidemark is set up by default.
PERIODS = {"order_book": 15.0, "trades": 15.0, "open_interest": 300.0, "long_short": 300.0}
PERIODS_OF_ALL = {"tickers": 5.0, "funding": 60.0}
FIRST_UNIVERSE = 175
BEGIN, END = "<!-- python -m market exchanges: begin -->", "<!-- python -m market exchanges: end -->"
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange. `costs` are ccxt's, of a call of each input and of all tickers; `rate` counts them."""

    exchange: str
    kind: str
    inputs: tuple[str, ...]
    missing_timeframes: tuple[str, ...]
    bars_a_call: int
    trades_a_call: int
    costs: Mapping[str, float]
    rate: Rate
    rate_limit_ms: float

    @property
    def most_confidence(self) -> float:
        """The highest confidence that a score can have without what is lacking, by default timeframes."""
        lacking = len(set(INPUTS).difference(self.inputs)) + len(self.missing_timeframes)
        return float(MISSING_FACTOR**lacking)

    @property
    def symbols(self) -> int:
        """How many symbols are kept up to date with all inputs, at the default periods and timeframes."""
        for_one = sum(self._weight(name) / period for name, period in PERIODS.items())
        for_one += sum(
            self._weight("candles") / seconds
            for timeframe, seconds in TIMEFRAMES.items()
            if timeframe not in self.missing_timeframes
        )
        return int(self._left_per_second / for_one)

    @property
    def symbols_a_minute(self) -> int:
        """How many symbols get their newest candle, book and trades once within a minute."""
        return int(60.0 * self._left_per_second / sum(map(self._weight, ("candles", "order_book", "trades"))))

    @property
    def _left_per_second(self) -> float:
        """Units that flow in a second and are not taken by the calls for all symbols at once."""
        taken = sum(self._weight(name) / period for name, period in PERIODS_OF_ALL.items())
        return self.rate.per_second - taken

    @property
    def minute_candles_s(self) -> float:
        """Seconds that the newest one-minute candles of a whole default universe take."""
        return FIRST_UNIVERSE * self._weight("candles") / self.rate.per_second

    def _weight(self, name: str) -> float:
        return self.rate.weight(self.costs[name]) if name in self.costs else 0.0


class _Meter:
    """A limiter that lets nothing through and remembers what a call would have cost."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.cost = 0.0

    def acquire(self, cost: float = 1.0, *, patience_s: float) -> None:  # noqa: ARG002 - the Protocol's
        """Note the cost and refuse."""
        self.cost = cost
        raise LimiterFull("nobody", "only measured", until=0.0)

    def close_until(self, until: float, *, word: str = "", reason: str = "") -> None:
        """Nothing is open."""

    def succeeded(self) -> None:
        """Nothing is asked."""

    def failed(self, error: Any) -> None:
        """Nothing is asked."""


def rows() -> list[Row]:
    """A row for each claimed exchange; loads ccxt, opens no connection."""
    return [row_of(exchange) for exchange in CLAIMED]


def row_of(id: str) -> Row:  # noqa: A002 - what it is called everywhere, ccxt included
    """What ccxt says of one exchange."""
    client = make_client(id, simulator_url="", timeout_s=1.0)
    rate = rate_of(id, rate_limit_ms=client.rateLimit)
    meter, markets = _Meter(rate), SharedMarkets(id)
    exchange = Exchange(id=id, client=client, limiter=meter, clock=lambda: 1.0, markets=markets)
    market = _a_market(swap="funding" in exchange.inputs())
    symbol = market["symbol"]
    markets.adopt([market], as_of=1.0)
    markets.fit(client)
    markets.intervals([symbol], now=1.0, load=dict)
    calls: dict[str, Callable[[], Any]] = {
        "candles": lambda: exchange.candles(symbol, "1m", bars=OVERLAP_BARS + 1),
        "order_book": lambda: exchange.order_book(symbol),
        "trades": lambda: exchange.trades(symbol, None),
        "open_interest": lambda: exchange.open_interest(symbol, None),
        "funding": lambda: exchange.funding([symbol]),
        "long_short": lambda: exchange.long_short(symbol),
    }
    has = exchange.inputs()
    costs = {name: _cost(meter, call) for name, call in calls.items() if name in has}
    return Row(
        exchange=id,
        kind="USDT perpetuals" if market["swap"] else "spot",
        inputs=has,
        missing_timeframes=tuple(
            name for name in TIMEFRAMES if name not in exchange.timeframes([*TIMEFRAMES])
        ),
        bars_a_call=int(client.feature_value(symbol, "fetchOHLCV", "limit", BARS)),
        trades_a_call=most_trades(client.id, market),
        costs={**costs, "tickers": _cost(meter, exchange.tickers)},
        rate=rate,
        rate_limit_ms=float(client.rateLimit),
    )


def _cost(meter: _Meter, call: Callable[[], Any]) -> float:
    try:
        call()
    except LimiterFull:
        return meter.cost
    raise AssertionError("a call that asks nothing")


def _a_market(*, swap: bool) -> dict[str, Any]:
    """One made-up market of the kind that is tracked."""
    return {
        "id": "BTCUSDT", "symbol": "BTC/USDT:USDT" if swap else "BTC/USDT", "base": "BTC", "quote": "USDT",
        "baseId": "BTC", "quoteId": "USDT", "type": "swap" if swap else "spot",
        "swap": swap, "spot": not swap, "contract": swap, "active": True, "info": {},
        **({"settle": "USDT", "settleId": "usdt", "linear": True, "contractSize": 1.0} if swap else {}),
    }  # fmt: skip


HAS = (
    "exchange",
    "what is tracked",
    "inputs it lacks",
    "timeframes it lacks",
    "confidence at most",
    "bars a call",
    "trades a call",
)
COSTS = (
    "exchange", "pace", "candles", "book", "trades", "open interest", "accounts", "all funding",
    "all tickers", "175 1m candles take", "symbols a minute", "symbols by default",
)  # fmt: skip


def tables(found: list[Row]) -> str:
    """What the exchanges have, and what that costs, as two tables in Markdown."""
    return f"{_table(HAS, map(_has, found))}\n\n{_table(COSTS, map(_costs, found))}"


def _table(columns: tuple[str, ...], cells: Iterable[tuple[str, ...]]) -> str:
    lines = (columns, ("---",) * len(columns), *cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _has(row: Row) -> tuple[str, ...]:
    lacks = ", ".join(name for name in INPUTS if name not in row.inputs)
    return (
        row.exchange,
        row.kind,
        lacks or NOTHING,
        ", ".join(row.missing_timeframes) or NOTHING,
        f"{row.most_confidence:.2f}",
        str(row.bars_a_call),
        str(row.trades_a_call),
    )


def _costs(row: Row) -> tuple[str, ...]:
    in_window = row.rate.window is not None
    names = ("candles", "order_book", "trades", "open_interest", "long_short", "funding", "tickers")
    return (
        row.exchange,
        f"{row.rate.per_second:g} calls/s" if in_window else f"{row.rate_limit_ms:g} ms a unit",
        *(f"{row.costs[name]:.3g}" if name in row.costs else NOTHING for name in names),
        f"{row.minute_candles_s:.3g} s",
        str(row.symbols_a_minute),
        str(row.symbols),
    )


def written_into(text: str, new: str) -> str:
    """A document with the table between its two markers replaced; raise ValueError without them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"want a line {BEGIN!r} and a line {END!r}")
    return f"{before}{BEGIN}\n\n{new}\n\n{END}{after}"


def add_to(commands: Any) -> None:
    """The subcommand's arguments."""
    parser = commands.add_parser("exchanges", help="what each exchange has, costs and carries, as ccxt says")
    parser.add_argument(
        "--write",
        metavar="FILE",
        type=Path,
        help="put the table between its markers in FILE, not on the screen",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    found = tables(rows())
    if options.write is None:
        sys.stdout.write(found + "\n")
        return 0
    try:
        options.write.write_text(written_into(options.write.read_text("utf-8"), found), "utf-8")
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{options.write}: {error}\n")
        return 1
    return 0
