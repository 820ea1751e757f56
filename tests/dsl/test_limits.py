"""How deep and how large a spec may be: refused before anything could overflow."""

from __future__ import annotations

import pytest

from dsl.errors import SpecError
from dsl.parse import parse


@pytest.mark.parametrize(
    "text",
    [
        "let a = 1" + "+1" * 100_000,
        "let a = " + "-" * 100_000 + "1",
        "block b {\n x" + "\n | f" * 20_000 + "\n}",
        "block b { x" + ".y" * 40_000 + "}",
        "let a = " + "(" * 100_000,
        "block b {" + "a{" * 100_000,
        "let a = " + "f(" * 60 + "-" * 101 + "1" + ")" * 60,
        "block b {" + "a{b|" * 50 + "b|" * 100 + "b" + "}" * 51,
    ],
)
def test_deep_spec_is_refused(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text, "s")
    assert caught.value.diagnostics[0].code in ("NN112", "NN113", "NN114")


def test_deepest_spec_that_is_accepted_can_be_compared_hashed_and_printed() -> None:
    """Of 64 brackets and 100 operators, each where it makes the tree deepest, far below Python's recursion limit."""
    braces = "block b {" + "a=x|b{" * 63 + "x" + "|f" * 37 + "}" * 64
    calls = "let a = " + "f(" * 64 + "-" * 100 + "1" + ")" * 64
    for text in (braces, calls):
        spec = parse(text, "s")
        assert spec == parse(text, "s")
        assert hash(spec) == hash(parse(text, "s"))
        assert repr(spec)


def test_sixty_four_brackets_are_fine_and_one_more_is_not() -> None:
    parse("let a = " + "(" * 64 + "1" + ")" * 64, "s")
    with pytest.raises(SpecError):
        parse("let a = " + "(" * 65 + "1" + ")" * 65, "s")


def test_spec_of_more_than_a_megabyte_is_refused_before_it_is_read() -> None:
    with pytest.raises(SpecError) as caught:
        parse(b"\xff" * 1_000_001, "s")
    assert caught.value.diagnostics[0].code == "NN114"
