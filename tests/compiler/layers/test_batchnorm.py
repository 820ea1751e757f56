"""batchnorm: columns over the batch and all real positions; PyTorch's conventions; one row; frozen; used twice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from compiler import pipeline
from compiler.experiment import Experiment
from compiler.ir.graph import Graph
from runtime.evaluate import Array
from runtime.execute import Executor
from runtime.interpret import evaluate
from runtime.numpy_backend import numpy_backend
from runtime.store import Store
from tests.reference.cases import weights

STEPS = 100
EPS = 1e-5


def vectors(training: str = "sgd lr=0.05 momentum=0.9") -> Experiment:
    spec = f"model m(x: real[3]) -> y: class {{ dense 5 tanh ; batchnorm ; dense softmax }}\ntrain {{ {training} }}\n"
    return pipeline.check(spec, "m.nn", sizes={"classes": 4}, dtype="f64")


def store_of(experiment: Experiment) -> Store:
    """Weights drawn for the test, with the running values where they start."""
    store = Store(numpy_backend(), graph_of(experiment), weights(experiment))
    for name in store:
        if name.endswith("running_mean"):
            store[name][...] = 0
        if name.endswith("running_variance"):
            store[name][...] = 1
    step = pipeline.training_step(experiment)
    for state in step.states:
        store[state.name] = np.full(tuple(int(str(d)) for d in state.type.shape), state.start)
    return store


def graph_of(experiment: Experiment) -> Graph:
    return pipeline.optimize(pipeline.training_step(experiment).graph)


def stepper(experiment: Experiment, store: Store) -> Executor:
    return Executor(numpy_backend(), graph_of(experiment), pipeline.compile_bucket, store)


def numbers(experiment: Experiment, rows: int, step: int) -> dict[str, Array]:
    given = {"rows": rows, "lr": experiment.train.optimizer.lr, "step": step, "seed": 0}
    return {name: np.asarray(value) for name, value in given.items()}


def test_hundred_steps_give_the_weights_of_torch() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    experiment = vectors()
    store = store_of(experiment)
    w = {name: torch.tensor(value.copy()) for name, value in store.items() if not name.endswith("momentum")}
    norm = torch.nn.BatchNorm1d(5, dtype=torch.float64)
    norm.weight.data, norm.bias.data = w["batchnorm.weight"].clone(), w["batchnorm.bias"].clone()
    trained = [w[f"{layer}.{part}"].requires_grad_() for layer in ("dense", "dense.2") for part in ("weight", "bias")]
    sgd = torch.optim.SGD([*trained, *norm.parameters()], lr=0.05, momentum=0.9)
    executor = stepper(experiment, store)
    rng = np.random.default_rng(5)
    for step in range(1, STEPS + 1):
        x, y = rng.normal(size=(6, 3)), rng.integers(0, 4, 6)
        loss = executor.run({"x": x, "y": y, **numbers(experiment, 6, step)}, {"B": 6})["loss"]
        sgd.zero_grad()
        hidden = norm(torch.tanh(torch.tensor(x) @ trained[0] + trained[1]))
        theirs = torch.nn.functional.cross_entropy(hidden @ trained[2] + trained[3], torch.tensor(y))
        theirs.backward()
        sgd.step()
        assert abs(float(loss) - float(theirs.detach())) < 1e-9
    found = {
        "batchnorm.weight": norm.weight,
        "batchnorm.bias": norm.bias,
        "batchnorm.running_mean": norm.running_mean,
        "batchnorm.running_variance": norm.running_var,
        "dense.weight": trained[0],
    }
    for name, value in found.items():
        np.testing.assert_allclose(store[name], value.detach().numpy(), rtol=0, atol=1e-9)


SEQUENCE = "model m(text: words) -> label: class { embed 3 ; batchnorm ; mean ; dense softmax }\ntrain { sgd lr=0 }\n"
SIZES = {"V": 9, "classes": 2}
LENGTHS = np.array([4, 1, 2])
IDS = np.array([[4, 5, 6, 7], [8, 0, 0, 0], [1, 5, 0, 0]])


def padded(width: int) -> dict[str, NDArray]:
    text = np.zeros((3, width), np.int64)
    text[:, :4] = IDS
    return {"text": text, "lengths.T": LENGTHS, "label": np.array([0, 1, 1])}


@pytest.mark.parametrize("width", [4, 7])
def test_sequence_is_normalised_over_its_real_positions_alone(width: int) -> None:
    experiment = pipeline.check(SEQUENCE, "m.nn", sizes=SIZES, dtype="f64")
    store = store_of(experiment)
    gain, bias = store["batchnorm.weight"].copy(), store["batchnorm.bias"].copy()
    real = [store["embed.weight"][IDS[i, :n]] for i, n in enumerate(LENGTHS)]
    values = np.concatenate(real)
    mean, variance = values.mean(0), values.var(0)
    pooled = np.stack([((v - mean) / np.sqrt(variance + EPS) * gain + bias).mean(0) for v in real])
    scores = pooled @ store["dense.weight"] + store["dense.bias"]
    log = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    wanted = -log[np.arange(3), [0, 1, 1]].mean()
    results = stepper(experiment, store).run({**padded(width), **numbers(experiment, 3, 1)}, {"B": 3, "T": width})
    assert abs(float(results["loss"]) - wanted) < 1e-12
    np.testing.assert_allclose(store["batchnorm.running_mean"], 0.1 * mean, atol=1e-15)
    unbiased = values.var(0, ddof=1)
    np.testing.assert_allclose(store["batchnorm.running_variance"], 0.9 + 0.1 * unbiased, atol=1e-15)


def test_gradient_through_a_sequence_is_that_of_central_differences() -> None:
    experiment = pipeline.check(SEQUENCE.replace("lr=0", "lr=1"), "m.nn", sizes=SIZES, dtype="f64")
    graph, store = pipeline.training_step(experiment).graph, store_of(experiment)
    feeds, sizes = {**padded(6), **numbers(experiment, 3, 1)}, {"B": 3, "T": 6}
    moved = evaluate(graph, {**store, **feeds}, sizes)
    for name, at in (("embed.weight", (5, 1)), ("embed.weight", (8, 0)), ("batchnorm.weight", (2,))):

        def loss(step: float, name: str = name, at: tuple[int, ...] = at) -> float:
            changed = store[name].copy()
            changed[at] += step
            return float(evaluate(graph, {**store, name: changed, **feeds}, sizes)["loss"])

        wanted = (loss(1e-5) - loss(-1e-5)) / 2e-5
        assert store[name][at] - moved[f"{name}'"][at] == pytest.approx(wanted, abs=1e-8)


def test_padding_changes_no_weight_that_training_moves() -> None:
    spec = SEQUENCE.replace("sgd lr=0", "sgd lr=1").replace("embed 3 ;", "embed 3 ; conv k=2 filters=3 wide tanh ;")
    experiment = pipeline.check(spec, "m.nn", sizes=SIZES, dtype="f64")
    found = []
    for width in (4, 9):
        store = store_of(experiment)
        executor = stepper(experiment, store)
        for step in (1, 2, 3):
            executor.run({**padded(width), **numbers(experiment, 3, step)}, {"B": 3, "T": width})
        found.append(store)
    for name in found[0]:
        np.testing.assert_allclose(found[1][name], found[0][name], rtol=1e-11, atol=1e-13)


def test_evaluation_takes_the_running_values() -> None:
    experiment = vectors()
    store = store_of(experiment)
    store["batchnorm.running_mean"][...] = [1, 2, 3, 4, 5]
    store["batchnorm.running_variance"][...] = [1, 4, 9, 16, 25]
    x = np.random.default_rng(0).normal(size=(4, 3))
    graph = experiment.network.prediction
    together = evaluate(graph, {**store, "x": x}, {"B": 4})["y.scores"]
    hidden = np.tanh(x @ store["dense.weight"] + store["dense.bias"]) - store["batchnorm.running_mean"]
    hidden = hidden / np.sqrt(store["batchnorm.running_variance"] + EPS)
    scores = (hidden * store["batchnorm.weight"] + store["batchnorm.bias"]) @ store["dense.2.weight"]
    wanted = np.exp(scores + store["dense.2.bias"])
    np.testing.assert_allclose(together, wanted / wanted.sum(1, keepdims=True), rtol=1e-12)


def test_evaluation_of_a_row_is_bit_for_bit_the_same_alone() -> None:
    experiment = pipeline.check("model m(x: real[3]) -> y: real[3] { batchnorm }\n", "m.nn")
    random = np.random.default_rng(3)
    store = {name: random.uniform(0.5, 2, 3).astype(np.float32) for name in store_of(experiment)}
    x = random.normal(size=(5, 3)).astype(np.float32)
    graph = experiment.network.prediction
    together = evaluate(graph, {**store, "x": x}, {"B": 5})["y.scores"]
    for row in range(5):
        alone = evaluate(graph, {**store, "x": x[row : row + 1]}, {"B": 1})["y.scores"]
        np.testing.assert_array_equal(alone[0], together[row])


def test_pictures_are_normalised_by_their_channels() -> None:
    spec = "model m(x: image[2,3,2]) -> y: real[12] { batchnorm ; flatten }\ntrain { sgd lr=0 }\n"
    experiment = pipeline.check(spec, "m.nn", dtype="f64")
    store = store_of(experiment)
    x = np.random.default_rng(1).random((4, 2, 3, 2))
    feeds = {"x": x, "y": np.zeros((4, 12)), **numbers(experiment, 4, 1)}
    loss = stepper(experiment, store).run(feeds, {"B": 4})["loss"]
    normal = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + EPS)
    value = normal * store["batchnorm.weight"] + store["batchnorm.bias"]
    assert abs(float(loss) - (value**2).mean()) < 1e-12


def test_batch_of_one_row_gives_the_bias_and_keeps_the_running_variance() -> None:
    spec = "model m(x: real[2]) -> y: real[2] { batchnorm }\ntrain { sgd lr=0 }\n"
    experiment = pipeline.check(spec, "m.nn", dtype="f64")
    store = store_of(experiment)
    store["batchnorm.running_variance"][...] = [2, 3]
    feeds = {"x": np.array([[3.0, -1.0]]), "y": store["batchnorm.bias"][None].copy(), **numbers(experiment, 1, 1)}
    assert float(stepper(experiment, store).run(feeds, {"B": 1})["loss"]) == 0
    np.testing.assert_array_equal(store["batchnorm.running_variance"], [2, 3])
    np.testing.assert_allclose(store["batchnorm.running_mean"], [0.3, -0.1])


@pytest.mark.parametrize("how", ["layer", "label"])
def test_frozen_one_has_the_running_values_in_training_and_keeps_them(how: str) -> None:
    body, freeze = ("batchnorm frozen", "") if how == "layer" else ("batchnorm as norm", "; freeze norm")
    spec = f"model m(x: real[2]) -> y: real[2] {{ dense 2 ; {body} }}\ntrain {{ sgd lr=1 {freeze} }}\n"
    experiment = pipeline.check(spec, "m.nn", dtype="f64")
    prefix = "batchnorm" if how == "layer" else "norm"
    store = store_of(experiment)
    before = {name: value.copy() for name, value in store.items()}
    x, y = np.array([[3.0, -1.0], [1.0, 2.0]]), np.zeros((2, 2))
    loss = stepper(experiment, store).run({"x": x, "y": y, **numbers(experiment, 2, 1)}, {"B": 2})["loss"]
    value = evaluate(experiment.network.prediction, {**before, "x": x}, {"B": 2})["y.scores"]
    assert abs(float(loss) - (value**2).mean()) < 1e-12
    changed = {name for name in store if (store[name] != before[name]).any()}
    assert changed == {"dense.weight", "dense.bias"}
    assert all(p.trained is not p.name.startswith(prefix) for p in experiment.network.parameters)


def test_shared_one_moves_its_running_values_once_for_each_use() -> None:
    spec = (
        "model m(a: real[2], b: real[2]) -> y: real[2] { shared norm { batchnorm } ; (a | norm) + (b | norm) }\n"
        "train { sgd lr=0 }\n"
    )
    experiment = pipeline.check(spec, "m.nn", dtype="f64")
    store = store_of(experiment)
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 0.0], [1.0, 2.0]])
    feeds = {"a": a, "b": b, "y": np.zeros((2, 2)), **numbers(experiment, 2, 1)}
    stepper(experiment, store).run(feeds, {"B": 2})
    name = next(n for n in store if n.endswith("running_mean"))
    np.testing.assert_allclose(store[name], 0.9 * (0.1 * a.mean(0)) + 0.1 * b.mean(0), atol=1e-15)
