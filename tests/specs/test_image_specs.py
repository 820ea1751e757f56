"""The specs over pictures are trained for a step or two, on pictures made for the test."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from compiler.passes import optimize
from compiler.pipeline import check, compile_bucket, training_step
from nnc.training import prepared, recipe
from runtime.events import TrainResult
from runtime.train import train
from tests import chosen
from tests.runtime.data.test_arrays import idx_bytes
from tests.specs.training import SPECS


def trained(spec: str, folder: Path, *sets: str) -> TrainResult:
    made = recipe(SPECS / spec, sets=sets, seed=1, data_root=folder)
    return train(prepared(made, made.read(made.check()), chosen.backend())[1], lambda event: None)


def test_lenet_takes_two_steps(tmp_path: Path):
    rng = np.random.default_rng(1)
    folder = tmp_path / "images" / "mnist"
    folder.mkdir(parents=True)
    for part, count in (("train", 20), ("t10k", 4)):
        digits = np.arange(count, dtype=np.uint8) % 4
        pictures = rng.integers(0, 64, (count, 28, 28)).astype(np.uint8) + 60 * digits[:, None, None]
        for name, values in ((f"{part}-images-idx3", pictures), (f"{part}-labels-idx1", digits)):
            (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(idx_bytes(values.astype(np.uint8))))
    result = trained("lenet.nn", tmp_path, "train.steps=2", "train.batch=8")
    assert result.test is not None
    assert math.isfinite(result.test.loss)


def test_residual_network_takes_two_steps_on_folders_of_pictures(tmp_path: Path):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    rng = np.random.default_rng(1)
    for i in range(12):
        place = tmp_path / "cifar" / ("test" if i < 4 else "train") / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        pillow.fromarray(rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)).save(place / f"{i}.png")
    result = trained("resnet.nn", tmp_path, "train.steps=2", "train.batch=4")
    assert result.test is not None
    assert math.isfinite(result.test.loss)


def test_alexnet_is_planned_in_its_real_size():
    sizes = {"classes": 1000}
    text = (SPECS / "alexnet.nn").read_text("utf-8")
    experiment = check(text, "alexnet.nn", sizes=sizes)
    weights = sum(math.prod(int(str(d)) for d in p.type.shape) for p in experiment.network.parameters)
    # The halves in which two GPUs shared the original: 48, 128, 192, 128 filters each.
    half = 363 * 48 + 48 + 1200 * 128 + 128 + 1152 * 192 + 192 + 1728 * 128 + 128
    assert weights == 2 * half + 6400 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 1000 + 1000
    assert weights == 48_324_584
    wider = check(text.replace("224,224,3", "227,227,3"), "alexnet.nn", sizes=sizes).network.parameters
    assert sum(math.prod(int(str(d)) for d in p.type.shape) for p in wider) == 59_858_920
    # The passes themselves, also in a suite that runs without them: it is their plan that the bounds are of.
    _, plan = compile_bucket(optimize(training_step(experiment).graph), {"B": 128, **sizes})
    assert 0.4e9 < plan.arena_bytes < 0.6e9
