"""Series: the specs of the gallery on generated rows, and what the course says of linear and other models on ours."""

from __future__ import annotations

import gzip
import math
import random
from pathlib import Path

import numpy as np
import pytest

import nnc
from tests.specs.generators import SPECS, module_of
from tests.specs.test_gallery import GALLERY
from tests.specs.training import trained

ROWS = 460
LOADS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Waves under the names of the real files."""
    folder = tmp_path_factory.mktemp("data")
    dice = random.Random(5)
    day = [f"d{i // 24 % 7}" for i in range(ROWS)]
    of = {name: [math.sin(i / (3 + k)) + dice.gauss(0, 0.1) for i in range(ROWS)] for k, name in enumerate(LOADS)}
    files = {
        "timeseries/monthly_sunspots.csv": {"Month": day, "Sunspots": of["OT"]},
        "timeseries/daily_min_temperatures.csv": {"Date": day, "Temp": of["HULL"]},
        "timeseries/ETTh1.csv.gz": {"date": day, **of},
        "load/hourly.csv": {"weekday": day, **of},
    }
    for name, columns in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        rows = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
        text = ("\n".join(rows) + "\n").encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return folder


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
    chance = np.random.default_rng(1)
    past = {
        p.name: chance.normal(size=(300, p.sort.width)) for p in model.experiment.network.inputs if p.name != "weekday"
    }
    if name == "forecaster":
        past["load"] = np.concatenate([past["load"], np.full((1, 1), np.nan)])
        past["weather"] = np.concatenate([past["weather"], np.zeros((1, 6))])
        past |= {"weekday": ["d1"] * 301}
    found = model.forecast(past)
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
