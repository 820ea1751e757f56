from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compiler import pipeline
from compiler.experiment import Deferred, TrainingStep
from compiler.ir.types import Dtype
from runtime import deferred
from runtime.backend import Array
from runtime.deferred import Stepper
from runtime.evaluate import evaluate
from runtime.execute import Executor
from runtime.numpy_backend import numpy_backend
from runtime.store import Store
from runtime.train import train
from runtime.weights import initial_states, initial_weights
from tests.runtime.jobs import job
from tests.runtime.native.kernels import needs_numba, shared_backend

WORDS, WIDTH, STEPS = 3000, 50, 50
SPEC = """model m(t: words) -> y: class {
  embed 50
  mean
  dense softmax
}
train { adam lr=1e-2 ; batch 8 ; clip norm=1 }
"""
STRICT = SPEC.replace("1e-2", "1e-2 strict")


def made(spec: str, dtype: Dtype = "f64") -> tuple[TrainingStep, dict[str, Array]]:
    experiment = pipeline.check(spec, "m.nn", sizes={"V": WORDS, "classes": 3}, dtype=dtype)
    step = pipeline.training_step(experiment)
    graph = pipeline.optimize(step.graph)
    values = {**initial_weights(experiment.network.parameters, 1), **initial_states(step.states)}
    return replace(step, graph=graph), Store(numpy_backend(), graph, values)


def stepper(step: TrainingStep, store: dict[str, Array]) -> Stepper:
    return Stepper(numpy_backend(), step, pipeline.compile_bucket, store)


def feeds(number: int) -> dict[str, Array]:
    """Words of which low ids are common; a rate that changes."""
    chance = np.random.default_rng(number)
    words = np.exp(chance.random((8, 10)) * np.log(WORDS)).astype(np.int64)
    rate = {"lr": np.float64(1e-2 / number**0.5), "step": np.int64(number), "seed": np.int64(1)}
    return {"t": words, "y": chance.integers(0, 3, 8), "lengths.T": np.full(8, 10), "rows": np.float64(8), **rate}


def steps(of: Stepper, numbers: range) -> list[float]:
    return [float(of.run(feeds(i), {"B": 8, "T": 10})["loss"]) for i in numbers]


@pytest.mark.parametrize(("dtype", "losses", "mean"), [("f64", 1e-6, 1e-7), ("f32", 1e-6, 1e-7)])
def test_rows_that_are_put_off_end_where_strict_steps_bring_them(dtype: Dtype, losses: float, mean: float):
    (step, store), (strict, whole) = made(SPEC, dtype), made(STRICT, dtype)
    assert [d.weight for d in step.deferred] == ["embed.weight"]
    assert strict.deferred == ()
    late, early = stepper(step, store), stepper(strict, whole)
    np.testing.assert_allclose(steps(late, range(1, STEPS)), steps(early, range(1, STEPS)), rtol=losses)
    behind = np.abs(store["embed.weight"] - whole["embed.weight"]).mean()
    late.settle(STEPS - 1)
    ahead = np.abs(store["embed.weight"] - whole["embed.weight"])
    assert ahead.mean() < mean < 1e-3 < behind
    # Where the root of the mean square is about eps, the sum of what was missed is not exact.
    assert ahead.max() < 1e-3
    for name in ("embed.weight.mean", "embed.weight.square"):
        np.testing.assert_allclose(store[name], whole[name], rtol=0, atol=1e-6 * np.abs(whole[name]).max())


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9), (0.0, 0.99), (0.98, 0.999)])
@pytest.mark.parametrize("missed", [1, 7, 600])
@pytest.mark.parametrize("tier", ["numpy", pytest.param("fast", marks=needs_numba)])
def test_what_a_row_missed_is_what_so_many_steps_without_gradient_do(
    betas: tuple[float, float], missed: int, tier: str
):
    first, second = betas
    chance = np.random.default_rng(missed)
    of = Deferred("w", "m", "v", "moved", "rates", "t", betas, 1e-8, 4096)
    w, m, v = chance.normal(size=(5, 4)), chance.normal(size=(5, 4)), chance.random((5, 4)) + 0.1
    store = {"w": w.copy(), "m": m.copy(), "v": v.copy(), "moved": np.full(5, 3), "rates": np.zeros((2, 4096))}
    table = deferred._Table(of, store, numpy_backend() if tier == "numpy" else shared_backend())
    for step in range(4, 4 + missed):
        rate = 0.1 / step
        m, v = first * m, second * v
        w = w - rate / (1 - first**step) * m / (np.sqrt(v) / np.sqrt(1 - second**step) + 1e-8)
        table.stepped(step, rate)
    table.bring_up(np.array([1, 2, 4, 4, 0]), 3 + missed)
    rows = [1, 2, 4]
    np.testing.assert_allclose(store["w"][rows], w[rows], rtol=1e-9)
    np.testing.assert_allclose(store["m"][rows], m[rows], rtol=1e-9, atol=1e-25)
    np.testing.assert_allclose(store["v"][rows], v[rows], rtol=1e-9)
    assert store["moved"].tolist() == [3, 3 + missed, 3 + missed, 3, 3 + missed]


@needs_numba
def test_compiled_kernels_end_where_numpy_does():
    (step, store), (_, other) = made(SPEC, "f32"), made(SPEC, "f32")
    late = Stepper(shared_backend(), step, pipeline.compile_native, other)
    np.testing.assert_allclose(steps(late, range(1, STEPS)), steps(stepper(step, store), range(1, STEPS)), rtol=1e-5)
    for each in (late, stepper(step, store)):
        each.settle(STEPS - 1)
    assert np.array_equal(other["embed.weight.moved"], store["embed.weight.moved"])
    assert np.abs(other["embed.weight"] - store["embed.weight"]).mean() < 1e-7


def test_rows_that_no_step_read_are_left_alone():
    step, store = made(SPEC)
    run = stepper(step, store)
    before = store["embed.weight"].copy()
    steps(run, range(1, 9))
    run.settle(8)
    still = store["embed.weight.moved"] == 0
    assert 0 < still.sum() < WORDS
    assert np.array_equal(store["embed.weight"][still], before[still])


def test_a_window_s_end_changes_roundings_only():
    (step, store), (_, short) = made(SPEC), made(SPEC)
    found = steps(stepper(step, store), range(1, STEPS))
    short["embed.weight.rates"] = np.zeros((2, 16))
    again = stepper(replace(step, deferred=(replace(step.deferred[0], window=16),)), short)
    np.testing.assert_allclose(steps(again, range(1, STEPS)), found, rtol=1e-6)
    moved = short["embed.weight.moved"]
    assert moved[moved > 0].min() >= 48


def test_a_run_goes_on_from_a_copy_to_the_byte():
    (step, store), (_, copied) = made(SPEC), made(SPEC)
    whole = stepper(step, store)
    steps(whole, range(1, 20))
    copied.update({name: values.copy() for name, values in store.items()})
    assert steps(whole, range(20, STEPS)) == steps(stepper(step, copied), range(20, STEPS))
    assert all(np.array_equal(store[name], copied[name]) for name in store)


def test_settling_twice_changes_nothing():
    step, store = made(SPEC)
    run = stepper(step, store)
    steps(run, range(1, 9))
    run.settle(8)
    before = {name: values.copy() for name, values in store.items()}
    run.settle(8)
    assert all(np.array_equal(store[name], before[name]) for name in store)


@pytest.mark.parametrize(
    "spec",
    [
        SPEC.replace("clip norm=1", "decay 0.01"),
        SPEC.replace("clip norm=1", "clip weights=3"),
        SPEC.replace("adam lr=1e-2", "sgd lr=1e-2"),
        SPEC.replace("adam lr=1e-2", "adam betas=0.9999,0.999"),
        SPEC.replace("embed 50", "embed 5"),
        SPEC.replace("embed 50\n  mean", "bag\n  dense 50"),
    ],
    ids=["decay", "clip weights", "sgd", "betas that do not fade", "small", "not looked up"],
)
def test_a_table_is_moved_whole_where_rows_alone_would_not_do(spec: str):
    step, _ = made(spec)
    assert step.deferred == ()


def test_what_is_scored_and_kept_is_up_to_date(tmp_path: Path):
    words = [f"w{i}" for i in range(WORDS)]
    lines = [f"{'ab'[i % 2]}\t{' '.join(words[i * 30 : i * 30 + 30])}\n" for i in range(WORDS // 30)]
    (tmp_path / "train.tsv").write_text("".join(lines))
    data = 'data { train "train.tsv" ; valid "train.tsv" }\n'
    spec = SPEC.replace("words)", "words(min=1))").replace("t: ", "text: ").replace("y: ", "label: ")
    work = job(spec.replace("train {", f"{data}train {{ epochs 2 ;"), tmp_path, numpy_backend())
    assert work.step.deferred
    result = train(work, lambda event: None)
    scorer = Executor(work.backend, work.evaluation, work.compile_bucket, dict(result.weights))
    assert work.dataset.valid is not None
    again = evaluate(scorer, work.network.heads, work.dataset.valid, work.dataset.tables, 8)
    assert result.valid is not None
    assert again.loss == result.valid.loss
