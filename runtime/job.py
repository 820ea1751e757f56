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


@dataclass(frozen=True)
class Job:
    """All that a training run needs. Every size that comes from data is bound; the graphs are as they shall run.

    step: its graph's inputs beside the batch are the numbers rows, lr, step, seed
    evaluation: with outputs `NAME.scores` and `NAME.losses`
    initial: weights that start from these numbers and not from chance: of vectors, of another run
    numbers: inputs of kind number that the step's graph has beside the four, the same in each step
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


def needed(job: Job) -> Footprint:
    """Of a job that is not to be run."""
    arena = Arena(job.backend)
    stepper = Executor(job.backend, job.step.graph, job.compile_bucket, {}, arena)
    return needed_memory(job, stepper, Executor(job.backend, job.evaluation, job.compile_bucket, {}, arena))


def needed_memory(job: Job, stepper: Executor, scorer: Executor) -> Footprint:
    """What the run takes at most. One arena serves training and scoring.

    A checkpoint is written from the arrays as they are; one that is resumed from is there already, and its weights go
    as they are copied.
    """
    data, settings = job.dataset, job.settings
    scored = [rows for rows in (data.valid, data.test) if rows is not None]
    # Without other rows the training rows are scored at the end, but for windows, which are too many.
    scored = scored or ([data.train] if not data.train.drawn else [])
    return footprint(
        [p.type for p in job.network.parameters],
        [s.type for s in job.step.states],
        settings.epochs,
        Plans(stepper, data.train, settings.batch, settings.batch_tokens, settings.unroll),
        [Plans(scorer, rows, settings.batch) for rows in scored],
        [rows for rows in (data.train, data.valid, data.test) if rows is not None],
    )
