"""Words by their characters: each different word of a batch once, and which of them stands where."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
import pytest

from compiler.sorts import Port, Tokens
from compiler.views import Spelling
from runtime import data
from runtime.data.spelled import padded_letters, padded_words
from runtime.footprint import Plans
from tests.runtime.data.build import LABEL, port
from tests.runtime.data.test_sorts import arrays, dataset, rows


def spelled(sort: Tokens | None = None, view: Spelling | None = None, name: str = "text") -> Port:
    return replace(port(name, sort or Tokens("words")), views=(view or Spelling(),))


def read(text: Port, *texts: str) -> data.Dataset:
    labels = [str(i % 2) for i in range(len(texts))]
    return dataset((text, LABEL), rows(len(texts), texts={"text": list(texts), "label": labels}))


def words_of(found: data.Dataset, rows: data.Rows, view: Spelling | None = None) -> list[list[str]]:
    """What the batch of all rows says stands where, as its letters tell."""
    batch, tokens = arrays(rows), found.tables.vocabularies
    name = (view or Spelling()).of("text")
    letters = {i: c for c, i in tokens[name].index.items()} | {0: "", 1: "?", 2: "<", 3: ">"}
    words = [
        "".join(letters[i] for i in word[:length])
        for word, length in zip(batch[f"{name}.letters"].tolist(), batch["lengths.K"].tolist(), strict=True)
    ]
    return [
        [words[i] for i in row[:n]] for row, n in zip(batch[name].tolist(), batch["lengths.T"].tolist(), strict=True)
    ]


def test_each_different_word_of_a_batch_is_spelled_once():
    found = read(spelled(), "ab c ab", "c")
    batch = data.make_batch(found.train, np.array([0, 1]), bucket=False)
    assert batch.arrays["text.spelling"].tolist() == [[1, 2, 1], [2, 0, 0]]
    assert batch.arrays["text.spelling.letters"].tolist() == [[0, 0], [4, 5], [6, 0]]
    assert batch.arrays["lengths.K"].tolist() == [1, 2, 1]
    assert batch.sizes == {"B": 2, "T": 3, "W": 3, "K": 2}
    # The words of the whole data are not those of the batch.
    batch = data.make_batch(found.train, np.array([1]), bucket=False)
    assert batch.arrays["text.spelling"].tolist() == [[1]]
    assert batch.arrays["text.spelling.letters"].tolist() == [[0], [6]]


def test_characters_have_ids_by_the_different_words_of_the_training_rows():
    found = read(spelled(), "aab b b b", "c")
    assert found.tables.vocabularies["text.spelling"].tokens == ("a", "b", "c")
    assert found.tables.sizes() == {"V": 7, "V.text.spelling": 7, "classes": 2}
    rare = read(spelled(view=Spelling(min=2)), "aab b", "c")
    assert rare.tables.vocabularies["text.spelling.min2"].tokens == ("a", "b")


def test_words_without_an_id_of_their_own_are_spelled_all_the_same():
    text = spelled(Tokens("words", min=2, lower=True))
    found = read(text, "AB ab c", "ab")
    other = data.encode((text, LABEL), found.tables, [["BA ac cX"]])
    assert arrays(other)["text"].tolist() == [[1, 1, 1, 0]]
    assert words_of(found, other) == [["ba", "ac", "c?"]]


def test_longer_words_are_cut_and_marks_put_around():
    view = Spelling(max=3, marks=True)
    found = read(spelled(view=view), "abcdef a", "b")
    assert found.tables.vocabularies["text.spelling.max3.marks"].tokens == ("a", "b", "c")
    batch = data.make_batch(found.train, np.array([0, 1]), bucket=False)
    name = "text.spelling.max3.marks"
    assert batch.arrays[f"{name}.letters"].tolist() == [
        [0, 0, 0, 0, 0],
        [2, 4, 5, 6, 3],
        [2, 4, 3, 0, 0],
        [2, 5, 3, 0, 0],
    ]
    assert batch.sizes == {"B": 2, "T": 2, "W.max3.marks": 4, "K.max3.marks": 5}


def test_words_stand_where_marks_and_reverse_of_their_text_put_them():
    found = read(spelled(Tokens("words", marks=True, reverse=True, max=4)), "ab c d", "")
    assert words_of(found, found.train) == [["", "c", "ab", ""], ["", ""]]


def test_an_empty_text_has_one_word_without_characters():
    found = read(spelled(), "", "ab")
    batch = arrays(found.train)
    # It is no padding: the loss of an empty text hangs on the weights.
    assert batch["text.spelling"][0].tolist() == [2, 0, 0, 0]
    assert batch["text.spelling.letters"][2].tolist() == [0] * 8
    assert batch["lengths.K"][2] == 1


def test_spelling_survives_taking_rows_in_another_order():
    found = read(spelled(), "ab c", "d", "c e", "")
    assert words_of(found, found.train.take(np.array([2, 0]))) == [["c", "e"], ["ab", "c"]]


def test_texts_of_one_vocabulary_have_one_of_characters():
    ports = (spelled(name="a"), spelled(Tokens("words", vocabulary="a"), name="b"), LABEL)
    found = dataset(ports, rows(2, texts={"a": ["x", "xy"], "b": ["z", "z"], "label": ["0", "1"]}))
    assert found.tables.vocabularies["a.spelling"].tokens == ("x", "y", "z")
    sizes = data.make_batch(found.train, np.array([0, 1])).sizes
    assert set(sizes) == {"B", "T.a", "T.b", "W.a", "K.a", "W.b", "K.b"}


@pytest.mark.parametrize("size", [1, 3, 8, 200])
@pytest.mark.parametrize("tokens", [None, 40])
def test_no_batch_is_larger_than_the_largest_that_is_told_before(size, tokens):
    rng = np.random.default_rng(5)
    texts = [
        " ".join("abcdefgh"[: 1 + w % 8] * (1 + w % 5) for w in rng.integers(0, 60, n)) for n in rng.integers(0, 30, 90)
    ]
    found = read(spelled(), *texts)
    largest = data.largest_sizes(found.train, size, tokens)
    for epoch in range(3):
        for batch in data.batches(found.train, size, order="train", seed=1, epoch=epoch, tokens=tokens):
            assert any(all(batch.sizes[s] <= most[s] for s in most) for most in largest)


def test_numbers_of_words_and_characters_are_padded_to_few_sizes():
    assert sorted({padded_words(n) for n in range(1, 600)}) == [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768]
    assert sorted({padded_letters(n) for n in range(1, 70)}) == [8, 16, 24, 32, 48, 64, 96]


def test_words_that_most_texts_have_are_counted_once():
    texts = [f"the a of to and in is {'w' * n}" for n in range(1, 65)]
    found = read(spelled(), *texts).train.spelled["text.spelling"]
    assert found.most_words(64) == padded_words(1 + 7 + 64)
    assert found.most_words(8) == padded_words(1 + 8 + 8)


@pytest.mark.parametrize("order", ["train", "plain"])
def test_memory_is_reckoned_with_as_many_words_as_batches_have(order: Literal["train", "plain"]):
    rng = np.random.default_rng(6)
    texts = [" ".join(f"w{w}" for w in rng.integers(0, 2500, rng.integers(5, 25))) for _ in range(1600)]
    train = read(spelled(), *texts).train
    (expected,) = Plans(cast(Any, None), train, 32, order=order).sizes()
    assert expected["W"] < data.largest_sizes(train, 32)[0]["W"]
    for epoch in range(5):
        for batch in data.batches(train, 32, order=order, seed=1, epoch=epoch):
            assert all(batch.sizes[s] <= expected[s] for s in expected)
