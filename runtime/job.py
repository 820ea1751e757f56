"""What a training run needs, and how much memory that takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from compiler.experiment import Network, TrainingStep
from compiler.ir.graph import Graph
from compiler.settings.train import TrainSettings
from runtime.backend import Array, Backend
from runtime.data import Dataset
from runtime.execute import Arena, CompileBucket, Executor
from runtime.footprint import Footprint, Plans, footprint
from runtime.teaching import Dictation, Teaching


@dataclass(frozen=True)
class Job:
    """All that a training run needs. Every size that comes from data is bound; the graphs are as they shall run.

    step: its graph's inputs beside the batch are the numbers rows, lr, step, seed
    evaluation: with outputs `NAME.scores` and `NAME.losses`
    initial: weights that start from these numbers and not from chance: of vectors, of another run
    numbers: inputs of kind number that the step's graph has beside the four, the same in each step
    dictations: of the texts that are fed the network's own words while it learns
    """

    network: Network
    settings: TrainSettings
    step: TrainingStep
    evaluation: Graph
    dataset: Dataset
    backend: Backend
    compile_bucket: CompileBucket
    initial: Mapping[str, Array] = field(default_factory=dict[str, Array])
    numbers: Mapping[str, Array] = field(default_factory=dict[str, Array])
    dictations: tuple[Dictation, ...] = ()

    def teaching(self, store: Mapping[str, Array], arena: Arena) -> Teaching | None:
        """What mixes texts; None where the true ones are fed alone."""
        if not self.dictations:
            return None
        return Teaching(self.dictations, self.backend, self.compile_bucket, store, arena, self.settings.seed)


def needed(job: Job) -> Footprint:
    """Of a job that is not to be run."""
    arena = Arena(job.backend)
    stepper = Executor(job.backend, job.step.graph, job.compile_bucket, {}, arena)
    scorer = Executor(job.backend, job.evaluation, job.compile_bucket, {}, arena)
    return needed_memory(job, stepper, scorer, job.teaching({}, arena))


def needed_memory(job: Job, stepper: Executor, scorer: Executor, teaching: Teaching | None = None) -> Footprint:
    """What the run takes at most. One arena serves training and scoring.

    A checkpoint is written from the arrays as they are; one that is resumed from is there already, and its weights go
    as they are copied.
    """
    data, settings = job.dataset, job.settings
    scored = [rows for rows in (data.valid, data.test) if rows is not None]
    # Without other rows the training rows are scored at the end, but for windows, which are too many.
    scored = scored or ([data.train] if not data.train.drawn else [])
    firsts = () if teaching is None else [first for first in teaching.firsts if first is not None]
    return footprint(
        [p.type for p in job.network.parameters],
        [s.type for s in job.step.states],
        settings.epochs,
        Plans(stepper, data.train, settings.batch, settings.batch_tokens, settings.unroll),
        [Plans(scorer, rows, settings.batch, order="plain") for rows in scored],
        [rows for rows in (data.train, data.valid, data.test) if rows is not None],
        [Plans(first, data.train, settings.batch, settings.batch_tokens) for first in firsts],
    )
