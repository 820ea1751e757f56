"""Small training jobs for any backend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from compiler import pipeline
from compiler.ir.types import Dtype
from runtime.backend import Backend
from runtime.data import read
from runtime.job import Job

TEXT = """model m(text: words) -> label: class {
  embed 6
  conv k=2,3 filters=4 relu
  maxpool
  dropout 0.5
  dense softmax
}
data { train "train.tsv" ; valid "valid.tsv" ; test "test.tsv" }
train { adadelta ; batch 8 ; epochs 3 }
"""
BAG = """model m(text: words) -> label: class { bag ; dense 5 tanh ; dense softmax }
data { train "train.tsv" ; valid "valid.tsv" }
train { adam lr=0.05 ; batch 7 ; epochs 3 }
"""
NUMBERS = """model m(x: real[2]) -> y: real { dense 5 tanh ; dropout 0.2 ; dense }
data { train "train.csv" columns=x,y }
train { sgd lr=0.1 momentum=0.9 ; clip norm=1 ; batch 5 ; epochs 4 }
"""
ROWS = [("good", "a fine thing"), ("bad", "a poor thing"), ("good", "fine fine work"), ("bad", "poor work indeed")]


def write_data(folder: Path) -> None:
    """What the three specs read."""
    for name, times in (("train", 10), ("valid", 2), ("test", 1)):
        lines = [f"{label}\t{text}{' and so on' * (i % 3)}\n" for i in range(times) for label, text in ROWS]
        (folder / f"{name}.tsv").write_text("".join(lines))
    points = np.random.default_rng(7).uniform(-1, 1, (24, 2))
    (folder / "train.csv").write_text("".join(f"{a:.4f},{b:.4f},{a - b:.4f}\n" for a, b in points))


def job(spec: str, folder: Path, backend: Backend, dtype: Dtype = "f64") -> Job:
    first = pipeline.check(spec, "m.nn")
    assert first.data is not None
    dataset = read(first.network.ports, first.data, folder, None)
    bound = pipeline.check(spec, "m.nn", sizes=dataset.tables.sizes(), dtype=dtype)
    step = pipeline.training_step(bound)
    return Job(
        network=bound.network,
        settings=bound.train,
        step=replace(step, graph=pipeline.optimize(step.graph)),
        evaluation=pipeline.optimize(bound.network.evaluation),
        dataset=dataset,
        backend=backend,
        compile_bucket=pipeline.compiler_for(backend.native is not None, backend.threads),
    )
