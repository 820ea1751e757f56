"""Shapes: what layers make of lengths and widths; what does not meet."""

from __future__ import annotations

import pytest

from dsl.render import render
from tests.compiler.lower.specs import Place, diagnostics, errors, model, shapes

END = "\nmean\ndense softmax"


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("conv 3 filters=5", "[T-2, 5]"),
        ("conv 3 filters=5 wide", "[T+2, 5]"),
        ("conv 3 filters=5 same", "[T, 5]"),
        ("conv 3 filters=5 causal", "[T, 5]"),
        ("conv 3 filters=5 dilation=2", "[T-4, 5]"),
        ("conv 3 filters=5 stride=2", "[(T-1)//2, 5]"),
        ("conv 3 filters=5 stride=2 same", "[(T+1)//2, 5]"),
        ("conv k=2,3 filters=5", "[T-1, 5] [T-2, 5]"),
        ("conv k=2,3 filters=5,6", "[T-1, 5] [T-2, 6]"),
        ("conv k=2,3 filters=5,6 same", "[T, 11]"),
        ("conv k=2,3 filters=5 causal", "[T, 10]"),
        ("maxpool window=2", "[T//2, 4]"),
        ("maxpool window=3 stride=1", "[T-2, 4]"),
        ("maxpool k=3", "[3, 4]"),
        ("dense 5", "[T, 5]"),
        ("dropout 0.5 words", "[T, 4]"),
        ("layernorm", "[T, 4]"),
    ],
)
def test_sequence_becomes(line: str, shape: str):
    spec = model(f"embed 4\n{line}\nmaxpool\ndense softmax")
    assert shapes(spec)[1] == shape


@pytest.mark.parametrize("pool", ["maxpool", "avgpool", "mean", "sum", "last", "first"])
def test_pooling_makes_one_vector_of_a_sequence_and_of_a_bundle(pool: str):
    assert shapes(model(f"embed 4\n{pool}\ndense softmax"))[1] == "[4]"
    assert shapes(model(f"embed 4\nconv k=2,3 filters=5\n{pool}\ndense softmax"))[2] == "[10]"


def test_bundle_goes_through_activation_and_dropout():
    body = "embed 4\nconv k=2,3 filters=5\nrelu\ndropout 0.5\nmaxpool k=2\nflatten\ndense softmax"
    assert shapes(model(body))[1:6] == [
        "[T-1, 5] [T-2, 5]",
        "[T-1, 5] [T-2, 5]",
        "[T-1, 5] [T-2, 5]",
        "[2, 10]",
        "[20]",
    ]


@pytest.mark.parametrize(
    "line",
    ["dense 3", "layernorm", "flatten", "b + 1", "-b", "conv 3 filters=3", "residual { relu }", "concat(b, b)"],
)
def test_bundle_goes_through_nothing_else(line: str):
    found = diagnostics(model(f"embed 4\nb = conv k=2,3 filters=5\n{line}{END}"))
    assert [d.code for d in found] == ["NN205"]


def test_bundle_pooled_in_steps_is_refused():
    assert errors(model(f"embed 4\nconv k=2,3 filters=5\nmaxpool window=2{END}")) == [("NN205", 4, 1)]


def test_bundle_cannot_be_a_line_of_parallel():
    assert errors(model(f"embed 4\nparallel {{ dense 3 ; conv k=2,3 filters=5 }}{END}")) == [("NN205", 3, 22)]


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        ("s + s", "[T, 4]"),
        ("s * v", "[T, 4]"),  # a value without positions meets every one
        ("v - s", "[T, 4]"),
        ("s * one", "[T, 4]"),  # so does a width of 1
        ("s + one + v / 2 - 1", "[T, 4]"),
        ("v * w1", "[4]"),
        ("concat(s, v)", "[T, 8]"),
        ("concat(s, one, v)", "[T, 9]"),
        ("max(s, v)", "[T, 4]"),
        ("min(v, v)", "[4]"),
        ("dot(s, s)", "[T, 1]"),
        ("dot(s, v)", "[T, 1]"),
        ("cosine(v, v)", "[1]"),
        ("abs(s - v)", "[T, 4]"),
        ("sqrt(exp(log(tanh(gelu(sigmoid(sign(v)))))))", "[4]"),
        ("concat(top, top)", "[2, 8]"),
    ],
)
def test_values_meet(expression: str, shape: str):
    names = "s = embed 4\none = s | dense 1\nv = s | mean\nw1 = v | dense 1\ntop = s | maxpool k=2"
    pooled = "x" if shape in ("[4]", "[1]") else "x | mean"
    uses = f"concat(({pooled}), (one | mean), w1, (top | mean), v)"
    found = shapes(model(f"{names}\nx = concat(({expression}))\n{uses}\ndense softmax"))
    assert shape in found


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("s + (s | dense 3)", ("NN201", 6, 1)),
        ("v + (v | dense 3)", ("NN201", 6, 1)),
        ("max(v, (v | dense 3))", ("NN201", 6, 1)),
        ("s + (s | conv 2 filters=4)", ("NN212", 6, 1)),
        ("concat(s, (s | conv 2 filters=4))", ("NN212", 6, 1)),
        ("concat(s, (s | maxpool k=3))", ("NN212", 6, 1)),
        ("s | parallel { relu ; conv 2 filters=4 }", ("NN212", 6, 5)),
        ("text + s", ("NN208", 6, 1)),
        ("concat(text, s)", ("NN208", 6, 1)),
        ("-text", ("NN208", 6, 1)),
        ("relu(text)", ("NN208", 6, 1)),
        ("text | dense 3", ("NN208", 6, 8)),
        ("text | mean", ("NN208", 6, 8)),
        ("text | residual { embed 4 }", ("NN208", 6, 8)),
        ("v | embed 4", ("NN202", 6, 5)),
        ("v | onehot", ("NN202", 6, 5)),
        ("s | bag", ("NN202", 6, 5)),
        ("v | conv 3 filters=2", ("NN204", 6, 5)),
        ("v | mean", ("NN204", 6, 5)),
        ("v | last", ("NN204", 6, 5)),
        ("v | dropout 0.5 words", ("NN204", 6, 5)),
        ("s | flatten", ("NN214", 6, 5)),
        ("s | residual { dense 5 }", ("NN207", 6, 5)),
        ("v | residual { dense 5 }", ("NN207", 6, 5)),
        ("v | dense 1 | residual { concat(v) }", ("NN207", 6, 15)),
        ("text | onehot | layernorm", ("NN213", 6, 17)),
    ],
)
def test_what_does_not_meet_is_refused_with_its_place(line: str, place: Place):
    body = f"\n\ns = embed 4\nv = mean\n{line}\nconcat(v)\nconcat((s | mean))\ndense softmax"
    assert errors(model(body))[0] == place


def test_values_that_do_not_meet_are_shown_as_they_were_written():
    (error,) = diagnostics(model("s = embed 4\nv = s | mean | dense 3\nv + s\nmean\ndense softmax"))
    assert (error.code, error.message) == ("NN201", "+ of [3] and [T, 4]: the shapes do not meet")
    assert [note.span.line for note in error.notes] == [3, 2]


def test_wrong_width_is_shown_at_the_layer_that_was_told_it():
    (error,) = diagnostics(model("embed 4\nmean\ndense 4\nrelu", output="y: real[2]"))
    assert (error.code, [note.span.line for note in error.notes]) == ("NN209", [4])


def test_sequences_of_two_inputs_do_not_meet():
    body = "concat((a | embed 4), (b | embed 4))\nmean\ndense softmax"
    assert errors(model(body, "a: words, b: words")) == [("NN212", 2, 1)]


@pytest.mark.parametrize("body", ["relu", "mean", "dense 1", "dense 4", "concat"])
def test_residual_adds_as_arithmetic_does(body: str):
    assert errors(model(f"embed 4\nresidual {{ {body} }}{END}")) == []


def test_parallel_joins_its_lines():
    assert shapes(model(f"embed 4\nparallel {{ dense 3 ; relu ; mean }}\ndense 5{END}"))[-3] == "[T, 5]"
    assert errors(model("embed 4\nmean\nparallel { dense 3 ; dense 2 }\nresidual { dense 5 }\ndense softmax")) == []


def test_kmax_then_flatten_is_a_vector():
    assert shapes(model("embed 4\nmaxpool k=3\nflatten\ndense softmax"))[2] == "[12]"


def test_fixed_positions_pool_like_any():
    for pool in ("mean", "last", "first", "maxpool", "sum"):
        assert shapes(model(f"embed 4\nmaxpool k=3\n{pool}\ndense softmax"))[2] == "[4]"


def test_language_page_example_comes_out_exactly():
    spec = (
        "# Kim (2014): convolutional neural networks for sentence classification\n"
        "model textcnn(text: words) -> label: class {\n"
        "  embed 128\n"
        "  conv k=2,3 filters=100 relu\n"
        "  maxpool\n"
        "  conv k=3 filters=50\n"
        "  dropout 0.5\n"
        "  dense softmax\n"
        "}\n"
    )
    assert render(diagnostics(spec)).replace("spec.nn", "textcnn.nn") == (
        "error[NN204]: conv needs a sequence, but gets a vector [200]\n"
        "  --> textcnn.nn:6:3\n"
        "   |\n"
        " 5 |   maxpool\n"
        "   |   ------- this pools the sequence [T, 200] into one vector [200]\n"
        " 6 |   conv k=3 filters=50\n"
        "   |   ^^^^ expects [T, d]\n"
        "   = help: put conv before maxpool\n"
    )


def test_cause_is_the_pooling_though_layers_stand_between():
    (found,) = diagnostics(model("embed 4\nmaxpool\ndropout 0.5\ndense 7\nconv k=3 filters=2\nmean\ndense softmax"))
    assert (found.code, found.notes[0].span.line, found.help) == ("NN204", 3, "put conv before maxpool")


@pytest.mark.parametrize(
    ("signature", "body", "advice"),
    [
        ("p: image[8,8,3]", "residual { conv2d k=3 filters=4 same } ; flatten", "conv2d k=3 filters=3 same"),
        ("s: words", "embed 5 ; residual { conv k=2 filters=5 } ; mean", "dense dim(x) or conv ... same"),
        ("v: real[5]", "residual { dense 4 }", "dense dim(x)"),
    ],
)
def test_residual_whose_shapes_differ_is_advised_by_what_it_holds(signature: str, body: str, advice: str):
    (found,) = diagnostics(model(f"{body} ; dense softmax", signature))
    assert found.help == f"let the layers between the braces end as they began, with {advice}"


def test_pictures_of_other_sizes_are_not_told_to_be_made_wider():
    body = "a = conv2d k=3 filters=4 same\nconcat((a | maxpool2d 2 | upsample2d 2), a)\nflatten\ndense softmax"
    (found,) = diagnostics(model(body, "x: image[15,15,4]"))
    assert found.code == "NN201"
    assert found.help.startswith("two pictures meet only if they are equally high and wide")
