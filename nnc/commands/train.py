"""`nnc train [SPEC]`: from a spec to a trained, saved, scored model."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from compiler.experiment import Experiment
from compiler.sorts import Tokens
from dsl.errors import SpecError
from dsl.render import show
from dsl.source import Span
from nnc.device import backend_of
from nnc.examples import example_of
from nnc.failure import FAILED, colored, print_diagnostics
from nnc.folds import fold_lines, fold_results
from nnc.machine import cores
from nnc.model import Model
from nnc.opening import save_model
from nnc.plain import Plain, Screen
from nnc.report import Header, json_of, model_lines, summary
from nnc.run_folder import MODEL, add_to_log, begin, discard, fold_folder, new_run
from nnc.spec_files import DEFAULT_SPEC, shipped_folder
from nnc.stopping import Stop, listening
from nnc.training import Recipe, no_data, prepared, recipe, scores, trained
from runtime.backend import Backend
from runtime.data import Dataset
from runtime.evaluate import number_or_null
from runtime.train import EpochDone, Event, Started, TrainResult


@dataclass(frozen=True)
class Options:
    """As on the command line."""

    out: Path | None = None
    overwrite: bool = False
    sets: tuple[str, ...] = ()
    seed: int | None = None
    device: str = "auto"
    data_root: Path | None = None
    as_json: bool = False
    optimized: bool = True


def run(spec: Path | None, options: Options) -> int:
    path = shipped_folder() / DEFAULT_SPEC if spec is None else spec
    made = recipe(path, sets=options.sets, seed=options.seed, data_root=options.data_root, optimized=options.optimized)
    experiment = made.check()
    print_diagnostics(experiment.warnings, sys.stderr)
    if experiment.data is None:
        raise SpecError(no_data(path))
    backend = backend_of(options.device)
    folds = experiment.data.folds
    screen = screen_for(options.as_json)
    first = _read(made, experiment, 0 if folds else None)
    ours = options.out is None or not os.path.lexists(options.out)
    folder = new_run(options.out, path.stem, options.overwrite)
    task = Task(made, options.as_json, folder, screen, backend)
    try:
        with listening() as stop:
            if folds is None:
                return _one(task, first, stop)
            return _folds(task, experiment, first, folds, stop)
    finally:
        screen.end(())
        discard(folder, whole=ours)


@dataclass(frozen=True)
class Task:
    """What is trained, where to, and on what it is shown."""

    recipe: Recipe
    as_json: bool
    folder: Path
    screen: Screen
    backend: Backend


def _read(
    recipe: Recipe, experiment: Experiment, fold: int | None, told: Sequence[tuple[str, Span | None]] = ()
) -> Dataset:
    """told: warnings that need no second time, by code and place."""
    dataset = recipe.read(experiment, fold)
    print_diagnostics(tuple(w for w in dataset.warnings if (w.code, w.span) not in told), sys.stderr)
    return dataset


def screen_for(as_json: bool) -> Screen:
    """With --json standard output holds the one line of JSON, so progress goes to standard error."""
    out = sys.stderr if as_json else sys.stdout
    if as_json or not out.isatty() or os.environ.get("TERM") == "dumb":
        return Plain(out)
    from rich.console import Console

    from nnc.console import Terminal

    return Terminal(Console(file=out, highlight=False, markup=False, emoji=False, no_color=not colored(out)))


def _one(task: Task, dataset: Dataset, stop: Stop) -> int:
    folder, screen = task.folder, task.screen
    result, model = _trained(task, dataset, None, folder, stop)
    path = folder / MODEL
    if result.stopped:
        screen.end(_stopped_lines(result, path))
        return stop.exit_code or 130
    if task.as_json:
        screen.end(())
        print(json.dumps(json_of(result, path), ensure_ascii=False))
    else:
        width = screen.width()
        ending = _ending(model, dataset, path, folder)
        screen.end((*summary(result, model.experiment.train.epochs, width), "", *ending))
    return 0


def _ending(model: Model, dataset: Dataset, path: Path, folder: Path) -> list[str]:
    return model_lines(path, folder, example_of(model, dataset.test or dataset.valid or dataset.train))


def _folds(task: Task, experiment: Experiment, first: Dataset, folds: int, stop: Stop) -> int:
    """As many runs as folds; the test scores are their mean."""
    results: list[TrainResult] = []
    folder, screen = task.folder, task.screen
    told = [(w.code, w.span) for w in first.warnings]
    for fold in range(folds):
        dataset = first if fold == 0 else _read(task.recipe, experiment, fold, told)
        below = fold_folder(folder, fold)
        result, _ = _trained(task, dataset, fold, below, stop, f"fold {fold + 1} of {folds}")
        if result.stopped:
            screen.end(_stopped_lines(result, below / MODEL))
            return stop.exit_code or 130
        results.append(result)
        if not task.as_json:
            screen.end(summary(result, experiment.train.epochs, screen.width())[:2])
    whole = fold_results(results)
    add_to_log(folder, whole)
    if task.as_json:
        screen.end(())
        print(json.dumps(whole, ensure_ascii=False))
    else:
        screen.end(fold_lines(whole, folds, folder))
    return 0


def _trained(
    task: Task, dataset: Dataset, fold: int | None, folder: Path, stop: Stop, title: str = ""
) -> tuple[TrainResult, Model]:
    """Train on these rows, and save the best model in folder."""
    experiment, job = prepared(task.recipe, dataset, task.backend)
    task.screen.begin(_header(task.recipe.path, experiment, dataset, job.backend.name, title))
    event = _logged(folder, fold, experiment.spec, task.screen.event, stop)
    result, model = trained(task.recipe, experiment, job, event, stop.asked, fold)
    save_model(folder / MODEL, model)
    return result, model


def _logged(
    folder: Path, fold: int | None, spec: str, show_event: Callable[[Event], None], stop: Stop
) -> Callable[[Event], None]:
    """The spec goes into the folder once it is clear that it fits, every epoch into the log before it is shown."""

    def event(event: Event) -> None:
        if isinstance(event, Started):
            begin(folder, fold, spec)
        if isinstance(event, EpochDone):
            entry = {"epoch": event.epoch, "loss": number_or_null(event.loss), "valid": scores(event.valid)}
            add_to_log(folder, {**entry, "best": event.best, "seconds": round(event.seconds, 3)})
        try:
            show_event(event)
        except OSError:
            # Nobody can read it any more (`nnc train | head`): what is learnt so far is saved before we end.
            stop.exit_code = stop.exit_code or FAILED

    return event


def _header(path: Path, experiment: Experiment, dataset: Dataset, backend: str, title: str) -> Header:
    tables = dataset.tables
    units = {p.sort.unit for p in experiment.network.inputs if isinstance(p.sort, Tokens)}
    return Header(
        file=path.name,
        labels=tuple(label for labels in tables.labels.values() for label in labels),
        tokens=sum(len(v.tokens) for v in tables.vocabularies.values()),
        unit={frozenset({"words"}): "words", frozenset({"chars"}): "characters"}.get(frozenset(units), "tokens"),
        backend=backend,
        cores=cores(),
        title=title,
    )


def _stopped_lines(result: TrainResult, path: Path) -> list[str]:
    """What was saved, as far as it is true."""
    done = f"stopped in epoch {result.epochs + 1} after step {result.step}"
    if result.valid is not None:
        return [f"{done}; saved the best epoch so far, {result.best_epoch}: {show(str(path))}"]
    which = f"epoch {result.best_epoch}" if result.epochs else "the weights as they are"
    return [f"{done}; saved {which}: {show(str(path))}"]
