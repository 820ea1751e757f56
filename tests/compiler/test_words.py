"""What `nnc explain WORD` says, and the reference page: both made from the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.layers import LAYERS, STRUCTURES
from compiler.pipeline import check
from compiler.sections.data_entries import DATA
from compiler.sections.predict import PREDICT
from compiler.sections.train_entries import TRAIN
from compiler.words import ENTRIES, EXAMPLES, EXAMPLES_OF_PICTURES, EXAMPLES_OF_TEXTS, describe, reference, words

ROOT = Path(__file__).parents[2]


def test_every_word_is_described():
    assert [word for word in words() if not describe(word)] == []


def test_no_other_word_is_described():
    assert describe("embd") is None
    assert describe("") is None


@pytest.mark.parametrize("word", LAYERS)
def test_description_of_a_layer_has_every_setting(word: str):
    text = describe(word) or ""
    assert text.startswith(word)
    assert [s.name for s in LAYERS[word].signature.settings if f"  {s.name}" not in text] == []


@pytest.mark.parametrize("word", EXAMPLES)
def test_example_checks(word: str):
    check(f"model m(text: words) -> label: class {{ {EXAMPLES[word]} ; dense softmax }}\n", "example.nn")


@pytest.mark.parametrize("word", EXAMPLES_OF_PICTURES)
def test_example_of_pictures_checks(word: str):
    check(f"model m(photo: image[28,28]) -> label: class {{ {EXAMPLES_OF_PICTURES[word]} ; dense softmax }}\n", "e.nn")


@pytest.mark.parametrize("word", EXAMPLES_OF_TEXTS)
def test_example_of_texts_checks(word: str):
    check(f"model m(source: words) -> target: words {{ {EXAMPLES_OF_TEXTS[word]} ; dense softmax }} }}\n", "e.nn")


def test_lists_have_every_word():
    layers, entries = describe("layers") or "", describe("entries") or ""
    assert [w for w in (*LAYERS, *STRUCTURES) if f"\n  {w}:" not in layers] == []
    assert [w for w in DATA if f"\n  data {w}:" not in entries] == []
    assert [w for w in TRAIN if f"\n  train {w}:" not in entries] == []
    assert [w for w in PREDICT if f"\n  predict {w}:" not in entries] == []
    assert "\n  sweep trials:" in entries


def test_reference_has_an_entry_for_each_word_of_a_section():
    page = reference()
    assert [w for table in ENTRIES.values() for w in table if f"\n\n`{w}`: " not in page] == []


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("gru", "a cell of the library"),
        ("lstm_projected", "  width= (also by position): a setting of the cell"),
        ("lstm", "lstm(h=start): the state h before the first position"),
        ("variational", "in every cell: a setting, dropout= is the same"),
        ("same", "in conv, conv2d: short for padding=same"),
        ("filters", "in conv: a setting"),
        ("feed_forward", "block feed_forward(x) width p=0.1"),
        ("crf", "in dense: short for activation=crf"),
        ("train", "an entry of data"),
        ("generate", 'nnc generate RUN --prompt "the cat": a language model'),
        ("sample", "an entry of predict: draws each token by its probability"),
        ("greedy", "an entry of predict: writes the likeliest token"),
        ("temperature", "in sample: a setting, below 1 likely tokens"),
        ("image", "a sort: a picture"),
        ("trials", "an entry of sweep: how many runs"),
        ("n", "in folds, epochs, steps, trials: a setting, how many"),
        ("block", "layers with a name"),
    ],
)
def test_word_is_described_in_each_of_its_meanings(word: str, said: str):
    assert said in (describe(word) or "")


def test_reference_page_is_up_to_date():
    written = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert written == reference(), "python -m compiler.words > docs/reference.md"
