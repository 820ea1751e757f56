"""Texts that a pointer alone writes have words of their source only."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.experiment import Experiment
from compiler.pipeline import check
from dsl.errors import DataError
from runtime.data import read
from runtime.data.dataset import read_file

SPEC = """model m(source: words(marks)) -> target: words(vocabulary=source) {
  memory = embed 4
  decode { embed 4 ; attend(memory) as look ; look.weights | pointer(source) }
}
data { train "pairs.tsv" columns=source,target }
"""
MIXED = """model m(source: words(marks)) -> target: words(vocabulary=source) {
  memory = embed 4
  decode {
    h = embed 4
    h | attend(memory) as look
    p = h | dense 1 sigmoid
    p * (h | dense softmax) + (1 - p) * (look.weights | pointer(source))
  }
}
data { train "pairs.tsv" columns=source,target }
"""


def read_rows(folder: Path, text: str, spec: str = SPEC) -> Experiment:
    (folder / "pairs.tsv").write_text(text)
    experiment = check(spec, "m.nn")
    assert experiment.data is not None
    read(experiment.network.ports, experiment.data, folder, None)
    return experiment


def test_words_that_the_source_of_the_row_lacks_are_told_with_their_place(tmp_path: Path):
    with pytest.raises(DataError) as caught:
        read_rows(tmp_path, "a b\tb a\na\tb\nb c\tc\nc\ta b\n")
    found = [(d.code, d.span and d.span.line, d.message.partition("where ")[2]) for d in caught.value.diagnostics]
    assert found == [("NN753", 2, '"b" does not stand'), ("NN753", 4, '"a" does not stand')]


def test_texts_of_the_sources_words_are_read(tmp_path: Path):
    read_rows(tmp_path, "a b\tb a b\nc\t\n")


def test_mixture_with_a_softmax_may_say_any_word(tmp_path: Path):
    read_rows(tmp_path, "a b\tb a\na\tb\n", MIXED)


def test_what_is_only_predicted_need_not_be_right(tmp_path: Path):
    experiment = read_rows(tmp_path, "a b\tb a\n")
    data, ports = experiment.data, experiment.network.ports
    assert data is not None
    tables = read(ports, data, tmp_path, None).tables
    (tmp_path / "pairs.tsv").write_text("a\tb\n")
    assert read_file(ports, tables, data.train, tmp_path, outputs_optional=True)[0].count == 1
    with pytest.raises(DataError, match='where "b" does not stand'):
        read_file(ports, tables, data.train, tmp_path)
