"""A hundred steps of training give PyTorch's losses and weights: all optimizers, clips, decays, weights; in float64."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from compiler import pipeline
from runtime.store import Store
from tests import chosen
from tests.reference.cases import BATCH, CASES, Case, batches, class_weights, digest, weights

TOLERANCE = 1e-9


@cache
def ours(case: Case) -> tuple[list[float], dict[str, NDArray[np.float64]]]:
    experiment = case.experiment()
    step = pipeline.training_step(experiment)
    values = weights(experiment)
    names = list(values)
    for state in step.states:
        values[state.name] = np.full(tuple(int(str(d)) for d in state.type.shape), state.start)
    graph = pipeline.optimize(step.graph)
    store = Store(chosen.backend(), graph, values)
    executor = chosen.executor(graph, store)
    losses = []
    for i, batch in enumerate(batches(case), 1):
        numbers = class_weights(case, experiment) | {
            "rows": BATCH,
            "lr": experiment.train.optimizer.lr,
            "step": i,
            "seed": 0,
        }
        sizes = {"B": BATCH, **({"T": batch["lengths.T"].max()} if "lengths.T" in batch else {})}
        feeds = {n: np.asarray(v) for n, v in {**batch, **numbers}.items()}
        losses.append(float(executor.run(feeds, {n: int(s) for n, s in sizes.items()})["loss"]))
    return losses, {name: np.array(store[name]) for name in names}


@cache
def committed() -> dict[str, dict]:
    return json.loads(Path(__file__).with_name("steps.json").read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_steps_give_the_committed_values_of_torch(case: Case) -> None:
    losses, final = ours(case)
    expected = committed()[case.name]
    assert np.abs(np.subtract(losses, expected["losses"])).max() < TOLERANCE
    for name, told in digest(final).items():
        # A sum over a large array adds up its numbers' differences.
        room = TOLERANCE * np.array([final[name].size, final[name].size] + [1] * 8)
        assert (np.abs(np.subtract(told, expected["weights"][name])) < room).all(), name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_steps_give_every_weight_of_torch(case: Case) -> None:
    pytest.importorskip("torch", reason="torch is not installed: compared with the committed values alone")
    from tests.reference.torch_steps import run

    losses, final = ours(case)
    torch_losses, torch_final = run(case)
    assert np.abs(np.subtract(losses, torch_losses)).max() < TOLERANCE
    assert max(np.abs(final[name] - torch_final[name]).max() for name in final) < TOLERANCE
