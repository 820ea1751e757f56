"""Runs that begin somewhere: phases in order, vectors, another run; what is learnt stays what it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nnc import cli
from nnc.failure import guarded
from nnc.opening import open_model

MODEL = """model m(text: words) -> label: class {
  embed 4 vectors="v.txt" as emb
  batchnorm as norm
  maxpool
  dense softmax as head
}
"""
TWO = """data large { train "a.tsv" ; valid "b.tsv" }
data small { train "b.tsv" ; valid "b.tsv" }
train first { data large ; freeze emb ; epochs 2 ; batch 4 }
train then { data small ; freeze norm ; epochs 1 ; batch 4 }
"""
OTHER = """model o(text: words) -> label: class { embed 4 as emb ; mean ; dense softmax }
data { train "b.tsv" ; valid "b.tsv" }
train { init from="runs/m" ; freeze emb ; epochs 1 }
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.tsv").write_text("good\ta fine thing\nbad\tpoor work\nbad\ta poor thing\n" * 4)
    (tmp_path / "b.tsv").write_text("good\tfine new work\nbad\tpoor new thing\n" * 4)
    (tmp_path / "v.txt").write_text("fine 1 2 3 4\npoor 5 6 7 8\nnew 9 9 9 9\n")
    (tmp_path / "m.nn").write_text(MODEL + TWO)
    (tmp_path / "o.nn").write_text(OTHER)
    return tmp_path


def nnc_run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


def test_phases_run_in_order_and_keep_words_and_what_is_frozen(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert nnc_run("train", "m.nn", "--set", "then.epochs=1", "--out", "whole") == 0
    assert "vectors: 2 of 5 words found in v.txt" in capsys.readouterr().out
    log = [json.loads(line) for line in (here / "whole" / "log.jsonl").read_text().splitlines()]
    assert [(entry["phase"], entry["epoch"]) for entry in log] == [("first", 1), ("first", 2), ("then", 1)]
    model = open_model("whole")
    assert model.experiment.phase == "then"
    assert "new" not in model.tables.vocabularies["text"].tokens
    (here / "m.nn").write_text(MODEL + TWO[: TWO.index("train then")])
    assert nnc_run("train", "m.nn", "--out", "half") == 0
    half = open_model("half").weights
    for name in ("norm.weight", "norm.bias", "norm.running_mean", "norm.running_variance"):
        np.testing.assert_array_equal(model.weights[name], half[name])
    index = model.tables.vocabularies["text"].index
    np.testing.assert_array_equal(half["emb.weight"][index["fine"]], [1, 2, 3, 4])
    assert (model.weights["emb.weight"] != half["emb.weight"]).any()


def test_eval_of_a_run_with_words_from_before_gives_the_scores_of_training(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nnc_run("train", "m.nn", "--json") == 0
    trained = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert nnc_run("eval", "runs/m", "--json") == 0
    scored = json.loads(capsys.readouterr().out)
    assert scored["valid"]["loss"] == pytest.approx(trained["valid"]["loss"], abs=1e-6)


def test_init_starts_from_the_rows_of_another_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert nnc_run("train", "m.nn") == 0
    capsys.readouterr()
    assert nnc_run("train", "o.nn") == 0
    assert "init: 1 weight of emb from runs/m" in capsys.readouterr().out
    first, second = open_model("runs/m"), open_model("runs/o")
    np.testing.assert_array_equal(first.weights["emb.weight"], second.weights["emb.weight"])
    assert first.tables.vocabularies == second.tables.vocabularies


def test_error_in_vectors_is_told_with_both_places(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "v.txt").write_text("fine 1 2 3 4\npoor 5 six 7 8\n")
    assert nnc_run("train", "m.nn") == 1
    told = capsys.readouterr().err
    assert "error[NN752]" in told
    assert "--> v.txt:2:8" in told
    assert "m.nn:2" in told
    assert not (here / "runs" / "m").exists()


@pytest.mark.parametrize(
    ("rows", "code"),
    [(None, "NN700"), ("good\tfine\n" * 8, "NN717"), ("good\tfine\nbad\tpoor\nugly\tnew\n" * 4, "NN874")],
)
def test_what_is_wrong_with_a_later_phase_is_said_before_the_first_is_trained(
    here: Path, capsys: pytest.CaptureFixture[str], rows: str | None, code: str
) -> None:
    spec = here / "m.nn"
    spec.write_text(spec.read_text().replace('small { train "b.tsv"', 'small { train "c.tsv"'))
    if rows is not None:
        (here / "c.tsv").write_text(rows)
    assert nnc_run("train", "m.nn", "--out", "run") == 1
    said = capsys.readouterr()
    assert code in said.err
    assert "epoch" not in said.out
    assert not (here / "run").exists()
