"""Programs and whole training runs on what stands in for a GPU, against the host's."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compiler.ir.graph import Graph, Output, apply
from compiler.ir.types import BATCH, Dtype, Type
from compiler.ops.chance import DropoutMask
from compiler.passes import optimize
from compiler.plan import groups
from dsl.errors import RunError
from runtime.execute import Executor
from runtime.kernels import philox
from runtime.loop import Keep, Pace
from runtime.numpy_backend import numpy_backend
from runtime.progress import Snapshot
from runtime.train import train
from tests.compiler.random_graphs import feeds_for, fresh_seed, random_graph, random_sizes
from tests.runtime.jobs import BAG, NUMBERS, TEXT, job, write_data
from tests.runtime.strict_backend import strict_backend
from tests.runtime.strict_xp import StrictError, xp
from tests.runtime.test_execute import assert_program_agrees, compile_bucket, input_node

COUNT = int(os.environ.get("NNC_FUZZ", "0")) or 25


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_data(tmp_path)
    return tmp_path


@pytest.mark.parametrize("spec", [TEXT, BAG, NUMBERS], ids=["textcnn", "bag", "mlp"])
def test_training_on_a_device_gives_the_weights_of_the_host(spec: str, folder: Path):
    here = train(job(spec, folder, numpy_backend()), lambda event: None)
    there = train(job(spec, folder, strict_backend()), lambda event: None)
    assert here.weights.keys() == there.weights.keys()
    for name, wanted in here.weights.items():
        assert isinstance(there.weights[name], np.ndarray)
        np.testing.assert_allclose(there.weights[name], wanted, rtol=1e-12, atol=1e-12, err_msg=name)
    assert (there.best_epoch, there.step) == (here.best_epoch, here.step)
    for part in ("valid", "test", "train"):
        wanted, found = getattr(here, part), getattr(there, part)
        assert (found is None) == (wanted is None)
        if wanted is not None:
            assert found.outputs == wanted.outputs or found.loss == pytest.approx(wanted.loss, rel=1e-12)


def test_run_on_a_device_goes_on_from_a_checkpoint_to_the_byte(folder: Path):
    saved: list[Snapshot] = []
    keep = Keep(saved.append, Pace(seconds=0, epoch_seconds=0, share=1e9))
    whole = train(job(TEXT, folder, strict_backend(), "f32"), lambda event: None, keep=keep)
    snapshot = saved[len(saved) // 2]
    assert all(isinstance(array, np.ndarray) for array in snapshot.store.values())
    again = train(job(TEXT, folder, strict_backend(), "f32"), lambda event: None, resume=snapshot)
    assert all(again.weights[name].tobytes() == whole.weights[name].tobytes() for name in whole.weights)


def test_training_on_a_device_in_float32_is_near(folder: Path):
    here = train(job(TEXT, folder, numpy_backend(), "f32"), lambda event: None)
    there = train(job(TEXT, folder, strict_backend(), "f32"), lambda event: None)
    for name, wanted in here.weights.items():
        np.testing.assert_allclose(there.weights[name], wanted, rtol=1e-3, atol=1e-5, err_msg=name)


def test_training_on_a_device_twice_gives_the_same_bytes(folder: Path):
    first, second = (train(job(TEXT, folder, strict_backend(), "f32"), lambda event: None) for _ in range(2))
    assert all(first.weights[name].tobytes() == second.weights[name].tobytes() for name in first.weights)


def test_a_loss_that_is_not_finite_on_a_device_has_its_line(folder: Path):
    with pytest.raises(RunError) as caught:
        train(job(NUMBERS.replace("lr=0.1 momentum=0.9 ; clip norm=1", "lr=1e30"), folder, strict_backend()),
              lambda event: None)  # fmt: skip
    found = caught.value.diagnostics[0]
    assert found.code in ("NN850", "NN851")
    assert found.span is not None


def test_what_does_not_fit_the_memory_of_a_device_is_refused(folder: Path):
    small = replace(strict_backend(), available_bytes=lambda: 1000)
    with pytest.raises(RunError) as caught:
        train(job(TEXT, folder, small), lambda event: None)
    assert caught.value.diagnostics[0].code == "NN852"


@pytest.mark.parametrize("blocks", [False, True], ids=["whole", "in blocks"])
@pytest.mark.parametrize("prepare", [lambda graph: graph, optimize], ids=["as it is", "optimized"])
def test_program_on_a_device_computes_what_the_interpreter_does(
    prepare: Callable[[Graph], Graph], blocks: bool, monkeypatch: pytest.MonkeyPatch
):
    if blocks:
        monkeypatch.setattr(groups, "BLOCK", 3)
        monkeypatch.setattr(groups, "WORTH_BLOCKS", 3)
    backend = strict_backend()
    for _ in range(COUNT):
        seed = fresh_seed()
        print(f"seed {seed}")
        rng = np.random.default_rng(seed)
        graph = prepare(random_graph(seed))
        sizes = random_sizes(rng)
        assert_program_agrees(graph, sizes, feeds_for(graph, sizes, rng), backend)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 1000])
@pytest.mark.parametrize(("seed", "site", "step"), [(0, 0, 0), (1, 2, 3), (-1, 0, 2**40), (2**63 - 1, 2**31, 10**6)])
def test_device_draws_the_bits_of_numpy(count: int, seed: int, site: int, step: int):
    key = np.array([seed % 2**64, site], np.uint64)
    stream = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, step]))
    out = xp.empty((count,), dtype=np.float32)
    philox.uniform(xp, out, (philox.number(xp, seed % 2**64), philox.number(xp, site)), philox.number(xp, step))
    np.testing.assert_array_equal(out.get(), stream.random(count, dtype=np.float32))


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_device_drops_what_the_host_drops(dtype: Dtype):
    seed, step = (input_node(name, "number", dtype="i64") for name in ("seed", "step"))
    graph = Graph((seed, step), (Output("y", apply(DropoutMask(0.3, 5, (BATCH, 33), dtype), seed, step)),))
    feeds = {"seed": np.int64(-7), "step": np.int64(12)}
    assert graph.outputs[0].node.type == Type(dtype, (BATCH, 33))
    here, there = (
        Executor(backend, graph, compile_bucket, {}).run(feeds, {"B": 9})["y"].copy()
        for backend in (numpy_backend(), strict_backend())
    )
    np.testing.assert_array_equal(here, there)


def array(*values: float) -> object:
    return xp.asarray(np.array(values))


@pytest.mark.parametrize(
    "refused",
    [
        lambda: float(array(1.0).sum()),
        lambda: list(array(1.0, 2.0)),
        lambda: 1 if array(1.0)[0] > 0 else 0,
        lambda: np.exp(array(1.0)),
        lambda: array(1.0) + np.ones(1),
        lambda: array(1.0) * np.float64(2),
        lambda: array(1.0, 2.0)[array(1.0, 2.0) > 1],
        lambda: array(1.0)[xp.asarray(np.array([1]))],
        lambda: array(0.0, 0.0).__setitem__(xp.asarray(np.array([0, 0])), array(1.0, 2.0)),
        lambda: xp.sum(array(1.0), where=array(1.0) > 0),
        lambda: xp.exp([1.0]),
        lambda: xp.take(array(1.0), xp.asarray(np.array([0])), mode="clip"),
        lambda: xp.maximum.reduce(array(1.0)),
        lambda: xp.add.at(array(1.0), xp.asarray(np.array([0])), 0.5),
        lambda: xp.insert(array(1.0), 0, 1.0),
        lambda: array(1.0).tolist(),
        lambda: xp.asarray(np.ones((4, 4)))[:, ::2].view(np.float32),
        lambda: xp.asarray(np.ones((4, 4)))[:, ::2].sort(),
    ],
)
def test_stand_in_refuses_what_cupy_refuses(refused: Callable[[], object]):
    with pytest.raises(StrictError):
        refused()


def test_new_memory_of_the_stand_in_holds_nothing_that_passes_for_a_number():
    assert np.isnan(xp.empty(3, dtype=np.float32).get()).all()
