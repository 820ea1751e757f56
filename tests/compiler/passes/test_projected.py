"""Words that are looked up are multiplied once each, where kernels are compiled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler import pipeline
from compiler.experiment import TrainingStep
from compiler.ir.verify import verify
from compiler.ops.lookup import Gather, ScatterRows
from compiler.ops.placed import AddPlaces, AtPlaces
from compiler.passes.projected import DEEP, MANY, projected
from compiler.pipeline import compile_native
from runtime.execute import Executor
from runtime.interpret import evaluate
from runtime.store import Store
from runtime.weights import initial_states, initial_weights
from tests.compiler.random_graphs import feeds_for
from tests.runtime.native.kernels import needs_numba, shared_backend

SPEC = f"""model m(text: words) -> tags: class per text {{
  embed {DEEP}
  lstm 8 bidir
  dense softmax
}}
train {{ sgd lr=0.1 ; batch 8 }}
"""
SIZES = {"B": 8, "T": MANY // 8}


def training(spec: str = SPEC) -> TrainingStep:
    experiment = pipeline.check(spec, "m.nn", sizes={"V": 30, "classes": 3})
    step = pipeline.training_step(experiment)
    return replace(step, graph=pipeline.optimize(step.graph))


def test_no_row_is_looked_up_for_a_position_and_none_scattered():
    after = projected(training().graph, SIZES)
    verify(after)
    ops = [type(n.op) for n in after.nodes()]
    assert ops.count(AtPlaces) == ops.count(AddPlaces) == 2
    assert Gather not in ops
    assert ScatterRows not in ops


@pytest.mark.parametrize(
    ("spec", "sizes"),
    [(SPEC.replace(f"embed {DEEP}", f"embed {DEEP - 1}"), SIZES), (SPEC, {**SIZES, "T": MANY // 8 - 1})],
)
def test_short_rows_and_few_words_are_left(spec: str, sizes: dict[str, int]):
    graph = training(spec).graph
    assert projected(graph, sizes) is graph


def test_words_that_something_else_reads_too_are_still_looked_up():
    shared = SPEC.replace("  lstm", "  dropout 0.5\n  lstm")
    graph = training(shared).graph
    assert projected(graph, SIZES) is graph


@needs_numba
def test_compiled_program_computes_what_the_graph_says():
    experiment = pipeline.check(SPEC, "m.nn", sizes={"V": 30, "classes": 3})
    step = training()
    feeds = feeds_for(step.graph, SIZES, np.random.default_rng(1))
    feeds["lengths.T"] = np.arange(SIZES["B"]) + 5
    feeds["text"] = np.where(np.arange(SIZES["T"]) < feeds["lengths.T"][:, None], feeds["text"] % 30, 0)
    feeds["tags"] = np.where(feeds["text"] > 0, feeds["tags"] % 3, -1)
    values = {**initial_weights(experiment.network.parameters, 1), **initial_states(step.states)}
    given = {**feeds, **{name: value.copy() for name, value in values.items()}}
    store = Store(shared_backend(), step.graph, values)
    wanted = evaluate(step.graph, given, SIZES)
    found = Executor(shared_backend(), step.graph, compile_native, store).run(given, SIZES)
    moved = {f"{name}'": value for name, value in store.items()}
    for name, value in wanted.items():
        computed = {**store, **moved, **found}[name]
        np.testing.assert_allclose(computed, value, rtol=2e-4, atol=1e-6, err_msg=name)
