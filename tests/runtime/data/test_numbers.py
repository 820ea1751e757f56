"""Numbers of a column, all at once and one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.data.real import number, numbers

WRITTEN = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**40), 10**40).map(str),
    st.text("0123456789+-.eE _nafi\n\t٣５", max_size=6),
)


@given(st.lists(WRITTEN, max_size=4))
def test_a_column_is_read_as_its_numbers_are(texts: list[str]) -> None:
    found = numbers(texts)
    one_by_one = [number(text) for text in texts]
    # Text that numbers() leaves to number() costs time and no more, but what both read is the same.
    assert found is None or found.tolist() == one_by_one


@pytest.mark.parametrize("texts", [["1", "-2.5", "+.5", "1e-3", " 7 ", "3."], []])
def test_numbers_of_everyday_are_read_at_once(texts: list[str]) -> None:
    found = numbers(texts)
    assert found is not None
    assert found.tolist() == [float(text) for text in texts]


@pytest.mark.parametrize("text", ["", " ", "1_0", "nan", "inf", "1e39", "1 2", "５", "1\n", "e5", "--1", "."])
def test_what_is_no_number_is_left_to_the_reader_of_one(text: str) -> None:
    assert number(text) is None
    assert numbers(["1", text]) is None
