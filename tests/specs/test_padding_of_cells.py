"""Padding never shows in any cell of the library, whatever its settings; batch order neither."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from runtime.interpret import evaluate
from tests.reference.cases import weights
from tests.reference.cells import CELLS
from tests.specs.test_padding_never_shows import LENGTHS, SIZES, batch, spec

SETTINGS = ["", "reverse", "layers=2 bidir", "layers=2 dropout=0.3", "layers=2 bidir dropout=0.3 variational"]
NUMBERS = {"rows": len(LENGTHS), "lr": 1.0, "step": 1, "seed": 1}
ORDER = np.array([4, 0, 5, 2, 1, 3])


def body(cell: str, settings: str) -> str:
    """Both poolings and the last states, from a first state."""
    width = " width=2" if cell == "lstm_projected" else ""
    first = f"s = e | mean | dense {2 if width else 3}"
    use = f"h = e | {cell}(h=s) 3{width} {settings} as r"
    return f"e = embed 4 ; {first} ; {use} ; concat((h | mean), (h | last), (h | maxpool), (h | first), r.h)"


OWN = {
    "two sequences": (
        "(x, z each) state h { h' = tanh(linear(x, z, h)) }",
        "c = e | conv k=3 filters=3 same",
        "mine(e, c) 3",
    ),
    "one sequence, and one whole": (
        "(x, m) state h { a = m | maxpool ; h' = tanh(linear(x, h) * linear(a, h)) }",
        "c = e | conv k=2 filters=3",
        "mine(e, c) 3",
    ),
    "attention": (
        "(x, m) state h { a = attend(h, m) ; b = attend(x, m) general ; h' = tanh(linear(x, a, b, h)) }",
        "c = e | conv k=2 filters=3",
        "mine(e, c) 3 bidir",
    ),
    "a cell before the loop": (
        "(x, m) state h { a = m | gru 3 bidir | last ; h' = tanh(linear(x, a, h)) }",
        "c = e",
        "mine(e, c) 3",
    ),
    "dropout at each step": (
        "(x, m) state h { h' = linear(x, m, h) | tanh | dropout 0.3 }",
        "c = e | mean",
        "mine(e, c) 3 bidir",
    ),
    "what is infinite": (
        "(x, m) state h { h' = tanh(linear(x, h) / 2) }",
        "c = log(abs(e))",
        "mine(c, c) 3 bidir layers=2",
    ),
}
"""Cells of a spec: heading and equations, a line of the model, the use."""
SPECS = {f"{cell} {settings}".strip(): spec(body(cell, settings)) for cell in CELLS for settings in SETTINGS}
for name, (cell, line, use) in OWN.items():
    SPECS[name] = f"cell mine{cell}\n" + spec(f"e = embed 4 ; {line} ; h = {use} ; concat((h | mean), (h | last))")


@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
def test_scores_of_a_cell_are_the_same_alone_and_in_any_batch(text: str):
    experiment = pipeline.check(text, "m.nn", sizes=SIZES, dtype="f64")
    graph, store = experiment.network.prediction, weights(experiment)

    def scores(padded: int, rows: object = slice(None)) -> np.ndarray:
        fed = {name: part[rows] for name, part in batch(padded).items()}
        return evaluate(graph, {**store, **fed}, {"B": len(fed["text"]), "T": padded})["label.scores"]

    together = scores(7)
    np.testing.assert_allclose(scores(12), together, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(scores(7, ORDER), together[ORDER], rtol=1e-12, atol=1e-14)
    for row, length in enumerate(LENGTHS):
        np.testing.assert_allclose(scores(int(length), slice(row, row + 1))[0], together[row], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
def test_a_step_of_a_cell_moves_the_weights_alike_under_any_padding(text: str):
    experiment = pipeline.check(text, "m.nn", sizes=SIZES, dtype="f64")
    graph, store = pipeline.optimize(pipeline.training_step(experiment).graph), weights(experiment)
    moved = [
        evaluate(graph, {**store, **batch(padded), **NUMBERS}, {"B": len(LENGTHS), "T": padded}) for padded in (7, 12)
    ]
    for name in moved[0]:
        np.testing.assert_allclose(moved[1][name], moved[0][name], rtol=1e-11, atol=1e-13, err_msg=name)
