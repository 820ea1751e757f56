"""The checkpoint: a run between two steps, in the model file's strict format and with its checksum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from compiler.experiment import Head
from compiler.ir.types import Type, bound_shape
from compiler.metric_names import metrics_of
from compiler.sorts import Segments, Spans
from dsl.errors import Diagnostic, RunError
from dsl.render import show
from runtime import model_file
from runtime.backend import NUMPY_DTYPES, Array
from runtime.carried import Carried
from runtime.data import largest_sizes, schemes
from runtime.evaluate import BY_LABEL, OutputScores
from runtime.job import Job
from runtime.progress import Progress, Snapshot, from_json, to_json

KIND = "checkpoint"
NOW, BEST, CARRIED = "now/", "best/", "carried/"
AFRESH = "train again from the beginning: --overwrite in place of --resume"


def write(path: Path, snapshot: Snapshot, about: Mapping[str, object]) -> None:
    """Whole or not at all. about: JSON, given back by read.

    The arrays are written as they are, without a copy. Raises RunError NN805.
    """
    tensors = {
        **{NOW + name: values for name, values in snapshot.store.items()},
        **{BEST + name: values for name, values in snapshot.best.items()},
        **{CARRIED + name: values for name, values in snapshot.carried.items()},
    }
    model_file.save(path, tensors, {"kind": KIND, "progress": to_json(snapshot.progress), "about": dict(about)})


def read(path: Path) -> tuple[Snapshot, Mapping[str, Any]]:
    """Raises RunError NN800 to NN804 and NN807 as model_file.load, NN814 for what no run has written."""
    try:
        tensors, meta = model_file.load(path)
    except RunError as error:
        # What helps with a model, to go on from the checkpoint, does not help with the checkpoint itself.
        raise RunError(
            [replace(d, help=AFRESH) if d.code in ("NN801", "NN802") else d for d in error.diagnostics]
        ) from None
    try:
        if meta["kind"] != KIND or not isinstance(meta["about"], dict):
            raise ValueError("it is no checkpoint")
        progress = from_json(meta["progress"])
    except KeyError as error:
        raise RunError(unusable(path, f"it does not say {error}")) from None
    except (TypeError, ValueError) as error:
        raise RunError(unusable(path, str(error))) from None
    return Snapshot(progress, _of(NOW, tensors), _of(BEST, tensors), _of(CARRIED, tensors)), meta["about"]


def _of(part: str, tensors: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(part): values for name, values in tensors.items() if name.startswith(part)}


def require_fit(path: Path, snapshot: Snapshot, job: Job) -> None:
    """Raises RunError NN814 where it is not of this job's weights and states, or holds what is no finite number."""
    weights = {p.name: p.type for p in job.network.parameters}
    states = {s.name: s.type for s in job.step.states}
    progress = snapshot.progress
    best = weights if progress.best_epoch and not progress.best_is_now else {}
    carried, lanes = _carried(progress, job)
    for arrays, types in ((snapshot.store, weights | states), (snapshot.best, best), (snapshot.carried, carried)):
        if arrays.keys() != types.keys():
            name = min(arrays.keys() ^ types.keys())
            raise RunError(unusable(path, f"{name} is in one of the checkpoint and the network, and not in the other"))
        for name, values in arrays.items():
            _require_type(path, name, values, types[name], lanes)
    if not _agrees(progress, job) or not _scored_alike(progress, job):
        raise RunError(unusable(path, "its counts and scores are not those of such a run"))


def _carried(progress: Progress, job: Job) -> tuple[dict[str, Type], dict[str, int]]:
    """The states that go on to the next window, and the sizes that they have."""
    types = Carried(job.step.graph).types if progress.batch else {}
    sizes = largest_sizes(job.dataset.train, job.settings.batch, unroll=job.settings.unroll)[0] if types else {}
    return types, sizes


def _require_type(path: Path, name: str, values: Array, type_: Type, sizes: Mapping[str, int]) -> None:
    if values.shape != bound_shape(type_, sizes) or values.dtype != NUMPY_DTYPES[type_.dtype]:
        raise RunError(unusable(path, f"{name} has another shape than the network gives it"))
    if not np.isfinite(values).all():
        raise RunError(unusable(path, f"{name} holds what is no finite number"))


def _agrees(progress: Progress, job: Job) -> bool:
    """Whether a run could stand there; the counts index rows and epochs."""
    train = job.dataset.train
    most = train.examples if train.text is None else train.text.most
    return (
        progress.best_epoch <= progress.epoch
        and progress.batch <= progress.examples <= most
        and (progress.batch > 0) == (progress.examples > 0)
        and progress.epoch + progress.batch <= progress.step
        and (progress.best_epoch > 0) == (progress.epoch > 0)
        and (progress.best_valid is None) == (job.dataset.valid is None or not progress.epoch)
        and 0 <= progress.plateau.factor <= 1
    )


def _scored_alike(progress: Progress, job: Job) -> bool:
    """Whether the best epoch has the scores that this job's validation gives."""
    best = progress.best_valid
    if best is None:
        return True
    if [(o.name, set(o.metrics)) for o in best.outputs] != [
        (head.port.name, set(metrics_of(head))) for head in job.network.heads
    ]:
        return False
    labels = job.dataset.tables.labels
    return all(_of_labels(o, h, labels.get(o.name)) for o, h in zip(best.outputs, job.network.heads, strict=True))


def _of_labels(scores: OutputScores, head: Head, labels: tuple[str, ...] | None) -> bool:
    """Whether the scores by label are those of these labels; None where the output has none."""
    confused = None if scores.confusion is None else [len(row) for row in scores.confusion]
    if labels is None or isinstance(head.port.sort, Segments):
        return scores.classes is None and confused is None
    tags = isinstance(head.port.sort, Spans)
    known = scores.classes or {}
    return (
        tuple(known) == (schemes.named_types(labels) if tags else labels)
        and all(set(each) == set(BY_LABEL) for each in known.values())
        and confused == (None if tags else [len(labels)] * len(labels))
    )


def unusable(path: Path, reason: str) -> Diagnostic:
    return Diagnostic(
        "NN814",
        f"the checkpoint {show(str(path))} cannot be used: {show(reason)}",
        help=AFRESH,
    )
