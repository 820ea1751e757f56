"""Word vectors from a running text: trained, stopped and gone on with, scored."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import nnc
from nnc.opening import open_model
from nnc.runs import Run, run_all
from nnc.training import recipe
from runtime.data.ahead import threads_of_steps
from runtime.data.batches import batch_count, batches
from tests.kills.specs import contents
from tests.nnc.word_models import SKIPGRAM, THINGS, ran, write


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write()


@pytest.mark.parametrize(("name", "counts"), [("skipgram", [1, 1, 2]), ("cbow", [1, 1, 2]), ("pairs", [1, 2, 3])])
def test_steps_of_a_running_text_leave_a_thread_to_who_makes_its_batches(name: str, counts: list[int]):
    made = recipe(Path(f"{name}.nn"))
    rows = made.read(made.check(), None).train
    assert [threads_of_steps(rows, count) for count in (1, 2, 3)] == counts


@pytest.mark.parametrize("name", ["skipgram", "cbow"])
def test_batches_that_are_made_together_are_the_same_from_any_of_them_on(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(import_module("runtime.data.batches"), "TOGETHER", 90)
    made = recipe(Path(f"{name}.nn"))
    rows = made.read(made.check(), None).train

    def found(start: int) -> list[tuple[dict[str, int], dict[str, object]]]:
        every = batches(rows, 30, order="train", seed=1, epoch=0, start=start)
        return [(b.sizes, {name: values.tolist() for name, values in b.arrays.items()}) for b in every]

    whole = found(0)
    assert {sizes["B"] for sizes, _ in whole[:-1]} == {30}
    assert len(whole) == batch_count(rows, 30, seed=1) > 7
    for start in (1, 2, 3, 4, len(whole) - 1):
        assert found(start) == whole[start:]


@pytest.mark.parametrize("name", ["skipgram", "cbow"])
def test_a_run_without_other_lines_ends_with_its_losses(name: str, capsys: pytest.CaptureFixture[str]):
    spec = Path(f"{name}.nn").read_text().replace(" ; valid 10%", "")
    Path("alone.nn").write_text(spec)
    assert ran("train", "alone.nn", "--out", "run", "--set", "train.epochs=1") == 0
    printed = capsys.readouterr().out
    assert "epoch 1 loss" in printed
    assert "try it:  nnc predict run" in printed


@pytest.mark.parametrize("name", ["skipgram", "cbow", "softmax", "pairs"])
def test_words_are_predicted_from_their_neighbours(name: str, capsys: pytest.CaptureFixture[str]):
    assert ran("train", f"{name}.nn", "--out", "run", "--json") == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    losses = [json.loads(line)["loss"] for line in Path("run/log.jsonl").read_text().splitlines() if "epoch" in line]
    assert losses[1] < losses[0]
    assert ("accuracy" in last["valid"]) == (name == "softmax")
    assert ran("eval", "run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["valid"] == last["valid"]
    assert ran("predict", "run", "cat", "hapax") == 0
    known = {"the", *(word for kind in THINGS for word in kind)}
    assert set(capsys.readouterr().out.split()) <= known


@pytest.mark.parametrize("name", ["skipgram", "cbow"])
def test_resuming_gives_the_run_that_never_stopped(name: str):
    arguments = ("train", f"{name}.nn", "--out", "run")
    assert ran(*arguments, "--set", "train.epochs=1") == 0
    assert ran(*arguments, "--resume", "--set", "train.epochs=3") == 0
    assert ran("train", f"{name}.nn", "--out", "whole", "--set", "train.epochs=3") == 0
    assert contents(Path("run")) == contents(Path("whole"))


def test_run_that_is_stopped_late_in_an_epoch_is_gone_on_with():
    """Skip-gram has more examples than the text has words."""
    made = recipe(Path("skipgram.nn"), sets=("data.subsample=1",))
    rows = made.read(made.check(), None).train
    assert rows.text is not None
    asked = [0]

    def stop() -> bool:
        asked[0] += 1
        return asked[0] * 50 > rows.text.words + 100

    Path("run").mkdir()
    (result,) = run_all(Run(made, Path("run"), lambda event: None, stop))
    assert (result.stopped, result.epochs) == (True, 0)
    sets = ("--set", "data.subsample=1")
    assert ran("train", "skipgram.nn", "--out", "run", "--resume", *sets) == 0
    assert ran("train", "skipgram.nn", "--out", "whole", *sets) == 0
    assert contents(Path("run")) == contents(Path("whole"))


@pytest.mark.parametrize("name", ["skipgram", "cbow", "softmax"])
def test_scores_do_not_hang_on_the_size_of_a_batch(name: str):
    assert ran("train", f"{name}.nn", "--out", "run") == 0
    model = open_model(Path("run"))
    rows, _ = model.read(["text.txt"], outputs_optional=False)
    from runtime.evaluate import evaluate

    executor, heads = model.executor(model.experiment.network.evaluation), model.experiment.network.heads
    found = [evaluate(executor, heads, rows, model.tables, batch).loss for batch in (7, 64)]
    assert found[0] == pytest.approx(found[1], abs=1e-6)


@pytest.mark.parametrize("name", ["skipgram", "cbow", "softmax"])
def test_probabilities_are_those_of_words_the_likeliest_first(name: str):
    assert ran("train", f"{name}.nn", "--out", "run") == 0
    (found,) = nnc.load("run").predict_proba(["cat"])
    shares = list(found.values())
    assert len(found) == 10
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1 + 1e-6


def test_vectors_of_rare_words_are_not_there_and_counts_are_in_the_model_file():
    assert ran("train", "skipgram.nn", "--out", "run") == 0
    tables = open_model(Path("run")).tables
    words = tables.vocabularies["center"].tokens
    assert "hapax" not in words
    assert len(tables.counts["center"]) == len(words)
    assert list(tables.counts["center"]) == sorted(tables.counts["center"], reverse=True)


def test_similar_words_come_to_be_neighbours():
    Path("skipgram.nn").write_text(SKIPGRAM.replace("; subsample 0.2", "").replace("epochs 3", "epochs 12"))
    assert ran("train", "skipgram.nn", "--out", "run") == 0
    model = open_model(Path("run"))
    table, index = model.weights["vectors.weight"], model.tables.vocabularies["center"].index
    unit = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
    near = unit @ unit.T
    inside = [near[index[a], index[b]] for kind in THINGS for a in kind for b in kind if a != b]
    across = [near[index[a], index[b]] for a in THINGS[0] for b in (*THINGS[1], *THINGS[2])]
    assert np.mean(inside) > np.mean(across) + 0.5


def test_a_text_without_neighbours_is_refused(capsys: pytest.CaptureFixture[str]):
    Path("text.txt").write_text("the\ncat\nthe\ncat\n" * 5)
    assert ran("train", "skipgram.nn") == 1
    assert "NN790" in capsys.readouterr().err


def test_running_text_without_windows_is_told_of_them(capsys: pytest.CaptureFixture[str]):
    Path("skipgram.nn").write_text(
        SKIPGRAM.replace(" windows=skipgram radius=3 shrink", "").split("; subsample")[0] + "}"
    )
    assert ran("check", "--data", "skipgram.nn") == 1
    assert "windows=skipgram" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("share", "told"),
    [("1e-9", "leaves 0.099 words of an epoch"), ("1e-6", "leaves no two words of a line in epoch")],
)
def test_a_share_that_leaves_no_word_a_neighbour_is_refused(share: str, told: str, capsys: pytest.CaptureFixture[str]):
    Path("skipgram.nn").write_text(SKIPGRAM.replace("subsample 0.2", f"subsample {share}"))
    assert ran("train", "skipgram.nn") == 1
    error = capsys.readouterr().err
    assert "NN790" in error
    assert told in error
