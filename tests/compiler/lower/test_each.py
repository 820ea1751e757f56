"""`sentences` and `each { ... }`: a network over the words of each sentence of a document."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from compiler.views import Sentence
from runtime.interpret import evaluate
from tests.compiler.lower.specs import refused
from tests.reference.cases import weights


def test_each_makes_a_vector_of_the_words_of_each_sentence():
    body = "each { embed 3 as e ; mean }\n  sum\n  dense softmax as o"
    spec = f"model m(t: sentences(lower, min=2)) -> y: class {{\n  {body}\n}}\n"
    experiment = pipeline.check(spec, "m.nn", sizes={"V": 4, "V.t.words": 8, "classes": 2}, dtype="f64")
    assert experiment.network.inputs[0].views == (Sentence(lower=True, min=2),)
    store = weights(experiment)
    words = np.array([[0, 0], [4, 5], [6, 0]])
    fed = {
        "t.words": np.array([[1, 2, 1], [2, 0, 0]]),
        "t.words.letters": words,
        "lengths.K": np.array([1, 2, 1]),
        "lengths.T": np.array([3, 1]),
    }
    found = evaluate(experiment.network.prediction, {**store, **fed}, {"B": 2, "T": 3, "W": 3, "K": 2})["y.scores"]
    e = store["each.e.weight"]
    first, second = (e[4] + e[5]) / 2, e[6]
    z = np.stack([first + second + first, second]) @ store["o.weight"] + store["o.bias"]
    np.testing.assert_allclose(found, np.exp(z) / np.exp(z).sum(-1, keepdims=True), rtol=1e-12)


DOCUMENT = "review: sentences) -> stars: class"


@pytest.mark.parametrize(
    ("ports", "body", "code", "said"),
    [
        (DOCUMENT, "embed 5 ; mean", "NN548", "embed needs words, but review is sentences"),
        (DOCUMENT, "bag", "NN548", "bag needs words, but review is sentences"),
        (DOCUMENT, "spelling { embed 5 ; last } ; mean", "NN548", "but review is sentences"),
        ("text: words) -> stars: class", "each { embed 5 ; mean } ; mean", "NN548", "each needs the sentences"),
        (DOCUMENT, "each { embed 5 } ; mean", "NN203", "each needs one vector for each sentence"),
        (DOCUMENT, "each { embed 5 ; mean }", "NN203", "stars needs one vector for each example"),
        (DOCUMENT, "each 3 { embed 5 ; mean } ; mean", "NN401", "each takes no settings"),
        (DOCUMENT, "each { embed 5 ; mean } ; each { mean } ; mean", "NN548", "each needs the sentences"),
        ("review: sentences(mix=4)) -> stars: class", "each { embed 5 ; mean } ; mean", "NN401", "no setting mix"),
        ("review: sentences) -> stars: class per review", "each { embed 5 ; mean }", "NN215", "review is sentences"),
        ("a: sentences, b: words) -> y: class", "v = b | embed 5 | mean ; a | each { embed 5 | mean | concat(v) }",
         "NN517", "v belongs to an example"),
    ],
)  # fmt: skip
def test_wrong_use_is_told(ports: str, body: str, code: str, said: str):
    found = refused(f"model m({ports} {{\n  {body}\n  dense softmax\n}}\n")
    assert found.code == code
    assert said in found.message
    assert found.span is not None
