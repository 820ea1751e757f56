"""Which field belongs to which input or output."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runtime.data.build import LABEL, POINT, TEXT, VALUE

NUMBERS = (POINT, VALUE)


def test_without_columns_outputs_come_first_then_inputs(read_bytes):
    found = read_bytes(b"9,1,2\n8,3,4\n", ports=NUMBERS, name="a.csv")
    np.testing.assert_array_equal(found.train.columns["point"], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(found.train.columns["value"], [[9], [8]])


def test_columns_in_order_skip_and_spread(read_bytes):
    found = read_bytes(b"1,2,x,9\n3,4,y,8\n", ports=NUMBERS, name="a.csv", columns=("point", "_", "value"))
    np.testing.assert_array_equal(found.train.columns["point"], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(found.train.columns["value"], [[9], [8]])


def test_columns_of_one_input_need_not_be_neighbours(read_bytes):
    found = read_bytes(b"1,9,2\n", ports=NUMBERS, name="a.csv", columns=("point", "value", "point"))
    np.testing.assert_array_equal(found.train.columns["point"], [[1, 2]])


def test_headings_are_matched_by_name_in_any_order(read_bytes):
    found = read_bytes(b"id\ttext\tlabel\n7\tgood\t1\n8\tbad\t0\n", header=True)
    assert found.tables.labels == {"label": ("0", "1")}
    assert found.tables.vocabularies["text"].tokens == ("bad", "good")


def test_headings_may_be_renamed_for_some(read_bytes):
    found = read_bytes(b"text\tstars\ngood\t1\nbad\t0\n", header=True, columns=("label=stars",))
    assert found.train.count == 2


def test_several_headings_make_one_input(read_bytes):
    how = {"ports": NUMBERS, "name": "a.csv", "header": True, "columns": ("value=y", "point=b", "point=a")}
    found = read_bytes(b"y,a,b\n9,1,2\n", **how)
    np.testing.assert_array_equal(found.train.columns["point"], [[2, 1]])


def test_skipping_with_a_header_takes_columns_in_order(read_bytes):
    found = read_bytes(b"x\ty\tz\n1\t-\tgood\n0\t-\tbad\n", header=True, columns=("label", "_", "text"))
    assert found.tables.labels == {"label": ("0", "1")}


BAD = [
    (b"labels\ttext\n1\tgood\n", {"header": True}, "NN713", "label"),
    (b"text\ttext\tlabel\na\tb\t1\n", {"header": True}, "NN712", "text"),
    (b"text\tlabel\n", {"header": True}, "NN707", "headings"),
    (b"1\tgood\n", {"columns": ("label",)}, "NN714", "text"),
    (b"1\tgood\n", {"columns": ("label", "txt")}, "NN714", "txt"),
    (b"1\tgood\n", {"columns": ("label=stars", "text")}, "NN714", "stars"),
    (b"1\tgood\tb\n", {"columns": ("label", "text", "text")}, "NN714", "text"),
    (b"1\tgood\tb\n", {"columns": ("label", "text")}, "NN710", "3 fields"),
    (b"1,2,3\n", {"ports": NUMBERS, "name": "a.csv", "header": True}, "NN713", "point"),
    (b"point,value\n1,2\n", {"ports": NUMBERS, "name": "a.csv", "header": True}, "NN714", "point"),
]


@pytest.mark.parametrize(("content", "how", "code", "word"), BAD)
def test_columns_that_do_not_fit_are_refused(errors_of, content, how, code, word):
    first = errors_of(content, **how)[0]
    assert first.code == code
    assert word in first.message


def test_an_unknown_heading_gets_the_nearest_and_the_headings(errors_of):
    (error,) = errors_of(b"lable\ttext\n1\tgood\n", header=True)
    assert error.help.startswith('did you mean "lable"?')
    assert (error.notes[0].span.line, error.notes[0].span.text) == (1, "lable\ttext")


def test_a_second_equal_heading_is_shown_with_the_first(errors_of):
    (error,) = errors_of(b"text\tlabel\ttext\na\t1\tb\n", ports=(TEXT, LABEL), header=True)
    assert (error.span.column, error.notes[0].span.column) == (12, 1)


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (b"label\ttext\n1\tgood\n0\tbad\n", {}),
        (b"Text,Label\ngood,1\nbad,0\n", {"name": "a.csv", "columns": ("text", "label")}),
    ],
)
def test_headings_that_nobody_announced_get_a_warning(read_bytes, content, how):
    (warning,) = [w for w in read_bytes(content, **how).warnings if w.code == "NN725"]
    assert (warning.severity, warning.span.line) == ("warning", 1)
    assert "`header`" in warning.help


def test_headings_where_numbers_are_due_are_one_error(errors_of):
    (error,) = errors_of(b"tax,area,rooms\n9,1,2\n8,3,4\n", ports=NUMBERS, name="a.csv")
    assert (error.code, error.severity, error.span.line) == ("NN725", "error", 1)


@pytest.mark.parametrize("content", [b"nan,1,2\n8,3,4\n", b"x,1,2\n8,3,4\n", b"a,b,c\n"])
def test_wrong_number_in_the_first_row_is_no_heading(errors_of, content):
    assert {e.code for e in errors_of(content, ports=NUMBERS, name="a.csv")} <= {"NN715", "NN716"}
