"""A model that writes a text: trained, scored and asked on the command line and from Python."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest

import nnc
from nnc import cli
from nnc.device import backend_of
from nnc.failure import guarded
from tests.nnc.translators import DECODERS, spec

COPIES = "".join(f"{a} {b}\t{b} {a}\n" for a in "abcde" for b in "abcde")
TRAIN = "train { adam lr=0.03 ; batch 5 ; epochs 25 }\npredict { beam 3 max=6 }"


def run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It turns two letters round."""
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "pairs.tsv").write_text(COPIES)
    body = DECODERS["attention in the cell"].replace("embed 4", "embed 8").replace(") 5", ") 16").replace("5 t", "16 t")
    (folder / "m.nn").write_text(spec(body, more=TRAIN))
    assert run("train", str(folder / "m.nn"), "--out", str(folder / "run"), "--json") == 0
    return folder


def test_trained_model_writes_what_it_has_learnt(trained: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert run("predict", str(trained / "run"), "a b", "e c", "d d") == 0
    assert capsys.readouterr().out == "b a\nc e\nd d\n"
    assert run("predict", str(trained / "run"), "--file", str(trained / "pairs.tsv"), "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    wanted = [{"target": line.split("\t")[1]} for line in COPIES.splitlines()]
    assert sum(a == b for a, b in zip(lines, wanted, strict=True)) >= 23
    assert nnc.load(trained / "run").predict(["a b", "e c"]) == ["b a", "c e"]


def test_texts_are_scored_as_they_are_written(trained: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert run("eval", str(trained / "run"), "--data", str(trained / "pairs.tsv"), "--json") == 0
    found = json.loads(capsys.readouterr().out)["test"]
    assert found["exact_match"] >= 23 / 25
    assert {"perplexity", "accuracy", "loss"} < found.keys()
    if importlib.util.find_spec("sacrebleu") is not None:
        assert 90 <= found["chrf"] <= 100
        assert "tok:13a" in found["signature"]
    # The command computes with the kernels that --kernels says, a model that is opened with NumPy's.
    model = replace(nnc.load(trained / "run"), backend=backend_of("cpu"))
    assert model.evaluate(trained / "pairs.tsv") == found


def test_run_ends_with_the_scores_of_its_texts(trained: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    sets = ["train.epochs=1", "data.valid=20%"]
    options = [part for each in sets for part in ("--set", each)]
    assert run("train", str(trained / "m.nn"), "--out", str(trained / "scored"), "--json", *options) == 0
    assert 0 <= json.loads(capsys.readouterr().out.splitlines()[-1])["valid"]["exact_match"] <= 1


def test_model_writes_alike_whether_optimized_or_not(trained: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert run("predict", str(trained / "run"), "a b", "e c", "a", "b b b b b", "--no-optimize") == 0
    plain = capsys.readouterr().out
    assert run("predict", str(trained / "run"), "a b", "e c", "a", "b b b b b") == 0
    assert capsys.readouterr().out == plain


def test_source_that_is_empty_is_translated_too(trained: Path):
    (text,) = nnc.load(trained / "run").predict([""])
    assert isinstance(text, str)
    assert len(text.split()) <= 6


def test_generate_says_that_predict_is_for_it(trained: Path, capsys: pytest.CaptureFixture[str]):
    assert run("generate", str(trained / "run"), "--prompt", "a") == 1
    assert "NN875" in capsys.readouterr().err


def test_step_of_a_decoder_is_shown(trained: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert run("inspect", str(trained / "run"), "--stage", "step") == 0
    assert capsys.readouterr().out.startswith("# each token is read once; carried from one to the next: h [16]\n")


PIECES = """model m(source: subwords[20]) -> target: subwords[20](vocabulary=source) {
  memory = embed 16 as emb | gru 16 bidir
  decode {
    h = embed 16 tied=emb | gru 24
    a = attend(h, memory)
    concat(h, a) | dense 16 tanh
    dense softmax tied=emb
  }
}
data { train "pairs.tsv" columns=source,target }
train { adam lr=0.02 ; batch 5 ; epochs 20 }
predict { beam 3 max=12 }
"""
WORDS = ("low", "lower", "slow", "slower", "new")


def test_text_in_pieces_of_words_is_written_as_a_text(tmp_path: Path):
    pairs = [(f"{a} {b}", f"{b} {a}") for a in WORDS for b in WORDS]
    (tmp_path / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in pairs))
    (tmp_path / "m.nn").write_text(PIECES)
    nnc.train(tmp_path / "m.nn", out=tmp_path / "run")
    model = nnc.load(tmp_path / "run")
    written = model.predict([a for a, _ in pairs])
    assert sum(a == b for a, (_, b) in zip(written, pairs, strict=True)) >= 23
    assert model.evaluate(tmp_path / "pairs.tsv")["exact_match"] >= 23 / 25
    # Of pieces that are never side by side in training, and of characters that it lacks.
    assert all(isinstance(text, str) for text in model.predict(["newer", "", "xyz low"]))
