"""Where the last state of a recurrent layer is taken: each direction where it ends."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.ir.graph import Input
from compiler.pipeline import check
from runtime.interpret import evaluate
from tests.compiler.lower.specs import model

IDS = np.array([[3, 1, 4, 1, 5], [2, 6, 0, 0, 0]])


def halves(body: str, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The two halves of the output, which the body says should be equal."""
    text = model(f"x = embed 3\n{body}", output=f"y: real[{2 * width}]")
    graph = check(text, "m.nn", sizes={"V": 7}, dtype="f64").network.prediction
    rng = np.random.default_rng(1)
    weights = {
        n.op.name: rng.normal(size=n.type.shape)
        for n in graph.inputs
        if isinstance(n.op, Input) and n.op.kind == "weight"
    }
    found = evaluate(graph, {**weights, "text": IDS, "lengths.T": np.array([5, 2])}, {"B": 2, "T": 5})["y.scores"]
    return found[:, :width], found[:, width:]


@pytest.mark.parametrize(
    ("body", "width"),
    [
        ("h = x | gru 2 as r\nconcat((h | last), r.h)", 2),
        ("h = x | gru 2 reverse as r\nconcat((h | last), r.h)", 2),
        ("h = x | lstm 2 bidir as r\nconcat((h | last), r.h)", 4),
        ("h = x | srn 2 bidir as r\nconcat((h | tanh | last), tanh(r.h))", 4),
        ("h = x | srn 2 bidir as r\nconcat((h | dropout 0.5 | relu | last), relu(r.h))", 4),
        ("h = x | srn 2 bidir as r\ng = x | gru 3 reverse as s\nl = concat(h, x, g) | last\n"
         "concat(l, r.h, (x | last), s.h)", 10),
        ("shared f { srn 2 }\nshared b { gru 3 reverse }\np = x | parallel { f ; b } | last\n"
         "q = x | parallel { f | last ; b | last }\nconcat(p, q)", 5),
        ("h = x | srn 2 layers=2 bidir as r\nt = h | last\nconcat(t, t)", 4),
    ],
)  # fmt: skip
def test_last_takes_each_direction_where_it_ends(body: str, width: int):
    found, wanted = halves(body, width)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_last_of_a_stack_is_taken_of_its_last_layer():
    body = "h = x | srn 2 layers=2 bidir as r\ns = concat(r.h, r.h)\nl = h | last\nconcat(s, concat(l, l, l, l))"
    states, last = halves(body, 16)
    np.testing.assert_allclose(states[:, 4:8], last[:, :4], rtol=1e-12)
