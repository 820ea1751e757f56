"""Rows in memory: what is taken, and what is said of a row that is wrong."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from compiler.pipeline import check
from compiler.settings.data import DataSettings
from dsl.errors import DataError
from runtime.data.in_memory import dataset_of, entry_of
from runtime.data.memory_rows import fingerprint, read_memory
from runtime.data.part import Columns
from runtime.data.problems import Problems


def ports_of(signature: str = "text: words, x: real[2]") -> tuple[Any, ...]:
    body = "flatten\n  dense softmax"
    if "text" in signature:
        body = "t = text | embed 3 | mean\n  " + ("concat(t, x)" if "x:" in signature else "t") + "\n  dense softmax"
    return check(f"model m({signature}) -> y: class {{\n  {body}\n}}\n", "m.nn").network.ports


def read(given: Any, signature: str = "text: words, x: real[2]", *, outputs_optional: bool = False) -> Columns:
    problems = Problems()
    part = read_memory(ports_of(signature), given, "train", problems, outputs_optional=outputs_optional)
    problems.check()
    return part.columns


def said(given: Any, signature: str = "text: words, x: real[2]", **options: Any) -> list[str]:
    with pytest.raises(DataError) as caught:
        read(given, signature, **options)
    return [f"{d.code} {d.message}" for d in caught.value.diagnostics]


AS_TUPLES = [("a", "one two", [1, 2]), ("b", "three", (3, 4.5))]


@pytest.mark.parametrize(
    "given",
    [
        AS_TUPLES,
        iter(AS_TUPLES),
        [("a", "one two", 1, 2), ("b", "three", "3", "4.5")],
        [{"text": "one two", "y": "a", "x": [1, 2]}, {"x": np.array([3, 4.5]), "text": "three", "y": "b", "id": 7}],
        {"y": ["a", "b"], "text": ("one two", "three"), "x": np.array([[1, 2], [3, 4.5]])},
        {"y": np.array(["a", "b"]), "text": np.array(["one two", "three"]), "x": [[1, 2], [3, 4.5]]},
    ],
    ids=["tuples", "generator", "flat tuples", "dictionaries", "columns", "arrays"],
)
def test_rows_are_the_same_however_they_are_given(given: Any):
    columns = read(given)
    assert columns.texts == {"y": ["a", "b"], "text": ["one two", "three"]}
    np.testing.assert_array_equal(columns.numbers["x"], [[1, 2], [3, 4.5]])


def test_fingerprint_follows_the_rows():
    one, same, other = (read(rows) for rows in (AS_TUPLES, AS_TUPLES, AS_TUPLES[:1]))
    assert fingerprint({"train": one}) == fingerprint({"train": same}) != fingerprint({"train": other})


@pytest.mark.parametrize(("label", "written"), [(3, "3"), (True, "true"), (1.5, "1.5"), (np.int64(2), "2"), ("é", "é")])
def test_label_is_called_as_in_a_file(label: object, written: str):
    assert read([(label, "t", [1, 2])]).texts["y"] == [written]


def test_text_that_comes_as_tokens_stays_so():
    assert read([("a", ["one", "two"], [1, 2])]).lists == {"text": [["one", "two"]]}


def test_inputs_are_enough_to_predict():
    assert read([("t", [1, 2])], outputs_optional=True).ports() == {"text", "x"}
    assert read([{"text": "t", "x": [1, 2]}], outputs_optional=True).ports() == {"text", "x"}


def test_example_of_the_only_input_stands_alone():
    found = read(["one", "two"], "text: words, x: real[2]".partition(",")[0], outputs_optional=True)
    assert found.texts == {"text": ["one", "two"]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([("a", 3, [1, 2])], "NN891 row 1, text: a text is wanted, not int (3)"),
        ([("a", "t", [1, 2]), ("a", None, [1, 2])], "NN891 row 2, text: a text is wanted, not NoneType (None)"),
        ([(None, "t", [1, 2])], "NN723 row 1, y: the label is missing"),
        ([(float("nan"), "t", [1, 2])], "NN723 row 1, y: the label is missing"),
        ([(" ", "t", [1, 2])], "NN723 row 1, y: the label is missing"),
        ([({}, "t", [1, 2])], "NN891 row 1, y: a label is wanted, a text or a number, not dict ({})"),
        ([("a", "t", [1])], "NN710 row 1, x: 2 numbers are wanted, but it has 1"),
        ([("a", "t", [1, "two"])], 'NN715 row 1, x, number 2 of 2: "two" is not a number'),
        ([("a", "t", [1, None])], "NN716 row 1, x, number 2 of 2: the number is missing"),
        ([("a", "t", [True, 1])], "NN891 row 1, x: a number is wanted, not bool (True)"),
        ([("a", "t", [1, float("inf")])], "NN715 row 1, x, number 2 of 2: the number is infinite"),
        ([("a", "t", [1, 10**400])], "NN715 row 1, x, number 2 of 2: the number is too large"),
        ([("a", "t")], "NN710 row 1 has 2 values, but 3 are wanted: y, text, x"),
        (["abc"], "NN710 row 1 has 1 value, but 3 are wanted: y, text, x"),
        ([7], "NN710 row 1 has 1 value, but 3 are wanted: y, text, x"),
        ([{"y": "a", "txt": "t", "x": [1, 2]}], "NN713 train has no column text"),
        ([{"y": "a", "text": "t", "x": [1, 2]}, {"y": "a", "text": "t"}], "NN710 row 2, x: it is missing"),
        ({"y": ["a"], "text": ["t", "u"], "x": [[1, 2]]}, "NN892 train: the columns have different lengths"),
        ({"y": ["a"], "text": ["t"]}, "NN713 train has no column x"),
        ({"y": ["a"], "text": ["t"], "x": np.array([[1.0, np.nan]])}, "NN716 row 1, x, number 2 of 2"),
        ({"y": ["a"], "text": ["t"], "x": np.ones((1, 3))}, "NN710 x: 2 numbers a row are wanted, but each has 3"),
        ([], "NN707 train has no rows"),
        ({"y": [], "text": [], "x": []}, "NN707 train has no rows"),
        ("rows.tsv", "NN892 train: rows are wanted, not str"),
        (7, "NN892 train: rows are wanted, not int"),
    ],
)  # fmt: skip
def test_row_that_is_wrong_is_named(given: Any, message: str):
    assert said(given)[0].startswith(message)


def test_every_wrong_row_is_told():
    assert len(said([("a", "t", [1, "x"]), ("a", "t", [1, 2]), ("b", 5, ["y", 2])])) == 3


def test_what_is_wrong_does_not_end_in_control_characters():
    (message,) = said([("a", "t", [1, "\x1b[31m\u202e"])])
    assert "\x1b" not in message
    assert "\u202e" not in message


PICTURES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        (PICTURES, np.uint8),
        (PICTURES.astype(np.int64), np.uint8),
        (PICTURES.reshape(2, 12), np.uint8),
        (PICTURES / 255, np.float32),
        (PICTURES.tolist(), np.uint8),
        (list(PICTURES), np.uint8),
    ],
    ids=["bytes", "integers", "flat", "shares", "lists", "list of arrays"],
)
def test_pictures_are_bytes_or_from_0_to_1(given: Any, dtype: type):
    found = read({"y": ["a", "b"], "p": given}, "p: image[3,4]").pictures["p"]
    assert (found.shape, found.dtype) == ((2, 3, 4, 1), dtype)
    np.testing.assert_allclose(found[..., 0] * (1.0 if dtype == np.uint8 else 255), PICTURES, rtol=1e-6)


@pytest.mark.parametrize(
    "given", [PICTURES.transpose(0, 2, 1), PICTURES * 20.5, PICTURES - 1.0, ["x", 2.0], [[1], [2, 3]]]
)
def test_pictures_of_another_kind_are_refused(given: Any):
    assert said({"y": ["a", "b"], "p": given}, "p: image[3,4]")[0].startswith("NN891 p: ")


def test_pictures_alone_are_enough_to_predict():
    assert read(PICTURES, "p: image[3,4]", outputs_optional=True).pictures["p"].shape == (2, 3, 4, 1)
    assert read(list(PICTURES), "p: image[3,4]", outputs_optional=True).pictures["p"].shape == (2, 3, 4, 1)


def test_bytes_beside_shares_become_shares():
    ports = ports_of("p: image[3,4]")
    parts = {"train": {"y": ["a", "b"], "p": PICTURES}, "test": {"y": ["a", "b"], "p": PICTURES / 255}}
    dataset = dataset_of(ports, DataSettings(entry_of("train")), parts)
    assert dataset.test is not None
    np.testing.assert_allclose(dataset.test.columns["p"], dataset.train.columns["p"], rtol=1e-6)


def test_texts_and_lists_are_not_mixed():
    ports = ports_of("text: words")
    parts = {"train": [("a", "t"), ("b", "u")], "valid": [("a", ["t"])]}
    with pytest.raises(DataError, match="NN744"):
        dataset_of(ports, DataSettings(entry_of("train")), parts)


@pytest.mark.parametrize("column", [1, "ab", np.array(3), None, 0.5])
def test_column_that_is_none_is_named(column: object):
    found = said({"text": ["a", "b"], "x": np.zeros((2, 2)), "y": column})
    assert found == [f"NN892 train: the column y is a list or an array, not {type(column).__name__}"]


def test_masked_number_is_missing():
    masked = np.ma.MaskedArray(np.ones((2, 2)), mask=[[False, True], [False, False]])
    given = {"text": ["a", "b"], "x": masked, "y": ["p", "q"]}
    assert said(given) == ["NN716 row 1, x, number 2 of 2: the number is missing"]
    given["x"] = np.ma.MaskedArray(np.ones((2, 2)))
    assert read(given).numbers["x"].tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("row", [("\ud800", "one", [1, 2]), ("a", "one \udc80", [1, 2])])
def test_half_a_character_is_refused_before_there_is_a_model_that_cannot_be_saved(row: Any):
    (message,) = said([*AS_TUPLES, row])
    assert message.startswith("NN891 row 3, ")
    assert "whole characters are wanted" in message


def test_long_double_that_is_too_large_is_refused_without_a_warning_of_numpy():
    numbers = np.array([[1, 2], [3, 4]], np.longdouble) * np.longdouble("1e300") * np.longdouble("1e300")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = said({"text": ["a", "b"], "x": numbers, "y": ["p", "q"]})
    assert [each[:5] for each in found] == ["NN715"] * 4
