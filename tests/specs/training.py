"""A spec trained in this process, by the parts that `nnc train` uses."""

from __future__ import annotations

from pathlib import Path

from compiler import pipeline
from compiler.experiment import TrainingStep
from runtime.data import read
from runtime.events import TrainResult
from runtime.job import Job
from runtime.numpy_backend import numpy_backend
from runtime.train import train

SPECS = Path(__file__).parents[2] / "specs"


def trained(spec: str, seed: int = 1, sets: tuple[str, ...] = ()) -> TrainResult:
    """The result of training a shipped spec on the data that ships."""
    text = (SPECS / spec).read_bytes()
    first = pipeline.check(text, spec, sets=sets, seed=seed)
    assert first.data is not None
    dataset = read(first.network.ports, first.data, SPECS, None)
    bound = pipeline.check(text, spec, sets=sets, seed=seed, sizes=dataset.tables.sizes())
    step = pipeline.training_step(bound)
    job = Job(
        network=bound.network,
        settings=bound.train,
        step=TrainingStep(pipeline.optimize(step.graph), step.states),
        evaluation=pipeline.optimize(bound.network.evaluation),
        dataset=dataset,
        backend=numpy_backend(),
        compile_bucket=pipeline.compile_bucket,
    )
    return train(job, lambda event: None)
