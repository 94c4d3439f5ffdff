from market.movers import movers


def row(symbol, change, turnover=2e6, exchange="simulated"):
    """A dashboard row."""
    return {
        "exchange": exchange, "symbol": symbol, "price": 1.0, "change_24h": change, "turnover_24h": turnover,
        "score": 50.0, "price_state": "live", "price_as_of": 0.0,
    }  # fmt: skip


def names(found, side):
    """Symbols in their order."""
    return [each["symbol"] for each in found[side]]


def test_the_largest_moves_come_first():
    """Gains by size, losses by size; what did not move is neither."""
    found = movers(
        [row("A", 1.0), row("B", 9.0), row("C", -2.0), row("D", -7.0), row("E", 0.0)], turnover_floor=1e6
    )

    assert names(found, "gainers") == ["B", "A"]
    assert names(found, "losers") == ["D", "C"]


def test_thin_and_unknown_symbols_are_left_out():
    """Below the floor, without a turnover or without a change a symbol moves nobody; at the floor it does."""
    rows = [row("THIN", 99.0, 9e5), row("NONE", 98.0, None), row("NEW", None), row("EDGE", 1.0, 1e6)]

    assert names(movers(rows, turnover_floor=1e6), "gainers") == ["EDGE"]


def test_a_list_is_cut_and_shows_what_the_table_needs():
    """Among it whether the price is confirmed: one that was kept must not pass for a new one."""
    found = movers([row(f"S{n}", n + 1.0) for n in range(9)], turnover_floor=0, count=3)

    assert names(found, "gainers") == ["S8", "S7", "S6"]
    assert set(found["gainers"][0]) == {
        "exchange", "symbol", "price", "change_24h", "turnover_24h", "price_state", "price_as_of",
    }  # fmt: skip


def test_equal_changes_stand_by_turnover_then_name():
    """The order does not depend on that of the rows."""
    rows = [row("B", 1.0), row("A", 1.0), row("C", 1.0, 9e6), row("D", -1.0), row("E", -1.0, 9e6)]

    assert movers(rows, turnover_floor=0) == movers(reversed(rows), turnover_floor=0)
    assert names(movers(rows, turnover_floor=0), "gainers") == ["C", "A", "B"]
    assert names(movers(rows, turnover_floor=0), "losers") == ["E", "D"]


def test_two_exchanges_are_two_rows():
    """The same symbol may move on both."""
    found = movers([row("A", 1.0, exchange="okx"), row("A", 2.0, exchange="bybit")], turnover_floor=0)

    assert [each["exchange"] for each in found["gainers"]] == ["bybit", "okx"]
