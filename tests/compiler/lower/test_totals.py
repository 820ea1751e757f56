"""Values that are mixed of probabilities: those that surely do not sum to 1 are refused."""

from __future__ import annotations

import pytest

from tests.compiler.lower.specs import errors
from tests.nnc.translators import DECODERS, MAX
from tests.nnc.translators import spec as translation

VALUES = {
    "a": "h | dense 3 softmax",
    "b": "h | dense 3 softmax",
    "p": "h | dense 1 sigmoid",
    "q": "h | dense 1 sigmoid",
}
MIXED = "p * made + (1 - p) * copied"
"""What the pointer of the translators ends in."""


def spec(mixed: str) -> str:
    made = [f"  {name} = {value}" for name, value in VALUES.items() if name in mixed]
    return "\n".join(["model m(x: real[4]) -> y: class {", "  h = x | dense 5 relu", *made, f"  {mixed}", "}"])


def codes(text: str) -> list[str]:
    return [code for code, *_ in errors(text)]


@pytest.mark.parametrize(
    "mixed", ["a + b", "a + 1", "a + 0.1", "2 * a", "a - b", "p * a", "p * a + p * b", "a + p * b", "-a", "a * 0.5 + a"]
)
def test_what_surely_does_not_sum_to_one_is_refused(mixed: str):
    assert codes(spec(mixed)) == ["NN515"]


@pytest.mark.parametrize(
    "mixed",
    [
        "p * a + (1 - p) * b", "(1 - p) * a + p * b", "0.3 * a + 0.7 * b", "a + b - a", "(a + b) / 2",
        "a - p * (a - b)", "p * a + q * b", "(p * a + (1 - p) * b) * q + (1 - q) * b", "a * a", "a + 0.1 - 0.1",
    ],
)  # fmt: skip
def test_what_may_sum_to_one_passes(mixed: str):
    assert codes(spec(mixed)) == []


def test_one_more_for_each_word_is_too_much_whatever_their_number():
    text = (
        "model m(text: chars(max=9)) -> next: next(text) {\n  h = embed 4 | gru 3\n  a = h | dense softmax\n  a + 1\n}"
    )
    assert codes(text) == ["NN515"]


@pytest.mark.parametrize(("mixed", "found"), [(MIXED, []), ("p * made + p * copied", ["NN515"])])
def test_words_that_are_pointed_at_are_probabilities_too(mixed: str, found: list[str]):
    pointer = DECODERS["pointer"]
    assert pointer.count(MIXED) == 1
    assert codes(translation(pointer.replace(MIXED, mixed), MAX["pointer"])) == found
