"""Names: one name, one thing; what is misspelt is met with the right one."""

from __future__ import annotations

import pytest

from tests.compiler.lower.specs import Place, diagnostics, errors, model, shapes

END = "\nmean\ndense softmax"


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        (model("x = embed 4\nx = mean\ndense softmax"), [("NN302", 3, 1)]),
        (model("text = embed 4" + END), [("NN302", 2, 1)]),
        (model("embed 4 as text" + END), [("NN302", 2, 12)]),
        (model("x = embed 4 as x" + END), [("NN302", 2, 16)]),
        (model("embed 4 as e\ne = mean\ndense softmax"), [("NN302", 3, 1)]),
        (model("shared s { dense 4 }\ns = embed 4" + END), [("NN302", 3, 1)]),
        (model("embed 4\nresidual {\ny = dense 4\nresidual {\ny = dense 4\n}\n}" + END), [("NN302", 6, 1)]),
        (model("dense softmax", "a: real, a: real"), [("NN302", 1, 18)]),
        (model("dense softmax", "a: real", "a: class"), [("NN302", 1, 21)]),
        ("let n = 3\n" + model("n = embed 4" + END), [("NN302", 3, 1)]),
        ("let text = 3\n" + model("embed 4" + END), [("NN302", 2, 9)]),
        ("let n = 3\nlet n = 4\n" + model("embed 4" + END), [("NN302", 2, 5)]),
        ("block b { dense 4 }\nblock b { dense 5 }\n" + model("embed 4\nb" + END), [("NN302", 2, 7)]),
        ("block b { dense 4 }\n" + model("b = embed 4" + END), [("NN302", 3, 1)]),
        ("block b(x) x=3 { dense 4 }\n" + model("embed 4\nb" + END), [("NN302", 1, 12)]),
        ("let n = 3\nblock b(x) n { dense n }\n" + model("embed 4\nb 3" + END), [("NN302", 2, 12)]),
        ("block b(x) {\nx = dense 4\n}\n" + model("embed 4\nb" + END), [("NN302", 2, 1)]),
        (model("embed 4\nrepeat text=4,4 { dense 4 }" + END), [("NN302", 3, 8)]),
        (model("mean = embed 4" + END), [("NN303", 2, 1)]),
        (model("residual = embed 4" + END), [("NN303", 2, 1)]),
        (model("lstm = embed 4" + END), [("NN303", 2, 1)]),
        (model("elman = embed 4" + END), [("NN303", 2, 1)]),
        (model("feed_forward = embed 4" + END), [("NN303", 2, 1)]),
        (model("embed 4 as last" + END), [("NN303", 2, 12)]),
        (model("embed 4", "last: words"), [("NN303", 1, 9)]),
        ("let dense = 4\n" + model("embed 4" + END), [("NN303", 1, 5)]),
        ("block attention { dense 4 }\n" + model("embed 4" + END), [("NN303", 1, 7)]),
        ("block b(x) dropout=0.1 { dense 4 }\n" + model("embed 4\nb" + END), [("NN303", 1, 12)]),
        # Sorts and the words of settings do not count; nor do names of other bodies.
        (model("same = embed 4\nrelu_ = same" + END), []),
        (model("class = words | embed 4" + END, "words: words", "label: class"), []),
        (model("embed 4\nparallel {\ny = dense 4\nz = dense 4\n}\ny = dense 4" + END), []),
        (model("embed 4\nrepeat 3 {\ny = dense 4\ny | dense 4\n}" + END), []),
        ("block b(x) {\ny = x | dense 4\n}\n" + model("y = embed 4\nb" + END), []),
        # A file's block hides the library's.
        ("block feed_forward { dense 4 }\n" + model("embed 4\nfeed_forward" + END), []),
        ("cell lstm(x) state h { h' = tanh(linear(x, h)) }\n" + model("embed 4" + END), []),
        # NFC: the same name, however it was typed.
        (model("caf\u00e9 = embed 4\ncafe\u0301 | mean\ndense softmax"), []),
        (model("模型 = 句子 | embed 4" + END, "句子: words", "标签: class"), []),
    ],
)
def test_name_is_given_once(spec: str, wanted: list[Place]):
    assert errors(spec) == wanted


@pytest.mark.parametrize(
    ("spec", "code", "place", "near"),
    [
        (model("embd 4" + END), "NN301", (2, 1), "embed"),
        (model("words = embed 4\nword | mean\ndense softmax"), "NN301", (3, 1), "words"),
        (model("embed 4\nencoder_laye" + END), "NN301", (3, 1), "encoder_layer"),
        (model("embed 4\nmean", output="y: rael"), "NN306", (1, 28), "real"),
        (model("embed 4\nconv k=3 filers=3" + END), "NN401", (3, 10), "filters"),
        (model("embed 4\nconv k=3 filters=3 rleu" + END), "NN402", (3, 20), "relu"),
        (model("embed 4\nconv k=3 filters=3 padding=sme" + END), "NN403", (3, 20), "same"),
        ("let width = 3\n" + model("embed size=widht" + END), "NN301", (3, 12), "width"),
        ("let width = 3\nlet w = widht\n" + model("embed 4" + END), "NN301", (2, 9), "width"),
        (model("x = embed 4\ndense dim(y)" + END), "NN301", (3, 11), None),
        (model("embed 4 as emb\nmean\ndense 4 tied=embb\ndense softmax"), "NN308", (4, 9), "emb"),
        (model("embed 4" + END) + "tran { epochs 3 }", "NN601", (6, 1), "train"),
        (model("embed 4" + END) + "train { epoch 3 }", "NN602", (6, 9), "epochs"),
        (model("embed 4" + END) + "train { adam rl=3 }", "NN401", (6, 14), "lr"),
        (model("embed 4" + END) + 'data { train "a.tsv" columns=lable,text }', "NN606", (6, 30), "label"),
    ],
)
def test_misspelt_name_is_met_with_the_nearest(spec: str, code: str, place: tuple[int, int], near: str | None):
    found = diagnostics(spec)[0]
    assert (found.code, found.span and (found.span.line, found.span.column)) == (code, place)
    if near is not None:
        assert f"did you mean {near}" in found.help


@pytest.mark.parametrize(("entry", "help"), [("lr 3", "adamw: adam lr=..."), ("nesterov", "of sgd: sgd nesterov")])
def test_setting_written_as_an_entry_is_told_whose_it_is(entry: str, help: str):
    found = diagnostics(model("embed 4" + END) + f"train {{ {entry} }}")[0]
    assert (found.code, found.help.endswith(help)) == ("NN602", True)


def test_name_and_its_label_are_two_names():
    assert errors(model("emb = embed 4 as emb_weights" + END)) == []


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("x = embed 4\nm = mean\nconcat x m\ndense softmax", [("NN310", 4, 8)]),
        ("x = embed 4\nm = mean\nm | dense x\ndense softmax", [("NN310", 4, 11)]),
        ("x = embed 4\ndense size=x" + END, [("NN310", 3, 12)]),
        ("x = embed 4\ndense size=dim(x)" + END, []),
        ("x = embed 4\ndense dim(x, x)" + END, [("NN409", 3, 7)]),
        ("x = embed 4\ndense dim(mean(x))" + END, [("NN403", 3, 11)]),
        ("dense dim(text)" + END, [("NN208", 2, 7)]),
        ("x = embed 4\ny = conv k=2,3 filters=3 | maxpool\ndense dim(y)\ndense softmax", []),
        ("x = embed 4\ny = conv k=2,3 filters=3\nmaxpool\ndense dim(y)\ndense softmax", [("NN205", 5, 7)]),
        ("x = onehot\nembed dim(x)\nmean\ndense softmax", [("NN403", 3, 7)]),
        ("x = onehot | mean\ndense dim(x)\ndense softmax", []),
    ],
)
def test_value_among_settings_is_refused_but_its_width_is_not(body: str, wanted: list[Place]):
    assert errors(model(body)) == wanted


def test_several_errors_are_told_in_one_run():
    spec = model("embd 4\nx = text | embed 4\ny = x | convv k=3\nz = y + nothing\nx | mean\ndense softmx")
    assert errors(spec) == [("NN301", 2, 1), ("NN301", 4, 9), ("NN402", 7, 7)]


def test_error_has_no_follow_ups():
    body = "e = embd 4 as emb\nm = e | mean\nw = m | dense 4 tied=emb\nv = emb.weight\nconcat(m, w, v)\ndense softmax"
    assert errors(model(body)) == [("NN301", 2, 5)]


def test_error_in_a_repeat_is_told_once():
    assert errors(model("embed 4\nrepeat 5 { dense 4 ; convv 3 ; dense 5 }" + END)) == [("NN301", 3, 22)]


def test_error_in_a_block_is_told_once_and_says_which_use():
    spec = "block b(x) {\nx | maxpool\nconv k=3 filters=3\n}\n" + model("e = embed 4\ne | b\nf = e | b\ndense softmax")
    (found,) = diagnostics(spec)
    assert (found.code, found.span and found.span.line) == ("NN204", 3)
    assert [(n.span.line, n.text.split()[0]) for n in found.notes] == [(2, "this"), (7, "in")]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("embed 4 as e\nmean\nx = dense 4 as d\nx * d.bias\ndense softmax", []),
        ("embed 4 as e\nmean\ne\ndense softmax", [("NN305", 4, 1)]),
        ("embed 4 as e\nmean\ne.wieght\ndense softmax", [("NN308", 4, 3)]),
        ("x = embed 4\nmean\nx.weight\ndense softmax", [("NN308", 4, 1)]),
        ("embed 4\nmean\nq.weight\ndense softmax", [("NN308", 4, 1)]),
        ("embed 4\nmean as m\ndense softmax", [("NN308", 3, 9)]),
        ("embed 4\nrepeat 2 as r { dense 4 }\nmean\nr.weight\ndense softmax", [("NN308", 5, 1)]),
        ("embed 4\nrepeat 2 {\ndense 4 as d\ntext * d.bias\n}\nmean\ndense softmax", [("NN308", 5, 8)]),
        ("embed 4\nresidual as r { dense 4 }\nmean\ndense softmax", []),
        ("embed 4 as e\nmean\ne.weight | dense 4\ndense softmax", [("NN504", 4, 12)]),
        ("embed 4\nshared s { dense 3 }\nmean\ns as q\ndense softmax", [("NN308", 5, 6)]),
    ],
)
def test_parts_belong_to_labels(body: str, wanted: list[Place]):
    assert errors(model(body)) == wanted


def test_block_value_is_a_part_of_its_label():
    block = "block two(x) {\nf1 = x | dense 5\nf2 = f1 | dense 7\n}\n"
    assert shapes(block + model("embed 4\nmean\ntwo as t\nt.f1\ndense softmax"))[-2:] == ["[7]", "[classes]"]


def test_word_where_a_block_wants_a_text_is_told_so():
    (found,) = diagnostics(model("embed 4 ; encoder_layer heads=2 activation=gelu" + END))
    assert (found.code, found.help) == ("NN301", 'a setting of a block takes it as text: "gelu"')


def test_block_that_lacks_all_but_what_flows_in_is_told_what_stands_in_parentheses():
    (found,) = diagnostics(model("embed 4 ; decoder_layer heads=2" + END))
    assert (found.code, found.help) == ("NN409", "write decoder_layer(memory): x is what stands before it")
