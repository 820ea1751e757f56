"""Outputs with a label for each position: what they need, and that padding and missing labels never count."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from runtime.data.labels import NONE
from runtime.interpret import evaluate
from tests.compiler.lower.specs import Place, diagnostics, errors, model

TAGS = "tags: class per text"


@pytest.mark.parametrize(
    ("body", "output", "wanted"),
    [
        ("embed 4\ndense softmax", TAGS, []),
        ("embed 4\nconv k=3 filters=5 same\ndense softmax", TAGS, []),
        ("embed 4\nlstm 5 bidir\ndense softmax", "names: spans per text", []),
        ("embed 4\nlstm 5\ndense softmax", "then: next(text)", []),
        ("embed 4\nmean\ndense softmax", TAGS, [("NN218", 1, 25)]),
        ("embed 4\nconv k=3 filters=5\ndense softmax", TAGS, [("NN218", 1, 25)]),
        ("embed 4\nconv k=2,3 filters=5", TAGS, [("NN218", 1, 25)]),
        ("embed 4\ndense 3", TAGS, [("NN515", 1, 25)]),
        ("embed 4\ndense softmax", "names: spans", [("NN217", 1, 32)]),
        ("embed 4\ndense softmax", "then: next", [("NN217", 1, 31)]),
        ("embed 4\ndense softmax", "then: next(txt)", [("NN215", 1, 36)]),
        ("embed 4\ndense softmax", "tags: class per txt", [("NN215", 1, 41)]),
        ("embed 4\ndense", "size: real per text", [("NN210", 1, 40)]),
    ],
)
def test_output_per_position_needs_a_vector_for_each(body: str, output: str, wanted: list[Place]):
    assert errors(model(body, output=output)) == wanted


@pytest.mark.parametrize(
    ("output", "advice"), [(TAGS, "conv with `same` or `causal`"), ("t: next(text)", "with `causal`")]
)
def test_what_is_not_as_long_as_its_text_gets_a_padding_that_its_output_may_have(output: str, advice: str):
    (found,) = diagnostics(model("embed 4\nconv k=3 filters=5\ndense softmax", output=output))
    assert found.help.endswith(advice)


def test_a_sort_behind_per_is_told_from_the_name_of_an_input():
    (found,) = diagnostics(model("embed 4\ndense softmax", output="tags: class per words"))
    assert found.help == "per takes an input's name, not its sort: class per text"


def network(train: str = "", head: str = "dense softmax", classes: int = 3):
    spec = f"model m(text: words) -> {TAGS} {{\nembed 4\n{head}\n}}\ntrain {{ {train} }}\n"
    return pipeline.check(spec, "m.nn", sizes={"classes": classes, "V": 9}, dtype="f64").network


RNG = np.random.Generator(np.random.Philox(5))
WEIGHTS = {"embed.weight": RNG.normal(size=(9, 4)), "dense.weight": RNG.normal(size=(4, 3)), "dense.bias": np.zeros(3)}
TEXT = np.array([[4, 5, 6, 7], [8, 4, 0, 0]])
LABELS = np.array([[0, 2, NONE, 1], [1, 0, 0, 0]])
LENGTHS = np.array([4, 2])
FEEDS = {**WEIGHTS, "text": TEXT, "tags": LABELS, "lengths.T": LENGTHS}
COUNTED = [(0, 0), (0, 1), (0, 3), (1, 0), (1, 1)]
"""The positions with a label: neither padding nor without one."""


def log_probabilities() -> np.ndarray:
    scores = WEIGHTS["embed.weight"][TEXT] @ WEIGHTS["dense.weight"]
    return scores - np.log(np.exp(scores).sum(axis=2, keepdims=True))


def test_training_loss_is_the_mean_over_positions_with_a_label():
    found = evaluate(network().training, FEEDS, {"B": 2, "T": 4})["loss"]
    each = [-log_probabilities()[r, t, LABELS[r, t]] for r, t in COUNTED]
    assert float(found) == pytest.approx(np.mean(each))


def test_sum_of_losses_and_class_weights_count_positions_with_a_label():
    weights = np.array([0.5, 1.0, 2.0])
    feeds = {**FEEDS, "class_weights.tags": weights}
    found = evaluate(network("classes balanced ; loss sum").training, feeds, {"B": 2, "T": 4})
    each = [-log_probabilities()[r, t, LABELS[r, t]] * weights[LABELS[r, t]] for r, t in COUNTED]
    assert float(found["objective"]) == pytest.approx(np.sum(each))
    assert float(found["loss"]) == pytest.approx(np.sum(each) / sum(weights[LABELS[r, t]] for r, t in COUNTED))


def test_smoothing_works_at_every_position():
    found = evaluate(network("smoothing 0.1").training, FEEDS, {"B": 2, "T": 4})["loss"]
    log = log_probabilities()
    each = [-0.9 * log[r, t, LABELS[r, t]] - 0.1 * log[r, t].mean() for r, t in COUNTED]
    assert float(found) == pytest.approx(np.mean(each))


def test_a_batch_without_any_label_has_a_loss_of_0():
    feeds = {**FEEDS, "tags": np.full((2, 4), NONE)}
    assert float(evaluate(network().training, feeds, {"B": 2, "T": 4})["loss"]) == 0


def test_evaluation_has_a_loss_and_a_label_for_each_position():
    found = evaluate(network().evaluation, FEEDS, {"B": 2, "T": 4})
    log = log_probabilities()
    wanted = np.zeros((2, 4))
    for r, t in COUNTED:
        wanted[r, t] = -log[r, t, LABELS[r, t]]
    np.testing.assert_allclose(found["tags.losses"], wanted)
    for r, t in COUNTED:
        assert found["tags.labels"][r, t] == log[r, t].argmax()


def test_one_unit_tells_two_labels_apart_at_each_position():
    weights = {**FEEDS, "dense.weight": WEIGHTS["dense.weight"][:, :1], "dense.bias": np.zeros(1)}
    feeds = {**weights, "tags": np.where(LABELS == 2, 1, LABELS)}
    found = evaluate(network(head="dense sigmoid", classes=2).evaluation, feeds, {"B": 2, "T": 4})
    score = (WEIGHTS["embed.weight"][TEXT] @ WEIGHTS["dense.weight"][:, :1])[..., 0]
    for r, t in COUNTED:
        assert found["tags.labels"][r, t] == (score[r, t] > 0)
        sign = 1 if feeds["tags"][r, t] else -1
        assert found["tags.losses"][r, t] == pytest.approx(np.log1p(np.exp(-sign * score[r, t])))
