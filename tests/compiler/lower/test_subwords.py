"""`subwords[n]`: how many pieces there are, who shares them, and what they cannot be asked for."""

from __future__ import annotations

import pytest

from compiler.sorts import Tokens
from tests.compiler.lower.specs import checked, diagnostics, model, weights

ONE = "embed 4\nmean\ndense softmax"
BOTH = "concat((a | embed 4 | mean), (b | embed 4 | mean))\ndense softmax"


def test_pieces_are_as_many_as_the_brackets_say():
    network = checked(f"let n = 300\n{model(ONE, 'a: subwords[2 * n](lower, min=3, max=9)')}").network
    assert network.inputs[0].sort == Tokens("subwords", lower=True, min=3, max=9, keep=600)


def test_table_of_two_texts_in_pieces_is_that_of_the_first():
    body = "shared t { embed 4 }\nconcat((a | t | mean), (b | t | mean))\ndense softmax"
    assert next(iter(weights(model(body, "a: subwords[9], b: subwords[9](lower)")).values())) == "[V, 4]"


@pytest.mark.parametrize(
    ("body", "signature", "code", "message"),
    [
        (ONE, "a: subwords", "NN211", "subwords does not say how many pieces there are"),
        (ONE, "a: subwords[0]", "NN211", "subwords[0] is no number of pieces"),
        (ONE, "a: subwords[9,9]", "NN211", "subwords has no such size"),
        (ONE, "a: subwords[9](keep=3)", "NN401", "subwords has no setting keep"),
        (
            BOTH,
            "a: subwords[9], b: subwords[8](vocabulary=a)",
            "NN307",
            "b shares the pieces of a, and asks for others",
        ),
        (BOTH, "a: words, b: subwords[8](vocabulary=a)", "NN307", "there is no vocabulary of a to share"),
        (
            "shared t { embed 4 }\nconcat((a | t | mean), (b | t | mean))\ndense softmax",
            "a: subwords[9], b: subwords[9](min=2)",
            "NN307",
            "b looks up the table of a, and asks for other pieces",
        ),
        (
            "concat((a | embed 4), (b | embed 3))\nmean\ndense softmax",
            "a: subwords[9], b: category per a",
            "NN215",
            "a is subwords, and the data have no value for each piece of a word",
        ),
    ],
)
def test_what_pieces_cannot_be_is_said(body: str, signature: str, code: str, message: str):
    assert [(d.code, d.message) for d in diagnostics(model(body, signature))] == [(code, message)]
