"""Word vectors from files: both text forms, what is taken, and where a file is wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from dsl.errors import DataError, Diagnostic
from dsl.source import Span
from runtime.vectors import fill

IDS = {"cat": 1, "dog": 2, "New York": 3}
SPAN = Span("m.nn", 3, 3, 3, 9, "  embed 2")


def filled(tmp_path: Path, content: bytes, name: str = "v.txt") -> tuple[np.ndarray, list[int]]:
    path = tmp_path / name
    path.write_bytes(content)
    table = np.full((4, 2), 7, np.float32)
    return table, fill(table, IDS, path, SPAN)


def wrong(tmp_path: Path, content: bytes, name: str = "v.txt") -> Diagnostic:
    with pytest.raises(DataError) as caught:
        filled(tmp_path, content, name)
    return caught.value.diagnostics[0]


@pytest.mark.parametrize(
    "content",
    [
        b"dog 1 2\nbird 3 4\ncat -0.5 1e-2\n",
        b"3 2\ndog 1 2 \nbird 3 4 \ncat -0.5 1e-2 \n",
        b"\xef\xbb\xbfdog 1 2\r\ncat -0.5 1e-2",
        b"dog 1 2\ndog 8 9\n\ncat -0.5 1e-2\n\n",
    ],
    ids=["GloVe", "word2vec with a space behind", "BOM, CR LF, no last newline", "a word twice, empty lines"],
)
def test_words_get_their_rows_and_others_stay(tmp_path: Path, content: bytes) -> None:
    table, rows = filled(tmp_path, content)
    assert rows == [1, 2]
    np.testing.assert_array_equal(table, np.array([[7, 7], [-0.5, 0.01], [1, 2], [7, 7]], np.float32))


def test_packed_file_is_unpacked(tmp_path: Path) -> None:
    _, rows = filled(tmp_path, gzip.compress(b"cat 1 2\n"), "v.txt.gz")
    assert rows == [1]


def test_word_may_hold_spaces_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    table, rows = filled(tmp_path, b"cat dog 8 8\nNew York 1 2\n\xff\xfe 3 4\n")
    assert rows == [3]
    np.testing.assert_array_equal(table[3], [1, 2])


def test_first_word_may_be_a_number(tmp_path: Path) -> None:
    _, rows = filled(tmp_path, b"12 0.5 1\ncat 1 2\n")
    assert rows == [1]


@pytest.mark.parametrize(
    ("content", "code", "line", "column"),
    [
        (b"", "NN751", 1, 1),
        (b"cat 1 2\ndog 1\n", "NN751", 2, 1),
        (b"cat 1 2\ndog 1 2 3\n", "NN751", 2, 1),
        (b"cat\t1\t2\n", "NN751", 1, 1),
        (b"3 2\ncat 1 2\n", "NN751", 2, 1),
        (b"bird 1 2\ncat 1 x2\n", "NN752", 2, 7),
        (b"cat 1_0 2\n", "NN752", 1, 5),
        (b"cat nan 2\n", "NN752", 1, 5),
        (b"cat 1 1e300\n", "NN752", 1, 7),
        (b"cat 1 2\n" + b"x" * 100_000, "NN751", 2, 1),
    ],
)
def test_wrong_line_is_told_at_its_place(tmp_path: Path, content: bytes, code: str, line: int, column: int) -> None:
    found = wrong(tmp_path, content)
    assert found.span is not None
    assert (found.code, found.span.line, found.span.column) == (code, line, column)
    assert found.notes[0].span == SPAN


@pytest.mark.parametrize("content", [b"cat 1 2 3\n", b"1 3\ncat 1 2 3\n"])
def test_other_width_is_told_at_the_layer_with_the_line_of_the_file(tmp_path: Path, content: bytes) -> None:
    found = wrong(tmp_path, content)
    assert (found.code, found.span) == ("NN750", SPAN)
    assert "vectors of 3 numbers, and the layer is 2 wide" in found.message
    assert (found.notes[0].span.line, found.notes[0].span.text) == (1, content.decode().split("\n")[0])
    assert "embed 3" in found.help


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    assert wrong(tmp_path, gzip.compress(b"cat 1 2\n" * 1000)[:-20], "v.gz").code == "NN705"
    assert wrong(tmp_path, b"cat 1 2\n", "v.gz").code == "NN705"


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        fill(np.zeros((4, 2)), IDS, tmp_path, SPAN)
    assert caught.value.diagnostics[0].code == "NN702"
