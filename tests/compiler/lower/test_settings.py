"""Settings: by position, by name, by word; constants and arithmetic; what is out of range."""

from __future__ import annotations

import pytest

from tests.compiler.lower.specs import Place, diagnostics, errors, model, shapes

END = "\nmean\ndense softmax"


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("dense 7", "[T, 7]"),
        ("dense size=7", "[T, 7]"),
        ("dense n", "[T, 6]"),
        ("dense size=n", "[T, 6]"),
        ("dense size=2*n+1", "[T, 13]"),
        ("dense size=(n-2)*half", "[T, 12]"),
        ("dense size=n/2", "[T, 3]"),
        ("dense size=4*dim(e)", "[T, 16]"),
        ("dense dim(e)", "[T, 4]"),
        ("dense 7 relu", "[T, 7]"),
        ("dense 7 activation=relu", "[T, 7]"),
        ("dense relu 7", "[T, 7]"),
        ("dense 7 bias=-1", "[T, 7]"),
        ("dense 7 frozen", "[T, 7]"),
        ("dense 7 frozen=true", "[T, 7]"),
        ("dense 7 init=normal scale=0.1", "[T, 7]"),
        ("dense 7 normal scale=10%", "[T, 7]"),
        ("conv 3 filters=5 same", "[T, 5]"),
        ("conv k=3 filters=5 padding=same", "[T, 5]"),
        ("conv 3 filters=n", "[T-2, 6]"),
    ],
)
def test_setting_is_given(line: str, shape: str):
    spec = "let half = n / 2\nlet n = 6\n" + model(f"e = embed 4\n{line}{END}")
    assert shapes(spec)[1] == shape


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("dense widht=7", ("NN401", 3, 7)),
        ("dense 7 rleu", ("NN402", 3, 9)),
        ("dense 7.5", ("NN403", 3, 7)),
        ("dense size=7.5", ("NN403", 3, 7)),
        ('dense "7"', ("NN403", 3, 7)),
        ("dense 7 activation=3", ("NN403", 3, 9)),
        ("dense 7 activation=linear_", ("NN403", 3, 9)),
        ("dense 7 frozen=maybe", ("NN403", 3, 9)),
        ("dense 7 frozen=1", ("NN403", 3, 9)),
        ("dense size=7,8", ("NN403", 3, 7)),
        ("dense size=1/0", ("NN403", 3, 12)),
        ("dense size=9223372036854775807*9", ("NN403", 3, 12)),
        ('dense size=-"a"', None),
        ("dense 0", ("NN404", 3, 7)),
        ("dense size=-3", ("NN404", 3, 7)),
        ("dropout 1.0", ("NN404", 3, 9)),
        ("dropout p=-0.1", ("NN404", 3, 9)),
        ("dropout 150%", ("NN404", 3, 9)),
        ("dropout", ("NN405", 3, 1)),
        ("conv k=3", ("NN405", 3, 1)),
        ("conv filters=3", ("NN405", 3, 1)),
        ("maxpool stride=2", ("NN405", 3, 1)),
        ("dense 7 size=8", ("NN406", 3, 9)),
        ("dense 7 relu tanh", ("NN406", 3, 14)),
        ("dense 7 relu activation=tanh", ("NN406", 3, 14)),
        ("maxpool k=2 window=2", ("NN406", 3, 1)),
        ("dense 7 8", ("NN407", 3, 9)),
        ("mean 3", ("NN407", 3, 6)),
        ("dense[7]", ("NN407", 3, 1)),
        ("maxpool 3", ("NN407", 3, 9)),
        ("conv k=2,3,4 filters=5,6", ("NN403", 3, 1)),
        ("residual 3 { dense 4 }", ("NN401", 3, 10)),
        ("repeat 0 { dense 4 }", ("NN404", 3, 8)),
        ("repeat 2.5 { dense 4 }", ("NN403", 3, 8)),
        ("repeat { dense 4 }", ("NN405", 3, 1)),
        ("repeat tims=3 { dense 4 }", ("NN401", 3, 8)),
        ("repeat 2 n=3,4 { dense 4 }", ("NN406", 3, 1)),
        ("repeat n=3,4 m=3,4,5 { dense 4 }", ("NN403", 3, 14)),
        ("dense 7 crf", ("NN219", 3, 1)),
    ],
)
def test_setting_that_cannot_be_is_refused(line: str, place: Place | None):
    if place is not None:
        assert errors(model(f"e = embed 4\n{line}{END}")) == [place]


def test_missing_setting_is_told_with_what_to_write():
    (found,) = diagnostics(model(f"embed{END}"))
    assert (found.message, found.help) == ("embed needs size: how wide the vectors are", "write embed 100")


@pytest.mark.parametrize(
    ("let", "line", "place"),
    [
        ("let same = 3", "conv 3 filters=5 same", ("NN304", 4, 18)),
        ("let same = 3", "conv 3 filters=5 padding=same", ("NN304", 4, 26)),
        ("let frozen = 3", "dense 7 frozen", ("NN304", 4, 9)),
        ("let same = 3", "conv 3 filters=same", None),
        ("let wide = 3", "dense wide", None),
    ],
)
def test_word_that_is_a_constant_too_is_refused(let: str, line: str, place: Place | None):
    assert errors(f"{let}\n{model(f'e = embed 4{chr(10)}{line}{END}')}") == ([place] if place else [])


def test_constants_may_stand_in_any_order_but_not_in_a_ring():
    assert errors("let a = b + c\nlet b = 2\nlet c = b * 2\n" + model(f"embed a{END}")) == []
    assert errors("let a = b\nlet b = a\n" + model(f"embed 4{END}")) == [("NN507", 1, 5), ("NN507", 2, 5)]
    assert errors("let a = a\n" + model(f"embed a{END}")) == [("NN507", 1, 5)]


def test_constant_that_is_no_number_is_told_where_it_is_declared():
    assert errors("let a = b\n" + model(f"embed a{END}")) == [("NN301", 1, 9)]
    assert errors("let a = dim(x)\n" + model(f"embed a{END}")) == [("NN403", 1, 9)]


def test_string_constant_stands_for_its_word():
    assert shapes('let act = "relu"\n' + model(f"embed 4\ndense 5 act\ndense 6 activation=act{END}"))[2] == "[T, 6]"


@pytest.mark.parametrize(
    ("signature", "output", "wanted"),
    [
        ("x: real[3]", "y: real", []),
        ("x: real[n]", "y: real", []),
        ("x: real[2*n]", "y: real", []),
        ("x: real[0]", "y: real", [("NN211", 2, 17)]),
        ("x: real[2.5]", "y: real", [("NN211", 2, 17)]),
        ("x: real[1000000000]", "y: real", [("NN211", 2, 17)]),
        ("x: real[2,3]", "y: real", [("NN211", 2, 12)]),
        ("x: real[m]", "y: real", [("NN301", 2, 17)]),
        ("x: real(standard)", "y: real", []),
        ("x: real(standrad)", "y: real", [("NN402", 2, 17)]),
        ("x: real(min=2)", "y: real", [("NN401", 2, 17)]),
        ("x: class", "y: real", [("NN210", 2, 12)]),
        ("x: rael", "y: real", [("NN306", 2, 12)]),
        ("x: series[4]", "y: real", []),
        ("x: series[2*n](standard)", "y: next(x)", []),
        ("x: series[4]", "y: next[n](x)", []),
        ("x: series", "y: real", [("NN211", 2, 12)]),
        ("x: series[0]", "y: real", [("NN211", 2, 19)]),
        ("x: series[4,2.5]", "y: real", [("NN211", 2, 21)]),
        ("x: series[4,2,2]", "y: real", [("NN211", 2, 12)]),
        ("x: series[4](min=2)", "y: real", [("NN401", 2, 22)]),
        ("x: series[4]", "y: next[0](x)", [("NN211", 2, 34)]),
        ("x: series[4]", "y: next[2,3](x)", [("NN211", 2, 36)]),
        ("x: series[4]", "y: previous(x)", [("NN215", 2, 29)]),
        ("x: series[4]", "y: series[4]", [("NN210", 2, 29)]),
        ("x: series[4]", "y: class per x", [("NN215", 2, 39)]),
        ("x: real", "y: next(x)", [("NN215", 2, 29)]),
        ("x: real", "y: category", [("NN210", 2, 24)]),
        ("x: real", "y: class per x", [("NN215", 2, 34)]),
    ],
)
def test_sort_is_checked(signature: str, output: str, wanted: list[Place]):
    assert errors("let n = 3\n" + model("dense", signature, output)) == wanted


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ("lower, punctuation, min=2, max=60, reverse, marks, keep=1000", []),
        ("max=n", []),
        ("min=0", [("NN404", 2, 18)]),
        ("max=2.5", [("NN403", 2, 18)]),
        ("vocabulary=b", []),
        ("vocabulary=c", [("NN307", 2, 12)]),
        ("vocabulary=a", [("NN307", 2, 12)]),
        ("lower, lower", [("NN406", 2, 25)]),
    ],
)
def test_options_of_words_are_checked(options: str, wanted: list[Place]):
    body = "concat((a | embed 4 | mean), (b | embed 4 | mean))\ndense softmax"
    assert errors("let n = 3\n" + model(body, f"a: words({options}), b: words")) == wanted


@pytest.mark.parametrize(
    ("line", "message", "help"),
    [
        ("dropout 50", "dropout must be from 0 to below 1, but is 50", "50% is 0.5"),
        ("dense 0", "dense size must be from 1 to 10,000,000, but is 0", ""),
        ("dense 7.5", "dense size wants a whole number or a width such as dim(x), but gets 7.5", ""),
        ("dropout x=3", "dropout has no setting x", ""),
    ],
)
def test_wrong_value_is_told_by_the_layer_and_the_setting(line: str, message: str, help: str):
    found = diagnostics(model(f"embed 4 ; mean\n{line}\ndense softmax"))[0]
    assert found.message == message
    assert help in found.help
