"""Categories, values for each token, and pictures: from rows as read to batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.settings.data import DataSettings, Share
from compiler.sorts import Category, Image, Port, Tokens
from dsl.errors import DataError
from dsl.source import Span
from runtime import data
from runtime.data.assembly.entries import Dataset, Entries
from runtime.data.dataset import assemble, encode_raw
from runtime.data.part import Columns
from runtime.data.problems import Problems
from runtime.data.raw import Raw
from tests.runtime.data.build import LABEL, POINT, SPEC, TEXT, files, port

KIND = port("kind", Category())
TAGS = replace(port("tags", Category()), per="text")
PHOTO = port("photo", Image(2, 3))


def place(port: str, row: int, position: int | None = None) -> Span:
    return Span("rows", row + 1, 1, row + 1, 2, port)


def rows(count: int, *, texts=None, numbers=None, lists=None, pictures=None) -> Raw:
    return Raw(count, Columns(texts or {}, numbers or {}, lists or {}, pictures or {}), ((0, place),))


TAGGED = rows(
    2,
    texts={"kind": ["a", "b"], "text": ["x y", "y"], "label": ["0", "1"]},
    lists={"tags": [["X", "Y"], ["Y"]]},
)


def dataset(ports: tuple[Port, ...], train: Raw, *, settings: DataSettings | None = None, **parts: Raw) -> Dataset:
    entry = files("a.tsv")
    others = dict.fromkeys(parts, entry)
    parts = {"train": train, **parts}
    return assemble(Entries(ports, settings or DataSettings(entry, **others), parts, Problems(), "")).dataset


def arrays(rows: data.Rows) -> dict[str, np.ndarray]:
    return data.make_batch(rows, np.arange(rows.count)).arrays


def test_category_has_ids_by_frequency_and_one_for_what_training_lacks():
    train = rows(3, texts={"kind": ["b", "a", "b"], "label": ["0", "1", "0"]})
    test = rows(2, texts={"kind": ["c", "a"], "label": ["0", "1"]})
    found = dataset((KIND, LABEL), train, test=test)
    assert found.tables.vocabularies["kind"].tokens == ("b", "a")
    assert arrays(found.train)["kind"].tolist() == [4, 5, 4]
    assert arrays(found.test)["kind"].tolist() == [1, 5]
    assert arrays(found.train)["kind"].dtype == np.int64


@pytest.mark.parametrize(("sort", "kept"), [(Category(min=2), ("a", "b")), (Category(keep=1), ("a",))])
def test_rare_category_is_unknown(sort: Category, kept: tuple[str, ...]):
    train = rows(6, texts={"kind": ["a", "a", "a", "b", "b", "c"], "label": list("010101")})
    assert dataset((port("kind", sort), LABEL), train).tables.vocabularies["kind"].tokens == kept


def test_category_keeps_its_spaces_and_case():
    train = rows(2, texts={"kind": ["New York", "new york"], "label": ["0", "1"]})
    assert dataset((KIND, LABEL), train).tables.vocabularies["kind"].tokens == ("New York", "new york")


def test_two_categories_share_the_values_of_both():
    away = port("away", Category(vocabulary="kind"))
    train = rows(2, texts={"kind": ["a", "b"], "away": ["b", "c"], "label": ["0", "1"]})
    found = dataset((KIND, away, LABEL), train)
    assert found.tables.vocabularies["kind"].tokens == ("b", "a", "c")
    assert arrays(found.train)["away"].tolist() == [4, 6]


def tagged(sort: Tokens, texts: list[str] | list[list[str]], tags: list[list[str]]) -> dict[str, np.ndarray]:
    ports = (replace(TEXT, sort=sort), TAGS, LABEL)
    labels = ["0", "1"] * len(texts)
    columns = {"label": labels[: len(texts)]}
    lists = {"tags": tags}
    if isinstance(texts[0], str):
        columns["text"] = texts
    else:
        lists["text"] = texts
    return arrays(dataset(ports, rows(len(texts), texts=columns, lists=lists)).train)


def test_values_for_each_token_are_padded_with_their_text():
    found = tagged(Tokens("words"), ["a b", "c"], [["X", "Y"], ["X"]])
    assert found["text"].tolist() == [[4, 5, 0, 0], [6, 0, 0, 0]]
    assert found["tags"].tolist() == [[4, 5, 0, 0], [4, 0, 0, 0]]
    assert found["lengths.T"].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        (Tokens("words", max=2), [4, 5]),
        (Tokens("words", reverse=True), [6, 5, 4, 0]),
        (Tokens("words", marks=True), [2, 4, 5, 6, 3, 0, 0, 0]),
        (Tokens("words", marks=True, max=3, reverse=True), [2, 4, 3]),
    ],
)
def test_max_reverse_and_marks_act_on_both(sort: Tokens, first: list[int]):
    found = tagged(sort, ["a b c", "a"], [["x", "y", "z"], ["x"]])
    assert found["text"][0].tolist() == found["tags"][0].tolist() == first


def test_lower_acts_on_the_text_alone():
    train = rows(2, texts={"text": ["A", "a"], "label": ["0", "1"]}, lists={"tags": [["X"], ["x"]]})
    found = dataset((replace(TEXT, sort=Tokens("words", lower=True)), TAGS, LABEL), train)
    assert (found.tables.vocabularies["text"].tokens, found.tables.vocabularies["tags"].tokens) == (("a",), ("X", "x"))


def test_text_that_comes_as_tokens_is_not_split_again():
    sort = Tokens("words", punctuation=True, lower=True)
    found = tagged(sort, [["New York", "don't."], ["x"]], [["A", "B"], ["A"]])
    assert found["lengths.T"].tolist() == [2, 1]


def test_no_values_for_no_tokens_is_one_padding_position():
    found = tagged(Tokens("words"), ["a", ""], [["X"], []])
    assert found["tags"][1].tolist() == [0, 0, 0, 0]
    assert found["lengths.T"].tolist() == [1, 1]


def test_values_that_are_not_as_many_as_tokens_are_refused_at_their_row():
    with pytest.raises(DataError) as caught:
        tagged(Tokens("words", max=2), ["a b c", "a", "a b c d"], [["X", "Y", "Z"], ["X", "Y"], ["X", "Y", "Z"]])
    first, second = caught.value.diagnostics
    assert (first.code, first.span and first.span.line) == ("NN726", 2)
    assert first.message == "`tags` has 2 values, but `text` has 1 token"
    assert second.message == "`tags` has 3 values, but `text` has 4 tokens"


def test_picture_bytes_become_shares_of_255_in_the_batch_alone():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3, 1) * 20
    found = dataset((PHOTO, LABEL), rows(2, texts={"label": ["0", "1"]}, pictures={"photo": pixels}))
    assert found.train.columns["photo"].dtype == np.uint8
    batch = arrays(found.train)["photo"]
    assert (batch.dtype, batch.shape) == (np.float32, (2, 2, 3, 1))
    np.testing.assert_array_equal(batch, pixels.astype(np.float32) / np.float32(255))


def test_pictures_of_numbers_are_taken_as_they_are():
    pixels = np.linspace(0, 1, 12, dtype=np.float32).reshape(2, 2, 3, 1)
    found = dataset((PHOTO, LABEL), rows(2, texts={"label": ["0", "1"]}, pictures={"photo": pixels}))
    np.testing.assert_array_equal(arrays(found.train)["photo"], pixels)


def test_rows_of_every_sort_are_split_together():
    ports = (TEXT, TAGS, KIND, POINT, PHOTO, LABEL)
    count = 10
    train = rows(
        count,
        texts={"text": [f"w{i}" for i in range(count)], "kind": list("ab" * 5), "label": list("01" * 5)},
        numbers={"point": np.arange(20.0).reshape(10, 2)},
        lists={"tags": [["X"]] * count},
        pictures={"photo": np.arange(60, dtype=np.uint8).reshape(10, 2, 3, 1)},
    )
    found = dataset(ports, train, settings=DataSettings(files("a.tsv"), valid=Share(0.2, True, SPEC)))
    batch = arrays(found.valid)
    assert batch["point"].tolist() == [[16, 17], [18, 19]]
    np.testing.assert_array_equal(batch["photo"] * 255, train.columns.pictures["photo"][8:])
    assert batch["text"][:, 0].tolist() == [1, 1]
    assert batch["kind"].tolist() == [4, 5]


# Prediction


def tables(ports: tuple[Port, ...], train: Raw) -> data.Tables:
    return data.Tables.from_json(dataset(ports, train).tables.to_json(), ports)


def test_tables_of_categories_are_read_back():
    train = rows(2, texts={"kind": ["a", "b"], "text": ["x", "y"], "label": ["0", "1"]}, lists={"tags": [["X"], ["Y"]]})
    ports = (TEXT, TAGS, KIND, LABEL)
    assert tables(ports, train) == dataset(ports, train).tables


def test_example_of_strings_has_categories_and_values_for_each_token():
    ports = (TEXT, TAGS, KIND, LABEL)
    found = data.encode(ports, tables(ports, TAGGED), [["x y", "Y  X", "b"]])
    batch = arrays(found)
    assert (batch["text"].tolist(), batch["tags"].tolist()) == ([[5, 4, 0, 0]], [[4, 5, 0, 0]])
    assert batch["kind"].tolist() == [5]


@pytest.mark.parametrize(("fields", "code"), [(["x y", "Y", "b"], "NN726"), (["x", "X", " "], "NN723")])
def test_example_that_does_not_fit_is_refused_at_its_field(fields: list[str], code: str):
    ports = (TEXT, TAGS, KIND, LABEL)
    with pytest.raises(DataError) as caught:
        data.encode(ports, tables(ports, TAGGED), [fields], source="argument")
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.span is not None
    assert (found.span.file, found.span.column > 1) == ("argument", True)


@pytest.mark.parametrize("path", ["a.png", "", "a" * 5000, "a\0.png"])
def test_picture_that_is_not_there_is_no_example(path: str):
    pixels = np.zeros((2, 2, 3, 1), np.uint8)
    known = tables((PHOTO, LABEL), rows(2, texts={"label": ["0", "1"]}, pictures={"photo": pixels}))
    with pytest.raises(DataError) as caught:
        data.encode((PHOTO, LABEL), known, [[path]])
    assert caught.value.diagnostics[0].code == "NN728"


def test_other_rows_are_encoded_as_the_models_own():
    train = rows(2, texts={"kind": ["a", "b"], "label": ["0", "1"]})
    known = tables((KIND, LABEL), train)
    found = encode_raw((KIND, LABEL), known, rows(2, texts={"kind": ["z", "b"]}), Problems())
    assert arrays(found)["kind"].tolist() == [1, 5]


# Rows that training has seen


def warned(train: Raw, test: Raw, ports: tuple[Port, ...]) -> list[tuple[str, int]]:
    found = dataset(ports, train, test=test).warnings
    return [(w.message, w.span.line) for w in found if w.code == "NN727" and w.span]


def test_test_rows_that_stand_in_training_are_counted_with_the_first_place():
    train = rows(3, texts={"text": ["a b", "c", "d"], "label": ["0", "1", "0"]})
    test = rows(4, texts={"text": ["x", "c", "y", "d"], "label": ["0", "1", "0", "1"]})
    ((message, line),) = warned(train, test, (TEXT, LABEL))
    assert message == "2 of the 4 test rows have the same inputs as training rows"
    assert line == 2


def test_rows_are_the_same_where_all_inputs_are():
    pixels = np.zeros((2, 2, 3, 1), np.uint8)
    pixels[1] = 1
    ports = (TEXT, POINT, PHOTO, LABEL)
    texts = {"text": ["a", "b"], "label": ["0", "1"]}
    photos = {"photo": pixels}
    train = rows(2, texts=texts, numbers={"point": np.array([[0.0, 1], [2, 3]])}, pictures=photos)
    same = rows(2, texts=texts, numbers={"point": np.array([[-0.0, 1], [2, 4]])}, pictures=photos)
    ((message, line),) = warned(train, same, ports)
    assert message.startswith("1 of the 2 test rows has")
    assert line == 1


def test_repeats_of_few_categories_are_nothing_to_warn_of():
    train = rows(6, texts={"kind": list("aabbab"), "label": list("010101")})
    assert warned(train, rows(2, texts={"kind": ["a", "b"], "label": ["0", "1"]}), (KIND, LABEL)) == []


def test_texts_that_repeat_everywhere_are_nothing_to_warn_of():
    train = rows(6, texts={"text": list("aabbab"), "label": list("010101")})
    assert warned(train, rows(2, texts={"text": ["a", "b"], "label": ["0", "1"]}), (TEXT, LABEL)) == []
