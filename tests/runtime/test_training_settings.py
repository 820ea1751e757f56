"""What the entries of `train` make of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runtime.class_weights import class_weights
from runtime.events import BatchDone, EpochDone, Event, TrainResult
from runtime.job import Job
from runtime.train import train
from tests import chosen
from tests.runtime.jobs import job, write_data

TEXT = """model m(text: words) -> label: class {
  embed 5
  maxpool
  dense softmax
}
data { train "train.tsv" ; valid "valid.tsv" }
train { TRAIN }
"""
ROWS = 40
"""Of the training file; 8 a batch make 5 batches an epoch."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_data(tmp_path)
    return tmp_path


def job_of(entries: str, folder: Path) -> Job:
    found = job(TEXT.replace("TRAIN", entries), folder, chosen.backend())
    return replace(found, numbers=class_weights(found.settings, found.dataset.train, found.dataset.tables))


def run(entries: str, folder: Path) -> tuple[TrainResult, list[BatchDone], list[EpochDone]]:
    events: list[Event] = []
    result = train(job_of(entries, folder), events.append)
    return (
        result,
        [e for e in events if isinstance(e, BatchDone)],
        [e for e in events if isinstance(e, EpochDone)],
    )


def test_steps_end_inside_an_epoch_which_is_validated(folder: Path):
    result, batches, epochs = run("batch 8 ; steps 7", folder)
    assert (result.step, len(batches), len(epochs)) == (7, 7, 2)
    assert epochs[1].valid is not None


@pytest.mark.parametrize(("limits", "steps"), [("steps 7 ; epochs 1", 5), ("steps 7 ; epochs 9", 7), ("epochs 2", 10)])
def test_run_ends_at_the_first_of_its_limits(folder: Path, limits: str, steps: int):
    assert run(f"batch 8 ; {limits}", folder)[0].step == steps


def test_steps_that_fill_an_epoch_begin_no_other(folder: Path):
    assert len(run("batch 8 ; steps 10", folder)[2]) == 2


def test_batches_of_tokens_train_on_every_row(folder: Path):
    _, batches, epochs = run("batch tokens=40 ; epochs 2", folder)
    assert [sum(b.examples for b in batches if b.epoch == e) for e in (1, 2)] == [ROWS, ROWS]
    assert len({b.examples for b in batches}) > 1
    assert len(epochs) == 2


def test_rate_falls_over_the_steps_of_the_run(folder: Path):
    _, _, epochs = run("adam lr=0.1 ; batch 8 ; epochs 4 ; schedule linear to=0.02", folder)
    # The last step of each epoch is the 5th, 10th, 15th, 20th of 20.
    assert [e.lr for e in epochs] == pytest.approx([0.1 - 0.08 * done / 20 for done in (4, 9, 14, 19)])


def test_rate_shrinks_while_nothing_gets_better(folder: Path):
    _, _, epochs = run("sgd lr=1e-30 ; batch 8 ; epochs 5 ; schedule plateau factor=0.1 patience=1", folder)
    assert [e.lr for e in epochs] == pytest.approx([1e-30, 1e-30, 1e-30, 1e-31, 1e-31], rel=1e-9)


def test_rate_of_a_step_is_what_it_moves_by(folder: Path):
    """A warm-up of two steps: the first moves half as far."""
    start = run("sgd lr=1e-30 ; batch 40 ; steps 1", folder)[0].weights
    half = run("sgd lr=1 ; batch 40 ; steps 1 ; schedule warmup=2", folder)[0].weights
    whole = run("sgd lr=1 ; batch 40 ; steps 1", folder)[0].weights
    for name in start:
        np.testing.assert_allclose(2 * (half[name] - start[name]), whole[name] - start[name], atol=1e-12)


def test_loss_sum_moves_as_many_times_as_far_as_the_batch_has_rows(folder: Path):
    summed, batches, _ = run("sgd lr=0.01 ; batch 8 ; epochs 2 ; loss sum", folder)
    mean, wanted, _ = run("sgd lr=0.08 ; batch 8 ; epochs 2", folder)
    assert [b.loss for b in batches] == pytest.approx([b.loss for b in wanted], rel=1e-9)
    for name, values in mean.weights.items():
        np.testing.assert_allclose(summed.weights[name], values, rtol=1e-9)


def test_balanced_classes_of_even_rows_change_nothing(folder: Path):
    """The two labels have 20 rows each, so that each weighs 1."""
    even, plain = (run(f"adam lr=0.05 ; batch 8 ; epochs 2{more}", folder)[0] for more in (" ; classes balanced", ""))
    for name, values in plain.weights.items():
        np.testing.assert_allclose(even.weights[name], values, rtol=1e-9)


def test_balanced_classes_make_a_rare_label_as_likely_as_the_other(folder: Path):
    """One row in twenty is rare, and no word tells it."""
    lines = ["common\tthe same words\n"] * 19 + ["rare\tthe same words\n"]
    (folder / "train.tsv").write_text("".join(lines * 2))
    losses = []
    for more in ("", " ; classes balanced"):
        spec = TEXT.replace(' ; valid "valid.tsv"', "").replace("TRAIN", f"adam lr=0.1 ; batch 40 ; epochs 60{more}")
        found = job(spec, folder, chosen.backend())
        numbers = class_weights(found.settings, found.dataset.train, found.dataset.tables)
        scores = train(replace(found, numbers=numbers), lambda event: None).train
        assert scores is not None
        losses.append(scores.loss)
    # Of the plain loss, which evaluation tells: the labels' own entropy, and one bit for whatever the label is.
    assert losses == pytest.approx([-(0.95 * np.log(0.95) + 0.05 * np.log(0.05)), np.log(2)], rel=1e-2)


SEVERAL = """model m(text: words) -> label: class, long: real {
  h = embed 5 | mean
  label = h | dense sigmoid
  long = h | dense
}
data { train "both.tsv" columns=label,long,text ; valid 30% }
train { adam lr=0.03 ; batch 8 ; epochs 4 ; stop patience=9 metric=METRIC }
"""
NAMES = ("accuracy", "macro_f1", "precision", "recall", "auc", "loss", "label.auc", "long.rmse", "long.mae", "long.r2")


@pytest.mark.parametrize("name", NAMES)
def test_best_epoch_is_the_best_by_any_metric(folder: Path, name: str):
    lines = (folder / "train.tsv").read_text().splitlines()
    lines = [f"{label}\t{len(text)}\t{text}\n" for label, text in (line.split("\t") for line in lines)]
    (folder / "both.tsv").write_text("".join(lines))
    events: list[Event] = []
    result = train(job(SEVERAL.replace("METRIC", name), folder, chosen.backend()), events.append)
    valid = [e.valid for e in events if isinstance(e, EpochDone)]
    lower = name.rpartition(".")[2] in ("loss", "rmse", "mae")
    ranked = [(-v.value(name) if lower else v.value(name), -v.loss) for v in valid if v is not None]
    assert len(ranked) == 4
    assert (result.metric, result.best_epoch) == (name, 1 + ranked.index(max(ranked)))
