from __future__ import annotations

from pathlib import Path

import pytest

from market import __main__ as command_line
from market import exchange_table
from market.exchange_table import BEGIN, CLAIMED, END, rows, tables, written_into
from market.particulars import TAKER_UNKNOWN
from settings import DEFAULT_TIMEFRAME_WEIGHTS, TIMEFRAME_SECONDS, Settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def found():
    """Every row, asked of ccxt once."""
    return {row.exchange: row for row in rows()}


def test_the_tables_in_the_documentation_are_what_ccxt_says(found):
    """Renewed with `python -m market exchanges --write docs/exchanges.md`."""
    text = (ROOT / "docs/exchanges.md").read_text("utf-8")

    assert written_into(text, tables(list(found.values()))) == text


def test_there_is_a_row_for_each_claimed_exchange(found):
    """The eight, each with a price for every call that it has."""
    assert tuple(found) == CLAIMED
    for row in found.values():
        assert {"candles", "order_book", "breadth"} <= set(row.inputs)
        assert ("trades" in row.inputs) is (row.exchange not in TAKER_UNKNOWN)
        assert set(row.costs) == {*row.inputs, "tickers"} - {"breadth"}
        assert all(cost > 0 for cost in row.costs.values())
        assert row.symbols > 0


def test_spot_exchanges_lack_what_only_perpetuals_have(found):
    """Kraken and coinbase are followed on spot, the others by their perpetuals."""
    lacking = {"open_interest", "funding", "long_short"}

    assert {name for name, row in found.items() if not lacking & set(row.inputs)} == {"kraken", "coinbase"}
    assert {name for name, row in found.items() if row.kind == "spot"} == {"kraken", "coinbase"}


def test_the_periods_are_the_settings_defaults():
    """What an exchange carries is computed for the system as it comes."""
    defaults = {name: field.default for name, field in Settings.model_fields.items()}

    named = {"order_book": "order_books"}  # where the variable says it in the plural

    for period, seconds in (*exchange_table.PERIODS.items(), *exchange_table.PERIODS_OF_ALL.items()):
        assert seconds == defaults[f"period_{named.get(period, period)}"], period
    assert {name: TIMEFRAME_SECONDS[name] for name in DEFAULT_TIMEFRAME_WEIGHTS} == exchange_table.TIMEFRAMES
    assert defaults["candle_bars"] == exchange_table.BARS
    assert defaults["symbol_limit"] == exchange_table.FIRST_UNIVERSE


def test_what_an_exchange_carries_is_its_rate_over_what_a_symbol_needs(found):
    """Kraken by hand: one unit a second, 1.2 a call, all tickers every 5 s."""
    kraken = found["kraken"]
    left = 1.0 - 1.0 / 5
    needed = 1.2 * (1 / 60 + 1 / 300 + 1 / 1800 + 1 / 14_400 + 1 / 15 + 1 / 15)

    assert kraken.symbols == int(left / needed)
    assert kraken.symbols_a_minute == int(60 * left / 3.6)
    assert kraken.minute_candles_s == pytest.approx(210.0)


def test_a_published_window_makes_every_call_weigh_one(found):
    """Bybit: 114.6 calls a second, whatever ccxt's cost."""
    bybit = found["bybit"]
    left = bybit.rate.per_second - 1 / 5 - 1 / 60

    assert bybit.symbols_a_minute == int(60 * left / 3)
    assert bybit.costs["candles"] == 5.0


def test_the_command_prints_and_writes_the_tables(found, tmp_path, capsys, monkeypatch):
    """On the screen, or between the markers of a file."""
    monkeypatch.setattr(exchange_table, "rows", lambda: list(found.values()))
    file = tmp_path / "page.md"
    file.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    assert command_line.main(["exchanges"]) == 0
    assert command_line.main(["exchanges", "--write", str(file)]) == 0

    wanted = tables(list(found.values()))
    assert capsys.readouterr().out == wanted + "\n"
    assert file.read_text() == f"before\n{BEGIN}\n\n{wanted}\n\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["nothing", f"{END} {BEGIN}", BEGIN])
def test_a_file_without_the_markers_is_left_alone(text, tmp_path, capsys, monkeypatch):
    """One sentence says what is wanted."""
    monkeypatch.setattr(exchange_table, "rows", list)
    file = tmp_path / "page.md"
    file.write_text(text)

    assert command_line.main(["exchanges", "--write", str(file)]) == 1

    assert "want a line" in capsys.readouterr().err
    assert file.read_text() == text
