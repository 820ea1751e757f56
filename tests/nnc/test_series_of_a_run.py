"""Forecasting on the command line: trained, scored beside its baselines, rolled out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import nnc
from nnc import cli
from nnc.failure import guarded

SPEC = """model m(load: series[4](standard), hour: category) -> ahead: next[2](load) {
  concat(load, (hour | embed 2))
  dense
}
data { train "load.csv" header ; valid 20% last ; test 20% last }
train { adam lr=0.05 ; epochs 3 }
"""
AR = 'model m(y: series[3]) -> ahead: next(y) {\n  dense\n}\ndata { train "y.csv" header ; test 25% last }\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [f"{i % 4},{10 * (i % 4) + 100}" for i in range(40)]
    Path("load.csv").write_text("\n".join(["hour,load", *rows]) + "\n")
    Path("future.csv").write_text("\n".join(["hour,load", *rows, "0,", "1,", "2,", "3,"]) + "\n")
    Path("m.nn").write_text(SPEC)
    Path("ar.nn").write_text(AR)
    Path("y.csv").write_text("y\n" + "".join(f"{i * i % 7}\n" for i in range(40)))
    return tmp_path


def run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


def test_forecast_is_scored_beside_its_baselines(here: Path, capsys: pytest.CaptureFixture[str]):
    assert run("train", "m.nn", "--out", "r", "--json") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["test"]["rows"] == 7
    assert found["test"]["least_squares_rmse"] < 1e-6 < found["test"]["rmse"]
    assert found["valid"]["persistence_rmse"] > 10
    assert run("eval", "r", "--json") == 0
    assert json.loads(capsys.readouterr().out)["test"] == found["test"]
    assert run("eval", "r", "--data", "load.csv", "--json") == 0
    scored = json.loads(capsys.readouterr().out)["test"]
    assert scored["rows"] == 35
    assert "least_squares_rmse" not in scored


def test_forecast_of_a_file_is_a_row_a_line(here: Path, capsys: pytest.CaptureFixture[str]):
    assert run("train", "m.nn", "--out", "r") == 0
    assert "RMSE of least squares" in capsys.readouterr().out
    assert run("predict", "r", "--file", "future.csv") == 0
    two = capsys.readouterr().out.splitlines()
    assert run("predict", "r", "--file", "future.csv", "--max", "4", "--json") == 0
    four = [json.loads(line)["ahead"] for line in capsys.readouterr().out.splitlines()]
    assert (len(two), len(four)) == (2, 4)
    np.testing.assert_allclose(four[:2], [float(line) for line in two], rtol=1e-4)
    model = nnc.load("r")
    history = {
        "hour": [i % 4 for i in range(44)],
        "load": [10.0 * (i % 4) + 100 for i in range(40)] + [float("nan")] * 4,
    }
    assert model.forecast(history, 4) == pytest.approx(four)


def test_forecast_that_lacks_the_future_says_so(here: Path, capsys: pytest.CaptureFixture[str]):
    assert run("train", "m.nn", "--out", "r") == 0
    assert run("predict", "r", "--file", "load.csv") == 1
    assert "NN897" in capsys.readouterr().err


def test_window_in_an_argument_is_answered_as_one_of_a_file(here: Path, capsys: pytest.CaptureFixture[str]):
    assert run("train", "ar.nn", "--out", "r") == 0
    tip = capsys.readouterr().out.splitlines()[-1]
    assert tip.startswith("try it:  nnc predict r --file ")
    assert run("predict", "r", "--file", "y.csv") == 0
    of_file = capsys.readouterr().out
    assert run("predict", "r", "\t".join(str(i * i % 7) for i in (37, 38, 39))) == 0
    assert capsys.readouterr().out == of_file
    assert run("predict", "r", "1\t2\t3", "--max", "2") == 1
    assert "NN898" in capsys.readouterr().err


def test_series_is_surveyed(here: Path, capsys: pytest.CaptureFixture[str]):
    assert run("check", "m.nn", "--data") == 0
    found = capsys.readouterr().out
    assert "  load    100 to 130, mean 115.7\n" in found
    assert "repeat" not in found
