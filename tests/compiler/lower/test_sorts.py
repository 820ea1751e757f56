"""What the sorts of inputs are in the network: categories, values for each token, pictures."""

from __future__ import annotations

import pytest

from compiler.sorts import Category, Image
from tests.compiler.lower.specs import Place, checked, diagnostics, errors, model, shapes, weights

END = "\ndense softmax"


def test_category_is_one_id_that_embed_and_onehot_make_a_vector_of():
    assert shapes(model(f"embed 3{END}", "work: category"))[0] == "[3]"
    assert shapes(model(f"onehot{END}", "work: category"))[0] == "[V]"


def test_category_takes_min_and_keep():
    network = checked(model(f"embed 3{END}", "work: category(min=2, keep=9)")).network
    assert network.inputs[0].sort == Category(min=2, keep=9)


def test_category_per_words_shares_their_positions():
    spec = model(
        "w = words | embed 4\nt = tags | embed 2\nx = concat(w, t)\nconv k=2 filters=3\nmaxpool\ndense softmax",
        "words: words, tags: category per words",
    )
    assert shapes(spec)[2:4] == ["[T, 6]", "[T-1, 3]"]
    port = checked(spec).network.inputs[1]
    assert (port.sort, port.per) == (Category(), "words")


def test_values_per_one_of_two_texts_have_its_positions_alone():
    signature = "a: words, b: words, tags: category per b"
    good = model("x = concat((b | embed 4), (tags | embed 2)) | mean\nconcat(x, (a | embed 3 | mean))" + END, signature)
    assert errors(good) == []
    wrong = model(
        "x = concat((a | embed 4), (tags | embed 2)) | mean\nconcat(x, (b | embed 3 | mean))" + END, signature
    )
    assert errors(wrong) == [("NN212", 2, 5)]


def test_category_joins_a_sequence_at_every_position():
    body = "w = words | embed 4\nconcat(w, (kind | embed 2))\nmaxpool" + END
    assert shapes(model(body, "words: words, kind: category"))[2] == "[T, 6]"


def test_each_category_has_a_vocabulary_of_its_own():
    spec = model("concat((a | embed 2), (b | embed 3))" + END, "a: category, b: category")
    assert list(weights(spec).values())[:2] == ["[V.a, 2]", "[V.b, 3]"]


def test_categories_that_share_a_table_share_their_values():
    body = "shared team { embed 3 }\nconcat((home | team), (away | team))" + END
    ports = checked(model(body, "home: category, away: category")).network.inputs
    assert ports[1].sort == Category(vocabulary="home")


def test_words_and_a_category_cannot_share_a_table():
    body = "shared one { embed 3 }\nconcat((text | one | mean), (kind | one))" + END
    (found,) = diagnostics(model(body, "text: words, kind: category"))
    assert found.code == "NN307"
    assert "text is words and kind is category" in found.message


@pytest.mark.parametrize(("size", "picture"), [("28,28", Image(28, 28, 1)), ("4,5,3", Image(4, 5, 3))])
def test_picture_is_flattened_to_a_vector(size: str, picture: Image):
    spec = model("flatten\ndense softmax", f"photo: image[{size}]")
    assert checked(spec).network.inputs[0].sort == picture
    assert shapes(spec)[0] == f"[{picture.height * picture.width * picture.channels}]"


@pytest.mark.parametrize(
    ("layer", "code"),
    [
        ("dense 3", "NN216"),
        ("dense softmax", "NN216"),
        ("embed 3", "NN202"),
        ("conv 3 filters=2", "NN204"),
        ("maxpool", "NN204"),
        ("bag", "NN202"),
        ("relu", "NN203"),
    ],
)
def test_layer_refuses_a_picture(layer: str, code: str):
    found = diagnostics(model(layer, "photo: image[4,5]"))
    assert [d.code for d in found] == [code]
    assert "a picture [4, 5, 1]" in found[0].message


@pytest.mark.parametrize(
    ("layer", "code"),
    [("dense 3", "NN208"), ("mean", "NN204"), ("kind + 1", "NN208"), ("bag", "NN204"), ("conv 3 filters=2", "NN204")],
)
def test_layer_refuses_an_id(layer: str, code: str):
    found = diagnostics(model(f"{layer}{END}", "kind: category"))
    assert [d.code for d in found] == [code]
    assert "an id" in found[0].message


@pytest.mark.parametrize(
    ("signature", "place"),
    [
        ("a: image", ("NN211", 1, 12)),
        ("a: image[3]", ("NN211", 1, 12)),
        ("a: image[3,4,5,6]", ("NN211", 1, 12)),
        ("a: image[3,0]", ("NN211", 1, 20)),
        ("a: image[3,2.5]", ("NN211", 1, 20)),
        ("a: category[3]", ("NN211", 1, 12)),
        ("a: category(max=3)", ("NN401", 1, 21)),
        ("a: words, b: category per c", ("NN215", 1, 35)),
        ("a: words, b: category per b", ("NN215", 1, 35)),
        ("a: real[2], b: category per a", ("NN215", 1, 37)),
        ("a: words, b: words per a", ("NN210", 1, 32)),
        ("a: words, b: category(vocabulary=a)", ("NN307", 1, 22)),
    ],
)
def test_sort_is_refused(signature: str, place: Place):
    assert errors(model("dense softmax", signature))[:1] == [place]


def test_per_names_the_nearest_text():
    (found,) = diagnostics(model("words | embed 3 | mean" + END, "words: words, tags: category per word"))
    assert found.help == "did you mean words?"


def test_parallel_needs_no_value_where_its_lines_name_their_own():
    signature = "before: category, after: category"
    spec = model("parallel { before | onehot ; after | embed 3 }" + END, signature)
    assert errors(spec) == []
    assert errors(model("parallel { before | embed 2 ; dense 3 }" + END, signature)) == [("NN501", 2, 31)]


def test_picture_as_an_output_is_advised_to_be_numbers():
    (found,) = diagnostics(model("conv2d k=3 filters=1 same", "p: image[8,8]", "again: image[8,8]"))
    assert (found.code, found.message) == ("NN350", "image as an output is not there yet")
    assert "real[64]" in found.help
