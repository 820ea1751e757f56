"""Feeding and outputs: what a layer gets, what an output is."""

from __future__ import annotations

import pytest

from tests.compiler.lower.specs import Place, errors, layers, model, shapes


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("embed 4\nmean\ndense softmax", ["[T, 4]", "[4]", "[classes]"]),
        ("text | embed 4 | mean | dense softmax", ["[T, 4]", "[4]", "[classes]"]),
        ("embed 4 ; mean ; dense softmax", ["[T, 4]", "[4]", "[classes]"]),
        ("x = embed 4\nmean\ndense softmax", ["[T, 4]", "[4]", "[classes]"]),
        # `x | f(a)` means f(x, a); a line's first operand is the current value where one is lacking.
        ("a = embed 4\nb = mean\na | concat(b)\nlast\ndense softmax", ["[T, 4]", "[4]", "[T, 8]", "[8]", "[classes]"]),
        ("a = embed 4 | mean\nb = dense 4\nmax(a)\ndense softmax", ["[T, 4]", "[4]", "[4]", "[4]", "[classes]"]),
        ("a = embed 4 | mean\nb = dense 4\nmax(b=a)\ndense softmax", ["[T, 4]", "[4]", "[4]", "[4]", "[classes]"]),
        # A layer wherever a value is wanted: here of the current value.
        ("embed 4\nconcat(mean, maxpool)\ndense softmax", ["[T, 4]", "[4]", "[4]", "[8]", "[classes]"]),
        # concat takes what its parentheses hold, and without them the current value.
        ("embed 4\nmean\nconcat\ndense softmax", ["[T, 4]", "[4]", "[4]", "[classes]"]),
        ("x = embed 4 | mean\n(x)\ndense softmax", ["[T, 4]", "[4]", "[classes]"]),
        ("x = embed 4 | mean\n-x * 2 + 1\ndense softmax", ["[T, 4]", "[4]", "[classes]"]),
        # `|` binds weakest, unary minus strongest.
        ("x = embed 4 | mean\nx + x | dense 3\ndense softmax", ["[T, 4]", "[4]", "[3]", "[classes]"]),
        # shared leaves the current value.
        ("embed 4\nshared s { dense 3 }\nmean\ns\ndense softmax", ["[T, 4]", "[4]", "[3]", "[classes]"]),
    ],
)
def test_line_is_fed(body: str, wanted: list[str]):
    assert shapes(model(body)) == wanted


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        (model("dense 3\ndense softmax", "a: real[2], b: real[3]"), [("NN501", 2, 1)]),
        (model("residual { dense 3 }\ndense softmax", "a: real[2], b: real[3]"), [("NN501", 2, 1)]),
        (model("x = embed 4 | mean\nx | dot\ndense softmax"), [("NN409", 3, 5)]),
        (model("x = embed 4 | mean\ndot(x, x, x)\ndense softmax"), [("NN409", 3, 1)]),
        (model("x = embed 4 | mean\ndot(c=x)\ndense softmax"), [("NN409", 3, 5)]),
        (model("x = embed 4 | mean\ndot(a=x, a=x)\ndense softmax"), [("NN406", 3, 10)]),
        (model("x = embed 4 | mean\nconcat(y=x)\ndense softmax"), [("NN409", 3, 8)]),
        (model("embed 4\nconv(k=3) filters=2\nmean\ndense softmax"), [("NN409", 3, 6)]),
        (model("x = embed 4 | mean\ny = x | x\ndense softmax"), [("NN305", 3, 9)]),
        (model("x = embed 4 | mean\nx 3\ndense softmax"), [("NN305", 3, 1)]),
        (model("x = embed 4 | mean\n3\ndense softmax"), [("NN504", 3, 1)]),
        (model("x = embed 4 | mean\nconcat(1, x)\ndense softmax"), [("NN504", 3, 8)]),
        (model("embed 4\nmean\ndim(text)\ndense softmax"), [("NN504", 4, 1)]),
        (model("x = embed 4 | mean\nh' = x\ndense softmax"), [("NN508", 3, 1)]),
        (model("x = embed 4 | mean\nx @ x\ndense softmax"), [("NN551", 3, 1)]),
        (model("embed 4\nresidual { }\nmean\ndense softmax"), [("NN512", 3, 10)]),
        (model("embed 4\nparallel { shared s { dense 3 } }\nmean\ndense softmax"), [("NN512", 3, 10)]),
        (model("embed 4\nresidual\nmean\ndense softmax"), [("NN408", 3, 1)]),
        (model("embed 4\nmean { dense 3 }\ndense softmax"), [("NN408", 3, 1)]),
        (model("embed 4\nresidual(text) { mean }\nmean\ndense softmax"), [("NN409", 3, 1)]),
        (model("embed 4\nx = shared s { dense 3 }\nmean\ndense softmax"), [("NN505", 3, 1)]),
        (model("embed 4\nmean | shared s { dense 3 }\ndense softmax"), [("NN505", 3, 8)]),
        (model("embed 4\nshared { dense 3 }\nmean\ndense softmax"), [("NN408", 3, 1)]),
        (model(""), [("NN512", 1, 38)]),
    ],
)
def test_line_that_cannot_be_fed_is_refused(spec: str, wanted: list[Place]):
    assert errors(spec) == wanted


def test_output_is_the_value_of_its_name():
    assert errors(model("embed 4\nmean\nlabel = dense softmax\nx = label", output="label: class")) == []


def test_only_output_is_the_last_line():
    assert shapes(model("dense 3 relu\ndense", "x: real[2]", "y: real[5]")) == ["[3]", "[5]"]


def test_several_outputs_are_the_values_of_their_names():
    body = "h = embed 4 | mean\na = h | dense softmax\nb = h | dense 6 relu | dense\nc = h | dense sigmoid"
    spec = model(body, output="a: class, b: real[3], c: class")
    assert shapes(spec) == ["[T, 4]", "[4]", "[classes.a]", "[6]", "[3]", "[1]"]


def test_several_inputs_have_lengths_and_vocabularies_of_their_own():
    body = "concat((a | embed 4 | mean), (b | embed 3 | mean))\ndense softmax"
    assert layers(model(body, "a: words, b: chars"))[:3] == [
        ("embed 4", "[T.a, 4]"),
        ("mean", "[4]"),
        ("embed 3", "[T.b, 3]"),
    ]


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        (model("h = embed 4 | mean\na = h | dense softmax", output="a: class, b: class"), [("NN502", 1, 35)]),
        (model("h = embed 4 | mean\nx = h | dense softmax", output="a: class, b: class"), [("NN511", 3, 9)]),
        (model("embed 4\nx = mean\ny = x | dense 4\nx | dense softmax"), [("NN503", 4, 1)]),
        (model("embed 4\nx = mean\nx | dense 4\nx | dense softmax"), [("NN503", 4, 1)]),
        (model("a | dense softmax", "a: real, b: real"), [("NN503", 1, 18)]),
        (model("shared s { dense 3 }\nembed 4\nmean\ndense softmax"), [("NN503", 2, 8)]),
        # Once for all that it is made from.
        (model("y = a | dense 4\nz = y | dense 3\nb | dense softmax", "a: real, b: real"), [("NN503", 3, 1)]),
        # Inside bodies too, and once for all rounds and uses.
        (model("embed 4\nrepeat 3 {\nx = dense 4\ny = x | dense 4\nx\n}\nmean\ndense softmax"), [("NN503", 5, 1)]),
        (
            "block b(x) {\ny = x | dense 3\nx | dense 4\n}\n" + model("embed 4\nb\nb\nmean\ndense softmax"),
            [("NN503", 2, 1)],
        ),
        (model("embed 4\ndense softmax"), [("NN203", 1, 25)]),
        (model("text"), [("NN203", 1, 25)]),
        (model("embed 4\nconv k=2,3 filters=4"), [("NN203", 1, 25)]),
        (model("embed 4 as e\nmean\nx = dense 4 as d\nlabel = d.weight"), [("NN203", 1, 25)]),
        (model("embed 4\nmean", output="y: real[3]"), [("NN209", 1, 25)]),
        (model("embed 4\nmean\ndense relu"), [("NN405", 4, 1)]),
        (model("embed 4\nmean\ndense 3"), [("NN515", 1, 25)]),
        (model("embed 4\nmean\ndense 1 tanh"), [("NN515", 1, 25)]),
        (model("embed 4\nmean\ndense 1 sigmoid\ntanh"), [("NN515", 1, 25)]),
        (model("embed 4\nmean\nparallel { dense 1 ; dense 2 }"), [("NN515", 1, 25)]),
        (model("embed 4\nmean\nparallel { dense 2 softmax ; dense 1 }"), [("NN515", 1, 25)]),
        (model("embed 4\nmean\ndense 3\nresidual { dense 3 tanh }"), [("NN515", 1, 25)]),
        (model("embed 4\nleaky 3", output="tags: class per text"), [("NN515", 1, 25)]),
        (model("embed 3\nmean"), [("NN515", 1, 25)]),
        (model("embed 3\nmean\na = dense relu\nlabel = a", output="a: real, label: class"), [("NN515", 1, 34)]),
        (model("embed 4\nlstm 3\nlast"), [("NN515", 1, 25)]),
        (model("embed 4\ndense 3\nmaxpool"), [("NN515", 1, 25)]),
        (model("embed 4\nmean\ndense 3 tanh\ndropout 0.5"), [("NN515", 1, 25)]),
        (model("a = embed 4 | mean\nb = a | dense 3\nb * (a | dense 3 sigmoid)"), [("NN515", 1, 25)]),
        # What may be probabilities passes, however it is written.
        (model("embed 4\nmean\nparallel { dense 2 softmax | dropout 0.1 ; dense 1 sigmoid }"), []),
        (model("x = embed 4 | mean | dense 1 tanh\n(x + 1) / 2"), []),
        (model("x = embed 4 | mean | dense 1 abs\nexp(0 - x)"), []),
        ("cell likely(x) state p { p' = sigmoid(linear(x, p)) }\n" + model("embed 4\nlikely 3\nlast"), []),
        (model("embed 4\nmean\nparallel { dense 1 ; dense 2 } | softmax"), []),
        (model("embed 4\nmean\ndense 3 | softmax"), []),
        (model("embed 4\nmean\ndense 1 sigmoid"), []),
        (model("embed 4\nmean\ndense sign"), [("NN513", 1, 25)]),
        (model("embed 4\nmean\ndense softmax") + "train { loss perceptron }", [("NN513", 1, 25)]),
    ],
)
def test_output_without_value_and_value_without_output_are_refused(spec: str, wanted: list[Place]):
    assert errors(spec) == wanted


def test_value_whose_parts_are_used_is_used():
    block = "block pair(x) {\na = x | dense 3\nb = a | dense 3\nconcat(a, b)\n}\n"
    assert errors(block + model("embed 4\nmean\npair as p\np.a + p.b\ndense softmax")) == []


def test_head_may_have_a_size_while_the_classes_are_not_known():
    assert shapes(model("embed 4\nmean\ndense 3 softmax")) == ["[T, 4]", "[4]", "[3]"]


def test_body_that_only_declares_gives_its_output_no_value():
    assert errors(model("shared s { dense 4 }", "a: words, b: words")) == [("NN502", 1, 32)]
