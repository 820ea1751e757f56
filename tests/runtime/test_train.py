from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compiler import pipeline
from dsl.errors import RunError
from runtime import train as training
from runtime.data import read
from runtime.evaluate import evaluate
from runtime.events import BatchDone, EpochDone, Event, Started
from runtime.execute import Executor
from runtime.job import Job
from runtime.train import train
from tests import chosen

TEXT = """model m(text: words) -> label: class {
  embed 5
  maxpool
  dense softmax
}
data { train "train.tsv" ; valid "valid.tsv" ; test "test.tsv" }
train { adam lr=0.05 ; batch 8 ; epochs 6 }
"""
NUMBERS = """model m(x: real[2]) -> y: real {
  dense 3 tanh
  dense
}
data { train "train.csv" columns=x,y }
train { sgd lr=0.1 ; batch 4 ; epochs 3 }
"""
ROWS = [("good", "a fine thing"), ("bad", "a poor thing"), ("good", "fine fine work"), ("bad", "poor work indeed")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, times in (("train", 10), ("valid", 2), ("test", 1)):
        lines = [f"{label}\t{text}\n" for label, text in ROWS] * times
        (tmp_path / f"{name}.tsv").write_text("".join(lines))
    random = np.random.default_rng(7)
    points = random.uniform(-1, 1, (24, 2))
    (tmp_path / "train.csv").write_text("".join(f"{a:.4f},{b:.4f},{a - b:.4f}\n" for a, b in points))
    return tmp_path


def job(spec: str, folder: Path, *sets: str, seed: int | None = None) -> Job:
    unbound = pipeline.check(spec, "m.nn", sets=sets, seed=seed)
    assert unbound.data is not None
    dataset = read(unbound.network.ports, unbound.data, folder, None)
    experiment = pipeline.check(spec, "m.nn", sets=sets, seed=seed, sizes=dataset.tables.sizes())
    step = pipeline.training_step(experiment)
    return Job(
        experiment.network,
        experiment.train,
        replace(step, graph=pipeline.optimize(step.graph)),
        pipeline.optimize(experiment.network.evaluation),
        dataset,
        chosen.backend(),
        pipeline.compiler_for(chosen.backend().native is not None, chosen.backend().threads),
    )


def silent(event: Event) -> None:
    pass


def recorded() -> tuple[list[Event], Callable[[Event], None]]:
    events: list[Event] = []
    return events, events.append


def test_training_learns_what_can_be_learned(folder: Path):
    result = train(job(TEXT, folder), silent)
    assert result.valid is not None
    assert result.test is not None
    assert result.valid.value("accuracy") == 1
    assert result.test.value("label.macro_f1") == 1
    assert result.epochs == 6
    assert not result.stopped


def test_training_twice_gives_the_same_bytes(folder: Path):
    first, second = train(job(TEXT, folder), silent), train(job(TEXT, folder), silent)
    assert first.weights.keys() == second.weights.keys()
    assert all((first.weights[name] == second.weights[name]).all() for name in first.weights)


@pytest.mark.parametrize("optimizer", ["adam eps=1e-30", "adagrad eps=1e-30"])
def test_smallest_eps_keeps_the_row_of_the_padding(optimizer: str, folder: Path):
    """Its gradient is 0 in every step, and 0 / (0 + eps) must be a number."""
    result = train(job(TEXT.replace("adam lr=0.05", optimizer), folder), silent)
    assert (result.weights["embed.weight"][0] == 0).all()


def test_another_seed_gives_other_weights(folder: Path):
    first, second = train(job(TEXT, folder), silent), train(job(TEXT, folder, seed=2), silent)
    assert any((first.weights[name] != second.weights[name]).any() for name in first.weights)


def test_training_tells_start_batches_and_epochs(folder: Path):
    events, tell = recorded()
    train(job(TEXT, folder, "train.epochs=2"), tell)
    start = events[0]
    assert isinstance(start, Started)
    assert start.rows == {"train": 40, "valid": 8, "test": 4}
    assert start.batches == 5
    assert start.needed_bytes > 4 * start.weights
    batches = [e for e in events if isinstance(e, BatchDone)]
    assert [(e.epoch, e.batch) for e in batches] == [(e, b) for e in (1, 2) for b in range(1, 6)]
    assert sum(e.examples for e in batches) == 80
    assert sum(e.tokens for e in batches) == 2 * 10 * 12
    assert [e.epoch for e in events if isinstance(e, EpochDone)] == [1, 2]


def test_the_weights_that_are_kept_are_those_of_the_best_epoch(folder: Path):
    work = job(TEXT, folder, "train.adam.lr=0.5", "train.epochs=8")
    events, tell = recorded()
    result = train(work, tell)
    assert work.dataset.valid is not None
    executor = Executor(work.backend, work.evaluation, work.compile_bucket, dict(result.weights))
    again = evaluate(executor, work.network.heads, work.dataset.valid, work.dataset.tables, work.settings.batch)
    best = next(e for e in events if isinstance(e, EpochDone) and e.epoch == result.best_epoch)
    assert again == best.valid == result.valid
    scores = [(-e.valid.value("accuracy"), e.valid.loss) for e in events if isinstance(e, EpochDone) and e.valid]
    assert scores.index(min(scores)) == result.best_epoch - 1


def test_stop_ends_when_nothing_gets_better(folder: Path):
    sets = ("train.adam.lr=1e-30", "train.epochs=50", "train.stop.patience=2")
    result = train(job(TEXT, folder, *sets), silent)
    assert result.early
    assert result.epochs == 3
    assert result.best_epoch == 1


def test_without_validation_rows_the_last_epoch_is_kept(folder: Path):
    events, tell = recorded()
    result = train(job(NUMBERS, folder), tell)
    assert result.valid is None
    assert result.test is None
    assert result.train is not None
    assert result.train.rows == 24
    assert result.best_epoch == 3
    losses = [e.loss for e in events if isinstance(e, EpochDone)]
    assert losses[-1] < losses[0]
    assert not any(e.best for e in events if isinstance(e, EpochDone))


def test_a_run_that_is_asked_to_stop_ends_at_the_step(folder: Path):
    events, tell = recorded()
    result = train(job(TEXT, folder), tell, lambda: len(events) >= 8)
    assert result.stopped
    assert result.step == 6
    assert result.epochs == 1
    assert result.test is None
    assert result.best_epoch == 1


def test_a_run_that_is_stopped_in_its_first_epoch_keeps_the_weights_as_they_are(folder: Path):
    result = train(job(TEXT, folder), silent, lambda: True)
    assert result.stopped
    assert result.step == 1
    assert result.epochs == 0
    assert set(result.weights) == {p.name for p in job(TEXT, folder).network.parameters}


@pytest.mark.parametrize("lr", ["1e20", "1e38"])
def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_line(folder: Path, lr: str):
    with pytest.raises(RunError) as caught:
        train(job(NUMBERS, folder, f"train.sgd.lr={lr}", "train.epochs=50"), silent)
    found = caught.value.diagnostics[0]
    assert found.code in ("NN850", "NN851")
    assert "step" in found.message
    assert found.span is not None
    # The squared error overflows before any layer does, and that is made by the output `y`.
    assert (found.span.line, found.span.snippet) == (1, "y")
    assert "inf in" in found.label
    assert "from numbers up to" in found.label


def test_what_does_not_fit_is_refused_before_anything_is_allocated(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(training, "initial_weights", lambda *_: pytest.fail("weights were made"))
    work = job(TEXT, folder)
    small = replace(work, backend=replace(work.backend, available_bytes=lambda: 1000))
    events, tell = recorded()
    with pytest.raises(RunError) as caught:
        train(small, tell)
    assert caught.value.diagnostics[0].code == "NN852"
    assert not events
