"""A text gives the same result alone, in any batch and under any padding, in every layer; so do its gradients."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from runtime.interpret import evaluate
from tests.reference.cases import weights

BODIES = {
    "narrow": "embed 4 ; conv k=2,3 filters=3 relu ; maxpool",
    "filters of their own": "embed 4 ; conv k=1,4 filters=2,3 tanh ; maxpool",
    "wide": "embed 4 ; conv k=3 filters=3 wide ; avgpool",
    "same": "embed 4 ; conv k=2,3 filters=3 same gelu ; mean",
    "same with a stride": "embed 4 ; conv k=3 filters=3 stride=2 same ; sum",
    "causal and dilated": "embed 4 ; conv k=3 filters=3 dilation=2 causal ; last",
    "narrow with a stride": "embed 4 ; conv k=3 filters=3 stride=2 ; first",
    "convolutions of a convolution": (
        "embed 4 ; conv k=3 filters=3 wide relu ; conv k=4 filters=3 ; conv k=2 filters=2 same ; maxpool"
    ),
    "maximum over windows": "embed 4 ; maxpool window=2 ; conv k=2 filters=3 ; maxpool",
    "mean over windows": "embed 4 ; avgpool window=3 stride=2 ; mean",
    "k-max": "embed 4 ; maxpool k=3 ; flatten",
    "k-max of a convolution": "embed 4 ; conv k=3 filters=3 ; maxpool k=2 ; conv k=2 filters=2 ; maxpool",
    "one-hot": "onehot ; conv k=2 filters=3 ; maxpool",
    "bag": "bag",
    "layer normalisation": "embed 4 ; layernorm ; conv k=2 filters=4 ; layernorm rms ; mean",
    "batch normalisation": "embed 4 ; batchnorm ; conv k=2 filters=4 wide ; batchnorm ; mean",
    "residual": "embed 4 ; residual { conv k=3 filters=4 same relu ; dense 4 } ; maxpool",
    "parallel": "embed 4 ; parallel { maxpool ; mean ; first ; conv k=2 filters=2 | last }",
    "a vector beside a sequence": "e = embed 4 ; m = mean ; t = dense 8 ; x = concat(e, m) ; maxpool(x * 2 - exp(t))",
    "functions that are infinite at 0": "e = embed 4 ; log(abs(e)) ; maxpool",
    "a quotient": "e = embed 4 ; x = 1 / e ; conv k=2 filters=3 tanh ; maxpool",
    "both directions, each where it ends": "embed 4 ; lstm 3 bidir layers=2 ; last",
    "from the end": "embed 4 ; gru 3 reverse ; maxpool",
    "a loop over a convolution": "embed 4 ; conv k=3 filters=3 ; gru_after 2 bidir ; mean",
    "a loop over steps of two": "embed 4 ; conv k=2 filters=3 stride=2 ; lstm_peephole 2 ; last",
    "a loop over k-max": "embed 4 ; maxpool k=3 ; srn 2 bidir ; last",
    "a first state": "e = embed 4 ; s = e | mean | dense 3 ; e | gru(h=s) 3 ; last",
    "a loop over what is infinite": "e = embed 4 ; log(abs(e)) ; lstm 2 ; mean",
    "attention": "embed 4 ; attention heads=2 ; conv k=2 filters=4 ; attention ; maxpool",
    "attention that is causal": "embed 4 ; attention heads=4 causal ; last",
    "attention on what is infinite": "e = embed 4 ; m = log(abs(e)) ; e | attention(m) ; mean",
    "attention on k-max": "e = embed 4 ; m = e | maxpool k=3 ; e | attention(m) heads=2 ; mean",
    "attention of k-max": "e = embed 4 ; m = e | maxpool k=3 ; m | attention(e) heads=2 ; mean",
    "attention on a convolution": "e = embed 4 ; m = e | conv k=3 filters=6 ; e | attention(m) heads=2 ; maxpool",
    "sinusoids": "embed 4 ; positions sinusoid ; conv k=2 filters=3 ; positions sinusoid ; mean",
    "layers of the library": "embed 4 ; encoder_layer heads=2 ff=6 p=0 ; causal_layer heads=2 ff=6 p=0 ; mean",
    "weighted": "h = embed 4 ; s = dense 3 tanh | dense 1 ; weighted(h, s)",
    "weighted of a convolution": (
        "e = embed 4 ; h = e | conv k=3 filters=2 ; s = h | dense 3 ; weighted(h, s) ; flatten"
    ),
    "weighted of what is infinite": "e = embed 4 ; h = log(abs(e)) ; s = 1 / e ; weighted(h, s) ; flatten",
    "weighted of k-max": "e = embed 4 ; h = e | maxpool k=3 ; s = h | dense 2 ; weighted(h, s) ; flatten",
    "mix": "e = embed 4 ; mix(e, log(abs(e)), (e | conv k=3 filters=4 same)) ; maxpool",
    "repeat": "embed 4 ; repeat n=3,4 { conv k=2 filters=n relu } ; maxpool",
}
WITH_OTHERS = {
    "values for each word": "x = concat((text | embed 4), (tags | embed 3)) ; conv k=3 filters=3 wide ; maxpool",
    "values for each word, one-hot": "x = concat((text | embed 4), (tags | onehot)) ; conv k=2 filters=3 ; mean",
    "a category at every word": "x = concat((text | embed 4), (kind | embed 2)) ; conv k=2 filters=3 ; maxpool",
    "a category beside a bag": "concat((text | bag), (kind | onehot))",
    "a picture beside a text": "concat((photo | flatten | dense 3 tanh), (text | embed 4 | maxpool))",
    "inputs of all sorts": (
        "t = concat((text | embed 4), (tags | embed 3)) | maxpool ; concat(t, (photo | flatten), (kind | embed 2))"
    ),
}
"""Bodies of a model with a text and inputs of other sorts."""
LENGTHS = np.array([7, 1, 2, 5, 3, 4])
SIZES = {"V": 11, "classes": 3}


def batch(padded: int) -> dict[str, np.ndarray]:
    """Texts of every length from 1 to 7, the second of them empty: one padding position."""
    ids = np.random.default_rng(4).integers(1, SIZES["V"], (len(LENGTHS), 64))[:, :padded].copy()
    ids[np.arange(padded)[None] >= LENGTHS[:, None]] = 0
    ids[1] = 0
    return {"text": ids, "lengths.T": LENGTHS, "label": np.array([0, 1, 2, 0, 1, 2])}


def batch_of_all(padded: int) -> dict[str, np.ndarray]:
    """As batch, with values for each word, a category and a picture."""
    text = batch(padded)
    rows = np.arange(len(LENGTHS))
    photo = np.linspace(0, 1, len(LENGTHS) * 6).reshape(len(LENGTHS), 2, 3, 1)
    return {**text, "tags": text["text"] % 5, "kind": 1 + rows % 4, "photo": photo}


def spec_of_all(body: str) -> str:
    known = {"tags": "category per text", "kind": "category", "photo": "image[2,3]"}
    inputs = ", ".join(f"{name}: {sort}" for name, sort in known.items() if name in body)
    return f"model m(text: words, {inputs}) -> label: class {{\n  {body} ; dense softmax\n}}\ntrain {{ sgd lr=1 }}\n"


def spec(body: str) -> str:
    return f"model m(text: words) -> label: class {{\n  {body} ; dense softmax\n}}\ntrain {{ sgd lr=1 }}\n"


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_scores_of_a_text_are_the_same_alone_and_in_any_batch(body: str) -> None:
    experiment = pipeline.check(spec(body), "m.nn", sizes=SIZES, dtype="f64")
    graph, store = experiment.network.prediction, weights(experiment)
    together = [
        evaluate(graph, {**store, **batch(padded)}, {"B": len(LENGTHS), "T": padded})["label.scores"]
        for padded in (7, 8, 13)
    ]
    for scores in together[1:]:
        np.testing.assert_allclose(scores, together[0], rtol=1e-12, atol=1e-14)
    for row, length in enumerate(LENGTHS):
        alone = {name: part[row : row + 1] for name, part in batch(int(length)).items()}
        scores = evaluate(graph, {**store, **alone}, {"B": 1, "T": int(length)})["label.scores"]
        np.testing.assert_allclose(scores[0], together[0][row], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("optimized", [False, True], ids=["as lowered", "optimized"])
def test_a_step_moves_the_weights_alike_under_any_padding(body: str, optimized: bool) -> None:
    experiment = pipeline.check(spec(body), "m.nn", sizes=SIZES, dtype="f64")
    step, store = pipeline.training_step(experiment), weights(experiment)
    graph = pipeline.optimize(step.graph) if optimized else step.graph
    numbers = {"rows": len(LENGTHS), "lr": 1.0, "step": 1, "seed": 1}
    moved = [
        evaluate(graph, {**store, **batch(padded), **numbers}, {"B": len(LENGTHS), "T": padded}) for padded in (7, 13)
    ]
    for name in moved[0]:
        np.testing.assert_allclose(moved[1][name], moved[0][name], rtol=1e-11, atol=1e-13, err_msg=name)
    if "log" not in body and "1 / e" not in body:
        assert all(np.isfinite(value).all() for value in moved[0].values())


SIZES_OF_ALL = {"V": 11, "V.text": 11, "V.tags": 5, "V.kind": 5, "classes": 3}


@pytest.mark.parametrize("body", WITH_OTHERS.values(), ids=WITH_OTHERS)
def test_scores_with_other_inputs_are_the_same_alone_and_in_any_batch(body: str) -> None:
    experiment = pipeline.check(spec_of_all(body), "m.nn", sizes=SIZES_OF_ALL, dtype="f64")
    graph, store = experiment.network.prediction, weights(experiment)

    def scores(padded: int, rows: slice) -> np.ndarray:
        fed = {name: part[rows] for name, part in batch_of_all(padded).items()}
        return evaluate(graph, {**store, **fed}, {"B": len(fed["kind"]), "T": padded})["label.scores"]

    together = scores(7, slice(None))
    for padded in (8, 13):
        np.testing.assert_allclose(scores(padded, slice(None)), together, rtol=1e-12, atol=1e-14)
    for row, length in enumerate(LENGTHS):
        alone = scores(int(length), slice(row, row + 1))
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("body", WITH_OTHERS.values(), ids=WITH_OTHERS)
def test_a_step_with_other_inputs_moves_the_weights_alike_under_any_padding(body: str) -> None:
    experiment = pipeline.check(spec_of_all(body), "m.nn", sizes=SIZES_OF_ALL, dtype="f64")
    step, store = pipeline.training_step(experiment), weights(experiment)
    numbers = {"rows": len(LENGTHS), "lr": 1.0, "step": 1, "seed": 1}
    moved = [
        evaluate(
            pipeline.optimize(step.graph),
            {**store, **batch_of_all(padded), **numbers},
            {"B": len(LENGTHS), "T": padded},
        )
        for padded in (7, 13)
    ]
    for name in moved[0]:
        np.testing.assert_allclose(moved[1][name], moved[0][name], rtol=1e-11, atol=1e-13, err_msg=name)


DOCUMENTS = {
    "means": "each { embed 4 ; mean } ; maxpool",
    "loops at both levels": "each { embed 4 ; gru 3 bidir ; last } ; gru 2 bidir ; last",
    "weighted at both levels": (
        "each { h = embed 4 ; s = dense 3 | dense 1 ; weighted(h, s) } ; v = dense 3 ; w = dense 1 ; weighted(v, w)"
    ),
    "convolutions": "each { embed 4 ; conv k=2,3 filters=3 relu ; maxpool } ; conv k=2 filters=2 ; maxpool",
}


@pytest.mark.parametrize("body", DOCUMENTS.values(), ids=DOCUMENTS)
def test_scores_of_a_document_hang_neither_on_its_padding_nor_on_those_beside_it(body: str) -> None:
    text = f"model m(text: sentences) -> label: class {{\n  {body} ; dense softmax\n}}\n"
    sizes = {"V": 4, "V.text.words": 9, "classes": 3}
    experiment = pipeline.check(text, "m.nn", sizes=sizes, dtype="f64")
    graph, store = experiment.network.prediction, weights(experiment)
    sentences = {1: [5, 6, 7, 8, 4], 2: [4], 3: [6, 8]}
    documents = [[1, 2, 3], [3], [2, 2]]

    def scores(chosen: list[int], longest: int, words: int, spare: int) -> np.ndarray:
        where = np.zeros((len(chosen), longest), np.int64)
        for row, place in enumerate(chosen):
            where[row, : len(documents[place])] = documents[place]
        letters, lengths = np.zeros((4 + spare, words), np.int64), np.ones(4 + spare, np.int64)
        for number, ids in sentences.items():
            letters[number, : len(ids)], lengths[number] = ids, len(ids)
        fed = {
            "text.words": where,
            "text.words.letters": letters,
            "lengths.K": lengths,
            "lengths.T": np.array([len(documents[place]) for place in chosen]),
        }
        return evaluate(graph, {**store, **fed}, {"B": len(chosen), "T": longest, "W": 4 + spare, "K": words})[
            "label.scores"
        ]

    together = scores([0, 1, 2], 3, 5, 0)
    np.testing.assert_allclose(scores([0, 1, 2], 6, 9, 3), together, rtol=1e-12, atol=1e-14)
    for place, document in enumerate(documents):
        np.testing.assert_allclose(scores([place], len(document), 5, 0)[0], together[place], rtol=1e-12, atol=1e-14)
