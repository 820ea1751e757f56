"""Documents: texts cut into sentences, whose words have ids."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from compiler.sorts import Document
from runtime import data
from runtime.data.tokens import sentences
from tests.runtime.data.build import LABEL, port
from tests.runtime.data.test_sorts import dataset, rows


def read(sort: Document, *texts: str) -> data.Dataset:
    document = replace(port("text", sort), views=(sort.sentence,))
    labels = [str(i % 2) for i in range(len(texts))]
    return dataset((document, LABEL), rows(len(texts), texts={"text": list(texts), "label": labels}))


def test_each_different_sentence_of_a_batch_stands_there_once():
    found = read(Document("sentences", lower=True, punctuation=True), "A b. C! a B.", "c!", "")
    assert found.tables.vocabularies["text"].tokens == ()
    assert found.tables.vocabularies["text.words"].tokens == ("!", ".", "a", "b", "c")
    batch = data.make_batch(found.train, np.array([0, 1, 2]), bucket=False)
    # Sentences differ as they are written, though their words may be the same.
    assert batch.arrays["text.words"].tolist() == [[1, 2, 3], [4, 0, 0], [5, 0, 0]]
    words = batch.arrays["text.words.letters"].tolist()
    assert words == [[0, 0, 0], [6, 7, 5], [8, 4, 0], [6, 7, 5], [8, 4, 0], [0, 0, 0]]
    assert batch.arrays["lengths.K"].tolist() == [1, 3, 2, 3, 2, 1]
    assert batch.arrays["lengths.T"].tolist() == [3, 1, 1]


def test_word_is_counted_as_often_as_its_sentence_stands_there():
    found = read(Document("sentences", min=2), "so it is. so it is.", "no.")
    assert found.tables.vocabularies["text.words"].tokens == ("is.", "it", "so")


def test_max_counts_sentences():
    found = read(Document("sentences", max=2), "a. b. c.", "a.")
    assert found.tables.vocabularies["text.words"].tokens == ("a.", "b.")
    (warning,) = [w for w in found.warnings if w.code == "NN721"]
    assert "longer than max=2; 1 sentence cut off" in warning.message


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A film. It was 3.5 stars! No?", ["A film.", "It was 3.5 stars!", "No?"]),
        ('He said: "Good?" Yes... no', ['He said: "Good?"', "Yes...", "no"]),
        ("so (he said.) then", ["so (he said.)", "then"]),
        ("我来了。你好！他说：“好。”走了", ["我来了。", "你好！", "他说：“好。”", "走了"]),
        ("one", ["one"]),
        ("...", ["..."]),
        ("", []),
        ("  a.  b ", ["a.", "b"]),
    ],
)
def test_text_is_cut_behind_what_ends_a_sentence(text: str, wanted: list[str]):
    assert sentences(text) == wanted


def test_text_of_marks_alone_is_cut_at_once():
    begun = time.monotonic()
    assert len(sentences("!" * 300_000 + ".)" * 100_000)) == 1
    assert time.monotonic() - begun < 2
