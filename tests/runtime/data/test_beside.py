"""Files side by side, rows that are left out, and what files of one entry have in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compiler.settings.data import Beside, Column, DataSettings, Files
from compiler.sorts import Class, Image, Tokens
from dsl.errors import DataError
from runtime import data
from tests.runtime.data.build import LABEL, POINT, SPEC, TEXT, VALUE, files, port
from tests.runtime.data.rows import errors, raw
from tests.runtime.data.test_arrays import BYTES, DIGITS, idx_bytes

SOURCE = port("source", Tokens("words"))
TARGET = port("target", Class(), output=True)


def side_by_side(header=False, columns=None, **paths) -> Files:
    found = tuple(Beside(name, (path,) if isinstance(path, str) else path) for name, path in paths.items())
    return Files((), header, columns, SPEC, beside=found)


def write(folder: Path, **contents: str) -> None:
    for name, content in contents.items():
        (folder / f"{name}.txt").write_text(content, encoding="utf-8")


def test_files_side_by_side_belong_together_row_by_row(tmp_path):
    write(tmp_path, a="good\n\nbad\n", b="1\n0\n0\n")
    found, _ = raw(tmp_path, (SOURCE, TARGET), side_by_side(source="a.txt", target="b.txt"))
    assert found.columns.texts == {"source": ["good", "", "bad"], "target": ["1", "0", "0"]}
    assert (found.span("target", 1).file[-5:], found.span("target", 1).line) == ("b.txt", 2)


def test_several_files_of_each_follow_each_other(tmp_path):
    write(tmp_path, a="x\n", b="1\n", c="y\nz\n", d="2\n3\n")
    found, _ = raw(tmp_path, (SOURCE, TARGET), side_by_side(source=("a.txt", "c.txt"), target=("b.txt", "d.txt")))
    assert found.columns.texts == {"source": ["x", "y", "z"], "target": ["1", "2", "3"]}
    assert found.span("target", 2).line == 2


def test_each_file_has_the_reader_of_its_ending(tmp_path):
    (tmp_path / "a-idx3-ubyte").write_bytes(idx_bytes(BYTES))
    (tmp_path / "b.csv").write_text("id,digit\n" + "".join(f"7,{d}\n" for d in DIGITS))
    ports = (port("picture", Image(2, 3)), port("digit", Class(), output=True))
    found, _ = raw(tmp_path, ports, side_by_side(header=True, picture="a-idx3-ubyte", digit="b.csv"))
    assert found.columns.texts["digit"] == ["1", "0", "1", "7", "1"]
    assert found.columns.pictures["picture"].shape == (5, 2, 3, 1)


def test_a_heading_is_looked_for_in_the_file_of_its_input(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("stars\n5\n")
    columns = tuple(Column(p, h, SPEC) for p, h in (("point", "y"), ("point", "x"), ("value", "stars")))
    found, _ = raw(tmp_path, (POINT, VALUE), side_by_side(True, columns, point="a.csv", value="b.csv"))
    assert (found.columns.numbers["point"].tolist(), found.columns.numbers["value"].tolist()) == ([[2, 1]], [[5]])


def test_files_of_unlike_length_are_refused_with_both_counts(tmp_path):
    write(tmp_path, a="x\ny\n", b="1\n")
    (first,) = errors(tmp_path, (SOURCE, TARGET), side_by_side(source="a.txt", target="b.txt"))
    assert first.code == "NN742"
    assert "a.txt has 2 rows and" in first.message
    assert first.message.endswith("b.txt has 1 row")


def test_what_is_wrong_in_one_of_them_is_told_alone(tmp_path):
    write(tmp_path, a="x\ny\n", b="1\n \n")
    found = errors(tmp_path, (SOURCE, TARGET), side_by_side(source="a.txt", target="b.txt"))
    assert [(d.code, d.span.line) for d in found] == [("NN723", 2)]
    assert [d.code for d in errors(tmp_path, (SOURCE, TARGET), side_by_side(source="a.txt", target="c.txt"))] == [
        "NN700"
    ]


def test_a_path_of_a_file_of_its_own_may_not_leave_the_folder(tmp_path):
    write(tmp_path, a="x\n")
    assert errors(tmp_path, (SOURCE, TARGET), side_by_side(source="a.txt", target="../b.txt"))[0].code == "NN701"


def test_outputs_without_a_file_are_absent_when_they_are_predicted(tmp_path):
    write(tmp_path, a="x\n")
    found, _ = raw(tmp_path, (SOURCE, TARGET), side_by_side(source="a.txt"), outputs_optional=True)
    assert found.columns.texts == {"source": ["x"]}


def test_validation_rows_may_stand_side_by_side_too(tmp_path):
    write(tmp_path, a="x\ny\n", b="1\n0\n", c="y\n", d="1\n")
    both = side_by_side(source="a.txt", target="b.txt")
    settings = DataSettings(both, valid=side_by_side(source="c.txt", target="d.txt"))
    found = data.read((SOURCE, TARGET), settings, tmp_path, None)
    assert (found.train.count, found.valid.count) == (2, 1)


# Missing numbers


def test_missing_skip_leaves_rows_out_and_says_how_many(tmp_path):
    (tmp_path / "a.csv").write_text("9,1,2\n8,,4\n7,NA,\n6,5,6\nx,1,1\n")
    found = errors(tmp_path, (POINT, VALUE), files("a.csv"), skip_missing=True)
    assert [(d.code, d.span.line) for d in found] == [("NN715", 5)]
    (tmp_path / "a.csv").write_text("9,1,2\n8,,4\n7,NA,\n6,5,6\n")
    found, (warning,) = raw(tmp_path, (POINT, VALUE), files("a.csv"), skip_missing=True)
    assert found.columns.numbers["value"].tolist() == [[9], [6]]
    assert found.span("value", 1).line == 4
    assert (warning.code, warning.span.line, warning.span.column) == ("NN736", 2, 3)
    assert warning.message.startswith("2 of the 4 rows")


def test_rows_without_a_number_are_left_out_of_all_files_side_by_side(tmp_path):
    write(tmp_path, a="x\ny\nz\n", b="1\n\n3\n")
    ports = (SOURCE, VALUE)
    found, _ = raw(tmp_path, ports, side_by_side(source="a.txt", value="b.txt"), skip_missing=True)
    assert (found.columns.texts["source"], found.columns.numbers["value"].tolist()) == (["x", "z"], [[1], [3]])


def test_when_every_row_lacks_a_number_there_is_nothing_to_learn_from(tmp_path):
    (tmp_path / "a.csv").write_text("9,,2\n")
    assert errors(tmp_path, (POINT, VALUE), files("a.csv"), skip_missing=True)[0].code == "NN716"


def test_the_section_asks_for_rows_to_be_left_out(read_bytes, errors_of):
    content = b"1,2,3\n4,,6\n7,8,9\n"
    assert errors_of(content, ports=(POINT, VALUE), name="a.csv")[0].code == "NN716"
    found = read_bytes(content, ports=(POINT, VALUE), name="a.csv", missing="skip")
    assert (found.train.count, [w.code for w in found.warnings]) == (2, ["NN736"])


# Files of one entry


def test_lists_and_strings_are_not_mixed(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": ["a"], "label": "1"}\n{"text": ["b"], "label": "0"}\n')
    (tmp_path / "b.tsv").write_text("1\ta\n")
    (first,) = errors(tmp_path, (TEXT, LABEL), files("a.jsonl", "b.tsv"))
    assert first.code == "NN744"
    with pytest.raises(DataError) as caught:
        data.read((TEXT, LABEL), DataSettings(files("a.jsonl"), valid=files("b.tsv")), tmp_path, None)
    assert [d.code for d in caught.value.diagnostics] == ["NN744"]


def test_files_of_several_formats_make_one_entry(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a", "label": 1}\n')
    (tmp_path / "b.tsv").write_text("0\tb\n")
    (tmp_path / "c.csv").write_text('1,"a,b"\n')
    found, _ = raw(tmp_path, (TEXT, LABEL), files("a.jsonl", "b.tsv", "c.csv"))
    assert found.columns.texts == {"text": ["a", "b", "a,b"], "label": ["1", "0", "1"]}
    assert [found.span("label", i).file[-5] for i in range(3)] == ["j", "b", "c"]


def test_a_format_goes_before_the_ending(tmp_path):
    (tmp_path / "a.txt").write_text('{"text": "a", "label": 1}\n')
    found, _ = raw(tmp_path, (TEXT, LABEL), files("a.txt"), format="jsonl")
    assert found.columns.texts["label"] == ["1"]


def test_a_picture_is_not_read_from_a_table(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n")
    assert errors(tmp_path, (port("picture", Image(1, 1)), LABEL), files("a.csv"))[0].code == "NN743"


def test_five_headings_make_one_input_whatever_their_order(read_bytes):
    five = port("weather", type(POINT.sort)(5))
    columns = tuple(f"weather={h}" for h in "edcba")
    how = {"ports": (five, VALUE), "name": "a.csv", "header": True, "columns": columns}
    found = read_bytes(b"a,b,value,c,d,e\n1,2,9,3,4,5\n1,2,8,3,4,6\n", **how)
    np.testing.assert_array_equal(found.train.columns["weather"], [[5, 4, 3, 2, 1], [6, 4, 3, 2, 1]])
