"""`nnc train [SPEC]`: from a spec to a trained, saved, scored model."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compiler import pipeline
from compiler.experiment import Experiment
from compiler.ir.graph import Graph
from compiler.settings.data import DataSettings
from compiler.sorts import Tokens
from dsl.errors import Diagnostic, RunError, SpecError
from dsl.render import show
from dsl.source import Span, shown
from nnc.examples import example_of
from nnc.failure import FAILED, colored, print_diagnostics
from nnc.folds import fold_lines, fold_results
from nnc.machine import cores
from nnc.model import Model, Origin, save_model
from nnc.plain import Plain, Screen
from nnc.report import Header, json_of, model_lines, summary
from nnc.run_folder import MODEL, add_to_log, begin, discard, fold_folder, new_run
from nnc.spec_files import DEFAULT_SPEC, read_spec, shipped_folder, use_reader
from nnc.stopping import Stop, listening
from runtime.data import Dataset, read
from runtime.evaluate import Evaluation, number_or_null
from runtime.numpy_backend import numpy_backend
from runtime.train import EpochDone, Event, Job, Started, TrainResult, train


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


@dataclass(frozen=True)
class Spec:
    """A spec as it was read, and how to check it; data are its `data` section."""

    path: Path
    text: bytes
    options: Options
    data: DataSettings

    def check(self, sizes: Mapping[str, int] | None = None) -> Experiment:
        return checked(self.path, self.text, self.options, sizes)


def run(spec: Path | None, options: Options) -> int:
    refuse_device(options.device)
    path = shipped_folder() / DEFAULT_SPEC if spec is None else spec
    text = read_spec(path)
    experiment = checked(path, text, options)
    print_diagnostics(experiment.warnings, sys.stderr)
    if experiment.data is None:
        raise SpecError(no_data(path))
    opened = Spec(path, text, options, experiment.data)
    folds = experiment.data.folds
    screen = screen_for(options.as_json)
    first = _read(opened, experiment, 0 if folds else None)
    ours = options.out is None or not os.path.lexists(options.out)
    folder = new_run(options.out, path.stem, options.overwrite)
    try:
        with listening() as stop:
            if folds is None:
                return _one(opened, first, folder, screen, stop)
            return _folds(opened, experiment, first, folds, folder, screen, stop)
    finally:
        screen.end(())
        discard(folder, whole=ours)


def checked(path: Path, text: bytes, options: Options, sizes: Mapping[str, int] | None = None) -> Experiment:
    """The experiment of a spec; sizes: those that data give, None before they are read."""
    return pipeline.check(
        text, shown(path), read_use=use_reader(path), sets=options.sets, sizes=sizes, seed=options.seed
    )


def no_data(path: Path) -> Diagnostic:
    return Diagnostic(
        "NN650",
        f"{show(shown(path))} has no data section, so there is nothing to train on",
        help='add one: data { train "train.tsv" ; valid 10% }, or give the file with --set data.train=train.tsv',
    )


def refuse_device(device: str) -> None:
    if device.startswith("cuda"):
        raise RunError(
            Diagnostic(
                "NN865",
                f"the device {device} is not there",
                help="this version computes on the CPU: leave --device out",
            )
        )


def _read(
    spec: Spec, experiment: Experiment, fold: int | None, told: Sequence[tuple[str, Span | None]] = ()
) -> Dataset:
    """told: warnings that need no second time, by code and place."""
    dataset = read(experiment.network.ports, spec.data, spec.path.parent, spec.options.data_root, fold=fold)
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


def _one(spec: Spec, dataset: Dataset, folder: Path, screen: Screen, stop: Stop) -> int:
    result, model = trained(spec, dataset, None, folder, screen, stop)
    path = folder / MODEL
    if result.stopped:
        screen.end(_stopped_lines(result, path))
        return stop.exit_code or 130
    if spec.options.as_json:
        screen.end(())
        print(json.dumps(json_of(result, path), ensure_ascii=False))
    else:
        width = screen.width()
        ending = _ending(model, dataset, path, folder)
        screen.end((*summary(result, model.experiment.train.epochs, width), "", *ending))
    return 0


def _ending(model: Model, dataset: Dataset, path: Path, folder: Path) -> list[str]:
    return model_lines(path, folder, example_of(model, dataset.test or dataset.valid or dataset.train))


def _folds(
    spec: Spec, experiment: Experiment, first: Dataset, folds: int, folder: Path, screen: Screen, stop: Stop
) -> int:
    """As many runs as folds; the test scores are their mean."""
    results: list[TrainResult] = []
    told = [(w.code, w.span) for w in first.warnings]
    for fold in range(folds):
        dataset = first if fold == 0 else _read(spec, experiment, fold, told)
        below = fold_folder(folder, fold)
        result, _ = trained(spec, dataset, fold, below, screen, stop, f"fold {fold + 1} of {folds}")
        if result.stopped:
            screen.end(_stopped_lines(result, below / MODEL))
            return stop.exit_code or 130
        results.append(result)
        if not spec.options.as_json:
            screen.end(summary(result, experiment.train.epochs, screen.width())[:2])
    whole = fold_results(results)
    add_to_log(folder, whole)
    if spec.options.as_json:
        screen.end(())
        print(json.dumps(whole, ensure_ascii=False))
    else:
        screen.end(fold_lines(whole, folds, folder))
    return 0


def _json(evaluation: Evaluation | None) -> dict[str, Any] | None:
    return None if evaluation is None else evaluation.to_json()


def trained(
    spec: Spec, dataset: Dataset, fold: int | None, folder: Path, screen: Screen, stop: Stop, title: str = ""
) -> tuple[TrainResult, Model]:
    """Train on these rows, and save the best model in folder."""
    experiment = spec.check(dataset.tables.sizes())
    step = pipeline.training_step(experiment)
    optimize = pipeline.optimize if spec.options.optimized else _as_lowered
    job = Job(
        network=experiment.network,
        settings=experiment.train,
        step=replace(step, graph=optimize(step.graph)),
        evaluation=optimize(experiment.network.evaluation),
        dataset=dataset,
        backend=numpy_backend(),
        compile_bucket=pipeline.compile_bucket,
    )
    screen.begin(_header(spec.path, experiment, dataset, job.backend.name, title))
    result = train(job, _logged(folder, fold, experiment.spec, screen.event, stop), stop.asked)
    options = spec.options
    origin = Origin(
        sets=options.sets,
        seed=options.seed,
        fold=fold,
        folder=_remembered(spec.path.parent) or ".",
        data_root=None if options.data_root is None else _remembered(options.data_root),
        fingerprint=dataset.fingerprint,
    )
    model = Model(experiment, dataset.tables, result.weights, origin, _metrics(result))
    save_model(folder / MODEL, model)
    return result, model


def _remembered(folder: Path) -> str | None:
    """A folder as a model file can hold it: as text, so None for a name that is not UTF-8."""
    name = str(folder.resolve())
    return None if any("\ud800" <= character <= "\udfff" for character in name) else name


def _as_lowered(graph: Graph) -> Graph:
    return graph


def _metrics(result: TrainResult) -> dict[str, Any]:
    return {"best_epoch": result.best_epoch, "valid": _json(result.valid), "test": _json(result.test)}


def _logged(
    folder: Path, fold: int | None, spec: str, show_event: Callable[[Event], None], stop: Stop
) -> Callable[[Event], None]:
    """The spec goes into the folder once it is clear that it fits, every epoch into the log before it is shown."""

    def event(event: Event) -> None:
        if isinstance(event, Started):
            begin(folder, fold, spec)
        if isinstance(event, EpochDone):
            entry = {"epoch": event.epoch, "loss": number_or_null(event.loss), "valid": _json(event.valid)}
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
