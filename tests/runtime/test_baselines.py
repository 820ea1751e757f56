"""Persistence and least squares beside a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compiler.settings.data import DataSettings, Share
from compiler.sorts import Ahead, Category, Port, Real, Series, Tokens
from runtime import baselines as module
from runtime import data
from runtime.baselines import baselines, least_squares, persistence
from runtime.evaluate import Evaluation, OutputScores
from tests.runtime.data.build import SPEC, TEXT, files, port

SCORES = Evaluation(3, 0.5, (OutputScores("ahead", {"rmse": 1.0}),))


def read(folder: Path, text: str, *ports: Port) -> data.Dataset:
    (folder / "a.csv").write_text(text)
    settings = DataSettings(files("a.csv", header=True), test=Share(0.25, True, SPEC))
    return data.read(ports, settings, folder, None)


def beside(found: data.Dataset, ports: tuple[Port, ...]) -> dict[str, float]:
    inputs, outputs = [p for p in ports if not p.output], [p for p in ports if p.output]
    made = baselines(inputs, outputs, found.train, found.tables)
    assert made is not None
    assert found.test is not None
    return dict(made.beside(SCORES, found.test, found.tables).outputs[0].metrics)


def test_least_squares_is_that_of_a_hand():
    x = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    y = np.array([[1.0], [3.0], [5.0], [9.0]])
    # Normal equations: 4 a + 6 b = 18, 6 a + 14 b = 40.
    np.testing.assert_allclose(least_squares(x, y), [[0.6], [2.6]])


def test_persistence_is_the_last_row_for_each_that_is_told(tmp_path: Path):
    ports = (port("y", Series(2, 1)), port("ahead", Ahead("y", 3, 1), output=True))
    found = read(tmp_path, "y\n" + "".join(f"{i}\n" for i in range(16)), *ports)
    assert persistence(found.train, ports[1].sort).tolist()[0] == [1, 1, 1]


@pytest.mark.parametrize("standard", [False, True])
def test_errors_are_in_the_units_of_the_data(tmp_path: Path, standard: bool):
    ports = (port("y", Series(2, None, standard)), port("ahead", Ahead("y", 1, 1, standard), output=True))
    found = beside(read(tmp_path, "y\n" + "".join(f"{10 * i}\n" for i in range(12)), *ports), ports)
    assert found["rmse"] == 1.0
    assert found["persistence_rmse"] == pytest.approx(10)
    assert found["least_squares_rmse"] == pytest.approx(0, abs=1e-9)


def test_linear_model_has_the_other_inputs_too(tmp_path: Path):
    ports = (port("y", Series(1)), port("now", Real()), port("day", Category()), port("ahead", Ahead("y", 1), True))
    numbers = np.random.default_rng(1).integers(0, 9, 40).tolist()
    rows = [(3 * n + 7 * (i % 2), n, "ab"[i % 2]) for i, n in enumerate(numbers)]
    text = "y,now,day\n" + "".join(f"{y},{n},{d}\n" for y, n, d in rows)
    assert beside(read(tmp_path, text, *ports), ports)["least_squares_rmse"] == pytest.approx(0, abs=1e-9)
    without = tuple(p for p in ports if p.name != "day")
    assert beside(read(tmp_path, text, *without), without)["least_squares_rmse"] > 1


def test_model_without_a_forecast_has_no_baselines(tmp_path: Path):
    assert baselines([TEXT], [port("y", Real(), True)], None, data.Tables({}, {}, {})) is None


def test_too_large_a_linear_model_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ports = (port("y", Series(2)), port("ahead", Ahead("y", 1), output=True))
    found = read(tmp_path, "y\n" + "".join(f"{i}\n" for i in range(12)), *ports)
    monkeypatch.setattr(module, "MOST_WORK", 10)
    assert set(beside(found, ports)) == {"rmse", "persistence_rmse"}


def test_text_is_nothing_that_least_squares_could_take(tmp_path: Path):
    ports = (port("y", Series(2)), port("text", Tokens("words")), port("ahead", Ahead("y", 1), output=True))
    found = read(tmp_path, "y,text\n" + "".join(f"{i},a b\n" for i in range(12)), *ports)
    assert set(beside(found, ports)) == {"rmse", "persistence_rmse"}
    other = (replace(ports[0], name="y"), ports[2])
    assert "least_squares_rmse" in beside(read(tmp_path, "y\n" + "".join(f"{i}\n" for i in range(12)), *other), other)
