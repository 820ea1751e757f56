"""N-grams of a text's tokens: which stands where, which have ids, and that they are read as they were learnt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.sorts import Category, Port, Tokens
from compiler.views import Ngrams
from dsl.errors import DataError, RunError
from runtime import data
from runtime.data import views
from runtime.data.tables import Tables
from runtime.data.tokens import tokenise
from tests.runtime.data.build import LABEL, TEXT, port
from tests.runtime.data.test_sorts import arrays, dataset, rows

PAIRS = Ngrams(2, min=1)


def with_views(sort: Tokens, *asked: Ngrams, name: str = "text") -> Port:
    return replace(port(name, sort), views=asked)


def read(text: Port, *texts: str) -> data.Dataset:
    """A dataset of these texts of two labels."""
    labels = [str(i % 2) for i in range(len(texts))]
    return dataset((text, LABEL), rows(len(texts), texts={"text": list(texts), "label": labels}))


@pytest.mark.parametrize(
    ("view", "words", "chars"),
    [
        (Ngrams(2), [["a b", "b c", "c "], ["d "]], [["ab", "bc", "c"], ["d"]]),
        (Ngrams(2, before=True), [[" a", "a b", "b c"], [" d"]], [["a", "ab", "bc"], ["d"]]),
        (Ngrams(3), [["a b c", "b c ", "c  "], ["d  "]], [["abc", "bc", "c"], ["d"]]),
        (Ngrams(3, before=True), [["  a", " a b", "a b c"], ["  d"]], [["a", "ab", "abc"], ["d"]]),
    ],
)
def test_ngrams_begin_or_end_at_each_token_and_never_reach_into_another_text(view, words, chars):
    for sort, texts, between, wanted in (
        (Tokens("words"), ["a b c", "", "d"], " ", words),
        (Tokens("chars"), ["abc", "", "d"], "", chars),
    ):
        found = views.ngrams(view, tokenise(sort, texts), between)
        names = [found.names[i] for i in found.types]
        assert [names[a:b] for a, b in zip(found.offsets, found.offsets[1:], strict=False)] == [
            wanted[0],
            [],
            wanted[1],
        ]


def test_ngrams_have_ids_of_their_own_beside_those_of_the_tokens():
    found = read(with_views(Tokens("words"), PAIRS), "a b a b", "b a")
    assert found.tables.vocabularies["text"].tokens == ("a", "b")
    assert found.tables.vocabularies["text.2grams.min1"].tokens == ("a b", "b a", "a ", "b ")
    assert arrays(found.train)["text.2grams.min1"].tolist() == [[4, 5, 4, 7], [5, 6, 0, 0]]
    assert found.tables.sizes() == {"V": 6, "V.text.2grams.min1": 8, "classes": 2}


def test_ngrams_that_are_rare_in_training_have_the_id_of_unknown_ones():
    found = read(with_views(Tokens("words"), Ngrams(2)), "a b c", "a b")
    assert found.tables.vocabularies["text.2grams"].tokens == ("a b",)
    assert arrays(found.train)["text.2grams"].tolist() == [[4, 1, 1, 0], [4, 1, 0, 0]]


def test_ngrams_of_other_rows_are_looked_up_in_the_vocabulary_of_the_training_rows():
    text = with_views(Tokens("words"), PAIRS)
    found = read(text, "a b", "b a")
    other = data.encode((text, LABEL), found.tables, [["b a c"], ["a"]])
    assert arrays(other)["text.2grams.min1"].tolist() == [[7, 1, 1, 0], [4, 0, 0, 0]]
    assert found.tables.vocabularies["text.2grams.min1"].tokens == ("a ", "a b", "b ", "b a")


def test_ngrams_follow_max_marks_and_reverse_of_their_text():
    sort = Tokens("words", max=4, marks=True, reverse=True)
    found = read(with_views(sort, PAIRS), "a b c d", "b")
    # max=4 leaves room for two tokens between the marks; n-grams are in the order of the text.
    assert found.tables.vocabularies["text.2grams.min1"].tokens == ("b ", "a b")
    assert arrays(found.train)["text.2grams.min1"].tolist() == [[2, 4, 5, 3], [2, 4, 3, 0]]


def test_an_empty_text_has_one_padding_position_in_every_view():
    found = read(with_views(Tokens("words"), PAIRS), "", "a")
    assert arrays(found.train)["text.2grams.min1"].tolist() == [[0, 0, 0, 0], [4, 0, 0, 0]]


def test_views_are_of_tokens_that_lower_and_punctuation_made():
    found = read(with_views(Tokens("words", lower=True, punctuation=True), PAIRS), "A b.", "")
    assert found.tables.vocabularies["text.2grams.min1"].tokens == (". ", "a b", "b .")


def test_texts_of_one_vocabulary_have_one_of_ngrams_too():
    a, b = with_views(Tokens("words"), PAIRS, name="a"), with_views(Tokens("words", vocabulary="a"), PAIRS, name="b")
    found = dataset((a, b, LABEL), rows(2, texts={"a": ["x y", "x"], "b": ["y", "x"], "label": ["0", "1"]}))
    assert set(found.tables.vocabularies) == {"a", "a.2grams.min1"}
    assert found.tables.sizes() == {"V": 6, "V.a.2grams.min1": 7, "classes": 2}
    assert arrays(found.train)["b.2grams.min1"].tolist() == [[5, 0, 0, 0], [4, 0, 0, 0]]


def test_values_for_each_token_have_ngrams_as_words_have():
    tags = Port("tags", Category(), False, TEXT.span, "text", (PAIRS,))
    found = dataset(
        (TEXT, tags, LABEL),
        rows(2, texts={"text": ["a b", "c"], "label": ["0", "1"]}, lists={"tags": [["N", "V"], ["N"]]}),
    )
    assert found.tables.vocabularies["tags.2grams.min1"].tokens == ("N ", "N V", "V ")
    assert arrays(found.train)["tags.2grams.min1"].tolist() == [[5, 6, 0, 0], [4, 0, 0, 0]]


def test_views_survive_taking_rows_in_another_order():
    found = read(with_views(Tokens("words"), PAIRS), "a b", "c", "b")
    turned = found.train.take(np.array([2, 0]))
    whole = arrays(found.train)["text.2grams.min1"]
    assert arrays(turned)["text.2grams.min1"].tolist() == whole[[2, 0]].tolist()


def test_a_model_file_without_the_vocabulary_of_a_view_is_refused():
    text = with_views(Tokens("words"), PAIRS)
    tables = read(text, "a b", "b").tables
    assert Tables.from_json(tables.to_json(), (text, LABEL)).vocabularies == tables.vocabularies
    for ports in ((TEXT, LABEL), (with_views(Tokens("words"), PAIRS, Ngrams(3)), LABEL)):
        with pytest.raises(RunError) as error:
            Tables.from_json(tables.to_json(), ports)
        assert [d.code for d in error.value.diagnostics] == ["NN806"]


def test_ngrams_of_which_none_is_frequent_enough_are_an_error():
    with pytest.raises(DataError) as error:
        read(with_views(Tokens("words"), Ngrams(2)), "a b", "c")
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.code == "NN724"
    assert "2-gram that stands there 2 times" in diagnostic.message
    assert diagnostic.help == "write embed ... n=2 min=1"
