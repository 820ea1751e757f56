"""`nnc inspect --stage gradients --at ...` and `--row N`: a computation graph with its numbers, there and back."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compiler import pipeline
from compiler.autodiff import gradients
from compiler.ir.graph import Graph, Input, Output
from nnc import cli
from nnc.backprop import lengths_of
from nnc.failure import guarded
from nnc.single import of_row, start
from runtime.interpret import evaluate

F = """# f = (x + y) max(y, z)
model f(x: real, y: real, z: real) -> out: real {
  out = (x + y) * max(y, z)
}
"""
NEURON = "model neuron(x: real[2]) -> y: real {\n  dense 1 sigmoid as unit\n}\n"
XOR = """model xor(point: real[2]) -> odd: class {
  dense 8 tanh
  dense softmax
}
data { train "xor.csv" columns=point,odd }
train { sgd lr=0.5 ; batch 4 ; epochs 2 }
"""
TEXTS = """model m(text: words) -> label: class {
  c = text | spelling { embed 3 ; conv k=2 filters=3 tanh wide ; maxpool }
  w = text | embed 4
  concat(c, w)
  dropout 0.5
  parallel {
    conv k=2,3 filters=4 relu | maxpool
    gru 3 bidir | last
    attention heads=1 | mean
  }
  dense softmax
}
data { train "texts.tsv" }
"""
TAGS = 'model m(text: words) -> tags: class per text {\n  embed 4\n  srn 3\n  dense crf\n}\ndata { train "tags.tsv" }\n'
STREAM = """model m(text: chars) -> next: next(text) {
  embed 3
  lstm 4 stateful
  dense softmax
}
data { train "stream.txt" }
train { batch 2 ; unroll 5 }
"""
BERT = """model m(pair: sentence_pair(max=12)) -> word: masked(pair, rate=30%), follows: follows(pair) {
  h = pair.words | embed 4 as emb | positions learned | repeat 2 { encoder_layer heads=2 ff=4 }
  word = h | dense 4 gelu | dense softmax tied=emb
  follows = h | first | dense softmax
}
data { train "documents.txt" }
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name, text in (
        ("f", F),
        ("neuron", NEURON),
        ("xor", XOR),
        ("texts", TEXTS),
        ("tags", TAGS),
        ("lm", STREAM),
        ("bert", BERT),
    ):
        (tmp_path / f"{name}.nn").write_text(text)
    (tmp_path / "xor.csv").write_text("0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n")
    (tmp_path / "texts.tsv").write_text("a\tone two three\nb\tfour five one two six\n")
    (tmp_path / "tags.tsv").write_text("one\tA\ntwo\tB\n\nthree\tA\n")
    (tmp_path / "documents.txt").write_text("one two three\nfour five six\nseven one\n\ntwo four\nsix six\n")
    (tmp_path / "stream.txt").write_text("abcabcabcabc\n" * 3)
    return tmp_path


def nnc_run(*arguments: str) -> int:
    return guarded(("inspect", *arguments, "--stage", "gradients"), cli.run)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert nnc_run(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_function_of_the_course_has_the_gradients_2_5_and_0(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("f.nn", "--at", "x=1,y=2,z=0") == 0
    out = capsys.readouterr().out
    assert "d out / d x = 2\nd out / d y = 2 + 3 = 5\nd out / d z = 0" in "\n".join(map(str.rstrip, out.splitlines()))
    rows = {line.partition("─ ")[2].split("  ")[0]: line.split()[-4:] for line in out.splitlines() if "─" in line}
    assert rows["x + y"] == ["3", "1", "2", "2"]  # value, upstream, local, downstream
    assert rows["max(y, z)"] == ["2", "1", "3", "3"]
    assert rows["x"] == ["1", "2", "1", "2"]
    assert rows["z"] == ["0", "3", "0", "0"]


def test_a_function_without_a_place_is_told_how_to_give_one(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "g.nn").write_text("model g(x: real[2], y: real) -> z: real {\n  dot(x, x) * y\n}\n")
    assert nnc_run("g.nn") == 1
    printed = " ".join(capsys.readouterr().err.split())
    assert "error[NN824]" in printed
    assert "nnc inspect g.nn --stage gradients --at x=[1,1],y=1" in printed
    assert nnc_run("g.nn", "--at", "x=[1,1],y=1") == 0


def test_infinities_that_cancel_are_shown_as_nan(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "d.nn").write_text("model d(x: real, y: real) -> z: real {\n  a = x * y + x\n  b = a / y\n  a - b\n}\n")
    assert nnc_run("d.nn", "--at", "x=1,y=0") == 0
    printed = capsys.readouterr()
    assert "d z / d y = -inf + inf = nan" in printed.out
    assert printed.err == ""


def test_function_as_data_has_upstream_local_and_downstream(here: Path, capsys: pytest.CaptureFixture[str]):
    found = told(capsys, "f.nn", "--at", "x=1,y=2,z=0")
    assert found["value"]["numbers"] == [6.0]
    assert {name: each["gradient"]["numbers"] for name, each in found["inputs"].items()} == {
        "x": [2.0], "y": [5.0], "z": [0.0],
    }  # fmt: skip
    product = found["links"][-1]
    assert product["text"] == "out = (x + y) * max(y, z)"
    assert [(e["local"]["numbers"], e["downstream"]["numbers"]) for e in product["operands"]] == [
        ([[2.0]], [2.0]), ([[3.0]], [3.0]),
    ]  # fmt: skip


def test_values_with_names_are_called_by_them(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "g.nn").write_text(F.replace("  out = (x + y) * max(y, z)", "  a = x + y ; b = max(y, z)\n  out = a * b"))
    assert [link["text"] for link in told(capsys, "g.nn", "--at", "x=1,y=2,z=0")["links"]] == [
        "a = x + y", "b = max(y, z)", "out = a * b",
    ]  # fmt: skip


def test_weights_may_be_given_and_a_neuron_is_what_the_formula_says(here: Path, capsys: pytest.CaptureFixture[str]):
    found = told(capsys, "neuron.nn", "--at", "x=[2,-1],unit.weight=[0.5,1],unit.bias=0.25")
    y = 1 / (1 + math.exp(-0.25))
    assert found["value"]["numbers"] == [pytest.approx(y)]
    slope = y * (1 - y)
    inputs = found["inputs"]
    assert inputs["unit.weight"]["gradient"]["numbers"] == [[pytest.approx(2 * slope)], [pytest.approx(-slope)]]
    assert inputs["x"]["gradient"]["numbers"] == [pytest.approx(0.5 * slope), pytest.approx(slope)]


def test_with_what_an_output_ought_to_be_the_gradient_is_that_of_the_loss(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    """(y - 1)^2 of y = x: 2 (x - 1)."""
    (here / "line.nn").write_text("model f(x: real) -> y: real {\n  y = 1 * x\n}\n")
    found = told(capsys, "line.nn", "--at", "x=3,y=1")
    assert found["of"] == "loss"
    assert found["inputs"]["x"]["gradient"]["numbers"] == [4.0]


@pytest.mark.parametrize(("spec", "row"), [("xor", 3), ("texts", 2), ("tags", 1), ("lm", 2), ("bert", 2)])
@pytest.mark.parametrize("line", [None, 2])
def test_gradients_are_those_that_training_follows(here: Path, capsys: pytest.CaptureFixture[str], spec, row, line):
    """The links, walked one by one, against the one graph that the compiler makes of the whole."""
    chosen = () if line is None else ("--line", str(line))
    found = told(capsys, f"{spec}.nn", "--row", str(row), *chosen)["inputs"]
    single = of_row(start(Path(f"{spec}.nn"), (), None, with_data=True), row)
    graph = single.start.experiment.network.training
    nodes = [n for n in graph.inputs if isinstance(n.op, Input) and n.op.name in found]
    loss = next(o.node for o in graph.outputs if o.name == "loss")
    pairs = zip(nodes, gradients(loss, nodes, lengths_of(graph)), strict=True)
    whole = Graph(
        graph.inputs, tuple(Output(n.op.name, g) for n, g in pairs if g is not None and isinstance(n.op, Input))
    )
    wanted = evaluate(whole, single.feeds, single.sizes)
    assert set(wanted) == set(found)
    for name, each in found.items():
        assert each["gradient"]["norm"] == pytest.approx(float(np.linalg.norm(wanted[name])), rel=1e-9), name


def test_every_line_and_its_weights_are_in_the_table_and_fit_80_columns(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("texts.nn", "--row", "2") == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for text in ("embed 4", "dropout 0.5", "gru 3 bidir", "dense softmax", "cross-entropy of label", "five"):
        assert text in out


def test_a_line_is_shown_op_by_op(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("xor.nn", "--row", "2", "--line", "2") == 0
    out = capsys.readouterr().out
    for text in ("tanh", "add", "mat_mul", "point", "d loss / d dense.weight"):
        assert text in out
    assert "softmax" not in out


def test_the_line_that_uses_a_block_stands_for_what_is_in_it(here: Path, capsys: pytest.CaptureFixture[str]):
    block = "block twice(x) { dense 2 tanh\n dense 3 }\n"
    (here / "block.nn").write_text(block + XOR.replace("  dense 8 tanh", "  repeat 2 { twice }"))
    assert nnc_run("block.nn", "--row", "2", "--line", "4") == 0
    out = capsys.readouterr().out
    assert out.count("tanh") == 2
    assert "softmax" not in out


def test_a_trained_model_is_looked_at_with_its_own_weights(here: Path, capsys: pytest.CaptureFixture[str]):
    assert guarded(("train", "xor.nn", "--out", "run"), cli.run) == 0
    capsys.readouterr()
    before, after = (told(capsys, what, "--row", "1")["value"]["numbers"] for what in ("xor.nn", "run"))
    assert before != after


@pytest.mark.parametrize("width", ["20", "40", "80", "200"])
def test_every_width_is_kept(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: str
):
    monkeypatch.setenv("COLUMNS", width)
    for arguments in (("f.nn", "--at", "x=1,y=2,z=0"), ("texts.nn", "--row", "1")):
        assert nnc_run(*arguments) == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= int(width)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("f.nn", "--at", "x=1,y=2"), 1, "NN821"),
        (("f.nn", "--at", "x=[1,2],y=2,z=0"), 1, "x is one number, not 2"),
        (("f.nn", "--at", "x=1,y=2,z=0,w=1"), 2, "the model has no w"),
        (("f.nn", "--at", "x=1,y=nan,z=0"), 2, "is no value"),
        (("f.nn", "--at", "x=1,x=2"), 2, "x is given twice"),
        (("f.nn", "--at", "x=1_0,y=2,z=0"), 1, "x is a number, not 1_0"),
        (("f.nn", "--at", "x=" + "[" * 90 + "]" * 90), 2, "is no value"),
        (("xor.nn", "--at", "point=[1,0]"), 1, "NN822"),
        (("xor.nn", "--at", "point=[1,0],odd=maybe"), 1, "maybe is no label of odd"),
        (("texts.nn", "--at", "text=1,label=a"), 1, "text is no number"),
        (("texts.nn", "--row", "3"), 1, "NN820"),
        (("f.nn", "--row", "1"), 1, "NN650"),
        (("texts.nn", "--row", "1", "--line", "99"), 2, "no gradient passes line 99"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_said(here: Path, capsys: pytest.CaptureFixture[str], arguments, code: int, text: str):
    assert nnc_run(*arguments) == code
    assert text in capsys.readouterr().err


def test_positions_of_a_document_are_its_sentences(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "documents.nn").write_text(
        "model m(text: sentences) -> label: class {\n  each { embed 2 | mean }\n  gru 2 | last\n  dense softmax\n}\n"
        'data { train "texts.tsv" }\n'
    )
    (here / "texts.tsv").write_text("a\tone two. three! one two.\nb\tfour a b c d e f. one two.\n")
    assert nnc_run("documents.nn", "--row", "2") == 0
    out = capsys.readouterr().out
    assert "1  four a b c d e …" in out
    assert "2  one two." in out


def test_an_example_of_a_stream_is_a_window(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("lm.nn", "--row", "2") == 0
    assert "window 2 of the training text" in capsys.readouterr().out


def test_numbers_need_the_stage_gradients(here: Path, capsys: pytest.CaptureFixture[str]):
    assert guarded(("inspect", "f.nn", "--at", "x=1,y=2,z=0"), cli.run) == 2
    assert guarded(("inspect", "f.nn", "--stage", "gradients", "--line", "2"), cli.run) == 2
    capsys.readouterr()


def test_without_numbers_the_stage_is_the_graph_of_a_step(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("xor.nn") == 0
    experiment = pipeline.check(XOR, "xor.nn")
    assert capsys.readouterr().out.count("\n") > len(experiment.network.training.nodes())
