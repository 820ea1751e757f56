"""TSV with one token a line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compiler.sorts import Category, Class, Tokens
from tests.runtime.data.build import LABEL, files, port
from tests.runtime.data.rows import errors, raw

WORDS = port("words", Tokens("words"))
POS = replace(port("pos", Category()), per="words")
TAGS = replace(port("tags", Class(), output=True), per="words")
PORTS = (WORDS, POS, TAGS)
ORDER = ("words", "pos", "tags")
OK = "so\tRB\tO\ngood\tJJ\tB\n\nbad\tJJ\tB\n"


def rows(folder, text, ports=PORTS, columns=ORDER, header=False, **how):
    (folder / "a.tsv").write_text(text, encoding="utf-8")
    return raw(folder, ports, files("a.tsv", columns=columns, header=header), **how)[0]


def refused(folder, text, ports=PORTS, columns=ORDER, header=False, name="a.tsv", **how):
    (folder / name).write_text(text, encoding="utf-8")
    return errors(folder, ports, files(name, columns=columns, header=header), **how)


@pytest.mark.parametrize("text", [OK, OK[:-1], OK + "\n", OK + "\n\n\n", "\n\n" + OK, OK.replace("\n\n", "\n\n\n\n")])
def test_an_empty_line_ends_a_sequence_and_two_make_no_other(tmp_path, text):
    found = rows(tmp_path, text)
    assert found.columns.lists["words"] == [["so", "good"], ["bad"]]
    assert found.columns.lists["pos"] == [["RB", "JJ"], ["JJ"]]
    assert found.columns.lists["tags"] == [["O", "B"], ["B"]]
    assert (found.count, found.columns.texts) == (2, {})


def test_each_token_has_its_place(tmp_path):
    found = rows(tmp_path, "\n" + OK)
    span = found.span("tags", 0, 1)
    assert (span.line, span.column, span.snippet) == (3, 9, "B")
    assert found.span("words", 1).line == 5


def test_headings_name_the_columns_of_tokens(tmp_path):
    found = rows(tmp_path, "tags\tid\twords\tpos\n\nO\t7\tso\tRB\n", columns=None, header=True)
    assert found.columns.lists == {"words": [["so"]], "pos": [["RB"]], "tags": [["O"]]}


def test_outputs_may_be_absent_when_they_are_predicted(tmp_path):
    found = rows(tmp_path, "so\tRB\n\ngood\tJJ\n", outputs_optional=True)
    assert found.columns.lists == {"words": [["so"], ["good"]], "pos": [["RB"], ["JJ"]]}


def test_a_token_is_not_split_again(tmp_path):
    assert rows(tmp_path, "New York\tNP\tB\n").columns.lists["words"] == [["New York"]]


BAD = [
    ("so\tRB\tO\ngood\tJJ\n", "NN710", 2, 6),
    ("so\tRB\tO\n \t \ngood\tJJ\tO\n", "NN711", 2, 1),
    ("so\tRB\tO\n \n", "NN711", 2, 1),
    ("so\tRB\tO\n\tJJ\tO\n", "NN723", 2, 1),
    ("so\tRB\tO\ngood\tJJ\t\n", "NN723", 2, 9),
    ("so\tRB\tO\ngood\t \tB\n", "NN723", 2, 6),
    ("\n\n", "NN707", 1, 1),
    ("", "NN707", 1, 1),
    (" \n", "NN711", 1, 1),
    ("so,RB,O\n", "NN710", 1, 1),
]


@pytest.mark.parametrize(("text", "code", "line", "column"), BAD)
def test_a_bad_line_of_tokens_is_refused_with_its_place(tmp_path, text, code, line, column):
    first = refused(tmp_path, text)[0]
    assert (first.code, first.span.line, first.span.column) == (code, line, column)


def test_a_label_of_the_whole_sequence_has_no_place_among_tokens(tmp_path):
    (first,) = refused(tmp_path, OK, (*PORTS, LABEL), (*ORDER, "label"))
    assert first.code == "NN737"
    assert "JSONL" in first.help


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_one_token_a_line_is_tsv_alone(tmp_path, name):
    first = refused(tmp_path, OK.replace("\t", ","), name=name)[0]
    assert first.code == "NN743"
