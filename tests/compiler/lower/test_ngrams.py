"""`embed 50 n=2`: ids of neighbouring tokens as inputs of the graph."""

from __future__ import annotations

import pytest

from compiler.views import Ngrams
from tests.compiler.lower.specs import checked, diagnostics, errors, model, shapes, weights

END = "\nmean\ndense softmax"


def test_ngrams_have_a_table_as_long_as_their_vocabulary():
    spec = model(f"concat((text | embed 5), (text | embed 3 n=2)){END}")
    assert shapes(spec)[:3] == ["[T, 5]", "[T, 3]", "[T, 8]"]
    assert weights(spec)["embed.2.weight"] == "[V.text.2grams, 3]"
    network = checked(spec, V=9, classes=2, **{"V.text.2grams": 30}).network
    assert network.parameters[1].type.shape == (30, 3)


def test_the_input_says_which_views_the_layers_read():
    read = ("embed 5 n=2", "embed 5 n=2 before", "embed 4 n=2", "embed 4 n=3 min=5")
    network = checked(model(f"concat({', '.join(f'(text | {e})' for e in read)}){END}")).network
    assert network.inputs[0].views == (Ngrams(2), Ngrams(2, before=True), Ngrams(3, min=5))


def test_n_1_is_the_tokens_themselves():
    network = checked(model(f"embed 5 n=1{END}")).network
    assert network.inputs[0].views == ()


def test_an_input_of_which_only_ngrams_are_read_is_used():
    assert errors(model(f"embed 5 n=2{END}")) == []


def test_two_texts_that_share_a_table_of_ngrams_share_their_vocabularies():
    body = "shared f { embed 5 n=2 ; mean }\nconcat((a | f), (b | f))\ndense softmax"
    network = checked(model(body, "a: words, b: words")).network
    assert [getattr(p.sort, "vocabulary", None) for p in network.inputs] == [None, "a"]
    assert str(network.parameters[0].type.shape[0]) == "V.a.2grams"


@pytest.mark.parametrize(
    ("body", "signature", "wanted"),
    [
        ("embed 4 | embed 5 n=2", "text: words", ("NN202", 2, 11)),
        ("embed 4 n=2", "kind: category", ("NN204", 2, 1)),
        ("embed 4 before", "text: words", ("NN405", 2, 1)),
        ("embed 4 min=2", "text: words", ("NN405", 2, 1)),
        ("embed 4 n=0", "text: words", ("NN404", 2, 9)),
        ("embed 4 n=2 min=0", "text: words", ("NN404", 2, 13)),
    ],
)
def test_what_has_no_ngrams_is_refused(body, signature, wanted):
    assert errors(model(f"{body}{END}", signature))[:1] == [wanted]


@pytest.mark.parametrize("second", ["embed 4 n=2 tied=e", "embed 4 n=3 tied=e", "embed 4 n=2 before tied=e"])
def test_tokens_and_ngrams_do_not_share_a_table(second):
    first = "embed 4 as e" if "n=2 tied" in second else "embed 4 n=2 as e"
    spec = model(f"concat((text | {first}), (text | {second})){END}")
    (found,) = diagnostics(spec)
    assert found.code == "NN307"
    assert "n-grams" in found.message


@pytest.mark.parametrize(
    ("asked", "how", "refused"),
    [
        ("next", "", True),
        ("next", "before", False),
        ("previous", "", False),
        ("previous", "before", True),
    ],
)
def test_ngrams_that_hold_the_answer_are_refused(asked, how, refused):
    body = f"concat((text | embed 5), (text | embed 4 n=2 {how}))\ngru 3{' reverse' * (asked == 'previous')}"
    spec = model(f"{body}\ndense softmax", output=f"{asked}: {asked}(text)")
    assert [code for code, *_ in errors(spec)] == ["NN519"] * refused
