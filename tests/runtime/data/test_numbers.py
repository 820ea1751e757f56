"""Numbers of a column, all at once and one by one."""

from __future__ import annotations

from itertools import product

import pytest

from runtime.data.real import number, numbers


@pytest.mark.parametrize("length", range(5))
def test_a_text_is_read_as_a_number_is(length: int) -> None:
    for letters in product("01+-.eE _", repeat=length):
        text = "".join(letters)
        found, alone = numbers([text]), number(text)
        # What numbers() leaves to number() costs time and no more.
        assert found is None or found.tolist() == [alone], text
        assert found is not None or alone is None, text


@pytest.mark.parametrize("texts", [["1", "-2.5", "+.5", "1e-3", " 7 ", "3."], []])
def test_numbers_of_everyday_are_read_at_once(texts: list[str]) -> None:
    found = numbers(texts)
    assert found is not None
    assert found.tolist() == [float(text) for text in texts]


@pytest.mark.parametrize("text", ["nan", "inf", "1e39", "-1e999", "1 2", "５", "1\n", "٣", "1_0"])
def test_what_is_no_number_is_left_to_the_reader_of_one(text: str) -> None:
    assert number(text) is None
    assert numbers(["1", text]) is None
