"""Files to rows: what is taken, and the code and place of what is refused."""

from __future__ import annotations

import gzip
import os
import random

import numpy as np
import pytest

from dsl.errors import DataError
from runtime.data.files import TextFile, read_text
from runtime.data.problems import MOST, Problems
from runtime.data.table import parse
from tests.runtime.data.build import LABEL, POINT, TEXT, VALUE

OK = "1\tgood\n0\tbad\n"
NUMBERS = (POINT, VALUE)


def rows_of(text: str, format):
    problems = Problems()
    table = parse(TextFile("a", text, b""), format, problems)
    assert problems.errors == []
    fitting = {line: table.row(i) for i, line in enumerate(table.lines)}
    return [row for _, row in sorted({**fitting, **{o.line: o.fields for o in table.others}}.items())]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", []),
        ("a\tb", [["a", "b"]]),
        ("a\tb\n", [["a", "b"]]),
        ('"a\tb"\n', [['"a', 'b"']]),
        ("a\u2028b\x0b\x85\x1cc\n", [["a\u2028b\x0b\x85\x1cc"]]),
        ("\t\n".replace("\t\n", "a\t\n"), [["a", ""]]),
        ("a\r", [["a\r"]]),
    ],
)
def test_tsv_splits_at_tab_and_newline_alone(text, rows):
    assert rows_of(text, "tsv") == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", []),
        ("a,b", [["a", "b"]]),
        ("a,b\n,\n", [["a", "b"], ["", ""]]),
        ('"a,b",c\n', [["a,b", "c"]]),
        ('"a\nb",c\nd,e', [["a\nb", "c"], ["d", "e"]]),
        ('"she said ""no""",""\n', [['she said "no"', ""]]),
        ('""""\n', [['"']]),
        ('x,"a\n\n",y,z\n1,2,3,4\n', [["x", "a\n\n", "y", "z"], ["1", "2", "3", "4"]]),
        ("a\tb,c\n", [["a\tb", "c"]]),
        ('a,"b"', [["a", "b"]]),
        (" a , b \n", [[" a ", " b "]]),
    ],
)
def test_csv_follows_rfc_4180(text, rows):
    assert rows_of(text, "csv") == rows


def test_csv_agrees_with_the_standard_reader_on_what_it_writes(tmp_path):
    import csv
    import io

    chance = random.Random(5)
    rows = [["".join(chance.choices('ab,"\n é', k=chance.randrange(5))) for _ in range(3)] for _ in range(300)]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    assert rows_of(buffer.getvalue(), "csv") == rows


BAD = [
    # name, content, code, line, column
    ("a.tsv", b"", "NN707", 1, 1),
    ("a.tsv", b"1\tgood\n0\n", "NN710", 2, 1),
    ("a.tsv", b"1\tgood\n0\tbad\tmore\n", "NN710", 2, 7),
    ("a.tsv", b"1\tgood\n\n0\tbad\n", "NN711", 2, 1),
    ("a.tsv", b"1\tgood\n \t\n0\tbad\n", "NN711", 2, 1),
    ("a.tsv", b"1\tgood\n0\tbad\n\n", "NN711", 3, 1),
    ("a.tsv", b"1,good\n0,bad\n", "NN710", 1, 1),
    ("a.tsv", b"1\tgood\n0\tb\xffd\n", "NN703", 2, 4),
    ("a.tsv", "1\tgüt\n0\t好x\n".encode() + b"\xc3", "NN703", 3, 1),
    ("a.tsv", b"1\tgood\n0\tb\0d\n", "NN704", 2, 4),
    ("a.tsv", b"\xff\xfe1\0\t\0", "NN703", 1, 1),
    ("a.tsv", b"1\tgood\n\tbad\n", "NN723", 2, 1),
    ("a.tsv", b"1\tgood\n1\tbad\n", "NN717", 1, 1),
    ("a.tsv", b"1\t\n0\t \n", "NN724", 1, 1),
    ("a.csv", b'1,good\n0,"bad\n1,x\n', "NN709", 2, 3),
    ("a.csv", b'1,good\n0,so "bad"\n', "NN708", 2, 6),
    ("a.csv", b'1,good\n0,"so" bad\n', "NN708", 2, 7),
    ("a.csv", b'1,"go\nod"\n0,"so"x\n', "NN708", 3, 7),
    ("a.csv", b'1,"go\nod"\n0\n', "NN710", 3, 1),
    ("a.csv", b'1,"go\nod",x\n0,bad\n', "NN710", 1, 1),
    ("a.csv", b'0,bad\n1,"go\nod",x\n', "NN710", 3, 5),
    ("a.csv", b"1,good\n\n0,bad\n", "NN711", 2, 1),
    ("a.txt", b"good\n", "NN710", 1, 1),
    ("a.tsv.gz", b"1\tgood\n", "NN705", 1, 1),
    ("a.tsv.gz", gzip.compress(OK.encode(), mtime=0)[:-6], "NN705", 1, 1),
    ("a.tsv.gz", gzip.compress(OK.encode(), mtime=0)[:-8] + b"12345678", "NN705", 1, 1),
    ("a.tsv.gz", gzip.compress(OK.encode(), mtime=0) + b"junk", "NN705", 1, 1),
    ("a.tsv.gz", b"", "NN707", 1, 1),
]


@pytest.mark.parametrize(("name", "content", "code", "line", "column"), BAD)
def test_a_bad_file_is_refused_with_its_place(errors_of, name, content, code, line, column):
    first = errors_of(content, name=name)[0]
    assert (first.code, first.span.line, first.span.column) == (code, line, column)


BAD_NUMBERS = [
    ("1,2,1_000\n", "NN715", 1, 5),
    ("1,2,0x1\n", "NN715", 1, 5),
    ("1,2,inf\n", "NN715", 1, 5),
    ("1,2,-Infinity\n", "NN715", 1, 5),
    ("1,2,１\n", "NN715", 1, 5),
    ("1,٣,1\n", "NN715", 1, 3),
    ("1,2,1e39\n", "NN715", 1, 5),
    ("1,2,1e999\n", "NN715", 1, 5),
    ("1,2,--1\n", "NN715", 1, 5),
    ("1,2,.\n", "NN715", 1, 5),
    ("1,2,1e\n", "NN715", 1, 5),
    ('1,2,"1\n"\n', "NN715", 1, 5),
    ("1,2,3\n1,,3\n", "NN716", 2, 3),
    ("1,2,3\n1,2,NA\n", "NN716", 2, 5),
    ("1,2,3\nNaN,2,1\n", "NN716", 2, 1),
    ("1,2,3\n1,2,\n", "NN716", 2, 5),
    ("1,2,\x1b[31m\n", "NN715", 1, 5),
]


@pytest.mark.parametrize(("text", "code", "line", "column"), BAD_NUMBERS)
def test_what_is_no_number_is_refused_with_its_place(errors_of, text, code, line, column):
    (first,) = errors_of(text.encode(), ports=NUMBERS, name="a.csv", columns=("point", "value"))
    assert (first.code, first.span.line, first.span.column) == (code, line, column)
    assert "\x1b" not in first.message


def test_numbers_are_decimal_text(read_bytes):
    found = read_bytes(b"1,.5,1e3\n-2., +0 ,1.5E-2\n", ports=NUMBERS, name="a.csv", columns=("point", "value"))
    np.testing.assert_array_equal(found.train.columns["point"], [[1, 0.5], [-2, 0]])
    np.testing.assert_array_equal(found.train.columns["value"], [[1000], [0.015]])


def test_an_error_names_the_column_by_its_heading(errors_of):
    content = b"a,b,y\n1,2,3\n1,x,3\n"
    how = {"ports": NUMBERS, "name": "a.csv", "header": True, "columns": ("point=a", "point=b", "value=y")}
    (first,) = errors_of(content, **how)
    assert first.message == 'column "b": "x" is not a number'
    assert (first.span.line, first.span.column, first.span.end_column, first.span.text) == (3, 3, 4, "1,x,3")


def test_several_errors_are_told_in_one_run(errors_of):
    content = b"1\tgood\n0\n\n1\tx\ty\n"
    assert [e.code for e in errors_of(content)] == ["NN710", "NN711", "NN710"]


def test_a_file_that_is_wrong_everywhere_stops_early(errors_of):
    assert len(errors_of(b"1\tgood\n" + b"x\n" * 1000)) == MOST


def test_errors_of_several_files_are_told_together(tmp_path):
    from compiler.settings.data import DataSettings
    from runtime import data
    from tests.runtime.data.build import files

    (tmp_path / "a.tsv").write_text("1\tgood\n0\n")
    settings = DataSettings(files("a.tsv"), valid=files("gone.tsv"))
    with pytest.raises(DataError) as caught:
        data.read((TEXT, LABEL), settings, tmp_path, None)
    assert [e.code for e in caught.value.diagnostics] == ["NN710", "NN700"]


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbf" + OK.encode(), OK.replace("\n", "\r\n").encode(), OK[:-1].encode()]
)
def test_bom_cr_lf_and_a_missing_last_newline_change_nothing(read_bytes, content):
    assert read_bytes(content).tables == read_bytes(OK.encode()).tables


@pytest.mark.parametrize("name", ["a.tsv.gz", "A.TSV.GZ"])
def test_gzip_is_unpacked_and_several_members_too(read_bytes, name):
    content = gzip.compress(b"1\tgood\n") + gzip.compress(b"0\tbad\n")
    assert read_bytes(content, name=name).train.count == 2


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(gzip.compress(bytes(50_000_000), 9))
    with pytest.raises(DataError) as caught:
        read_text(path, limit=2_000_000)
    assert caught.value.diagnostics[0].code == "NN706"


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError) as caught:
        read_text(tmp_path)
    assert caught.value.diagnostics[0].code == "NN702"


def test_readers_take_linear_time_on_hostile_text():
    for text in (
        '"' * 200_001,
        "," * 200_000,
        '"a",' * 50_000,
        '"\n' * 50_001,
        '""' * 100_000,
        "\t" * 200_000,
        "\n" * 200_000,
    ):
        for format in ("tsv", "csv"):
            problems = Problems()
            try:
                parse(TextFile("a", text, b""), format, problems)
            except DataError:
                assert len(problems.errors) == MOST


def test_readers_of_any_bytes_fail_only_with_places_inside_the_file(tmp_path, read_bytes):
    seed = int(os.environ.get("NNC_SEED", random.SystemRandom().randrange(2**32)))
    print(f"NNC_SEED={seed}")
    chance = random.Random(seed)
    pieces = [
        b"1",
        b"0",
        b"good",
        b"\t",
        b"\t",
        b",",
        b",",
        b"\n",
        b"\n",
        b"\r\n",
        b'"',
        b'""',
        b" ",
        b"\xc3\xa9",
        b"\xff",
    ]
    pieces += [b"\0", b"\xe2\x80\xa8", b"NA", b"1e5", b"label", b"text", b"\xef\xbb\xbf", b"\x85", b"-.5"]
    kinds = [
        ({"ports": (TEXT, LABEL), "name": "a.tsv"}),
        ({"ports": (TEXT, LABEL), "name": "a.csv", "header": True}),
        ({"ports": (TEXT, LABEL), "name": "a.csv"}),
        ({"ports": NUMBERS, "name": "a.csv"}),
    ]
    weights = [8 if p != b"\xff" and p != b"\0" else 1 for p in pieces]
    for _ in range(int(os.environ.get("NNC_FUZZ", 14000))):
        content = b"".join(chance.choices(pieces, weights, k=chance.randrange(40)))
        how = chance.choice(kinds)
        if chance.random() < 0.3:
            content = (b"label,text\n" if how.get("header") else b"1\ta\n0\tb\n") + content
        try:
            read_bytes(content, **how)
        except DataError as error:
            lines = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
            for diagnostic in error.diagnostics:
                span = diagnostic.span
                if span.file == "spec.nn":
                    continue
                assert 1 <= span.line <= len(lines), content
                assert 1 <= span.column <= len(lines[span.line - 1]) + 1, content
                assert (span.end_line, span.end_column) >= (span.line, span.column), content
