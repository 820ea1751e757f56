"""Outputs that are words: their losses and gradients by the formulas, how their weights start, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from compiler import pipeline
from compiler.experiment import Experiment, Network
from dsl.errors import SpecError
from runtime.interpret import evaluate

SKIPGRAM = "model m(center: word) -> context: word(vocabulary=center)"
CBOW = "model m(around: bag(word)) -> center: word(vocabulary=around)"
WINDOWS = 'data { train "t.txt" windows=skipgram radius=2 shrink ; subsample 1e-3 }'
V, D = 9, 3
RNG = np.random.Generator(np.random.Philox(5))
TABLE, OUT = RNG.normal(size=(V, D)), RNG.normal(size=(V, D))
TABLE[0] = OUT[0] = 0
CENTERS = np.array([4, 7, 4, 8])
ROWS = np.array([[5, 8, 6, 5], [4, 4, 0, 7], [0, 0, 0, 0], [6, 7, 8, 4]])
SIGNS = np.array([[1, -1, -1, -1], [1, -1, 0, -1], [0, 0, 0, 0], [1, -1, -1, -1]])
TARGETS = np.array([5, 4, 0, 6])
FEEDS = {
    "center": CENTERS,
    "context": TARGETS,
    "context.rows": ROWS,
    "context.signs": SIGNS,
    "embed.weight": TABLE,
    "dense.weight": OUT,
}


def checked(spec: str, **sizes: int) -> Experiment:
    return pipeline.check(spec, "m.nn", sizes=sizes or {"V": V}, dtype="f64")


def network(head: str, signature: str = SKIPGRAM, train: str = "") -> Network:
    pool = " ; mean" if "bag" in signature else ""
    return checked(f"{signature} {{ embed {D}{pool} ; {head} }}\ntrain {{ sgd lr=1{train} }}\n").network


def log_sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return -np.log1p(np.exp(-x))


def negative_sampling(table: NDArray[np.float64], out: NDArray[np.float64]) -> NDArray[np.float64]:
    """-log sigmoid(u . v) - sum over negatives of log sigmoid(-u . v), written row by row."""
    losses = np.zeros(len(CENTERS))
    for row, center in enumerate(CENTERS):
        for place, sign in enumerate(SIGNS[row]):
            if sign:
                losses[row] -= log_sigmoid(sign * (out[ROWS[row, place]] @ table[center]))
    return losses


@pytest.mark.parametrize("head", ["dense negatives=3", "dense hierarchical"])
def test_loss_of_words_told_apart_is_that_of_the_formula(head: str):
    sizes = {"B": 4, "L.context": 4}
    found = evaluate(network(head).evaluation, FEEDS, sizes)["context.losses"]
    np.testing.assert_allclose(found, negative_sampling(TABLE, OUT), rtol=1e-12)


@pytest.mark.parametrize("train", ["", " ; loss sum"])
def test_gradient_of_negative_sampling_is_its_central_difference(train: str):
    spec = f"{SKIPGRAM} {{ embed {D} ; dense negatives=3 }}\ntrain {{ sgd lr=1{train and ' ; loss sum'} }}\n"
    step = pipeline.training_step(checked(spec)).graph
    numbers = {"rows": 4.0, "lr": 1.0, "step": 1, "seed": 1}
    given = {name: value for name, value in (FEEDS | numbers).items() if name in {n.op.name for n in step.inputs}}
    found = evaluate(step, given, {"B": 4})
    # Of the four rows three have a word that has an id.
    count = 1 if train else 3
    for name, values, other in (("embed.weight", TABLE, OUT), ("dense.weight", OUT, TABLE)):
        gradient = np.zeros_like(values)
        for at in np.ndindex(*values.shape):
            each: list[float] = []
            for change in (1e-6, -1e-6):
                moved = values.copy()
                moved[at] += change
                pair = (moved, other) if name == "embed.weight" else (other, moved)
                each.append(float(negative_sampling(*pair).sum()) / count)
            gradient[at] = (each[0] - each[1]) / 2e-6
        gradient[0] = 0
        np.testing.assert_allclose(values - found[f"{name}'"], gradient, atol=1e-8)


def test_words_without_an_id_do_not_count_in_the_mean():
    found = evaluate(network("dense negatives=3").training, FEEDS, {"B": 4})["loss"]
    assert float(found) == pytest.approx(negative_sampling(TABLE, OUT).sum() / 3)


def test_softmax_over_words_has_the_cross_entropy_and_the_likeliest_word():
    feeds: Mapping[str, object] = {**FEEDS, "dense.weight": OUT.T, "dense.bias": np.zeros(V)}
    found = evaluate(network("dense softmax").evaluation, feeds, {"B": 4})
    scores = TABLE[CENTERS] @ OUT.T
    log = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found["context.losses"], -log[np.arange(4), TARGETS] * (TARGETS > 0))
    assert found["context.labels"].tolist() == scores.argmax(axis=1).tolist()


def test_prediction_scores_every_word():
    found = evaluate(network("dense negatives=3").prediction, FEEDS, {"B": 4})
    np.testing.assert_allclose(found["context.scores"], TABLE[CENTERS] @ OUT.T)


@pytest.mark.parametrize(
    ("head", "signature", "kind", "scale"),
    [
        ("dense negatives=3", SKIPGRAM, "uniform", 0.5 / D),
        ("dense hierarchical", CBOW, "uniform", 0.5 / D),
        ("dense softmax", SKIPGRAM, "normal", D**-0.5),
        ("dense 4 ; dense negatives=3", SKIPGRAM, "normal", D**-0.5),
    ],
)
def test_vectors_start_small_before_a_head_that_tells_words_apart(head: str, signature: str, kind: str, scale: float):
    starts = {p.name: p.init for p in network(head, signature).parameters}
    assert (starts["embed.weight"].kind, starts["embed.weight"].width()) == (kind, pytest.approx(scale))
    assert starts["embed.weight"].padding_row
    assert head == "dense softmax" or [i.kind for n, i in starts.items() if n.startswith("dense")][-1] == "zeros"


def test_a_start_that_is_written_stays():
    spec = f"{SKIPGRAM} {{ embed 4 init=normal scale=0.25 ; dense negatives=3 }}\n"
    (table, _) = checked(spec).network.parameters
    assert (table.init.kind, table.init.scale) == ("normal", 0.25)


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (f"{SKIPGRAM} {{ embed 4 ; dense 5 negatives=3 }}", "NN591"),
        (f"{SKIPGRAM} {{ embed 4 ; dense softmax negatives=3 }}", "NN591"),
        (f"{SKIPGRAM} {{ embed 4 ; dense negatives=3 hierarchical }}", "NN591"),
        (f"{SKIPGRAM} {{ embed 4 ; dense negatives=3 bias=0 }}", "NN591"),
        (f"{SKIPGRAM} {{ embed 4 ; dense softmax power=1 }}", "NN591"),
        (f"{SKIPGRAM} {{ embed 4 ; dense negatives=3 ; softmax }}", "NN591"),
        (f"{SKIPGRAM} {{ embed 4 ; dense sigmoid }}", "NN209"),
        ("model m(t: words) -> y: class { embed 4 ; mean ; dense hierarchical }", "NN591"),
        ("model m(t: words) -> y: real { embed 4 ; mean ; dense negatives=2 }", "NN591"),
        ("model m(t: words) -> y: class per t { embed 4 ; dense negatives=2 }", "NN591"),
        ("model m(t: bag) -> y: class { embed 4 ; mean ; dense softmax }", "NN590"),
        ("model m(t: bag(word)) -> y: class per t { embed 4 ; dense softmax }", "NN215"),
        ("model m(t: words) -> y: word(vocabulary=t) { embed 4 ; mean ; dense softmax }", "NN307"),
        (f"{CBOW} {{ embed 4 ; mean ; dense softmax }} {WINDOWS}", "NN592"),
        (f"model m(a: word) -> b: word {{ embed 4 ; dense softmax }} {WINDOWS}", "NN592"),
        (f"{SKIPGRAM} {{ embed 4 ; dense softmax }} {WINDOWS.replace('shrink', 'header')}", "NN592"),
        (f'{SKIPGRAM} {{ embed 4 ; dense softmax }} data {{ train "t.txt" radius=2 }}', "NN592"),
        (f'{SKIPGRAM} {{ embed 4 ; dense softmax }} data {{ train "t.txt" ; subsample 0.1 }}', "NN592"),
        (f"{SKIPGRAM} {{ embed 4 ; dense softmax }} {WINDOWS.replace('1e-3', '2')}", "NN404"),
        (f"{CBOW} {{ embed 4 n=2 ; mean ; dense softmax }} {WINDOWS.replace('skipgram', 'cbow')}", "NN592"),
    ],
)
def test_what_has_no_meaning_is_refused(spec: str, code: str):
    separate = spec.replace("} data", "}\ndata") + "\n"
    with pytest.raises(SpecError) as caught:
        pipeline.check(separate, "m.nn")
    assert [d.code for d in caught.value.diagnostics] == [code]
