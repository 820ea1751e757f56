"""Series: the specs of the gallery on generated rows, and what the course says of linear and other models on ours."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnc
from tests.specs.gallery_data import write_series
from tests.specs.generators import SPECS, module_of
from tests.specs.test_gallery import GALLERY
from tests.specs.training import trained


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_series(folder)
    return folder


def past(model: nnc.Model) -> dict[str, Any]:
    """300 rows of every series that it looks at; of other inputs, which tell the day, the row to come too."""
    chance = np.random.default_rng(1)
    inputs = model.experiment.network.inputs
    found: dict[str, Any] = {p.name: chance.normal(size=(300, p.sort.width)) for p in inputs if p.name != "weekday"}
    if len(found) < len(inputs):
        found["load"] = np.concatenate([found["load"], np.full((1, 1), np.nan)])
        found["weather"] = np.concatenate([found["weather"], np.zeros((1, 6))])
        found["weekday"] = ["d1"] * 301
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "columns", "steps"),
    [("autoregression", 1, 1), ("narx", 1, 1), ("tdnn", 7, 1), ("forecaster", 1, 24), ("wavenet", 1, 1)],
)
def test_series_of_the_gallery_is_trained_and_forecasts(
    name: str, columns: int, steps: int, data: Path, tmp_path: Path
):
    history = nnc.train(GALLERY / f"{name}.nn", out=tmp_path / "run", data_root=data, set=["train.steps=2"])
    assert {"rmse", "persistence_rmse", "least_squares_rmse"} <= set(history.test or {})
    model = nnc.load(tmp_path / "run")
    found = model.forecast(past(model))
    assert np.array(found).size == steps * columns
    assert np.isfinite(np.array(found)).all()


@pytest.mark.slow
def test_autoregression_comes_to_the_least_squares_of_its_lags(data: Path, tmp_path: Path):
    history = nnc.train(
        GALLERY / "autoregression.nn", out=tmp_path / "run", data_root=data, set=["train.schedule=cosine"]
    )
    assert history.test is not None
    assert history.test["rmse"] < 1.01 * history.test["least_squares_rmse"]


@pytest.mark.slow
def test_network_knows_the_square_of_the_wind_and_a_linear_model_does_not():
    result = trained("tides.nn")
    assert result.test is not None
    noise = module_of("tides/generate.py").NOISE
    assert noise < result.test.value("rmse") < 0.9 * result.test.value("least_squares_rmse")


def test_shipped_levels_are_a_row_an_hour():
    rows = gzip.decompress((SPECS / "tides" / "levels.csv.gz").read_bytes()).decode().splitlines()
    assert rows[0] == "level,wind"
    assert len(rows) == 1 + module_of("tides/generate.py").HOURS
