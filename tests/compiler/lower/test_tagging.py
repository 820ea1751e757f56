"""Outputs whose labels are read together: `dense crf`, and tags that follow a scheme."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from compiler import pipeline
from compiler.experiment import Network
from runtime.data.labels import NONE, UNKNOWN
from runtime.data.schemes import legal
from runtime.interpret import evaluate
from runtime.weights import initial_weights
from tests.compiler.lower.specs import Place, errors, model

NAMES = ("O", "B-X", "I-X")
RULES = legal(NAMES, "BIO")
TEXT = np.array([[4, 5, 6, 7], [8, 4, 0, 0]])
LENGTHS = np.array([4, 2])
TAGS = np.array([[1, 2, 0, 1], [0, 1, 0, 0]])
SIZES = {"B": 2, "T": 4}
RNG = np.random.Generator(np.random.Philox(7))
WEIGHTS = {
    "embed.weight": RNG.normal(size=(9, 4)),
    "dense.weight": RNG.normal(size=(4, 3)),
    "dense.bias": RNG.normal(size=3),
    "dense.between": RNG.normal(size=(3, 3)),
    "dense.first": RNG.normal(size=3),
    "dense.last": RNG.normal(size=3),
}
FEEDS = {**WEIGHTS, "text": TEXT, "lengths.T": LENGTHS, "legal.tags": RULES.astype(np.float64)}


def network(sort: str = "spans", head: str = "dense crf", text: str = "words", train: str = "") -> Network:
    spec = f"model m(text: {text}) -> tags: {sort} per text {{\nembed 4\n{head}\n}}\ntrain {{ {train} }}\n"
    return pipeline.check(spec, "m.nn", sizes={"classes": 3, "V": 9}, dtype="f64").network


def paths(row: int, lawful: bool) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every path of a row with its score."""
    scores = WEIGHTS["embed.weight"][TEXT[row]] @ WEIGHTS["dense.weight"] + WEIGHTS["dense.bias"]
    for path in itertools.product(range(3), repeat=int(LENGTHS[row])):
        if lawful and not all(RULES[a, b] for a, b in itertools.pairwise([-1, *path, -1])):
            continue
        ends = WEIGHTS["dense.first"][path[0]] + WEIGHTS["dense.last"][path[-1]]
        along = sum(WEIGHTS["dense.between"][a, b] for a, b in itertools.pairwise(path))
        yield path, float(ends + along + sum(scores[t, tag] for t, tag in enumerate(path)))


def loss(row: int, tags: np.ndarray, lawful: bool) -> float:
    """-log of the share of the paths that fit: a tag below 0 may be any."""
    every = dict(paths(row, lawful))
    fits = [w for path, w in every.items() if all(t < 0 or t == p for t, p in zip(tags[row], path, strict=False))]
    return float(np.log(np.exp(list(every.values())).sum()) - np.log(np.exp(fits).sum()))


@pytest.mark.parametrize("sort", ["spans", "class"])
def test_loss_of_a_crf_is_that_of_whole_rows_over_the_number_of_tags(sort: str):
    feeds = {**FEEDS, "tags": TAGS}
    rows = [loss(row, TAGS, sort == "spans") for row in (0, 1)]
    found = evaluate(network(sort).training, feeds, SIZES)["loss"]
    assert float(found) == pytest.approx(sum(rows) / 6)
    summed = evaluate(network(sort, train="loss sum").training, feeds, SIZES)
    assert float(summed["objective"]) == pytest.approx(sum(rows))
    np.testing.assert_allclose(evaluate(network(sort).evaluation, feeds, SIZES)["tags.losses"], rows)


def test_crf_predicts_the_likeliest_lawful_path():
    found = evaluate(network().prediction, FEEDS, SIZES)["tags.labels"]
    for row, n in enumerate(LENGTHS):
        assert tuple(found[row, :n]) == max(paths(row, True), key=lambda pair: pair[1])[0]


def test_crf_tells_how_likely_each_tag_is_whatever_the_others_are():
    found = evaluate(network().prediction, FEEDS, SIZES)["tags.probabilities"]
    for row, n in enumerate(LENGTHS):
        every = dict(paths(row, True))
        total = sum(np.exp(w) for w in every.values())
        for t, tag in itertools.product(range(int(n)), range(3)):
            share = sum(np.exp(w) for path, w in every.items() if path[t] == tag) / total
            assert found[row, t, tag] == pytest.approx(share)


@pytest.mark.parametrize("seed", range(5))
def test_softmax_over_tags_predicts_a_lawful_path(seed: int):
    """The likeliest of all lawful ones by the probabilities of each position."""
    rng = np.random.default_rng(seed)
    feeds = {**FEEDS, "dense.weight": rng.normal(size=(4, 3)) * 3}
    found = evaluate(network(head="dense softmax").prediction, feeds, SIZES)
    for row, n in enumerate(LENGTHS):
        log = np.log(found["tags.scores"][row])
        every = [
            path
            for path in itertools.product(range(3), repeat=int(n))
            if all(RULES[a, b] for a, b in itertools.pairwise([-1, *path, -1]))
        ]
        best = max(every, key=lambda path, log=log: sum(log[t, tag] for t, tag in enumerate(path)))
        assert tuple(found["tags.labels"][row, :n]) == best


def test_softmax_over_tags_learns_each_position_by_itself():
    found = evaluate(network(head="dense softmax").training, {**FEEDS, "tags": TAGS}, SIZES)["loss"]
    scores = WEIGHTS["embed.weight"][TEXT] @ WEIGHTS["dense.weight"] + WEIGHTS["dense.bias"]
    log = scores - np.log(np.exp(scores).sum(axis=2, keepdims=True))
    each = [-log[r, t, TAGS[r, t]] for r, n in enumerate(LENGTHS) for t in range(n)]
    assert float(found) == pytest.approx(np.mean(each))


def test_tag_that_is_not_known_may_be_any_when_scored():
    tags = np.array([[1, UNKNOWN, 0, 1], [UNKNOWN, 1, 0, 0]])
    found = evaluate(network().evaluation, {**FEEDS, "tags": tags}, SIZES)["tags.losses"]
    np.testing.assert_allclose(found, [loss(row, tags, True) for row in (0, 1)])


def test_marks_around_a_text_have_any_tags():
    tags = np.array([[NONE, 1, 2, NONE], [NONE, NONE, 0, 0]])
    found = evaluate(network(text="words(marks)").training, {**FEEDS, "tags": tags}, SIZES)["loss"]
    assert float(found) == pytest.approx(sum(loss(row, tags, True) for row in (0, 1)) / 2)


def test_empty_text_among_others_is_no_loss():
    tags = np.array([[1, 2, 0, 1], [NONE, 0, 0, 0]])
    feeds = {**FEEDS, "tags": tags, "lengths.T": np.array([4, 1])}
    found = evaluate(network().training, feeds, SIZES)["loss"]
    assert float(found) == pytest.approx(loss(0, tags, True) / 4)


def test_steps_of_a_crf_start_at_zero_and_are_trained():
    parameters = network().parameters
    start = initial_weights(parameters, 1)
    for name in ("between", "first", "last"):
        assert not start[f"dense.{name}"].any()
    assert all(p.trained for p in parameters)


@pytest.mark.parametrize(
    ("body", "output", "wanted"),
    [
        ("embed 4\nlast\ndense crf", "label: class", [("NN219", 1, 25)]),
        ("embed 4\ndense crf", "then: next(text)", [("NN219", 1, 25)]),
        ("embed 4\ndense 5 crf\ndense softmax", "tags: spans per text", [("NN219", 3, 1)]),
        ("embed 4\ndense crf\ndense softmax", "tags: spans per text", [("NN219", 3, 1)]),
        ("embed 4\ndense crf\ndense crf", "tags: spans per text", [("NN219", 3, 1)]),
        ("embed 4\nlast\ndense crf", "size: real", [("NN219", 1, 25)]),
        ("embed 4\ndense crf", "words: segments per text", [("NN215", 1, 45)]),
    ],
)
def test_crf_is_for_the_tags_of_tokens(body: str, output: str, wanted: list[Place]):
    assert errors(model(body, output=output)) == wanted


def test_weights_of_classes_do_not_weigh_rows_of_tags():
    spec = "model m(text: words) -> tags: spans per text {\nembed 4\ndense crf\n}\ntrain { classes balanced }\n"
    assert [code for code, _, _ in errors(spec)] == ["NN609"]
