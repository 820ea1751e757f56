"""A run in its folder: folds and phases one after the other, with log, checkpoint and model. Prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from compiler.experiment import Experiment
from dsl.errors import Diagnostic, RunError
from dsl.render import show
from nnc.identity import differences, identity
from nnc.initial import Beginning
from nnc.initial import begin as begin_from
from nnc.locking import locked
from nnc.machine import facts
from nnc.model import Model
from nnc.opening import save_model
from nnc.run_events import ONE_SETTING, Afresh, Ended, Noted, Part, PartBegun, Resumed, RunEvent, Warned
from nnc.run_folder import CHECKPOINT, FOLD, LOG, MODEL, SPEC, TIMES, begin, fold_folder, has_checkpoint, sweep
from nnc.run_log import RunLog, note_time
from nnc.scores import epoch_json
from nnc.training import Recipe, prepared, trained
from runtime import checkpoint
from runtime.backend import Backend
from runtime.data import Dataset, Tables
from runtime.data.tokens import Vocabulary
from runtime.events import EpochDone, Event, Started, TrainResult
from runtime.job import Job
from runtime.loop import Keep, Pace
from runtime.numpy_backend import numpy_backend
from runtime.progress import Snapshot
from runtime.storage import write_atomically


@dataclass(frozen=True)
class Run:
    """What is to be run, and how.

    folder: is there already; first: the rows of its first part, where they have been read
    """

    recipe: Recipe
    folder: Path
    on_event: Callable[[RunEvent], None]
    stop_asked: Callable[[], bool] = lambda: False
    resume: bool = False
    pace: Pace = field(default_factory=Pace)
    backend: Backend = field(default_factory=numpy_backend)
    first: Dataset | None = None


def run_all(run: Run) -> list[TrainResult]:
    """What each fold left, up to one that was stopped; without the weights, which `Ended` has. The folder is locked.

    Raises RunError NN810 to NN812 and NN814 for a folder that cannot be used; NN805 where it cannot be written, after
    as much as possible has been kept.
    """
    with locked(run.folder):
        sweep(run.folder)
        unbound = run.recipe.check()
        if unbound.swept:
            run.on_event(ONE_SETTING)
        folds = unbound.data.folds if unbound.data is not None else None
        if run.resume:
            _require_resumable(run.folder, folds)
        results: list[TrainResult] = []
        for fold in range(folds) if folds is not None else (None,):
            folder = run.folder if fold is None else fold_folder(run.folder, fold)
            ended = _all_phases(run, folder, fold, folds)
            run.on_event(ended)
            results.append(replace(ended.result, weights={}))
            if ended.result.stopped:
                break
        return results


def _require_resumable(folder: Path, folds: int | None) -> None:
    """Raises RunError NN811 or NN812 where starting afresh would take away what was trained."""
    has_folds = any(FOLD.fullmatch(entry.name) for entry in folder.iterdir())
    if (folds is None) == has_folds and (has_folds or has_checkpoint(folder)):
        raise RunError(_differs(folder, [f"it was trained {'with' if has_folds else 'without'} folds"]))
    for each in (folder, folder / "fold-1"):
        if (each / MODEL).is_file() and not (each / CHECKPOINT).is_file():
            message = f"{show(str(each))} has a model, but no checkpoint to go on from"
            help = "--overwrite trains it again from the beginning; without --out the run gets a new folder"
            raise RunError(Diagnostic("NN812", message, help=help))


@dataclass(frozen=True)
class _Saved:
    """What a checkpoint holds."""

    path: Path
    snapshot: Snapshot
    phase: int
    log: int
    about: dict[str, Any]


def _all_phases(run: Run, folder: Path, fold: int | None, folds: int | None) -> Ended:
    """The phases of one fold, those behind a checkpoint left out."""
    sweep(folder)
    phases = run.recipe.phases()
    saved = _saved(folder, fold, phases) if run.resume and (folder / CHECKPOINT).is_file() else None
    if run.resume and saved is None and not fold:
        run.on_event(Afresh(folder))
    log = RunLog(folder / LOG, 0 if saved is None else _kept_length(run, folder / LOG, saved.log))
    ended: Ended | None = None
    for phase in range(saved.phase if saved is not None else 0, len(phases)):
        part = Part(fold, folds, phase, phases)
        ended = _part(run, folder, part, log, saved, None if ended is None else ended.model)
        saved = None
        if ended.result.stopped:
            break
    assert ended is not None
    log.flush()
    return ended


def _saved(folder: Path, fold: int | None, phases: tuple[str, ...]) -> _Saved:
    path = folder / CHECKPOINT
    snapshot, about = checkpoint.read(path)
    try:
        if about["phases"] != list(phases):
            raise RunError(_differs(folder, ["its train sections have other names or another order"]))
        if about["fold"] != fold:
            raise ValueError("it is of another fold")
        log = about["log"]
        if not isinstance(log, int) or isinstance(log, bool) or log < 0:
            raise TypeError("it does not say how long the log was")
        return _Saved(path, snapshot, phases.index(about["phase"]), log, dict(about))
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(checkpoint.unusable(path, str(error))) from None


def _kept_length(run: Run, log: Path, length: int) -> int:
    """How much of the log stays: what stood there when the checkpoint was written."""
    try:
        there = log.stat().st_size
    except OSError:
        there = 0
    if there < length:
        message = f"{show(str(log))} has lost lines since the checkpoint was written: they will be missing"
        run.on_event(Warned((Diagnostic("NN816", message, severity="warning"),)))
    return min(there, length)


def _part(run: Run, folder: Path, part: Part, log: RunLog, saved: _Saved | None, before: Model | None) -> Ended:
    """before: the model of the phase before it, None for the first and for one that is gone on with."""
    recipe = run.recipe
    unbound = recipe.check(phase=part.phase)
    # What the weights started from may have changed since: with a checkpoint only its words are needed.
    beginning = (
        begin_from(unbound, recipe.base, before) if saved is None else Beginning(vocabularies=_vocabularies(saved))
    )
    dataset = _rows(run, part, unbound, beginning)
    experiment, job = prepared(
        recipe,
        dataset,
        run.backend,
        part.phase,
        beginning,
        resumed=saved is not None,
        before=None if saved is None else _computed_by(saved),
        note=lambda text: run.on_event(Noted(text)),
    )
    about = _about(run, part, experiment, job, beginning)
    snapshot = None if saved is None else _gone_on_with(run, saved, about, job)
    run.on_event(PartBegun(part, experiment, dataset, job.backend))

    def save(found: Snapshot) -> None:
        log.flush()
        checkpoint.write(folder / CHECKPOINT, found, {**about, "log": log.length})

    def event(event: Event) -> None:
        if isinstance(event, Started):
            if saved is None and not part.phase:
                begin(folder, part.fold, experiment.spec)
            elif saved is not None:
                write_atomically(folder / SPEC, [experiment.spec.encode()])
        if isinstance(event, EpochDone):
            _log(folder, log, part, event)
        run.on_event(event)

    result, model = trained(
        recipe,
        experiment,
        job,
        event,
        run.stop_asked,
        part.fold,
        keep=Keep(save, run.pace),
        resume=snapshot,
        score=part.last,
    )
    path = folder / MODEL if part.last else None
    if path is not None:
        _save_model(path, model)
    steps_before = 0 if snapshot is None else snapshot.progress.step
    return Ended(part, result, model, dataset, path, result.step > steps_before)


def _rows(run: Run, part: Part, unbound: Experiment, beginning: Beginning) -> Dataset:
    """Those that were read already, where they are this part's."""
    if run.first is not None and not part.fold and not part.phase:
        return run.first
    dataset = run.recipe.read(unbound, part.fold, beginning.vocabularies)
    run.on_event(Warned(dataset.warnings))
    return dataset


def _about(run: Run, part: Part, experiment: Experiment, job: Job, beginning: Beginning) -> dict[str, Any]:
    """What a checkpoint of this part says of itself, besides the length of the log."""
    return {
        "identity": identity(run.recipe, experiment, job.dataset.fingerprint),
        "phase": part.phases[part.phase],
        "phases": list(part.phases),
        "fold": part.fold,
        "vocabularies": {name: list(v.tokens) for name, v in beginning.vocabularies.items()},
        "facts": facts(job.backend),
    }


def _gone_on_with(run: Run, saved: _Saved, about: dict[str, Any], job: Job) -> Snapshot:
    """Raises RunError NN811 where another run is asked for, and what a checkpoint that does not fit raises."""
    _require_same(run, saved, about)
    checkpoint.require_fit(saved.path, saved.snapshot, job)
    run.on_event(Resumed(saved.snapshot.progress.epoch, saved.snapshot.progress.step))
    return saved.snapshot


def _computed_by(saved: _Saved) -> str | None:
    """The name of the backend; None where it does not say."""
    said = saved.about.get("facts")
    return said.get("device") if isinstance(said, Mapping) else None


def _vocabularies(saved: _Saved) -> dict[str, Vocabulary]:
    """Those that its rows were read with."""
    tables = {"vocabularies": saved.about.get("vocabularies"), "labels": {}, "scalings": {}}
    try:
        return dict(Tables.from_json(tables).vocabularies)
    except RunError as error:
        raise RunError(checkpoint.unusable(saved.path, error.diagnostics[0].message)) from None


def _require_same(run: Run, saved: _Saved, about: dict[str, Any]) -> None:
    """Raises RunError NN811 where another run is asked for than was begun; warns where the machine is another."""
    then = saved.about
    over = list(about["phases"][: saved.phase])
    try:
        found = differences(then["identity"], about["identity"], over)
        machine = {name: (then["facts"].get(name), now) for name, now in about["facts"].items()}
        sets = [str(each) for each in then["identity"]["sets"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunError(checkpoint.unusable(saved.path, f"it does not say what it is of ({error})")) from None
    if found:
        raise RunError(_differs(saved.path.parent, found, sets))
    others = [f"{name} was {show(str(old))} and is {show(new)}" for name, (old, new) in machine.items() if old != new]
    if others:
        message = f"the run goes on under other conditions: {'; '.join(others)}"
        help = "its last bits may differ from those of a run that was never stopped"
        run.on_event(Warned((Diagnostic("NN813", message, help=help, severity="warning"),)))


def _differs(folder: Path, found: list[str], sets: list[str] | None = None) -> Diagnostic:
    given = f" (it was begun with {' '.join(f'--set {show(each)}' for each in sets)})" if sets else ""
    return Diagnostic(
        "NN811",
        f"{show(str(folder))} holds another run than is asked for: {'; '.join(found)}",
        help=f"go on with what it was begun with{given}, or train anew with --overwrite or another --out",
    )


def _log(folder: Path, log: RunLog, part: Part, done: EpochDone) -> None:
    log.add({**part.of_phase, **epoch_json(done)})
    note_time(folder / TIMES, {**part.of_phase, "epoch": done.epoch, "seconds": round(done.seconds, 3)})


def _save_model(path: Path, model: Model) -> None:
    """Into the folder anew where somebody has removed it meanwhile: what was learnt is not lost with it."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        save_model(path, model)
    except RunError as error:
        if not (path.parent / CHECKPOINT).is_file():
            raise
        help = "make room, and the same command with --resume goes on from the last checkpoint and writes it"
        raise RunError([replace(d, help=help) for d in error.diagnostics]) from error
