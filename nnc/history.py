"""Training from Python: `nnc.train`, and the history that it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

from compiler.experiment import Experiment
from compiler.settings.data import DataSettings, Files, Share
from dsl.errors import DataError, Diagnostic, SpecError
from dsl.render import render
from dsl.source import Span
from nnc.folds import mean
from nnc.given import Sets, Spec, recipe_of, sets_of
from nnc.interrupting import asked_to_stop
from nnc.model import Model
from nnc.page import history_page
from nnc.plain import epoch_line
from nnc.training import Recipe, no_data, prepared, scores, trained
from runtime.data import Dataset
from runtime.data.in_memory import dataset_of
from runtime.data.memory_rows import Given
from runtime.evaluate import number_or_null
from runtime.train import EpochDone, Event, TrainResult


@dataclass(frozen=True)
class History:
    """What a training run came to.

    epochs: for each epoch a dictionary: epoch, loss, lr, valid (its scores or None), best, seconds
    best_epoch: whose weights the model has; metric: by which it is the best
    valid, test, train: the model's scores on these rows, None where there were none; train only where nothing else
    stopped: by Ctrl-C; early: `stop patience=` ended it
    model: None where the spec has `folds`: then each history of folds has its own, and test is their mean
    path: the run's folder; None where nothing was written
    warnings: what was said of the spec and of its data
    """

    epochs: list[dict[str, Any]]
    best_epoch: int
    metric: str
    valid: dict[str, Any] | None
    test: dict[str, Any] | None
    train: dict[str, Any] | None
    seconds: float
    stopped: bool
    early: bool
    model: Model | None
    path: Path | None = None
    folds: tuple[History, ...] = ()
    warnings: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        part = next((name for name in ("test", "valid", "train") if getattr(self, name)), None)
        parts = [f"{len(self.folds)} folds" if self.folds else f"{len(self.epochs)} epochs"]
        if self.valid is not None and not self.folds:
            parts.append(f"best {self.best_epoch}")
        if part is not None:
            found: dict[str, Any] = getattr(self, part)
            numbers = [(n, v) for n, v in found.items() if isinstance(v, float)]
            parts += [f"{part} {name} {value:.4g}" for name, value in numbers[:2]]
        return f"<History {', '.join(parts)}{', stopped' if self.stopped else ''}>"

    def _repr_html_(self) -> str:
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        several = [each for fold in self.folds for each in fold.epochs] or self.epochs
        return history_page(repr(self)[1:-1], several, self.best_epoch, parts, self.metric)


def trained_history(
    spec: Spec,
    data: Given | None = None,
    *,
    valid: Given | None = None,
    test: Given | None = None,
    out: str | PathLike[str] | None = None,
    overwrite: bool = False,
    set: Sets = (),
    seed: int | None = None,
    epochs: int | None = None,
    data_root: str | PathLike[str] | None = None,
    verbose: bool = False,
    interruptible: bool = True,
) -> History:
    """`nnc.train`. interruptible: Ctrl-C returns what is learnt; otherwise it interrupts at once."""
    sets = sets_of(set) + (() if epochs is None else (f"train.epochs={epochs}",))
    recipe = recipe_of(spec, set=sets, seed=seed, data_root=data_root)
    recipe, experiment = _checked(recipe, own_valid=data is not None and valid is not None)
    rows = _rows(recipe, experiment, data, valid, test)
    say: Callable[[str], None] = print if verbose else _nothing
    warnings = [render([w]).rstrip("\n") for w in experiment.warnings]
    folds = experiment.data.folds if experiment.data is not None else None
    if not interruptible:
        return _run(recipe, rows, folds, warnings, say, lambda: False)
    with asked_to_stop() as stop:
        return _run(recipe, rows, folds, warnings, say, stop)


def _run(
    recipe: Recipe,
    rows: Callable[[int | None], Dataset],
    folds: int | None,
    warnings: list[str],
    say: Callable[[str], None],
    stop: Callable[[], bool],
) -> History:
    if folds is None:
        return _one(recipe, rows(None), None, warnings, say, stop)
    done: list[History] = []
    for fold in range(folds):
        say(f"fold {fold + 1} of {folds}")
        done.append(_one(recipe, rows(fold), fold, warnings, say, stop))
        if done[-1].stopped:
            break
    return History(
        epochs=[],
        best_epoch=0,
        metric=done[0].metric,
        valid=mean([h.valid for h in done]),
        test=mean([h.test for h in done]),
        train=None,
        seconds=sum(h.seconds for h in done),
        stopped=done[-1].stopped,
        early=False,
        model=None,
        folds=tuple(done),
        warnings=tuple(dict.fromkeys(w for h in done for w in h.warnings)),
    )


def _one(
    recipe: Recipe,
    dataset: Dataset,
    fold: int | None,
    warnings: list[str],
    say: Callable[[str], None],
    stop: Callable[[], bool],
) -> History:
    told = [*warnings, *(render([w]).rstrip("\n") for w in dataset.warnings)]
    for text in told:
        say(text)
    epochs: list[dict[str, Any]] = []

    def event(event: Event) -> None:
        if isinstance(event, EpochDone):
            epochs.append(
                {
                    "epoch": event.epoch,
                    "loss": number_or_null(event.loss),
                    "lr": event.lr,
                    "valid": scores(event.valid),
                    "best": event.best,
                    "seconds": event.seconds,
                }
            )
            say(epoch_line(event))

    experiment, job = prepared(recipe, dataset)
    result, model = trained(recipe, experiment, job, event, stop, fold)
    return _history(epochs, result, model, told)


def _history(epochs: list[dict[str, Any]], result: TrainResult, model: Model, warnings: list[str]) -> History:
    return History(
        epochs=epochs,
        best_epoch=result.best_epoch,
        metric=result.metric,
        valid=scores(result.valid),
        test=scores(result.test),
        train=scores(result.train),
        seconds=result.seconds,
        stopped=result.stopped,
        early=result.early,
        model=model,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _checked(recipe: Recipe, *, own_valid: bool) -> tuple[Recipe, Experiment]:
    """own_valid: rows to validate with are given, so the spec's data need not have any for `stop`."""
    try:
        return recipe, recipe.check()
    except SpecError as error:
        if not own_valid or any(d.code != "NN605" for d in error.diagnostics):
            raise
    recipe = replace(recipe, sets=(*recipe.sets, "data.valid=10%"))
    return recipe, recipe.check()


def _rows(
    recipe: Recipe, experiment: Experiment, data: Given | None, valid: Given | None, test: Given | None
) -> Callable[[int | None], Dataset]:
    """From a fold (None without folds) to the rows of the run."""
    if data is None:
        if valid is not None or test is not None:
            which = "validation" if valid is not None else "test"
            helps = "give all rows in memory, or name all files in the spec"
            raise DataError(Diagnostic("NN892", f"{which} rows are given without training rows", help=helps))
        if experiment.data is None:
            raise SpecError(no_data(recipe.path))
        return lambda fold: recipe.read(experiment, fold)
    given = {"train": data, "valid": valid, "test": test}
    parts = {name: rows for name, rows in given.items() if rows is not None}
    settings = _settings(experiment.data, parts)
    if experiment.train.patience is not None and valid is None and settings.valid is None:
        span = experiment.train.stop_span
        raise SpecError(Diagnostic("NN605", "stop needs validation rows, and none are given", span, help="give valid="))
    return lambda fold: dataset_of(experiment.network.ports, settings, parts, fold=fold)


def _settings(spec: DataSettings | None, parts: Mapping[str, Given]) -> DataSettings:
    """How rows in memory are divided: as the spec says, where they are not given apart. Its files are left out."""
    train = Files((), False, None, Span("train (in memory)", 1, 1, 1, 1, ""))
    if spec is None:
        return DataSettings(train)

    def share(name: str, entry: Files | Share | None) -> Share | None:
        return entry if name not in parts and isinstance(entry, Share) else None

    folds = spec.folds if "test" not in parts else None
    return replace(spec, train=train, valid=share("valid", spec.valid), test=share("test", spec.test), folds=folds)


def _nothing(text: str) -> None:
    """Nobody asked to be told."""
