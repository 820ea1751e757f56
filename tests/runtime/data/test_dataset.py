"""The `data` section to rows: splits, labels, scaling, tables."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from compiler.settings.data import DataSettings, Share
from compiler.sorts import Real
from dsl.errors import DataError, RunError
from nnc.training import recipe
from runtime import data
from runtime.data.splits import permutation, split
from tests.runtime.data.build import LABEL, POINT, SPEC, TEXT, VALUE, files, port

STANDARD = port("point", Real(2, standard=True))


def settings(**parts) -> DataSettings:
    return DataSettings(files("a.tsv"), **parts)


def share(value: float, last: bool = False) -> Share:
    return Share(value, last, SPEC)


def test_test_is_taken_first_then_valid_of_the_rest():
    found = split(100, settings(test=share(0.2), valid=share(0.1)), None)
    assert (len(found.test), len(found.valid), len(found.train)) == (20, 8, 72)
    assert sorted([*found.test, *found.valid, *found.train]) == list(range(100))


def test_last_takes_the_end():
    found = split(10, settings(test=share(0.2, True), valid=share(0.5, True)), None)
    assert found.test.tolist() == [8, 9]
    assert found.valid.tolist() == [4, 5, 6, 7]


def test_a_split_depends_on_its_seed_alone():
    same = [split(50, settings(test=share(0.2), seed=3), None).test.tolist() for _ in range(2)]
    assert same[0] == same[1] == sorted(same[0])
    assert split(50, settings(test=share(0.2), seed=4), None).test.tolist() != same[0]


def test_a_permutation_is_the_same_for_ever():
    # A model file keeps no rows: its test rows must be found again by later versions of NumPy too.
    assert permutation(8, "split test", 0).tolist() == [6, 5, 0, 4, 1, 3, 7, 2]


def test_folds_part_the_rows_and_valid_comes_from_the_rest():
    parts = [split(11, settings(folds=3, valid=share(0.25)), fold) for fold in range(3)]
    assert sorted(i for p in parts for i in p.test.tolist()) == list(range(11))
    assert sorted(len(p.test) for p in parts) == [3, 4, 4]
    assert all(sorted([*p.test, *p.valid, *p.train]) == list(range(11)) for p in parts)


@pytest.mark.parametrize(
    ("count", "parts", "fold"),
    [(1, {"test": share(0.1)}, None), (2, {"test": share(0.5), "valid": share(0.5)}, None), (3, {"folds": 4}, 0)],
)
def test_too_few_rows_to_split_are_refused(count, parts, fold):
    with pytest.raises(DataError) as caught:
        split(count, settings(**parts), fold)
    assert caught.value.diagnostics[0].code == "NN720"
    # A file of tokens without an empty line is one row.
    assert ("1 row " in caught.value.diagnostics[0].message) == ("empty line" in caught.value.diagnostics[0].help)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("b a c", ("a", "b", "c")), ("10 9 -1", ("-1", "9", "10")), ("10 9 x", ("10", "9", "x")), ("1.0 1", ("1", "1.0"))],
)
def test_labels_are_sorted_and_numbers_as_numbers(read_bytes, labels, expected):
    content = "".join(f"{label}\tt\n" for label in labels.split()).encode()
    assert read_bytes(content).tables.labels["label"] == expected


def test_a_tag_that_training_lacks_is_warned_of_where_it_stands(tmp_path):
    path = tmp_path / "m.nn"
    path.write_text(
        "model m(x: words) -> y: class per x { embed 2 ; dense softmax }\n"
        'data { train "a.tsv" columns=x,y ; valid "b.tsv" columns=x,y }\n'
    )
    (tmp_path / "a.tsv").write_text("u\tN\nv\tV\n\nw\tV\n")
    (tmp_path / "b.tsv").write_text("s\tN\nt\tQ\n")
    made = recipe(path)
    (warning,) = made.read(made.check()).warnings
    assert (warning.code, warning.span.line, warning.span.column) == ("NN719", 2, 3)


@pytest.mark.parametrize("twin", ["Pos", "pos ", "po s", "POS"])
def test_labels_that_look_alike_are_warned_of_with_their_places(read_bytes, twin):
    (warning,) = read_bytes(f"pos\ta\nneg\tb\n{twin}\tc\n".encode()).warnings
    assert (warning.code, warning.span.line, warning.notes[0].span.line) == ("NN718", 3, 1)


def test_labels_that_differ_by_unicode_form_are_warned_of(read_bytes):
    (warning,) = read_bytes("e\u0301\ta\né\tb\n".encode()).warnings
    assert warning.code == "NN718"


def test_a_label_that_training_lacks_is_wrong_and_warned_of_once(tmp_path):
    (tmp_path / "a.tsv").write_text("1\ta\n0\tb\n")
    (tmp_path / "b.tsv").write_text("1\tc\n2\tc\n3\td\n2\td\n")
    found = data.read((TEXT, LABEL), DataSettings(files("a.tsv"), test=files("b.tsv")), tmp_path, None)
    (warning,) = found.warnings
    assert (warning.code, warning.span.line, warning.span.column) == ("NN719", 2, 1)
    assert "3 of the test rows" in warning.message
    assert found.test.columns["label"].tolist() == [1, -1, -1, -1]


def test_standard_scales_by_the_training_rows(read_bytes):
    content = b"1,5,0\n3,5,0\n9,9,0\n"
    how = {"ports": (STANDARD, VALUE), "name": "a.csv", "columns": ("point", "value")}
    found = read_bytes(content, test=share(0.3, True), **how)
    np.testing.assert_array_equal(found.train.columns["point"], [[-1, 0], [1, 0]])
    np.testing.assert_array_equal(found.test.columns["point"], [[7, 4]])
    scaling = found.tables.scalings["point"]
    np.testing.assert_array_equal(scaling.back(found.test.columns["point"]), [[9, 9]])


def test_a_constant_column_keeps_deviation_1_however_it_rounds(read_bytes):
    ports = (port("x", Real(1, standard=True)), VALUE)
    found = read_bytes(b"1\t0.1\n" * 10, ports=ports)
    assert found.tables.scalings["x"].deviation == (1.0,)


def test_several_files_are_read_one_after_the_other(tmp_path):
    (tmp_path / "a.tsv").write_text("1\ta\n")
    (tmp_path / "b.tsv").write_text("0\tb\nx\tc\n")
    found = data.read((TEXT, LABEL), DataSettings(files("a.tsv", "b.tsv")), tmp_path, None)
    assert found.train.columns["label"].tolist() == [1, 0, 2]


def test_the_fingerprint_changes_with_the_data_and_not_with_the_packing(read_bytes):
    import gzip

    content = b"1\ta\n0\tb\n"
    first = read_bytes(content).fingerprint
    assert read_bytes(gzip.compress(content), name="a.tsv.gz").fingerprint == first
    assert read_bytes(content + b"0\tb\n").fingerprint != first


def test_predicted_rows_are_encoded_as_the_models_own(read_bytes):
    found = read_bytes(b"1\ta b\n0\tb\n")
    rows = data.encode((TEXT, LABEL), found.tables, [["b x"], [""], ["a"]])
    assert rows.columns["text"].ids.tolist() == [4, 1, 0, 5]
    assert set(rows.columns) == {"text"}


@pytest.mark.parametrize(
    ("fields", "code", "line", "column"),
    [(["1", "2", "3"], "NN710", 8, 1), (["1", "x"], "NN715", 8, 3), (["", "2"], "NN716", 8, 1)],
)
def test_a_wrong_example_to_predict_has_a_place(read_bytes, fields, code, line, column):
    tables = read_bytes(b"1,2,3\n", ports=(POINT, VALUE), name="a.csv").tables
    with pytest.raises(DataError) as caught:
        data.encode((POINT, VALUE), tables, [["1", "2"], fields], source="input", first_line=7)
    (error,) = caught.value.diagnostics
    assert (error.code, error.span.file, error.span.line, error.span.column) == (code, "input", line, column)


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("1\tx\ta\n", ("label", "_", "text")),
        ("\tx\ta\n", ("label", "_", "text")),
        ("x\ta\n", ("label", "_", "text")),
        ("a\n", ("label", "_", "text")),
        ("a\n", None),
    ],
)
def test_a_file_to_predict_may_lack_the_outputs_or_have_empty_ones(read_bytes, tmp_path, content, columns):
    tables = read_bytes(b"1\ta\n0\tb\n").tables
    (tmp_path / "new.tsv").write_text(content)
    entry = files("new.tsv", columns=columns)
    rows, _ = data.read_file((TEXT, LABEL), tables, entry, tmp_path, outputs_optional=True)
    assert rows.columns["text"].ids.tolist() == [4]
    assert set(rows.columns) == {"text"}


def test_a_plain_text_file_is_a_line_an_example(read_bytes, tmp_path):
    tables = read_bytes(b"1\ta\n0\tb\n").tables
    (tmp_path / "new.txt").write_text('a\tb\n\n"b"\n')
    rows, _ = data.read_file((TEXT, LABEL), tables, files("new.txt"), tmp_path, outputs_optional=True)
    assert rows.lengths("text").tolist() == [2, 1, 1]


def test_tables_come_back_from_json_to_the_bit(read_bytes):
    ports = (TEXT, STANDARD, LABEL)
    tables = read_bytes("1\té b\t.1\t.3\n0\tb\t.2\t.7\n".encode(), ports=ports).tables
    text = json.dumps(tables.to_json())
    assert data.Tables.from_json(json.loads(text), ports) == tables


def _without(value, *path):
    value = json.loads(json.dumps(value))
    at = value
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    return value


def _with(value, new, *path):
    value = json.loads(json.dumps(value))
    at = value
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    return value


GOOD = {
    "vocabularies": {"text": ["a", "b"]},
    "labels": {"label": ["0", "1"]},
    "scalings": {"point": {"mean": [0.5, 1.0], "deviation": [1.0, 2.0]}},
}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {**GOOD, "more": {}},
        _without(GOOD, "labels"),
        _without(GOOD, "labels", "label"),
        _without(GOOD, "scalings", "point", "mean"),
        _with(GOOD, ["a"], "vocabularies", "other"),
        _with(GOOD, ["a", "a"], "vocabularies", "text"),
        _with(GOOD, ["a", 3], "vocabularies", "text"),
        _with(GOOD, ["a", ""], "vocabularies", "text"),
        _with(GOOD, "ab", "vocabularies", "text"),
        _with(GOOD, ["\ud800"], "vocabularies", "text"),
        _with(GOOD, ["0"], "labels", "label"),
        _with(GOOD, [1.0, 0.0], "scalings", "point", "deviation"),
        _with(GOOD, [1.0, True], "scalings", "point", "deviation"),
        _with(GOOD, [1.0, float("nan")], "scalings", "point", "mean"),
        _with(GOOD, [1.0], "scalings", "point", "mean"),
        _with(GOOD, {"mean": [1.0], "deviation": [1.0]}, "scalings", "point"),
    ],
)
def test_tables_that_are_not_the_models_are_refused(value):
    with pytest.raises(RunError) as caught:
        data.Tables.from_json(value, (TEXT, STANDARD, LABEL))
    assert caught.value.diagnostics[0].code == "NN806"


def test_one_class_output_of_two_has_a_size_of_its_own(read_bytes):
    ports = (TEXT, LABEL, replace(LABEL, name="other"))
    assert read_bytes(b"1\tx\ta\n0\ty\tb\n2\tx\tc\n", ports=ports).tables.sizes() == {
        "V": 7,
        "classes.label": 3,
        "classes.other": 2,
    }
