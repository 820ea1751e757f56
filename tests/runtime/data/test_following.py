"""Targets of `next` and `previous`: lines, streams and windows, made from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.pipeline import check
from compiler.settings.data import Files
from dsl.errors import DataError
from runtime.data import Dataset, Rows, read, read_file
from runtime.data.labels import NONE
from runtime.data.tokens import BEGIN, END, UNKNOWN, Sequences
from tests.runtime.data.build import SPEC

BODY = "embed 5\nlstm 4\ndense softmax"
STREAM = "embed 5\nlstm 4 stateful\ndense softmax"
BOTH = "x = embed 5\nnext = x | lstm 4 | dense softmax\nprev = x | lstm 4 reverse | dense softmax"
TWO = "next: next(text), prev: previous(text)"


def spec(sort: str = "words", body: str = BODY, outputs: str = "next: next(text)", data: str = "") -> str:
    return f'model m(text: {sort}) -> {outputs} {{\n{body}\n}}\ndata {{ train "train.txt" {data} }}\n'


def data_of(folder: Path, text: str, lines: str) -> Dataset:
    (folder / "train.txt").write_text(lines)
    found = check(text, "spec.nn")
    assert found.data is not None
    return read(found.network.ports, found.data, folder, None)


def shown(data: Dataset, rows: Rows | None, port: str) -> list[list[str | int]]:
    """The rows of a port as tokens; ids of the program's own as they are."""
    assert rows is not None
    column = rows.columns[port]
    assert isinstance(column, Sequences)
    vocabulary = next(iter(data.tables.vocabularies.values()))
    ids = [vocabulary.token(i) or i for i in column.ids.tolist()]
    return [ids[a:b] for a, b in zip(column.offsets, column.offsets[1:], strict=False)]


def test_each_line_begins_from_begin_and_ends_with_end(tmp_path: Path):
    data = data_of(tmp_path, spec(), "a b\n\nc\n")
    assert shown(data, data.train, "text") == [[BEGIN, "a", "b"], [BEGIN], [BEGIN, "c"]]
    assert shown(data, data.train, "next") == [["a", "b", END], [END], ["c", END]]


def test_with_both_directions_the_ends_have_one_target_each(tmp_path: Path):
    data = data_of(tmp_path, spec(body=BOTH, outputs=TWO), "a b\n")
    assert shown(data, data.train, "text") == [[BEGIN, "a", "b", END]]
    assert shown(data, data.train, "next") == [["a", "b", END, NONE]]
    assert shown(data, data.train, "prev") == [[NONE, BEGIN, "a", "b"]]


def test_previous_alone_leaves_out_the_begin(tmp_path: Path):
    data = data_of(tmp_path, spec(body="embed 5\nlstm 4 reverse\ndense softmax", outputs="p: previous(text)"), "a b\n")
    assert shown(data, data.train, "text") == [["a", "b", END]]
    assert shown(data, data.train, "p") == [[BEGIN, "a", "b"]]


def test_all_lines_are_one_stream_that_begins_from_an_end(tmp_path: Path):
    data = data_of(tmp_path, spec(body=STREAM), "a b\n\nc\n")
    assert shown(data, data.train, "text") == [[END, "a", "b", END, END, "c"]]
    assert shown(data, data.train, "next") == [["a", "b", END, END, "c", END]]
    assert data.train.stream
    assert data.train.examples == 6


def test_a_line_end_of_characters_is_the_newline_and_no_character_is_lost(tmp_path: Path):
    data = data_of(tmp_path, spec("chars", STREAM), "a b \n\tc\n")
    assert shown(data, data.train, "next") == [["a", " ", "b", " ", END, "\t", "c", END]]


def test_windows_follow_each_other_without_a_gap(tmp_path: Path):
    data = data_of(tmp_path, spec("words(max=2)"), "a b\nc d\n")
    assert shown(data, data.train, "text") == [[END, "a"], ["b", END], ["c", "d"]]
    assert shown(data, data.train, "next") == [["a", "b"], [END, "c"], ["d", END]]
    assert not data.train.stream


def test_a_stream_that_is_read_backwards_begins_with_its_last_token(tmp_path: Path):
    data = data_of(tmp_path, spec("words(reverse)", STREAM), "a b\nc\n")
    assert shown(data, data.train, "next") == [["c", END, "b", "a", END]]


def test_a_stream_is_split_by_tokens_and_none_is_lost(tmp_path: Path):
    data = data_of(tmp_path, spec(body=STREAM, data="; valid 25% last"), "a b c\nd a\na\n")
    assert shown(data, data.train, "next") == [["a", "b", "c", END, "d", "a", END]]
    assert shown(data, data.valid, "text") == [[END, "a"]]
    assert shown(data, data.valid, "next") == [["a", END]]


def test_vocabulary_is_that_of_the_training_tokens_without_line_ends(tmp_path: Path):
    data = data_of(tmp_path, spec(body=STREAM, data="; valid 25% last"), "a b a b\na e\n")
    assert [v.tokens for v in data.tables.vocabularies.values()] == [("a", "b")]
    assert shown(data, data.valid, "next") == [[UNKNOWN, END]]


def test_ngrams_of_a_stream_go_on_over_line_ends(tmp_path: Path):
    body = STREAM.replace("embed 5", "concat((text | embed 5), (text | embed 5 n=2 before min=1))")
    data = data_of(tmp_path, spec(body=body), "a b\nb\n")
    (name,) = (n for n in data.train.columns if "2grams" in n)
    column = data.train.columns[name]
    assert isinstance(column, Sequences)
    vocabulary = data.tables.vocabularies[name]
    assert [vocabulary.token(i) for i in column.ids.tolist()] == [" \n", "\n a", "a b", "b \n", "\n b"]


@pytest.mark.parametrize("data", ["; valid 10%", "; test 20%", "; folds 2"])
def test_a_split_that_draws_lines_out_of_a_stream_is_refused(data: str, tmp_path: Path):
    with pytest.raises(DataError) as caught:
        data_of(tmp_path, spec(body=STREAM, data=data), "a b\nc\n")
    found = caught.value.diagnostics[0]
    assert found.code == "NN756"
    assert "last" in found.help


def test_other_files_are_streams_too(tmp_path: Path):
    data = data_of(tmp_path, spec(body=STREAM), "a b\nc\n")
    (tmp_path / "other.txt").write_text("a\nd\n")
    ports = check(spec(body=STREAM), "spec.nn").network.ports
    rows, _ = read_file(ports, data.tables, Files(("other.txt",), False, None, SPEC), tmp_path)
    assert shown(data, rows, "text") == [[END, "a", END, UNKNOWN]]
    assert shown(data, rows, "next") == [["a", END, UNKNOWN, END]]
