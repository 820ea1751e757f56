"""The beam search that ours is timed beside writes the same texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.beam import asked, of_torch, untrained
from nnc.translating import written_ids
from runtime.data.tokens import END

pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.mark.slow
@pytest.mark.parametrize("more", [-3.0, -2.3, -2.0], ids=["going on", "about to end", "ending"])
def test_texts_are_those_of_the_peer(more: float):
    model, rows = untrained(6, {"source": 30, "target": 14})
    bias = np.array(model.weights["decode.dense.bias"])
    bias[END] += more
    model = asked(replace(model, weights={**model.weights, "decode.dense.bias": bias}), 8)
    assert of_torch(model, rows) == written_ids(model, rows)["target"]
