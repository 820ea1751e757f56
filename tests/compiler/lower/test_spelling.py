"""`spelling { ... }`: a network over the characters of each word, inside the one over its words."""

from __future__ import annotations

import pytest

from compiler.views import Spelling
from tests.compiler.lower.specs import checked, diagnostics, errors, layers, model, weights

END = "\nmean\ndense softmax"


def test_spelling_gives_one_vector_for_each_word():
    spec = model(f"c = text | spelling {{ embed 5 ; lstm 4 bidir ; last }}\nconcat(c, (text | embed 3)){END}")
    assert layers(spec)[:4] == [
        ("embed 5", "[K, 5]"),
        ("lstm 4 bidir", "[K, 8]"),
        ("last", "[8]"),
        ("embed 3", "[T, 3]"),
    ]
    heading = checked(spec).network.layers[0]
    assert (heading.text, str(heading.out[0])) == ("spelling", "f32[B, T, 8]")


def test_weights_of_spelling_are_named_by_it_or_by_its_label():
    assert set(weights(model(f"spelling {{ embed 5 ; mean }}{END}"))) == {
        "spelling.embed.weight",
        "dense.weight",
        "dense.bias",
    }
    labelled = weights(model(f"spelling as letters {{ embed 5 ; mean }}{END}"))
    assert labelled["letters.embed.weight"] == "[V.text.spelling, 5]"


def test_the_input_says_how_its_words_are_spelled():
    body = "spelling max=20 min=2 marks { embed 5 ; mean }"
    network = checked(model(f"x = concat((text | {body}), (text | {body}), (text | spelling {{ bag }})){END}")).network
    assert network.inputs[0].views == (Spelling(20, 2, True), Spelling())
    assert {n.op.name for n in network.training.inputs if "spelling" in n.op.name and n.op.kind == "data"} == {
        "text.spelling",
        "text.spelling.letters",
        "text.spelling.max20.min2.marks",
        "text.spelling.max20.min2.marks.letters",
    }


@pytest.mark.parametrize(
    "body",
    [
        "embed 4 ; conv k=3 filters=5 wide ; maxpool",
        "embed 4 ; conv k=1,2,3 filters=2,3,4 tanh ; maxpool ; repeat 2 { residual { dense 9 relu } }",
        "embed 4 ; dropout 0.5 ; gru 3 bidir layers=2 dropout=0.5 ; concat((last), (first))",
        "e = embed 4 ; s = e | mean | dense 3 ; e | lstm(h=s) 3 ; last",
        "onehot ; conv k=2 filters=3 ; maxpool k=2 ; flatten",
        "bag ; dense 3 ; layernorm",
        "embed 4 ; parallel { maxpool ; mean ; first ; conv k=2 filters=2 | last }",
        "embed 4 ; avgpool window=2 ; sum",
    ],
)
def test_layers_over_positions_work_over_characters(body):
    assert errors(model(f"spelling {{ {body} }}{END}")) == []


def test_blocks_and_shared_layers_work_inside():
    highway = """block highway(x) {
  gate = x | dense dim(x) sigmoid bias=-2
  new = x | dense dim(x) relu
  gate * new + (1 - gate) * x
}
"""
    body = "shared s { spelling { embed 4 ; mean ; repeat 2 { highway } } }\nx = concat((a | s | mean), (b | s | mean))"
    network = checked(highway + model(f"{body}\ndense softmax", "a: words, b: words")).network
    assert [getattr(p.sort, "vocabulary", None) for p in network.inputs] == [None, "a"]
    assert [p.name for p in network.parameters if "V.a.spelling" in str(p.type)] == ["s.spelling.embed.weight"]


@pytest.mark.parametrize(
    ("body", "signature", "wanted"),
    [
        ("embed 3 ; spelling { embed 4 ; mean }", "text: words", ("NN204", 2, 11)),
        ("spelling { embed 4 ; mean } ; embed 2", "kind: category", ("NN204", 2, 1)),
        ("spelling { embed 4 }", "text: words", ("NN203", 2, 1)),
        ("spelling { conv k=2 filters=3 }", "text: words", ("NN208", 2, 12)),
        ("spelling { embed 4 ; conv k=2,3 filters=3 }", "text: words", ("NN203", 2, 1)),
        ("spelling { reverse }", "text: words", ("NN301", 2, 12)),
        ("spelling max=0 { embed 4 ; mean }", "text: words", ("NN404", 2, 10)),
        ("spelling 4 { embed 4 ; mean }", "text: words", ("NN407", 2, 10)),
        ("spelling", "text: words", ("NN408", 2, 1)),
        ("spelling { embed 4 n=2 ; mean }", "text: words", ("NN204", 2, 12)),
        ("spelling { spelling { embed 3 ; mean } ; mean }", "text: words", ("NN204", 2, 12)),
        ("spelling { embed 4 ; batchnorm ; mean }", "text: words", ("NN504", 2, 22)),
    ],
)
def test_what_cannot_be_spelled_is_refused(body, signature, wanted):
    assert errors(model(f"{body}{END}", signature))[:1] == [wanted]


def test_a_value_of_the_example_is_refused_inside():
    into = "e = embed 4 ; m = mean(e) ; x = text | spelling { embed 4 ; mean ; concat(_, m) }".replace("_, ", "")
    (found,) = diagnostics(model(f"{into} ; concat(e, x){END}"))
    assert (found.code, found.span.column) == ("NN517", 75)
    assert found.message == "m belongs to an example, and spelling sees one word by itself"
    part = "e = embed 4 | gru 3 as g ; x = text | spelling { embed 3 | gru(h=g.h) 3 | last } ; concat(e, x)"
    (found,) = diagnostics(model(f"{part}{END}"))
    assert (found.code, found.span.snippet, found.message.split()[0]) == ("NN517", "g.h", "g.h")


def test_a_label_of_spelling_can_be_frozen():
    spec = model(f"spelling as letters {{ embed 5 ; mean }}{END}") + "train { sgd lr=1 ; freeze letters }"
    trained = {p.name: p.trained for p in checked(spec).network.parameters}
    assert trained == {"letters.embed.weight": False, "dense.weight": True, "dense.bias": True}
