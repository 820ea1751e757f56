"""`copy(x)` and `penalty`: outputs for which no data are read."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from compiler.experiment import Experiment
from runtime.interpret import evaluate
from tests.compiler.lower.specs import refused
from tests.reference.cases import weights

SIZES = {"V": 7, "classes": 2}
LENGTHS = np.array([3, 1])
TEXTS = {"text": np.array([[2, 3, 4, 0], [5, 0, 0, 0]]), "lengths.T": LENGTHS, "y": np.array([0, 1])}


def checked(spec: str) -> Experiment:
    return pipeline.check(spec, "m.nn", sizes=SIZES, dtype="f64")


def test_loss_of_a_copy_is_the_squared_distance_from_the_input():
    experiment = checked("model m(x: real[3]) -> again: copy(x) {\n  dense 2 tanh ; dense\n}\n")
    x, store = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 4.0]]), weights(experiment)
    found = evaluate(experiment.network.evaluation, {**store, "x": x}, {"B": 2})
    wanted = ((found["again.scores"] - x) ** 2).mean(axis=1)
    np.testing.assert_allclose(found["again.losses"], wanted, rtol=1e-12)


@pytest.mark.parametrize("body", ["flatten ; dense sigmoid", "conv2d 3 filters=2 same sigmoid"])
def test_copy_of_a_picture_is_a_vector_or_a_picture(body: str):
    experiment = checked(f"model m(p: image[2,3,2]) -> again: copy(p) {{\n  {body}\n}}\n")
    p, store = np.linspace(0, 1, 24).reshape(2, 2, 3, 2), weights(experiment)
    found = evaluate(experiment.network.evaluation, {**store, "p": p}, {"B": 2})
    assert found["again.scores"].shape == (2, 12)
    wanted = ((found["again.scores"] - p.reshape(2, 12)) ** 2).mean(axis=1)
    np.testing.assert_allclose(found["again.losses"], wanted, rtol=1e-12)


@pytest.mark.parametrize("of", ["h", "v"])
def test_penalty_is_the_mean_over_an_example_without_its_padding(of: str):
    lines = f"h = embed 3 as emb\n  v = mean\n  small = abs({of})\n  y = v | dense softmax"
    experiment = checked(f"model m(text: words) -> y: class, small: penalty {{\n  {lines}\n}}\n")
    store = weights(experiment)
    found = evaluate(experiment.network.evaluation, {**store, **TEXTS}, {"B": 2, "T": 4})
    vectors = [store["emb.weight"][ids[:n]] for ids, n in zip(TEXTS["text"], LENGTHS, strict=True)]
    rows = [v if of == "h" else v.mean(axis=0) for v in vectors]
    np.testing.assert_allclose(found["small.losses"], [np.abs(row).mean() for row in rows], rtol=1e-12)


def test_penalty_is_added_to_the_loss_by_its_weight():
    lines = "h = dense 2 tanh as e\n  y = h | dense\n  small = h * h"
    spec = f"model m(x: real[3]) -> y: real, small: penalty {{\n  {lines}\n}}\ntrain {{ loss small=0.25 }}\n"
    experiment = checked(spec)
    fed = {**weights(experiment), "x": np.array([[1.0, 2.0, 3.0]]), "y": np.array([[1.0]])}
    parts = evaluate(experiment.network.evaluation, fed, {"B": 1})
    loss = evaluate(experiment.network.training, {**fed, "rows": 1}, {"B": 1})["loss"]
    np.testing.assert_allclose(loss, parts["y.losses"][0] + 0.25 * parts["small.losses"][0], rtol=1e-12)


@pytest.mark.parametrize(
    ("ports", "said", "help"),
    [
        ("x: real[3]) -> again: copy", "copy does not say what it copies", "copy(x)"),
        ("x: real[3]) -> again: copy(y)", "there is no input y for again to copy", "real numbers"),
        ("point: real[3]) -> again: copy(piont)", "there is no input piont", "did you mean point?"),
        ("x: words) -> again: copy(x)", "x is words, and again copies numbers", "real and image are numbers"),
        ("x: real[3]) -> again: copy[2](x)", "copy takes no sizes", "copy(x)"),
    ],
)
def test_wrong_copy_is_told(ports: str, said: str, help: str):
    found = refused(f"model m({ports} {{\n  dense 3\n}}\n")
    assert (found.code, found.span and found.span.line) == ("NN546", 1)
    assert said in found.message
    assert help in found.help


@pytest.mark.parametrize(
    ("value", "code", "said"),
    [
        ("e.weight", "NN547", "small is a penalty, the mean of the numbers of each example"),
        ("text | embed 4 | conv k=2,3 filters=2", "NN547", "but gets a bundle"),
        ("text | embed 4 | mean | dense", "NN547", "small is a penalty, and a head is for an output that has a target"),
        ("text | onehot", "NN213", "small needs a width that is known"),
        ("text", "NN208", "small needs numbers"),
    ],
)
def test_wrong_penalty_is_told(value: str, code: str, said: str):
    body = f"y = text | embed 4 as e | mean | dense softmax\n  small = {value}"
    found = refused(f"model m(text: words) -> y: class, small: penalty {{\n  {body}\n}}\n")
    assert said in found.message
    assert found.code == code


def test_copy_that_is_too_wide_is_told():
    found = refused("model m(x: real[3]) -> again: copy(x) {\n  dense 4\n}\n")
    assert found.code == "NN209"
    assert found.message == "again is 3 numbers, but its value is 4 wide"
