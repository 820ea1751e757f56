"""Columns of span tags: learnt from the training rows, and kept to their scheme."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compiler.settings.data import DataSettings, Files, Share
from compiler.sorts import Port, Spans, Tokens
from dsl.errors import DataError
from runtime.data import Dataset, read
from runtime.data.labels import NONE, UNKNOWN
from runtime.data.schemes import UNKNOWN_INSIDE
from tests.runtime.data.build import SPEC, TEXT, files, port

NAMES = Port("names", Spans(), True, SPEC, per="text")
COLUMNS = files("a.tsv", columns=("text", "names"))


def rows(folder: Path, train: str, test: str | None = None, text: Port = TEXT) -> Dataset:
    """Tokens of one letter, each beside its tag: `B-X I-X / O`."""
    (folder / "a.tsv").write_text(written(train), "utf-8")
    if test is not None:
        (folder / "b.tsv").write_text(written(test), "utf-8")
    entry: Files | None = replace(COLUMNS, paths=("b.tsv",)) if test is not None else None
    return read((text, NAMES), DataSettings(COLUMNS, None, entry, span=SPEC), folder, None)


def written(tags: str) -> str:
    return "\n\n".join("\n".join(f"w\t{tag}" for tag in row.split()) for row in tags.split("/")) + "\n"


def ids(found: Dataset, part: str = "train") -> list[int]:
    return getattr(found, part).columns["names"].ids.tolist()


def test_labels_are_all_tags_of_the_scheme_for_the_types_that_occur(tmp_path: Path):
    found = rows(tmp_path, "B-X I-X O/B-Y")
    assert found.tables.labels["names"] == ("O", "B-X", "I-X", "B-Y", "I-Y")
    assert ids(found) == [1, 2, 0, 3]
    assert found.tables.sizes()["classes"] == 5


def test_tag_that_breaks_the_scheme_marks_the_span_that_is_read_there(tmp_path: Path):
    found = rows(tmp_path, "B-X I-X O/O I-X I-X/B-X B-X I-X", "I-X O")
    assert ids(found) == [1, 2, 0, 0, 1, 2, 1, 1, 2]
    assert ids(found, "test") == [1, 0]


def test_inside_tags_alone_stay_as_they_are(tmp_path: Path):
    found = rows(tmp_path, "I-X I-X O/O I-Y", "B-X I-X B-X")
    assert found.tables.labels["names"] == ("O", "I-X", "B-X", "I-Y", "B-Y")
    assert ids(found) == [1, 1, 0, 0, 3]
    assert ids(found, "test") == [1, 1, 2]


def test_span_of_a_type_that_training_lacks_begins_and_goes_on(tmp_path: Path):
    found = rows(tmp_path, "B-X I-X O", "B-Z I-Z I-Z B-Z O I-X")
    assert ids(found, "test") == [UNKNOWN, UNKNOWN_INSIDE, UNKNOWN_INSIDE, UNKNOWN, 0, 1]


def test_marks_and_reversed_rows_have_their_tags(tmp_path: Path):
    text = replace(TEXT, sort=Tokens("words", marks=True, reverse=True))
    assert ids(rows(tmp_path, "B-X I-X O", text=text)) == [NONE, 0, 2, 1, NONE]


def test_label_that_is_no_tag_is_refused_at_its_line(tmp_path: Path):
    with pytest.raises(DataError) as caught:
        rows(tmp_path, "B-X I-X O/O PER O/PER B-", "O NN")
    found = [(d.code, d.span.file.rpartition("/")[2], d.span.line, d.span.text) for d in caught.value.diagnostics]
    assert found == [("NN729", "a.tsv", 6, "w\tPER"), ("NN729", "b.tsv", 2, "w\tNN")]


def test_training_rows_without_a_span_are_refused(tmp_path: Path):
    with pytest.raises(DataError) as caught:
        rows(tmp_path, "O O/O")
    assert [d.code for d in caught.value.diagnostics] == ["NN717"]


def test_tags_are_learnt_from_the_training_rows_alone(tmp_path: Path):
    (tmp_path / "a.tsv").write_text(written("B-X O/B-X O/B-X O/B-Y O"), "utf-8")
    settings = DataSettings(COLUMNS, Share(0.25, True, SPEC), None, span=SPEC)
    found = read((TEXT, NAMES), settings, tmp_path, None)
    assert found.tables.labels["names"] == ("O", "B-X", "I-X")
    np.testing.assert_array_equal(found.valid.columns["names"].ids, [UNKNOWN, 0])


def test_other_columns_are_as_they_were(tmp_path: Path):
    assert port("names", Spans(), output=True).per is None
    found = rows(tmp_path, "B-X O")
    assert found.tables.vocabularies["text"].tokens == ("w",)
