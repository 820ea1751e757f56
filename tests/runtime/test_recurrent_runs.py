"""Runs of models with cells: on the host and on a device, and where a number in a cell stops being finite."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dsl.errors import RunError
from runtime.numpy_backend import numpy_backend
from runtime.train import train
from tests.runtime.jobs import TEXT, job, write_data
from tests.runtime.strict_backend import strict_backend

LSTM = TEXT.replace("conv k=2,3 filters=4 relu\n  maxpool", "lstm 4 bidir layers=2 dropout=0.2\n  last")
STATES = TEXT.replace(
    "conv k=2,3 filters=4 relu\n  maxpool",
    "gru 4 bidir dropout=0.2 variational as reader\n  gru(h=reader.h) 4 bidir dropout=0.3 variational\n"
    "  gru(h=param[4]) 4 dropout=0.3 variational layers=2\n  last",
)
"""First states, last states, one mask for all steps."""
GROWING = "cell growing(x) state h { h' = exp(linear(x, h)) * 1e200 }\n" + TEXT.replace(
    "conv k=2,3 filters=4 relu\n  maxpool", "growing 4\n  last"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_data(tmp_path)
    return tmp_path


@pytest.mark.parametrize("spec", [LSTM, STATES], ids=["lstm", "states"])
def test_recurrent_layers_learn_on_a_device_what_they_do_on_the_host(spec: str, folder: Path):
    here, there = (train(job(spec, folder, b), lambda _: None) for b in (numpy_backend(), strict_backend()))
    assert here.weights.keys() == there.weights.keys()
    for name, wanted in here.weights.items():
        np.testing.assert_allclose(there.weights[name], wanted, rtol=1e-9, atol=1e-12, err_msg=name)


def test_number_that_is_not_finite_in_a_cell_is_found_at_the_line_that_uses_it(folder: Path):
    with pytest.raises(RunError) as caught:
        train(job(GROWING, folder, numpy_backend()), lambda _: None)
    found = caught.value.diagnostics[0]
    assert found.code in ("NN850", "NN851")
    assert found.span is not None
    assert found.span.snippet == "growing 4"
    assert found.label.startswith("here first")
