"""What a run in its folder tells, beside what training itself tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from compiler.experiment import Experiment
from dsl.errors import Diagnostic
from dsl.render import show
from nnc.model import Model
from runtime.backend import Backend
from runtime.data import Dataset
from runtime.events import Event, TrainResult


@dataclass(frozen=True)
class Part:
    """What is trained at one time: a phase of a fold. fold: from 0, None without folds; folds: how many."""

    fold: int | None
    folds: int | None
    phase: int
    phases: tuple[str, ...]

    @property
    def last(self) -> bool:
        return self.phase == len(self.phases) - 1

    @property
    def title(self) -> str:
        """`fold 3 of 10, pretrain`; empty where there is but one."""
        fold = "" if self.fold is None else f"fold {self.fold + 1} of {self.folds}"
        return ", ".join(filter(None, [fold, show(self.phases[self.phase])]))

    @property
    def place(self) -> dict[str, int | str]:
        """The same for programs: the fold, from 1, and the phase, as far as there are several."""
        return {**({} if self.fold is None else {"fold": self.fold + 1}), **self.of_phase}

    @property
    def of_phase(self) -> dict[str, str]:
        """What each line of a log says of it: its phase, where there are several."""
        return {"phase": self.phases[self.phase]} if len(self.phases) > 1 else {}


@dataclass(frozen=True)
class PartBegun:
    """Said before a part's Started."""

    part: Part
    experiment: Experiment
    dataset: Dataset
    backend: Backend


@dataclass(frozen=True)
class Warned:
    """What a person should know, and nothing fails for."""

    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Noted:
    """What is to be said of a run once: how many words a file of vectors has, and the like."""

    text: str


ONE_SETTING = Noted("sweep is checked, not run: one setting is trained, the spec's own")
"""Said once of a spec that has a `sweep`."""


@dataclass(frozen=True)
class Afresh:
    """`--resume` was asked for, and nothing is there to go on with."""

    folder: Path


@dataclass(frozen=True)
class Resumed:
    """A run is gone on with. epoch: finished ones; step: made ones."""

    epoch: int
    step: int


@dataclass(frozen=True)
class Ended:
    """A run, or one fold of it, as far as it came: the last thing that is told of it.

    path: of the model; None where it was stopped in a phase before the last
    new: whether anything was trained, False for a run that had been finished before
    """

    part: Part
    result: TrainResult
    model: Model
    dataset: Dataset
    path: Path | None
    new: bool


RunEvent: TypeAlias = Event | PartBegun | Warned | Noted | Afresh | Resumed | Ended
