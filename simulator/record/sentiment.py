"""What an exchange still knows of open interest and of the accounts that are long and short, every 5 min."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from simulator.model import DAY_MS, MINUTE_MS
from simulator.record.numbers import is_positive, is_time, plain
from simulator.record.refused import RecordRefused
from simulator.record.source import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.record.folder import Folder
    from simulator.record.progress import Progress
    from simulator.record.source import Source

INTEREST, RATIOS = "open-interest-5m.csv.gz", "account-ratio-5m.csv.gz"
_STEP_MS = 5 * MINUTE_MS
_PAGE = 100  # no exchange that has them gives fewer at once
# Binance keeps a month and refuses to be asked for more.
_REACH_MS = 29 * DAY_MS
# ccxt hands on as it is what it is given as a timeframe here.
_RATIO_STEP = {"bybit": "5min"}
# Of these ccxt gives an amount of contracts; of those below one of the coin, whatever a contract is.
_IN_CONTRACTS = frozenset({"kucoin", "kucoinfutures", "gate"})
_IN_COIN = frozenset({"bybit", "binance", "bitget"})


def record_if_given(
    record: Callable[..., None], source: Source, folder: Folder, progress: Progress, *, until_ms: int
) -> None:
    """Record what the others do without: an exchange that refuses it must not cost all that is there."""
    try:
        record(source, folder, progress, until_ms=until_ms)
    except RecordRefused as refused:
        progress.line(f"{refused}; left out")


def record_interest(source: Source, folder: Folder, progress: Progress, *, until_ms: int) -> None:
    """Keep the open interest of perpetuals up to `until_ms`, in amounts of the coin."""
    if not source.has("fetchOpenInterestHistory"):
        progress.line(f"{source.client.id} has no history of open interest: none is recorded")
        return

    def page(symbol: str, since: int, end: int) -> dict[int, str]:
        call, until = source.client.fetch_open_interest_history, {"until": end - 1}
        rows = source.ask(call, symbol, "5m", since, _PAGE, until, check=_check_interest)
        amounts = {row["timestamp"]: _amount(source, symbol, row) for row in rows}
        return {time: plain(amount) for time, amount in amounts.items() if amount is not None}

    _record(source, folder, progress, (INTEREST, "amount"), folder.manifest.interest, page, until_ms)


def record_ratios(source: Source, folder: Folder, progress: Progress, *, until_ms: int) -> None:
    """Keep how many accounts are long for each that is short, of perpetuals, up to `until_ms`."""
    if not source.has("fetchLongShortRatioHistory"):
        progress.line(f"{source.client.id} has no history of account ratios: none are recorded")
        return

    def page(symbol: str, since: int, end: int) -> dict[int, str]:
        call, until = source.client.fetch_long_short_ratio_history, {"until": end - 1}
        step = _RATIO_STEP.get(source.client.id, "5m")
        rows = source.ask(call, symbol, step, since, _PAGE, until, check=_check_ratios)
        return {row["timestamp"]: plain(_ratio(row)) for row in rows}

    _record(source, folder, progress, (RATIOS, "ratio"), folder.manifest.ratios, page, until_ms)


def _record(
    source: Source,
    folder: Folder,
    progress: Progress,
    file: tuple[str, str],
    kept: dict[str, int],
    page: Callable[[str, int, int], dict[int, str]],
    until_ms: int,
) -> None:
    """Keep window after window of every perpetual; `kept` says from where each goes on."""
    name, column = file
    manifest = folder.manifest
    symbols = [one for one in manifest.wanted.symbols if source.client.markets[one].get("swap")]
    # The one that stood when the recording begins as well.
    begin = max(manifest.from_ms - _STEP_MS, until_ms - _REACH_MS)
    for place, symbol in enumerate(symbols):
        progress.show(name.partition("-5m")[0], place, len(symbols), symbol)
        while (since := max(kept.get(symbol, begin), begin)) < until_ms:
            end = min(since + _PAGE * _STEP_MS, until_ms)
            found = page(symbol, since, end)
            lines = [f"{symbol},{time},{found[time]}" for time in sorted(found) if since <= time < end]
            folder.append(name, lines, header=f"symbol,timestamp,{column}")
            kept[symbol] = end
            folder.commit()
    progress.show(name.partition("-5m")[0], 1, 1)


def _amount(source: Source, symbol: str, row: Any) -> Decimal | None:
    """Of the coin; None where the exchange tells only what it is worth."""
    if is_positive(row.get("baseVolume")):
        return Decimal(repr(row["baseVolume"]))
    if not is_positive(row.get("openInterestAmount")):
        return None
    amount, size = Decimal(repr(row["openInterestAmount"])), source.contract_size(symbol)
    if source.client.id in _IN_CONTRACTS:
        return amount * size
    return amount if size == 1 or source.client.id in _IN_COIN else None


def _ratio(row: Any) -> Any:
    shares = row.get("info") or {}
    if "longAccountRatio" in shares and "shortAccountRatio" in shares:
        # Bitget's own ratio is a hundredth of the quotient of the shares beside it.
        short = float(shares["shortAccountRatio"])
        return float(shares["longAccountRatio"]) / short if short > 0 else None
    return row["longShortRatio"]


def _check_interest(page: Any) -> None:
    for row in page:
        told = row.get("openInterestAmount"), row.get("openInterestValue"), row.get("baseVolume")
        if not is_time(row["timestamp"]) or not any(map(is_positive, told)):
            raise BadAnswer(f"open interest that cannot be, at {row['timestamp']!r}")


def _check_ratios(page: Any) -> None:
    for row in page:
        if not (is_time(row["timestamp"]) and is_positive(_ratio(row))):
            raise BadAnswer(f"a ratio of accounts that cannot be, at {row['timestamp']!r}")
