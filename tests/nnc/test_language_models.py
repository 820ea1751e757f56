"""Language models from end to end: read, checked, trained, scored; what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import nnc
from nnc import cli
from nnc.failure import guarded
from tests.nnc.language_models import language_model

Runner = Callable[..., str]

STREAM = """model m(text: words) -> next: next(text) {
  embed 6 init=uniform scale=0.1 as emb
  lstm 6 stateful
  dense softmax tied=emb
}
data { train "train.txt" ; valid 20% last ; test "test.txt" }
train { adam lr=0.05 ; batch 3 ; unroll 5 ; epochs 2 }
"""
LINES = STREAM.replace(" stateful", "").replace(" ; unroll 5", "").replace("20% last", "20%")
WINDOWS = LINES.replace("text: words", "text: words(max=4)").replace("20%", "20% last")
BOTH = """model m(text: words) -> next: next(text), label: class {
  x = embed 6
  next = x | lstm 6 | dense softmax
  label = x | mean | dense softmax
}
"""
TEXT = "the cat sat\n\non the mat\nthe dog sat on the cat\n" * 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.txt").write_text(TEXT)
    (tmp_path / "test.txt").write_text("the dog sat\n")
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runner:
    def running(*arguments: str) -> str:
        capsys.readouterr()
        code = guarded(arguments, cli.run)
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out

    return running


@pytest.mark.parametrize(("spec", "rows"), [(STREAM, 4), (LINES, 1), (WINDOWS, 1)], ids=["stream", "lines", "windows"])
def test_language_model_is_trained_and_scored_alike_from_its_file(spec: str, rows: int, folder: Path, run: Runner):
    (folder / "m.nn").write_text(spec)
    out = run("train", "m.nn", "--out", "r", "--json")
    wanted = json.loads(out.splitlines()[-1])["test"]
    out = run("eval", "r", "--json")
    found = json.loads(out)["test"]
    assert found == wanted
    assert found["rows"] == rows
    assert found["perplexity"] == pytest.approx(np.exp(found["nats"]))


def test_check_of_a_stream_counts_tokens_and_measures_lines(folder: Path, run: Runner):
    (folder / "m.nn").write_text(STREAM)
    out = run("check", "m.nn", "--data")
    assert "tokens  51 train · 13 valid · 4 test" in out
    assert "0 to 6 words" in out
    assert "repeats" not in out


def test_inspect_of_a_stream_has_its_windows(folder: Path, run: Runner):
    (folder / "m.nn").write_text(STREAM)
    out = run("inspect", "m.nn", "--stage", "plan")
    assert "i64[3, 5]" in out


def test_weights_that_are_tied_are_one(folder: Path):
    model = nnc.train(STREAM, TEXT.splitlines()).model
    assert [name for name in model.weights if name.endswith("weight")] == ["emb.weight"]


def test_rows_in_memory_are_lines_without_an_output(folder: Path):
    model = nnc.train(STREAM, TEXT.splitlines(), valid=["the cat sat"]).model
    assert model.evaluate(["the dog sat"])["rows"] == 4
    assert model.evaluate({"text": [["the", "dog"], ["sat"]]})["rows"] == 5


def test_tokens_that_follow_are_no_answer(folder: Path):
    model = nnc.train(LINES, TEXT.splitlines()).model
    with pytest.raises(nnc.NncError) as caught:
        model.predict_proba(["the cat"])
    assert caught.value.diagnostics[0].code == "NN877"


def test_other_outputs_are_answered_beside_next(folder: Path):
    rows = [("long", "a b c"), ("short", "a")] * 5
    model = nnc.train(BOTH, rows).model
    assert set(model.evaluate(rows)) >= {"next", "label"}
    (found,) = model.predict_proba(["a b"])
    assert set(found) == {"long", "short"}


def test_classifier_refuses_a_language_model(folder: Path):
    with pytest.raises((ValueError, nnc.NncError)):
        nnc.NncClassifier(LINES).fit(["a b", "b a"] * 3, ["x", "y"] * 3)


@pytest.mark.parametrize("cell", ["srn 4", "srn 4 stateful"])
def test_language_model_of_pieces_goes_on_from_a_word_as_it_ends(cell: str, tmp_path: Path):
    model = language_model(tmp_path, f"embed 4 ; {cell} ; dense softmax", "subwords[40]", text="a cat, a cap\n" * 3)
    with_space, without = (model.generate(prompt, max=6) for prompt in ("a cat, ", "a cat,"))
    # The space is part of the word that comes.
    assert with_space.removeprefix("a cat, ") == without.removeprefix("a cat,").removeprefix(" ")
    (continued,) = model.predict(["a c"])
    assert continued.startswith("a c")
