import io
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

import settings
from market import offline
from market.__main__ import main
from market.candles import aggregate
from market.confluence import confluence
from market.score_inputs import ScoreInputs
from market.timeframe_view import view_of
from tests.support.made_candles import walk
from tests.support.recorded_candles import FIVE_MINUTES, recorded
from tests.support.recordings import recordings

HEADER = "symbol,timestamp,open,high,low,close,volume"


def lines(candles, symbol):
    """A series as it stands in a file."""
    for bar in range(len(candles)):
        row = [float(getattr(candles, name)[bar]) for name in ("open", "high", "low", "close", "volume")]
        yield ",".join((symbol, str(candles.first_open_ms + bar * candles.step_ms), *map(repr, row)))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Two symbols, 700 candles of five minutes each."""
    path = tmp_path_factory.mktemp("score") / "made.csv"
    series = {
        f"{name}/USDT:USDT": walk(700, seed=seed, timeframe="5m") for name, seed in (("BTC", 1), ("ETH", 2))
    }
    path.write_text(
        "\n".join((HEADER, *(line for symbol, candles in series.items() for line in lines(candles, symbol))))
    )
    return path


@pytest.fixture
def score(capsys):
    """Run the command in this process: (exit code, standard output, standard error)."""

    def run(*arguments: object):
        try:
            code = main(["score", *map(str, arguments)])
        except SystemExit as stopped:
            code = stopped.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_score_is_that_of_the_package(score, file):
    """What is printed as JSON equals confluence over views of the same candles, put together by hand."""
    code, out, _ = score(file, "--json", "--symbol", "BTC")
    base = walk(700, seed=1, timeframe="5m")
    weights = {"1m": 0.5, "5m": 0.3, "30m": 0.15, "4h": 0.05}
    views = {name: view_of(aggregate(base, name).tail(500)) for name in ("5m", "30m", "4h")}
    expected = confluence(
        exchange="recorded",
        symbol="BTC/USDT:USDT",
        inputs=ScoreInputs({"1m": None, **views}),
        component_weights=offline.COMPONENT_WEIGHTS,
        timeframe_weights=weights,
        now=base.closed_at,
        reasons={
            "candles 1m": "5m candles do not add up to 1m",
            **dict.fromkeys(
                ("order_book", "trades", "open_interest", "funding", "long_short", "breadth"),
                "not in the file",
            ),
        },
    )

    document = json.loads(out)
    assert code == 0
    assert (document["file"], document["timeframe"]) == ("made.csv", "5m")
    assert document["scores"] == [json.loads(json.dumps(expected.to_plain()))]


def test_the_breakdown_names_every_number_and_everything_that_is_missing(score, file):
    """Components with weight and share, sub-scores by timeframe with their formula, inputs, reasons."""
    code, out, _ = score(file, "--symbol", "ETH/USDT:USDT")

    assert code == 0
    document = json.loads(score(file, "--symbol", "ETH", "--json")[1])["scores"][0]
    for name, part in document["components"].items():
        row = next(line for line in out.splitlines() if line.strip().startswith(f"{name} "))
        assert (f"{part['score']:.1f}" if part["score"] is not None else "-") in row
        for sub in part["sub_scores"] if part["score"] is not None else ():
            row = next(line for line in out.splitlines() if line.strip().startswith(f"{sub['name']} "))
            assert f"{sub['value']:.3f}" in row
            assert sub["formula"] in row
    assert f"{document['score']:.2f}" in out
    for absent in ("order_book", "trades", "open_interest", "funding", "long_short", "breadth"):
        assert f"{absent}: not used: not in the file" in out
    assert "1m: 5m candles do not add up to 1m" in out


def test_several_symbols_get_a_line_each_and_all_of_them_a_breakdown_on_demand(score, file):
    """Without --symbol a table, highest score first; with `all` each in full."""
    _, table, _ = score(file)
    _, everything, _ = score(file, "--symbol", "all")

    rows = [line.split() for line in table.splitlines() if "/USDT:USDT" in line]
    assert {row[0] for row in rows} == {"BTC/USDT:USDT", "ETH/USDT:USDT"}
    assert float(rows[0][1]) >= float(rows[1][1])
    assert everything.count("confidence") == 2


def test_a_score_is_as_of_its_time(score, file):
    """--at leaves out what had not closed, in each of its spellings."""
    at = (walk(1).first_open_ms + 600 * 300_000) / 1000

    answers = [
        json.loads(score(file, "--json", "--symbol", "BTC", "--at", spelled)[1])["scores"][0]
        for spelled in (f"{at:.0f}", f"{at * 1000:.0f}", "2025-05-22T02:00", "2025-05-22T04:00+02:00")
    ]

    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["computed_at"] == at
    closed = {state["name"]: state["as_of"] for state in answers[0]["inputs"]}
    assert closed["candles 5m"] == at
    assert all(state is None or state <= at for state in closed.values())


def test_candles_that_are_old_by_then_are_called_stale(score, file):
    """500 s after the end a five-minute candle is missing, and none of half an hour."""
    end = walk(700, timeframe="5m").closed_at

    document = json.loads(score(file, "--json", "--symbol", "BTC", "--at", end + 500)[1])["scores"][0]

    stale = {state["name"]: state["stale"] for state in document["inputs"]}
    assert (stale["candles 5m"], stale["candles 30m"]) == (True, False)


def test_timeframes_bars_and_weights_can_be_chosen(score, file):
    """The choice is what the score is made of, and of nothing else."""
    document = json.loads(
        score(
            file, "--json", "--symbol", "BTC", "--timeframes", "5m,15m", "--timeframe-weights", "15m=0.7",
            "--component-weights", "technical=1", "--bars", "220",
        )[1]
    )["scores"][0]  # fmt: skip

    rating = document["components"]["technical"]["sub_scores"][0]
    weights = {name: (part["weight"], part["bars"]) for name, part in rating["timeframes"].items()}
    assert weights == {"5m": (0.3, 220), "15m": (0.7, 220)}
    assert document["score"] == document["components"]["technical"]["score"]


def test_standard_input_is_read(score, file, monkeypatch):
    """A dash stands for it."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(file.read_bytes())))

    code, out, _ = score("-")

    assert code == 0
    assert out.startswith("standard input: 5m candles, 2 symbols")


def test_where_nothing_can_be_scored_the_exit_code_says_so(score, file):
    """The breakdown has the reasons; a script has 1."""
    code, out, _ = score(file, "--symbol", "BTC", "--at", "2020-01-01")

    assert code == 1
    assert "no candles" in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--symbol", "DOGE"), "--symbol: got 'DOGE'; made.csv has BTC/USDT:USDT, ETH/USDT:USDT"),
        (("--timeframes", "7m"), "got '7m'; want some of 1m, 3m"),
        (("--timeframes", "15m"), "--timeframe-weights: want a weight for 15m as well"),
        (("--timeframe-weights", "15m=1"), "--timeframe-weights: 15m is not among --timeframes"),
        (("--timeframe-weights", "5m"), "got '5m'; want name=number"),
        (("--timeframe-weights", "5m=nan"), "want numbers of at least 0"),
        (("--component-weights", "technical=0"), "want numbers of at least 0, one of them above"),
        (("--component-weights", "technical=1e308,volume=1e308"), "want numbers of at least 0"),
        (("--component-weights", "luck=1"), "--component-weights: got luck; want some of orderflow"),
        (("--at", "noon"), "got 'noon'; want a time like 2025-04-01T12:00 (UTC)"),
        (("--at", "-5"), "got '-5'; want a time after 1970"),
        (("--at", "1e20"), "got '1e20'; want a time after 1970 and before 5138"),
        (("--bars", "0"), "got '0'; want a whole number from 2 to 10000"),
    ],
)
def test_a_wrong_command_gets_two_and_a_sentence(score, file, arguments, complaint):
    """What is wrong, and what would be right."""
    code, out, err = score(file, *arguments)

    assert (code, out) == (2, "")
    assert complaint in err


def test_a_file_that_is_not_there_gets_two_and_a_sentence(score, tmp_path):
    """As does a folder."""
    assert score(tmp_path / "none.csv")[::2] == (2, f"{tmp_path / 'none.csv'}: No such file or directory\n")
    assert score(tmp_path)[0] == 2


def test_the_default_weights_are_those_of_the_settings():
    """The market side may not read the settings; the two are held together here."""
    assert offline.COMPONENT_WEIGHTS == settings.DEFAULT_COMPONENT_WEIGHTS
    assert offline.TIMEFRAME_WEIGHTS == settings.DEFAULT_TIMEFRAME_WEIGHTS


def test_a_recorded_file_is_scored_whole(score):
    """All fourteen symbols of real five-minute candles have a score."""
    path = recordings("recordings", FIVE_MINUTES)

    code, out, _ = score(path, "--json")

    scores = json.loads(out)["scores"]
    assert code == 0
    assert [one["symbol"] for one in scores] == list(recorded(FIVE_MINUTES))
    assert all(0 <= one["score"] <= 100 for one in scores)


def test_the_command_runs_by_itself_and_bears_a_reader_that_leaves(file):
    """As typed: a pipe that is closed early is no error, and nothing is printed to standard error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "market", "score", str(file), "--symbol", "all"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    first = process.stdout.readline()
    process.stdout.close()
    _, complaints = process.stderr.read(), process.wait(30)
    process.stderr.close()

    assert first == "made.csv: 5m candles, 2 symbols\n"
    assert (process.returncode, complaints) == (0, 0)
