"""pointer: what it needs, and how it is told what it lacks."""

from __future__ import annotations

import pytest

from tests.compiler.lower.specs import checked, diagnostics, model

OWN = "target: words(vocabulary=source)"


def spec(line: str, target: str = OWN, memory: str = "embed 4 | gru 3", source: str = "words(marks)") -> str:
    decoder = f"decode {{\nh = embed 5 | gru 3\na = h | attend(memory) as look\n{line}\n}}"
    return model(f"memory = source | {memory}\n{decoder}", f"source: {source}", target)


def test_words_that_are_pointed_at_are_an_answer_of_probabilities():
    network = checked(spec("look.weights | pointer(source)")).network
    (head,) = network.heads
    assert (head.kind, head.loss) == ("probabilities", "cross-entropy")
    (scores,) = (o.node for o in network.prediction.outputs if o.name == "target.scores")
    assert str(scores.type) == "f32[B, T.target, V]"


@pytest.mark.parametrize(
    "line",
    ["pointer(look.weights, source)", "0.5 * (pointer(look.weights, source)) + 0.5 * (h | dense softmax)",
     "p = concat(h, a) | dense 1 sigmoid\np * (h | dense softmax) + (1 - p) * (pointer(look.weights, source))"],
)  # fmt: skip
def test_copies_are_mixed_with_what_is_made(line: str):
    assert diagnostics(spec(line)) == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (spec("h | pointer(source)"), "needs the weights of an attend, but gets a sequence [T.target, 3]"),
        (spec("look.weights | pointer(memory)"), "but gets a sequence [T, 3]"),
        (spec("look.weights | pointer(source)", "target: words"), "gives words of source, and target is written with"),
        (
            spec("look.weights | pointer(source)", source="words"),
            "target is written with words of source alone, and no",
        ),
        (spec("look.weights | pointer(source)", memory="embed 4 | conv k=2 filters=3"), "of T-1 positions"),
    ],
)
def test_pointer_that_lacks_something_is_told(given: str, message: str):
    (found,) = diagnostics(given)
    assert (found.code, message in found.message) == ("NN543", True), found


def test_pointer_at_the_text_that_goes_on_looks_ahead():
    body = "h = embed 5 | gru 3\nattend(h, h) as look\nlook.weights | pointer(text)"
    assert [d.code for d in diagnostics(model(body, "text: words", "y: next(text)"))] == ["NN519"]
