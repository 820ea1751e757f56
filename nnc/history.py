"""Training from Python: `nnc.train`, and the history that it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

from dsl.errors import Diagnostic, SpecError
from dsl.render import render
from nnc.device import backend_of
from nnc.given import RowsRecipe, Sets, Spec, recipe_of, sets_of, with_rows
from nnc.machine import DEVICE
from nnc.model import Model
from nnc.page import history_page
from nnc.plain import epoch_line
from nnc.rehearsal import rehearsed
from nnc.run_events import Ended, Noted, Part, PartBegun, RunEvent, Warned
from nnc.run_folder import folder_of_run
from nnc.runs import Run, run_all
from nnc.scores import epoch_json, mean, scores_json
from nnc.stopping import listening_as_guest
from nnc.training import no_data
from nnc.unsaved import run_unsaved
from runtime.data.memory_rows import Given
from runtime.events import EpochDone, NotSaved


@dataclass(frozen=True)
class History:
    """What a training run came to.

    epochs: for each epoch a dictionary: epoch, loss, lr, valid (its scores or None), best, seconds; of a spec with
        several `train` sections also phase
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
    resume: bool = False,
    set: Sets = (),
    seed: int | None = None,
    epochs: int | None = None,
    data_root: str | PathLike[str] | None = None,
    device: str = "auto",
    kernels: str | None = None,
    threads: int | None = None,
    verbose: bool = False,
    interruptible: bool = True,
) -> History:
    """`nnc.train`. interruptible: Ctrl-C returns what is learnt; otherwise it interrupts at once."""
    sets = sets_of(set) + (() if epochs is None else (f"train.epochs={epochs}",))
    recipe = with_rows(recipe_of(spec, set=sets, seed=seed, data_root=data_root), data, valid, test)
    experiment = recipe.check()
    if experiment.data is None and not isinstance(recipe, RowsRecipe):
        raise SpecError(no_data(recipe.path))
    if DEVICE.fullmatch(str(device)) is None:
        raise ValueError(f"device is auto, cpu, cuda or cuda:1, not {device!r}")
    backend = backend_of(device, kernels, threads)
    listener = _Listener(print if verbose else _nothing)
    listener.warn(experiment.warnings)

    def run(stop: Callable[[], bool]) -> None:
        if out is None:
            run_unsaved(recipe, listener.event, stop, backend)
        else:
            first = None
            if not resume:
                # Data that are wrong are refused before there is a folder, or the run that it holds is gone.
                folds = experiment.data.folds if experiment.data is not None else None
                first = rehearsed(recipe, experiment, None if folds is None else 0)
                listener.warn(first.warnings)
            with folder_of_run(Path(out), recipe.path.stem, resume=resume, overwrite=overwrite) as folder:
                run_all(Run(recipe, folder, listener.event, stop, resume, backend=backend, first=first))

    if interruptible:
        with listening_as_guest() as stop:
            run(stop.asked)
    else:
        run(lambda: False)
    return listener.history(None if out is None else Path(out))


@dataclass
class _Listener:
    """Hears what a run tells, and makes its history of it."""

    say: Callable[[str], None]
    epochs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    warnings: dict[str, None] = field(default_factory=dict[str, None])
    done: list[History] = field(default_factory=list["History"])
    part: Part | None = None

    def event(self, event: RunEvent) -> None:
        match event:
            case PartBegun(part):
                self.part = part
                if part.title:
                    self.say(part.title)
            case Warned(diagnostics) | NotSaved(diagnostics):
                self.warn(diagnostics)
            case Noted(text):
                self.say(text)
            case EpochDone():
                self._epoch(event)
            case Ended():
                self.done.append(_history(event, self.epochs, self.warnings))
                self.epochs = []
            case _:
                pass

    def warn(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        for diagnostic in diagnostics:
            text = render([diagnostic]).rstrip("\n")
            if text not in self.warnings:
                self.warnings[text] = None
                self.say(text)

    def _epoch(self, done: EpochDone) -> None:
        assert self.part is not None
        self.epochs.append({**self.part.of_phase, **epoch_json(done), "seconds": done.seconds})
        self.say(epoch_line(done))

    def history(self, path: Path | None) -> History:
        """Of the whole run: with folds what they have in common."""
        if self.part is None or self.part.folds is None:
            return replace(self.done[-1], path=path)
        return History(
            epochs=[],
            best_epoch=0,
            metric=self.done[0].metric,
            valid=mean([h.valid for h in self.done]),
            test=mean([h.test for h in self.done]),
            train=None,
            seconds=sum(h.seconds for h in self.done),
            stopped=self.done[-1].stopped,
            early=False,
            model=None,
            path=path,
            folds=tuple(self.done),
            warnings=tuple(self.warnings),
        )


def _history(ended: Ended, epochs: list[dict[str, Any]], warnings: dict[str, None]) -> History:
    result = ended.result
    return History(
        epochs=epochs,
        best_epoch=result.best_epoch,
        metric=result.metric,
        valid=scores_json(result.valid),
        test=scores_json(result.test),
        train=scores_json(result.train),
        seconds=result.seconds,
        stopped=result.stopped,
        early=result.early,
        model=ended.model,
        path=None if ended.path is None else ended.path.parent,
        warnings=tuple(warnings),
    )


def _nothing(text: str) -> None:
    """Nobody asked to be told."""
