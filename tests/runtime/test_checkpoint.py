"""A run that goes on from a checkpoint is the run that never stopped, to the byte."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dsl.errors import Diagnostic, RunError
from runtime import model_file
from runtime.checkpoint import read, require_fit, write
from runtime.evaluate import Evaluation, OutputScores
from runtime.events import EpochDone, Event, NotSaved, Saved, TrainResult
from runtime.job import Job
from runtime.loop import Keep, Pace
from runtime.progress import Progress, Snapshot, from_json, to_json
from runtime.schedule import Plateau
from runtime.train import train
from tests.runtime.test_train import NUMBERS, ROWS, TEXT, job

ALWAYS = Pace(0, 0, float("inf"))
DROPOUT = TEXT.replace("maxpool", "dropout 0.3\n  maxpool")
SPECS = {
    "adam": DROPOUT,
    "plateau": DROPOUT.replace("epochs 6", "epochs 6 ; schedule plateau factor=0.5 ; stop patience=2"),
    "steps": DROPOUT.replace("epochs 6", "steps 13 ; schedule cosine warmup=3"),
    "tokens": DROPOUT.replace("batch 8", "batch tokens=25").replace("epochs 6", "epochs 3"),
    "adagrad": DROPOUT.replace("adam", "adagrad").replace("epochs 6", "epochs 3"),
    "numbers": NUMBERS,
    "stream": """model m(text: words) -> next: next(text) {
  embed 5
  lstm 4 layers=2 dropout=0.2 stateful
  dense softmax
}
data { train "train.tsv" ; valid "valid.tsv" ; format text }
train { sgd lr=0.5 ; batch 4 ; unroll 5 ; epochs 2 }
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, times in (("train", 10), ("valid", 2), ("test", 1)):
        lines = [f"{label}\t{text}\n" for label, text in ROWS] * times
        (tmp_path / f"{name}.tsv").write_text("".join(lines))
    points = np.random.default_rng(7).uniform(-1, 1, (24, 2))
    (tmp_path / "train.csv").write_text("".join(f"{a:.4f},{b:.4f},{a - b:.4f}\n" for a, b in points))
    return tmp_path


def silent(event: Event) -> None:
    pass


def keeping(path: Path, saved: list[int] | None = None) -> Keep:
    def save(snapshot: Snapshot) -> None:
        write(path, snapshot, {})
        if saved is not None:
            saved.append(snapshot.progress.step)

    return Keep(save, ALWAYS)


def same(first: TrainResult, second: TrainResult) -> bool:
    weights = all(first.weights[n].tobytes() == second.weights[n].tobytes() for n in first.weights)
    alike = [replace(r, weights={}, seconds=0.0) for r in (first, second)]
    return weights and alike[0] == alike[1]


def after(steps: int) -> Callable[[], bool]:
    left = iter(range(steps - 1, -1, -1))
    return lambda: next(left) == 0


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_run_that_is_stopped_after_every_step_ends_as_the_one_that_was_not(spec: str, folder: Path):
    work, path = job(spec, folder), folder / "checkpoint"
    whole = train(work, silent, keep=keeping(folder / "whole"))
    found = train(work, silent, after(1), keep=keeping(path))
    stops = 1
    while found.stopped:
        snapshot, _ = read(path)
        require_fit(path, snapshot, work)
        found = train(work, silent, after(1), keep=keeping(path), resume=snapshot)
        stops += 1
    assert stops >= whole.step
    assert same(found, whole)
    assert path.read_bytes() == (folder / "whole").read_bytes()


def test_events_of_the_parts_are_those_of_the_whole(folder: Path):
    work, path = job(DROPOUT, folder), folder / "checkpoint"
    whole: list[Event] = []
    parts: list[Event] = []
    train(work, whole.append)
    train(work, parts.append, after(13), keep=keeping(path))
    train(work, parts.append, resume=read(path)[0])
    epochs = [[replace(e, seconds=0) for e in events if isinstance(e, EpochDone)] for events in (whole, parts)]
    assert epochs[0] == epochs[1]


def test_a_run_is_saved_by_time_at_epochs_and_at_its_end(folder: Path):
    work = job(TEXT, folder, "train.epochs=2")
    saved: list[int] = []
    keep = keeping(folder / "c", saved)
    train(work, silent, keep=keep)
    assert saved == [1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 10]
    saved.clear()
    train(work, silent, keep=replace(keep, pace=Pace(1e9, 0, float("inf"))))
    assert saved == [5, 10]
    saved.clear()
    train(work, silent, keep=replace(keep, pace=Pace()))
    assert saved == [10]


def test_saving_takes_only_its_share_of_the_time(folder: Path):
    saved: list[int] = []
    keep = keeping(folder / "c", saved)
    train(job(TEXT, folder), silent, keep=replace(keep, pace=Pace(0, 0, 1e-9)))
    assert saved == [1, 30]


def test_a_checkpoint_that_cannot_be_written_is_told_once_and_costs_nothing_else(folder: Path):
    def fail(snapshot: Snapshot) -> None:
        raise RunError(Diagnostic("NN805", "no room"))

    events: list[Event] = []
    work = job(TEXT, folder)
    assert same(train(work, events.append, keep=Keep(fail, ALWAYS)), train(work, silent))
    assert [e.diagnostics[0].code for e in events if isinstance(e, NotSaved)] == ["NN805"]
    assert not any(isinstance(e, Saved) for e in events)


def test_a_finished_run_that_is_gone_on_with_says_the_same_again(folder: Path):
    work, path = job(TEXT, folder), folder / "checkpoint"
    whole = train(work, silent, keep=keeping(path))
    before = path.read_bytes()
    assert same(train(work, silent, keep=keeping(path), resume=read(path)[0]), whole)
    assert path.read_bytes() == before


def test_more_epochs_go_on_from_where_fewer_ended(folder: Path):
    path = folder / "checkpoint"
    train(job(DROPOUT, folder, "train.epochs=2"), silent, keep=keeping(path))
    longer = job(DROPOUT, folder, "train.epochs=5")
    assert same(train(longer, silent, resume=read(path)[0]), train(longer, silent))


def test_a_number_that_is_not_finite_after_a_resume_is_found_too(folder: Path):
    path = folder / "checkpoint"
    work = job(NUMBERS, folder, "train.sgd.lr=1e20", "train.epochs=50")
    train(work, silent, after(1), keep=keeping(path))
    with pytest.raises(RunError) as caught:
        train(work, silent, resume=read(path)[0])
    assert caught.value.diagnostics[0].code == "NN850"
    assert caught.value.diagnostics[0].span is not None


def test_progress_is_read_as_it_was_written():
    nan, inf = float("nan"), float("inf")
    scores = OutputScores("y", {"accuracy": 0.1 + 0.2, "auc": inf}, {"a": {"f1": 1 / 3, "count": 4}}, ((1, 2), (3, 4)))
    best = Evaluation(5, -inf, (scores, OutputScores("z", {"rmse": 1e-300})))
    progress = Progress(2, 31, 3, 1 / 7, 24, 1e-3, 1, best, Plateau(0.25, 3))
    written = json.loads(json.dumps(to_json(progress), sort_keys=True))
    assert from_json(written) == progress
    assert repr(from_json(written)) == repr(progress)
    assert str(from_json(to_json(replace(progress, loss=nan))).loss) == "nan"


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": -1},
        {"epoch": True},
        {"step": "1"},
        {"batch": 2**63},
        {"loss": None},
        {"best_valid": {}},
        {"plateau": []},
        {"best_epoch": 9},
        {"examples": 10**6},
    ],
)
def test_a_checkpoint_that_contradicts_itself_is_refused(change: dict[str, object], folder: Path):
    work, path = job(TEXT, folder), folder / "checkpoint"
    train(work, silent, after(7), keep=keeping(path))
    tensors, meta = model_file.load(path)
    model_file.save(path, tensors, {**meta, "progress": {**meta["progress"], **change}})
    assert refused(path, work) == "NN814"


@pytest.mark.parametrize("broken", ["name", "shape", "dtype", "finite", "best", "kind"])
def test_a_checkpoint_of_other_weights_is_refused(broken: str, folder: Path):
    work, path = job(TEXT, folder), folder / "checkpoint"
    train(work, silent, after(7), keep=keeping(path))
    tensors, meta = model_file.load(path)
    name = "now/embed.weight"
    match broken:
        case "name":
            tensors["now/more"] = tensors[name]
        case "shape":
            tensors[name] = tensors[name][1:]
        case "dtype":
            tensors[name] = tensors[name].astype(np.float64)
        case "finite":
            tensors[name] = tensors[name] * np.float32("nan")
        case "best":
            del tensors["best/embed.weight"]
        case _:
            meta["kind"] = "model"
    model_file.save(path, tensors, meta)
    assert refused(path, work) == "NN814"


def refused(path: Path, work: Job) -> str:
    with pytest.raises(RunError) as caught:
        require_fit(path, read(path)[0], work)
    return caught.value.diagnostics[0].code


def test_damaged_checkpoint_is_no_place_to_resume_from(tmp_path: Path):
    (tmp_path / "checkpoint").write_bytes(b"")
    with pytest.raises(RunError) as caught:
        read(tmp_path / "checkpoint")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "NN802"
    assert "--overwrite" in (diagnostic.help or "")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("best_valid", "loss"), 10**400),
        (("best_valid", "outputs", 0, "metrics", 0, 1), 10**400),
        (("best_valid", "outputs", 0, "classes"), []),
        (("best_valid", "outputs", 0, "classes"), None),
        (("best_valid", "outputs", 0, "classes", 0, 1), []),
        (("best_valid", "outputs", 0, "confusion"), [[1]]),
        (("best_valid", "outputs", 0, "confusion"), None),
        (("plateau", "factor"), "nan"),
        (("plateau", "factor"), 3),
    ],
)
def test_a_checkpoint_with_scores_of_no_such_run_is_refused(place: tuple[str | int, ...], value: object, folder: Path):
    work, path = job(TEXT, folder), folder / "checkpoint"
    train(work, silent, after(7), keep=keeping(path))
    tensors, meta = model_file.load(path)
    held = meta["progress"]
    assert held["best_valid"] is not None
    for step in place[:-1]:
        held = held[step]
    held[place[-1]] = value
    model_file.save(path, tensors, meta)
    assert refused(path, work) == "NN814"
