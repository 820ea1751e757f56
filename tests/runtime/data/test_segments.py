"""Segmented text: one column for the characters and for where words begin and end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from compiler.settings.data import DataSettings, Files
from compiler.sorts import Port, Segments, Tokens
from runtime.data import Dataset, encode, read, read_file
from runtime.data.in_memory import rows_of
from runtime.data.labels import NONE
from tests.runtime.data.build import SPEC, files, port

TEXT = port("text", Tokens("chars"))
WORDS = Port("words", Segments(), True, SPEC, per="text")
PORTS = (TEXT, WORDS)
TAGS = {"B": 0, "E": 1, "M": 2, "S": 3}


def learnt(folder: Path, content: str, name: str = "a.txt", entry: Files | None = None, text: Port = TEXT) -> Dataset:
    (folder / name).write_text(content, "utf-8")
    return read((text, WORDS), DataSettings(entry or files(name), None, None, span=SPEC), folder, None)


def tags(found: Dataset, row: int = 0) -> str:
    column = found.train.columns["words"]
    return "".join("BEMS"[i] if i >= 0 else "-" for i in column.ids[column.offsets[row] : column.offsets[row + 1]])


def characters(found: Dataset, row: int = 0) -> str:
    column, known = found.train.columns["text"], found.tables.vocabularies["text"]
    return "".join(known.token(int(i)) or "?" for i in column.ids[column.offsets[row] : column.offsets[row + 1]])


def test_segmented_line_is_its_characters_and_a_tag_for_each(tmp_path: Path):
    found = learnt(tmp_path, "我 愛 自然語言  處理\n好\n")
    assert (characters(found), tags(found)) == ("我愛自然語言處理", "SSBMMEBE")
    assert (characters(found, 1), tags(found, 1)) == ("好", "S")
    assert found.tables.labels["words"] == ("B", "E", "M", "S")


def test_line_without_words_has_no_tag(tmp_path: Path):
    found = learnt(tmp_path, "ab c\n \n")
    assert found.train.columns["words"].ids.tolist() == [0, 1, 3, NONE]


@pytest.mark.parametrize("columns", [("text", "_"), ("words", "_")])
def test_column_is_named_by_text_or_by_segments(tmp_path: Path, columns: tuple[str, ...]):
    named = tuple("text" if c == "words" else c for c in columns)
    found = learnt(tmp_path, "ab c\tx\n", "a.tsv", files("a.tsv", columns=named))
    assert (characters(found), tags(found)) == ("abc", "BES")


def test_segmented_text_comes_from_json_too(tmp_path: Path):
    found = learnt(tmp_path, '{"text": "ab c"}\n{"text": "d"}\n', "a.jsonl")
    assert (characters(found), tags(found)) == ("abc", "BES")
    listed = learnt(tmp_path, '{"text": ["ab", "c"]}\n', "b.jsonl")
    assert (characters(listed), tags(listed)) == ("abc", "BES")


def test_characters_that_become_one_have_one_tag(tmp_path: Path):
    """An e and an accent are one character; a capital I with a dot has two in lower case."""
    found = learnt(tmp_path, "cafe\u0301 a\n")
    assert (characters(found), tags(found)) == ("caf\u00e9a", "BMMES")
    lower = learnt(tmp_path, "\u0130A b\n", text=replace(TEXT, sort=Tokens("chars", lower=True)))
    assert tags(lower) == "BMES"


@pytest.mark.parametrize(("line", "wanted"), [("abc de", "BMES"), ("a bcdef", "SBME"), ("ab cd", "BEBE")])
def test_last_word_of_a_text_that_is_cut_ends_there(tmp_path: Path, line: str, wanted: str):
    found = learnt(tmp_path, line + "\n", text=replace(TEXT, sort=Tokens("chars", max=4)))
    assert tags(found) == wanted


def test_text_to_predict_needs_no_segments(tmp_path: Path):
    tables = learnt(tmp_path, "ab c\n").tables
    for found in (
        encode(PORTS, tables, [["a bc"]]),
        rows_of(PORTS, tables, ["a bc"], "examples", outputs_optional=True)[0],
        read_file(PORTS, tables, files("a.txt"), tmp_path, outputs_optional=True)[0],
    ):
        assert "words" not in found.columns
        assert found.columns["text"].ids.tolist() == [4, 5, 6]
        assert [found.written["text"].names[i] for i in found.written["text"].types] == ["a", "b", "c"]


def test_rows_in_memory_are_segmented_texts(tmp_path: Path):
    tables = learnt(tmp_path, "ab c\n").tables
    for given in (["ab c"], [{"text": "ab c"}], {"text": ["ab c"]}):
        found, _ = rows_of(PORTS, tables, given, "rows", outputs_optional=False)
        assert found.columns["words"].ids.tolist() == [TAGS[t] for t in "BES"]
