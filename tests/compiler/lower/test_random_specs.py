"""Specs that nobody wrote are refused with an error of the language, or go all the way to a valid step.

NNC_FUZZ=1000 for a long run.
"""

from __future__ import annotations

from compiler.experiment import Experiment
from compiler.ir.verify import verify
from compiler.pipeline import optimize, training_step
from dsl.errors import SpecError
from tests.compiler.lower.random_specs import random_spec
from tests.compiler.lower.specs import checked
from tests.compiler.random_graphs import FUZZ, fresh_seed

COUNT = FUZZ or 75


def test_random_spec_is_refused_or_compiles():
    good = 0
    for _ in range(COUNT):
        seed = fresh_seed()
        spec = random_spec(seed)
        print(f"seed {seed}\n{spec}")
        try:
            experiment = checked(spec)
        except SpecError as error:
            refused = error.diagnostics
        else:
            refused = ()
            good += 1
            compiles(experiment)
        assert all("NN1" < d.code < "NN7" and d.span is not None for d in refused)
    assert good > COUNT // 10


def compiles(experiment: Experiment) -> None:
    for graph in (experiment.network.evaluation, experiment.network.prediction):
        verify(graph)
        verify(optimize(graph))
    step = training_step(experiment).graph
    verify(step, spans=True)
    verify(optimize(step), spans=True)
