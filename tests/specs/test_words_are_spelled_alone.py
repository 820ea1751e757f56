"""What `spelling` makes of a word hangs on its characters alone: not on the other words, their number or padding."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from runtime.interpret import evaluate
from tests.reference.cases import weights

BODIES = {
    "convolution": "embed 4 ; conv k=3 filters=3 wide ; maxpool",
    "several widths and blocks": "embed 4 ; conv k=1,2,3 filters=2 tanh ; maxpool ; residual { dense 6 relu }",
    "narrow with a stride": "embed 4 ; conv k=3 filters=3 stride=2 ; first",
    "both directions, each where it ends": "embed 4 ; lstm 3 bidir layers=2 ; last",
    "from the end": "embed 4 ; gru 3 reverse ; mean",
    "a first state": "e = embed 4 ; s = e | mean | dense 3 ; e | lstm(h=s) 3 ; last",
    "k-max": "embed 4 ; maxpool k=2 ; srn 2 bidir ; last",
    "bag": "bag ; dense 3 ; layernorm",
    "what is infinite": "e = embed 4 ; log(abs(e)) ; lstm 2 ; mean",
}
SIZES = {"V": 8, "V.text.spelling": 9, "classes": 3}
WORDS = [[], [3, 1, 4, 1, 5, 8], [7], [2, 6], [5, 3, 5, 8, 2], [7, 1, 2]]
TEXTS = [[1, 2, 1, 5], [3], [4, 4, 5, 1, 2, 3, 3]]


def spec(body: str) -> str:
    above = "concat((text | embed 3), c) ; gru 3 ; last ; dense softmax"
    lines = f"c = text | spelling {{ {body} }} ; {above}"
    return f"model m(text: words) -> label: class {{\n  {lines}\n}}\ntrain {{ sgd lr=1 }}\n"


def batch(texts: list[list[int]], t: int = 7, w: int = 6, k: int = 6) -> dict[str, np.ndarray]:
    """The texts over the words; those past the given ones have no characters."""
    ids, where, letters = np.zeros((len(texts), t), int), np.zeros((len(texts), t), int), np.zeros((w, k), int)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = where[row, : len(text)] = text
    for row, word in enumerate(WORDS):
        letters[row, : len(word)] = word
    return {
        "text": ids,
        "lengths.T": np.array([len(text) for text in texts]),
        "text.spelling": where,
        "text.spelling.letters": letters,
        "lengths.K": np.array([max(1, len(word)) for word in WORDS] + [1] * (w - len(WORDS))),
        "label": np.arange(len(texts)) % 3,
    }


def sizes_of(fed: dict[str, np.ndarray]) -> dict[str, int]:
    (b, t), (w, k) = fed["text"].shape, fed["text.spelling.letters"].shape
    return {"B": b, "T": t, "W": w, "K": k}


def only(words: list[int], texts: list[list[int]]) -> dict[str, np.ndarray]:
    """The texts with these words alone, in this order, and the others gone."""
    fed = batch(texts)
    kept = [0, *words]
    for row, text in enumerate(texts):
        fed["text.spelling"][row, : len(text)] = [kept.index(word) for word in text]
    longest = int(fed["lengths.K"][kept].max())
    return fed | {
        "text.spelling.letters": fed["text.spelling.letters"][kept, :longest],
        "lengths.K": fed["lengths.K"][kept],
    }


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_scores_are_the_same_with_any_other_words_and_padding(body: str) -> None:
    experiment = pipeline.check(spec(body), "m.nn", sizes=SIZES, dtype="f64")
    graph, store = experiment.network.prediction, weights(experiment)

    def scores(fed: dict[str, np.ndarray]) -> np.ndarray:
        return evaluate(graph, {**store, **fed}, sizes_of(fed))["label.scores"]

    together = scores(batch(TEXTS))
    for fed in (batch(TEXTS, 9, 8, 11), only([5, 3, 2, 4, 1], TEXTS)):
        np.testing.assert_allclose(scores(fed), together, rtol=1e-12, atol=1e-14)
    for row, text in enumerate(TEXTS):
        alone = scores(only(sorted(set(text), reverse=True), [text]))
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("optimized", [False, True], ids=["as lowered", "optimized"])
def test_a_step_moves_the_weights_alike_with_any_other_words_and_padding(body: str, optimized: bool) -> None:
    experiment = pipeline.check(spec(body), "m.nn", sizes=SIZES, dtype="f64")
    step, store = pipeline.training_step(experiment), weights(experiment)
    graph = pipeline.optimize(step.graph) if optimized else step.graph
    numbers = {"rows": len(TEXTS), "lr": 1.0, "step": 1, "seed": 1}
    first, *others = (
        evaluate(graph, {**store, **fed, **numbers}, sizes_of(fed))
        for fed in (batch(TEXTS), batch(TEXTS, 9, 8, 11), only([5, 3, 2, 4, 1], TEXTS))
    )
    for other in others:
        for name in first:
            np.testing.assert_allclose(other[name], first[name], rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("body", [b for n, b in BODIES.items() if n != "what is infinite"])
def test_gradients_through_spelling_are_those_of_finite_differences(body: str) -> None:
    experiment = pipeline.check(spec(body), "m.nn", sizes=SIZES, dtype="f64")
    step, store = pipeline.training_step(experiment), weights(experiment)
    # A text without tokens is one position, of a word without characters.
    fed = batch([*TEXTS, [len(WORDS)]], w=8)
    numbers = {"rows": 4, "lr": 1.0, "step": 1, "seed": 1}

    def run(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return evaluate(step.graph, {**values, **fed, **numbers}, sizes_of(fed))

    moved, rng, h = run(store), np.random.default_rng(3), 1e-6
    for name in (n for n in store if n.startswith("spelling.")):
        direction = rng.normal(size=store[name].shape)
        if name == "spelling.embed.weight":
            direction[0] = 0
        up, down = (float(run({**store, name: store[name] + s * h * direction})["loss"]) for s in (1, -1))
        gradient = float(((store[name] - moved[f"{name}'"]) * direction).sum())
        assert gradient == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-8), name
