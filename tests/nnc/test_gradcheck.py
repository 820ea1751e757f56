"""`nnc gradcheck`: right gradients pass, a wrong one is caught and named, a kink is no error."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compiler.ir.graph import Node, apply
from compiler.ops.elementwise import Mul, Tanh, constant
from nnc import cli
from nnc.failure import guarded
from nnc.gradcheck import error_of, gradcheck
from nnc.single import of_row, start

XOR = """model xor(point: real[2]) -> odd: class {
  dense 3 tanh
  dense softmax
}
data { train "xor.csv" columns=point,odd }
"""
MANY = """cell leaky(x) state h {
  h' = 0.5 * h + 0.5 * tanh(linear(x, h))
}
model m(text: words) -> label: class {
  embed 4
  dropout 0.5
  parallel {
    conv k=2,3 filters=2 relu | maxpool
    leaky 2 bidir | last
    attention heads=2 | mean
  }
  layernorm
  dense 3 gelu
  dense softmax
}
data { train "texts.tsv" }
"""
RELU = """model m(x: real[2]) -> y: real {
  h = dense 1 as unit bias=5
  h - 5 | relu
  dense as out
}
data { train "numbers.csv" columns=x,y }
"""
BARE = "model m(text: words) -> label: class {\n  embed 3\n  gru 2\n  last\n  dense softmax\n}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name, text in (("xor", XOR), ("many", MANY), ("relu", RELU), ("bare", BARE)):
        (tmp_path / f"{name}.nn").write_text(text)
    (tmp_path / "xor.csv").write_text("0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n")
    (tmp_path / "texts.tsv").write_text("a\tone two three\nb\tfour five one two six\na\tone\n")
    (tmp_path / "numbers.csv").write_text("1,2,3\n2,1,4\n0,0,1\n")
    return tmp_path


def nnc_run(*arguments: str) -> int:
    return guarded(("gradcheck", *arguments), cli.run)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert nnc_run(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_gradients_of_many_layers_are_right_worst_first(here: Path, capsys: pytest.CaptureFixture[str]):
    found = told(capsys, "many.nn", "--entries", "4")
    assert found["ok"]
    errors = [w["error"] for w in found["weights"]]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < 1e-5
    assert {len(w["entries"]) for w in found["weights"]} == {2, 3, 4}  # of biases all


def test_page_says_how_many_numbers_of_each_weight_were_checked(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("many.nn", "--entries", "4", "--row", "2") == 0
    out = capsys.readouterr().out
    assert out.startswith("many.nn  ok")
    assert "4 of 36" in out  # six words and three ids of the program's, four numbers each
    assert max(map(len, out.splitlines())) <= 80


@pytest.fixture
def wrong_tanh(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Tanh.gradient

    def gradient(self: Tanh, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        (flow,) = right(self, node, cotangent)
        assert flow is not None
        return (apply(Mul(), flow, constant(1.01, node.type.dtype)),)

    monkeypatch.setattr(Tanh, "gradient", gradient)


@pytest.mark.usefixtures("wrong_tanh")
def test_a_rule_that_is_one_percent_wrong_is_caught(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("xor.nn") == 1
    out, err = capsys.readouterr()
    assert "WRONG" in out
    assert "NN823" in err
    assert "dense.weight[" in err or "dense.bias[" in err
    assert "dense.2" not in err  # what is behind the tanh is right
    assert nnc_run("xor.nn", "--tolerance", "0.02") == 0


@pytest.mark.usefixtures("wrong_tanh")
def test_a_wrong_rule_in_a_loop_is_caught(here: Path):
    assert nnc_run("bare.nn", "--sizes", "V=6,classes=2,T=3", "--entries", "2") == 1


def test_a_spec_without_data_is_checked_on_sizes(here: Path, capsys: pytest.CaptureFixture[str]):
    assert told(capsys, "bare.nn", "--sizes", "V=6,classes=2,T=3", "--entries", "3")["ok"]
    assert nnc_run("bare.nn") == 1
    assert "NN869" in capsys.readouterr().err


def test_a_kink_is_named_and_no_error(here: Path, capsys: pytest.CaptureFixture[str]):
    """relu(w 0 + 5 - 5): moved to one side the unit wakes, to the other it sleeps."""
    assert nnc_run("relu.nn", "--row", "3") == 0
    out = capsys.readouterr().out
    assert "relu at relu.nn:3" in out
    assert "1 number stands on a kink" in out


def test_near_a_kink_a_smaller_step_is_right(here: Path):
    begun = start(here / "relu.nn", (), None, with_data=True)
    weights = {**begun.weights, "unit.weight": np.array([[1e-6], [0.0]]), "unit.bias": np.array([5 + 2e-6])}
    single = of_row(type(begun)(begun.experiment, begun.data, begun.tables, weights), 1)
    found = gradcheck(single, most=10, tolerance=1e-4, optimized=True)
    assert found.error < 1e-4
    assert found.kinks == []


def test_the_row_of_the_padding_is_no_weight(here: Path, capsys: pytest.CaptureFixture[str]):
    """A text of one word is padded for the kernels of two and three."""
    (embed,) = (w for w in told(capsys, "many.nn", "--row", "3", "--entries", "100")["weights"] if "embed" in w["name"])
    assert len(embed["entries"]) == embed["size"] - 4
    assert min(e["place"][0] for e in embed["entries"]) == 1


def test_weights_that_start_at_zero_are_moved_so_that_what_is_behind_them_is_checked(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    """Where word2vec begins, its output vectors are 0, and so is the gradient of every input vector."""
    (here / "skipgram.nn").write_text(
        "model m(center: word) -> context: word(vocabulary=center) {\n  embed 5\n  dense negatives=2\n}\n"
    )
    found = told(capsys, "skipgram.nn", "--sizes", "V=9")
    assert found["ok"]
    assert found["moved"] == ["dense.weight"]
    assert [w["name"] for w in found["weights"] if not any(e["gradient"] for e in w["entries"])] == []
    assert nnc_run("skipgram.nn", "--sizes", "V=9") == 0
    assert "moved a little off 0" in capsys.readouterr().out


def test_weights_that_start_at_zero_stay_there_where_nothing_sleeps(here: Path, capsys: pytest.CaptureFixture[str]):
    """Where all gradients flow the check is made at the weights that training begins with: sqrt takes none below."""
    (here / "root.nn").write_text(
        "model m(x: real) -> y: real {\n  s = param[8]\n  (x | dense 8 | tanh) * sqrt(s + 0.02) | dense\n}\n"
    )
    assert told(capsys, "root.nn", "--sizes", "B=2")["moved"] == []


def test_page_names_the_weights_whose_gradients_are_all_0(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "asleep.nn").write_text("model m(x: real[2]) -> y: real {\n  dense 3 relu bias=-100\n  dense 1\n}\n")
    assert nnc_run("asleep.nn", "--sizes", "B=2") == 0
    out = capsys.readouterr().out
    assert "gradients that are all 0 here" in out
    assert out.index("dense.weight, dense.bias") > out.index("all 0 here")


def test_without_weights_there_is_nothing_to_check(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "f.nn").write_text("model f(x: real) -> y: real {\n  y = x * x\n}\n")
    assert nnc_run("f.nn") == 1
    printed = " ".join(capsys.readouterr().err.split())
    assert "NN824" in printed
    assert "nnc inspect f.nn --stage gradients --at x=1" in printed


def test_an_error_is_relative_but_for_what_no_difference_can_tell():
    assert error_of(1.0, 1.01, 0.5) == pytest.approx(0.01 / 1.01)
    assert error_of(1e-12, 0.0, 0.5) == pytest.approx(1e-7)
    assert error_of(float("nan"), 0.0, 0.5) == float("inf")


def test_a_trained_model_is_checked_with_its_own_weights(here: Path, capsys: pytest.CaptureFixture[str]):
    assert guarded(("train", "xor.nn", "--out", "run", "--set", "train.epochs=1"), cli.run) == 0
    capsys.readouterr()
    losses = [told(capsys, what)["loss"] for what in ("xor.nn", "run")]
    assert losses[0] != losses[1]
    assert nnc_run("run", "--sizes", "classes=2") == 2
