"""What an exchange still knows of the past: closed candles of one minute, and settled funding rates."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from simulator.model import DAY_MS, HOUR_MS, MINUTE_MS
from simulator.record.numbers import is_positive, is_time, plain
from simulator.record.source import BadAnswer

if TYPE_CHECKING:
    from simulator.record.folder import Folder
    from simulator.record.progress import Progress
    from simulator.record.source import Source

CANDLES, FUNDING = "candles-1m.csv.gz", "funding-8h.csv.gz"
_CANDLE_COLUMNS = "symbol,timestamp,open,high,low,close,volume"
_FUNDING_COLUMNS = "symbol,timestamp,rate"
_PAGE, _FUNDING_PAGE = 1000, 100
# No exchange gives fewer candles at once: a page without any says that this long had none.
_EMPTY_MS = 100 * MINUTE_MS
_EMPTY_FUNDING_MS = 30 * DAY_MS
# An exchange needs a moment to finish a candle.
_SETTLED_MS = 3_000
FUNDING_MS = 8 * HOUR_MS
# Of these ccxt gives the volume of candles in contracts: KuCoin's "lots", Gate's "size volume".
_VOLUME_IN_CONTRACTS = frozenset({"kucoin", "kucoinfutures", "gate"})


def last_closed_ms(now_ms: int) -> int:
    """Up to where every candle is closed and will not change, by the exchange's clock."""
    return (now_ms - _SETTLED_MS) // MINUTE_MS * MINUTE_MS


def record_candles(source: Source, folder: Folder, progress: Progress, *, until_ms: int) -> None:
    """Keep the closed candles of every symbol from where it stands up to `until_ms`."""
    manifest = folder.manifest
    whole = max(1, until_ms - manifest.from_ms) * len(manifest.candles)
    for symbol in manifest.candles:
        while manifest.candles[symbol] < until_ms:
            done = sum(at - manifest.from_ms for at in manifest.candles.values())
            progress.show("candles", done, whole, symbol)
            if not _next_candles(source, folder, symbol, until_ms):
                break
    progress.show("candles", 1, 1)


def _next_candles(source: Source, folder: Folder, symbol: str, until_ms: int) -> bool:
    """Keep one page; False when the exchange has nothing more up to `until_ms`."""
    since = folder.manifest.candles[symbol]
    page = source.ask(source.client.fetch_ohlcv, symbol, "1m", since, _PAGE, check=_check_candles)
    rows = {row[0]: row for row in page if since <= row[0] <= until_ms - MINUTE_MS}
    if not rows and since + _EMPTY_MS > until_ms:
        return False
    lines = [_line(source, symbol, rows[time]) for time in sorted(rows)]
    folder.append(CANDLES, lines, header=_CANDLE_COLUMNS)
    folder.manifest.candles[symbol] = max(rows) + MINUTE_MS if rows else since + _EMPTY_MS
    folder.commit()
    return True


def _line(source: Source, symbol: str, row: list[Any]) -> str:
    volume = Decimal(repr(row[5]))
    if source.client.id in _VOLUME_IN_CONTRACTS:
        volume *= source.contract_size(symbol)
    return ",".join((symbol, str(row[0]), *map(plain, row[1:5]), plain(volume)))


def record_funding(source: Source, folder: Folder, progress: Progress, *, until_ms: int) -> None:
    """Keep the funding rates of the perpetuals that were settled up to `until_ms`, as rates of 8 h."""
    if not source.has("fetchFundingRateHistory"):
        progress.line(f"{source.client.id} has no history of funding rates: none are recorded")
        return
    manifest = folder.manifest
    perpetuals = [symbol for symbol in manifest.funding if source.client.markets[symbol].get("swap")]
    for place, symbol in enumerate(perpetuals):
        progress.show("funding", place, len(perpetuals), symbol)
        while manifest.funding[symbol] < until_ms:
            _next_rates(source, folder, symbol, progress, until_ms)
    progress.show("funding", 1, 1)


def _next_rates(source: Source, folder: Folder, symbol: str, progress: Progress, until_ms: int) -> None:
    since = folder.manifest.funding[symbol]
    call = source.client.fetch_funding_rate_history
    # With those before it: a page that brings a single one does not say for how many hours that is.
    page = source.ask(call, symbol, since - FUNDING_MS, _FUNDING_PAGE, check=_check_rates)
    rates = {row["timestamp"]: row["fundingRate"] for row in page if row["timestamp"] < until_ms}
    share = _share_of_8h(sorted(rates))
    times = sorted(time for time in rates if time >= since)
    if times and share is None:
        progress.line(f"{symbol}: one funding rate alone does not say for how long it is; left out")
        folder.manifest.funding[symbol] = times[-1] + 1
        folder.commit()
        return
    lines = [f"{symbol},{time},{plain(rates[time] * share if share != 1 else rates[time])}" for time in times]
    folder.append(FUNDING, lines, header=_FUNDING_COLUMNS)
    # Behind the last rate that was given, or behind a stretch that has none.
    folder.manifest.funding[symbol] = times[-1] + 1 if times else min(until_ms, since + _EMPTY_FUNDING_MS)
    folder.commit()


def _share_of_8h(times: list[int]) -> float | None:
    """How many of these settlements there are in 8 h; None of fewer than two that follow each other."""
    steps = [later - earlier for earlier, later in pairwise(times) if later - earlier <= FUNDING_MS]
    return FUNDING_MS / median(steps) if steps else None


def _check_candles(page: Any) -> None:
    for row in page:
        sound = (
            is_time(row[0])
            and row[0] % MINUTE_MS == 0
            and all(map(is_positive, row[1:5]))
            and row[3] <= min(row[1], row[4])
            and row[2] >= max(row[1], row[4])
            and (row[5] == 0 or is_positive(row[5]))
        )
        if not sound:
            raise BadAnswer(f"a candle that cannot be: {row[:6]}")


def _check_rates(page: Any) -> None:
    for row in page:
        rate = row["fundingRate"]
        if not (is_time(row["timestamp"]) and isinstance(rate, int | float) and -1 < rate < 1):
            raise BadAnswer(f"a funding rate that cannot be: {rate!r} at {row['timestamp']!r}")
