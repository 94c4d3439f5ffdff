from __future__ import annotations

import numpy as np
import pytest

from simulator.intervals import INTERVALS
from simulator.kept import KeptCandles
from simulator.model import Candles
from tests.support.simulator_parts import recorded, synthetic, write_candles

NOW = 1_779_969_600.0 + 7 * 3600 + 17  # a day's 07:00:17
ROWS = [
    ("100.0", "103.0", "98.5", "101.5", "12.5"),
    ("101.5", "101.5", "95.0", "96.0", "40.0"),
    ("96.0", "99.0", "94.0", "98.0", "0.3"),
    ("98.0", "98.0", "98.0", "98.0", "0.0"),
]


@pytest.fixture
def playing(tmp_path):
    """Four candles in turn, 90 in all; now is the start of one in the middle."""
    write_candles(tmp_path, {"BTC": [ROWS[place % 4] for place in range(90)]})
    parts = recorded(tmp_path, 1_800_000_000.0)
    parts.clock.now = (parts.market.first_index + 60) * 60.0
    return parts


def newest(parts, count=1, **query: object):
    """The newest candles as Bybit rows."""
    asked = {"category": "linear", "symbol": "BTCUSDT", "interval": "1", "limit": count, **query}
    return parts.result("kline", **asked)["list"]


@pytest.mark.parametrize("place", range(4))
def test_a_minute_plays_into_exactly_the_recorded_candle(playing, place):
    """Second by second: open first, extremes only widen, volume only grows, then the record."""
    playing.clock.move(60 * place)
    row = [float(text) for text in ROWS[place]]
    previous = None

    for _ in range(60):
        ours = [float(text) for text in newest(playing)[0][1:6]]
        if previous is None:
            assert ours == [row[0]] * 4 + [0.0]
        else:
            assert ours[0] == row[0]
            assert previous[1] <= ours[1] <= row[1]
            assert previous[2] >= ours[2] >= row[2]
            assert previous[4] <= ours[4] <= row[4]
        assert ours[2] <= ours[3] <= ours[1]
        previous = ours
        playing.clock.move(1)

    finished = newest(playing, 2)[1]
    assert [float(text) for text in finished[1:6]] == row


def test_a_longer_candle_is_the_sum_of_its_minutes(playing):
    """Five minutes: first open, extremes, last close, all volume; also while it is forming."""
    playing.clock.move(7 * 60 + 13)

    minutes = newest(playing, 30)
    fives = newest(playing, 3, interval="5")

    for five in fives:
        inside = [row for row in reversed(minutes) if int(row[0]) // 300_000 == int(five[0]) // 300_000]
        assert five[1] == inside[0][1]
        assert float(five[2]) == max(float(row[2]) for row in inside)
        assert float(five[3]) == min(float(row[3]) for row in inside)
        assert five[4] == inside[-1][4]
        assert float(five[5]) == pytest.approx(sum(float(row[5]) for row in inside))


def test_nothing_of_the_future_is_told(playing):
    """Candles end with the running one, whatever end is asked for."""
    now_ms = int(playing.clock.now * 1000)

    rows = newest(playing, 1000, end=now_ms + 10**9)

    assert int(rows[0][0]) == now_ms // 60_000 * 60_000


def test_after_its_end_a_recording_stands_still(playing):
    """No candle is added, the tape says so, the last ones stay."""
    end = playing.market.stop_index * 60
    playing.clock.now = end - 1.0
    before = newest(playing, 5)

    playing.clock.now = end + 3600.0
    after = newest(playing, 5)

    assert not playing.tape.ended(end - 1)
    assert playing.tape.ended(end)
    assert [row[0] for row in before] == [row[0] for row in after]
    assert [float(text) for text in after[0][1:6]] == [float(text) for text in ROWS[89 % 4]]
    assert playing.tape.forming(end + 3600).step == 60


def test_a_gap_of_the_recording_is_a_gap_of_the_answer(tmp_path):
    """Neither a finished nor a running candle is invented."""
    rows = [ROWS[0]] * 90
    rows[59] = rows[60] = None
    write_candles(tmp_path, {"BTC": [ROWS[0]] * 90, "ETH": rows})
    parts = recorded(tmp_path, 1_800_000_000.0)
    parts.clock.now = (parts.market.first_index + 60) * 60.0 + 30

    opens = [int(row[0]) // 60_000 - parts.market.first_index for row in newest(parts, 3, symbol="ETHUSDT")]

    assert opens == [58, 57][: len(opens)]


def test_minutes_of_a_five_minute_recording_come_from_the_walk(tmp_path):
    """Finer than the source: the parts of each candle make it again."""
    write_candles(
        tmp_path, {"BTC": ROWS * 30}, name="candles-5m.csv", start_ms=1_700_000_100_000, step_ms=300_000
    )
    parts = recorded(tmp_path, 1_800_000_000.0)
    parts.clock.now = (parts.market.first_index + 80) * 300.0 + 130

    minutes = newest(parts, 8)
    fives = newest(parts, 2, interval="5")

    assert [int(row[0]) for row in minutes] == sorted((int(row[0]) for row in minutes), reverse=True)
    running, finished = minutes[:3], minutes[3:]
    assert fives[0][1] == running[-1][1]
    assert fives[0][4] == running[0][4]
    assert float(fives[0][5]) == pytest.approx(sum(float(row[5]) for row in running))
    assert float(fives[1][2]) == max(float(row[2]) for row in finished)
    assert float(fives[1][5]) == pytest.approx(sum(float(row[5]) for row in finished))


@pytest.mark.parametrize("interval", [name for name in INTERVALS if name not in {"W", "M"}])
def test_every_interval_agrees_with_the_minutes(interval):
    """The newest two candles of each interval, the running one included, are what the minutes make."""
    parts = synthetic(NOW)
    one, second, length = parts.instrument("ETHUSDT"), int(NOW), INTERVALS[interval]
    now_open = second * 1000 // length * length

    found = parts.tape.candles(one, interval, now_open - length, second * 1000, second)

    minutes = parts.tape.candles(one, "1", now_open - length, second * 1000, second)
    assert found.open_ms.tolist() == [now_open - length, now_open]
    for place, start in enumerate(found.open_ms.tolist()):
        inside = minutes.cut((minutes.open_ms >= start) & (minutes.open_ms < start + length))
        assert found.open[place] == inside.open[0]
        assert found.high[place] == inside.high.max()
        assert found.low[place] == inside.low.min()
        assert found.close[place] == inside.close[-1]
        assert found.volume[place] == inside.volume.sum()


@pytest.mark.parametrize("interval", ["W", "M"])
def test_weeks_and_months_are_made_of_days(interval):
    """The last complete one holds the extremes of its days."""
    parts = synthetic(NOW)
    one, second = parts.instrument("BTCUSDT"), int(NOW)

    found = parts.tape.candles(one, interval, (second - 90 * 86_400) * 1000, second * 1000, second)
    days = parts.tape.candles(one, "D", int(found.open_ms[-2]), int(found.open_ms[-1]) - 1, second)

    assert found.high[-2] == days.high.max()
    assert found.volume[-2] == days.volume.sum()
    assert found.close[-2] == days.close[-1]


def test_spot_trades_a_part_of_the_perpetuals_volume_at_its_prices():
    """Same prices; a quarter of each minute's steps, in whole steps, so that sums agree."""
    parts = synthetic(NOW)
    second = int(NOW)
    window = ((second - 3600) * 1000, second * 1000, second)

    spot = parts.tape.candles(parts.instrument("BTCUSDT", "spot"), "1", *window)
    linear = parts.tape.candles(parts.instrument("BTCUSDT"), "1", *window)
    hours = parts.tape.candles(parts.instrument("BTCUSDT", "spot"), "60", *window)

    assert (spot.close == linear.close).all()
    assert (spot.volume[:-1] == linear.volume[:-1] // 4).all()
    assert hours.volume[-1] == spot.volume[spot.open_ms >= hours.open_ms[-1]].sum()


def test_remembered_candles_are_those_that_would_be_computed():
    """Asking minute by minute, for less and for more, gives what a fresh exchange gives."""
    parts = synthetic(NOW)
    one = parts.instrument("SOLUSDT")
    for later, bars in ((0, 50), (61, 3), (3700, 5), (7300, 200), (7300, 20)):
        second = int(NOW) + later
        window = ("60", (second - bars * 3600) * 1000, second * 1000, second)

        kept, fresh = parts.tape.candles(one, *window), synthetic(NOW).tape.candles(one, *window)

        for left, right in zip(kept.columns()[:6], fresh.columns()[:6], strict=True):
            assert (left == right).all()


def candles_between(start, until):
    """Hours with the place as price."""
    opens = np.arange(start, until, 3_600_000)
    place = opens // 3_600_000
    return Candles(opens, place, place, place, place, place, place * 1.0)


def test_the_memory_of_candles_is_bounded(monkeypatch):
    """The longest unused go first; each keeps only its newest."""
    monkeypatch.setattr("simulator.kept._IN_ALL", 2500)
    kept = KeptCandles()
    hour = 3_600_000
    computed = []

    def compute(start, until):
        computed.append((until - start) // hour)
        return candles_between(start, until)

    for key in (1, 2, 3):
        kept.between((key, "60"), 0, 1500 * hour, length=hour, compute=compute)
    newest = kept.between((3, "60"), 1000 * hour, 1500 * hour, length=hour, compute=compute)
    oldest = kept.between((1, "60"), 1000 * hour, 1500 * hour, length=hour, compute=compute)
    past = kept.between((3, "60"), 0, 10 * hour, length=hour, compute=compute)

    assert computed == [1500, 1500, 1500, 500, 10]
    assert len(newest) == len(oldest) == 500
    assert len(past) == 10
