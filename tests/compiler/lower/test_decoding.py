"""`decode { ... }`: what it is fed, and what is refused."""

from __future__ import annotations

import pytest

from compiler.pipeline import check
from dsl.errors import SpecError

ENCODER = "memory = source | embed 6 | gru 6"


def model(body: str, outputs: str = "target: words") -> str:
    return f"model m(source: words) -> {outputs} {{\n{ENCODER}\n{body}\n}}\n"


def errors(text: str) -> list[tuple[str, int, int]]:
    try:
        check(text, "m.nn")
    except SpecError as error:
        return [(d.code, d.span.line, d.span.column) for d in error.diagnostics if d.span is not None]
    return []


def decode(*lines: str) -> str:
    return "decode {\nembed 6\n" + "".join(f"{line}\n" for line in lines) + "attend(memory)\ndense softmax\n}"


def test_decode_is_fed_what_stands_before_each_token():
    network = check(model(decode()), "m.nn").network
    assert str(network.training.input("target.before").type) == "i64[B, T.target]{zero}"
    assert str(network.training.input("target").type) == "i64[B, T.target]"
    assert [o.name for o in network.prediction.outputs] == ["target.scores", "target.labels"]
    assert {p.name.partition(".")[0] for p in network.parameters} == {"embed", "gru", "decode"}


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (("gru 6 bidir",), 5),
        (("attention",), 5),
        (("conv k=3 filters=6 same",), 5),
        (("x = dense 6", "x + (x | mean)"), 6),
        (("x = dense 6", "attend(x, x)"), 6),
        (("encoder_layer heads=2 ff=6",), 5),
        (("gru 6", "batchnorm"), 6),
        (("x = dense 6", "x | attention(memory) heads=2", "gru 6 reverse"), 7),
    ],
)
def test_line_that_looks_ahead_is_named(lines: tuple[str, ...], line: int):
    found = errors(model(decode(*lines)))
    assert [(code, at) for code, at, _ in found] == [("NN519", line)]


NORMED = """model m(text: chars(max=8)) -> next: next(text) {{
  embed 4
  batchnorm as norm
  gru 3
  dense softmax
}}
train {{ {train} }}
"""


@pytest.mark.parametrize(("train", "found"), [("adam", [("NN519", 3, 3)]), ("freeze norm ; adam", [])])
def test_mean_of_a_batch_knows_what_comes_unless_it_is_frozen(train: str, found: list[tuple[str, int, int]]):
    assert errors(NORMED.format(train=train)) == found


def test_mean_of_a_batch_of_the_source_knows_nothing_of_the_target():
    spec = model(decode("gru 6")).replace("| gru 6", "| batchnorm | gru 6", 1)
    assert errors(spec) == []


@pytest.mark.parametrize(
    "lines",
    [
        ("gru 6",),
        ("attention causal heads=2", "attention(memory) heads=2"),
        ("conv k=3 filters=6 causal",),
        ("positions sinusoid", "decoder_layer(memory) heads=2 ff=6"),
        ("x = dense 6", "x + (memory | mean | dense 6)"),
    ],
)
def test_line_that_looks_back_or_at_the_memory_is_none(lines: tuple[str, ...]):
    assert errors(model(decode(*lines))) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (model("memory | dense softmax"), [("NN541", 1, 27)]),
        (model("memory | decode { embed 6 ; dense softmax }"), [("NN409", 3, 10)]),
        (model("residual { decode { embed 6 ; dense softmax } }"), [("NN540", 3, 12)]),
        (model("decode 3 { embed 6 ; dense softmax }"), [("NN401", 3, 8)]),
        (model("decode"), [("NN408", 3, 1)]),
        (model("memory | last\ndecode { embed 6 }", "label: class"), [("NN540", 4, 1)]),
        (model("decode { embed 6 ; attend(memory) ; last ; dense softmax }"), [("NN218", 1, 27)]),
        (model("decode { embed 6 ; attend(memory) ; dense sigmoid }"), [("NN209", 1, 27)]),
        (model(decode() + "\n" + decode()), [("NN540", 8, 1)]),
        (model("decode { embed 6 n=2 ; attend(memory) ; dense softmax }"), [("NN204", 3, 10)]),
        (model("decode { embed 6 ; lstm 6 stateful ; attend(memory) ; dense softmax }"), [("NN518", 3, 20)]),
    ],
)
def test_misplaced_or_unfinished_decode_is_refused(text: str, found: list[tuple[str, int, int]]):
    assert errors(text) == found


def test_two_texts_are_written_by_the_lines_of_their_names():
    both = "a = decode { embed 6 ; attend(memory) ; dense softmax }\nb = decode { embed 4 ; gru 4 ; dense softmax }"
    assert errors(model(both, "a: words, b: chars")) == []
    assert errors(model(both.replace("b = ", ""), "a: words, b: chars"))[0][0] == "NN540"


def test_tables_that_are_tied_make_one_vocabulary():
    text = model("decode { embed 6 tied=emb ; attend(memory) ; dense softmax tied=emb }")
    network = check(text.replace("embed 6 | gru", "embed 6 as emb | gru"), "m.nn").network
    assert str(network.outputs[0].sort).count("vocabulary='source'") == 1


def test_beam_is_for_texts_that_decode_writes():
    text = model(decode()) + "predict { beam 4 length=0.6 max=20 }\n"
    settings = check(text, "m.nn").predict
    assert (settings.beam, settings.length, settings.max) == (4, 0.6, 20)
    language_model = "model m(text: words) -> next: next(text) {\nembed 4\ngru 4\ndense softmax\n}\n"
    assert errors(f"{language_model}predict {{ beam 4 }}\n") == [("NN605", 6, 1)]
