"""The specs that ship, with data that ship: a few steps on what stands in for a GPU."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from nnc.training import prepared, recipe
from runtime.numpy_backend import numpy_backend
from runtime.train import train
from tests.runtime.strict_backend import strict_backend

SPECS = Path(__file__).parents[2] / "specs"


def has_its_data(spec: Path) -> bool:
    named = re.findall(r'^\s*(?:data \{ )?train "([^"]+)"', spec.read_text("utf-8"), re.MULTILINE)
    return bool(named) and all((SPECS / name).is_file() for name in named)


SHIPPED = sorted(spec.name for spec in SPECS.glob("*.nn") if has_its_data(spec))


def test_specs_with_their_data_are_found():
    assert {"sentiment.nn", "sentiment_bag.nn", "perceptron_xor.nn"} <= set(SHIPPED)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_spec_on_a_device_learns_what_it_does_on_the_host(name: str):
    made = recipe(SPECS / name, sets=("train.steps=2",))
    experiment = made.check()
    dataset = made.read(experiment, 0 if experiment.data is not None and experiment.data.folds else None)
    here, there = (
        train(prepared(made, dataset, backend)[1], lambda event: None)
        for backend in (numpy_backend(), strict_backend())
    )
    for weight, wanted in here.weights.items():
        np.testing.assert_allclose(there.weights[weight], wanted, rtol=1e-3, atol=1e-5, err_msg=weight)
