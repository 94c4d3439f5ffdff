"""What ccxt does not say of an exchange and our code has to know, each with where it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# Exchanges whose tickers give the 24 h volume of a contract in contracts and no turnover.
VOLUME_IN_CONTRACTS = frozenset({"okx"})
# Exchanges whose candles give the volume of a contract in contracts: KuCoin's "lots", Gate's "size volume
# (contract size)".
CANDLES_IN_CONTRACTS = frozenset({"kucoin", "gate"})

# The depths of a book that an exchange takes, where it takes only some: the first that is enough counts.
BOOK_LIMITS = {"kucoin": (20, 100), "binance": (5, 10, 20, 50, 100, 500, 1000)}

# The most trades in one answer, as each exchange documents it; ccxt's tables of features leave it out.
# Where the second number differs it is that of spot markets.
MOST_TRADES = {
    "binance": (1000, 1000),
    "bybit": (1000, 60),
    "okx": (500, 500),
    "kraken": (1000, 1000),
    "coinbase": (1000, 1000),
    "bitget": (1000, 1000),
    "kucoin": (100, 100),  # whatever is asked for
    "gate": (1000, 1000),
}
MOST_TRADES_ELSEWHERE = 100

# Where it is not certain that the side of a trade is the taker's: ccxt hands on coinbase's as it is, and the
# documentation of another of its interfaces names the maker's. The sign of the order flow hangs on it.
TAKER_UNKNOWN = frozenset({"coinbase"})


def book_limit(exchange: str, depth: int) -> int:
    """What to ask for to get at least `depth` levels of a book."""
    limits = BOOK_LIMITS.get(exchange, (depth,))
    return next((limit for limit in limits if limit >= depth), limits[-1])


def most_trades(exchange: str, market: Mapping[str, Any]) -> int:
    """How many trades of a market one call gives at most; `exchange` is ccxt's id."""
    of_contracts, of_spot = MOST_TRADES.get(exchange, (MOST_TRADES_ELSEWHERE,) * 2)
    return of_contracts if market.get("contract") else of_spot


# Where ccxt's amount of open interest counts contracts. okx and the others say what it is in base units.
#   kucoin: "openInterest: Open interest (Unit: lots)"; gate: its documented row, 2,851,725 at a price of
#   0.34619 and worth 9,872,386.7775, has ten units of base to a contract.
INTEREST_IN_CONTRACTS = frozenset({"kucoin", "gate"})
# Where it counts base units, whatever the size of a contract is.
INTEREST_IN_BASE = frozenset({"bybit", "binance", "bitget"})

# Exchanges whose answer about intervals has the rates themselves, and the next settlement with them, which
# the rates among bitget's tickers lack.
RATES_WITH_INTERVALS = frozenset({"bitget"})

# Binance's list of intervals "for symbols that had FundingRateCap / FundingRateFloor / fundingIntervalHours
# adjustment" leaves out those which settle every 8 hours.
INTERVAL_OF_THE_UNLISTED = {"binance": 8.0}

# What ccxt hands on as it is: "period: 5min 15min 30min 1h 4h 1d" (Bybit's account-ratio), 5m elsewhere.
ACCOUNT_RATIO_PERIOD = {"bybit": "5min"}


def open_interest_in_base(exchange: str, row: Mapping[str, Any], market: Mapping[str, Any]) -> Any:
    """Base units of one of ccxt's rows of open interest, unchecked; None where it does not say that."""
    amount, in_base = row.get("openInterestAmount"), row.get("baseVolume")
    if in_base is not None:
        return in_base
    size = market.get("contractSize") or 1.0
    if amount is None or exchange in INTEREST_IN_BASE:
        return amount
    if exchange in INTEREST_IN_CONTRACTS:
        return amount * size
    return amount if size == 1.0 else None


def account_ratio(exchange: str, row: Mapping[str, Any]) -> Any:
    """Long accounts for each short one, from one of ccxt's rows, unchecked."""
    if exchange == "bitget":
        # Its "longShortAccountRatio" is a hundredth of the quotient of the two shares beside it.
        shares = row.get("info") or {}
        try:
            return float(shares["longAccountRatio"]) / float(shares["shortAccountRatio"])
        except (LookupError, TypeError, ValueError, ArithmeticError):
            return None
    return row.get("longShortRatio")
