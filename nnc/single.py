"""One example of a model's data, and the model in double precision: what gradients are looked at with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from compiler import pipeline
from compiler.experiment import Experiment
from compiler.ir.graph import Graph, Input, Node
from compiler.ir.types import size_bytes
from dsl.errors import Diagnostic, RunError, SpecError
from dsl.source import shown
from nnc.initial import begin, initial
from nnc.model import Model
from nnc.opening import open_model
from nnc.spec_files import use_reader
from nnc.training import Recipe, no_data, recipe
from runtime.backend import Array, Value
from runtime.carried import Carried
from runtime.class_weights import class_weights
from runtime.data import Batch, Dataset, Rows, Tables, batch_count, batches, make_batch, read
from runtime.data.tags import legal_steps
from runtime.evaluate import feeds_of
from runtime.interpret import all_values
from runtime.memory import available_bytes, require_memory
from runtime.weights import initial_weights


@dataclass(frozen=True)
class Start:
    """A spec's or a run's model in double precision, before it is shown an example.

    data: read where it was asked for, or where sizes hang on it; tables: of a spec without data None
    weights: those that training starts from, or a run's; of all parameters, in double precision
    """

    experiment: Experiment
    data: Dataset | None
    tables: Tables | None
    weights: Mapping[str, Array]


@dataclass(frozen=True)
class Single:
    """An example. feeds: of every input of the training graph; number: which of the training rows, from 1"""

    start: Start
    feeds: Mapping[str, Array]
    sizes: Mapping[str, int]
    number: int


def start(spec: Path, sets: tuple[str, ...], data_root: Path | None, *, with_data: bool) -> Start:
    """with_data: read the data even where nothing hangs on it. Raises what reading raises, NN650 for none to read."""
    if os.path.isdir(spec) or spec.suffix == ".safetensors":
        return _of_run(open_model(spec), data_root, with_data)
    made = recipe(spec, sets=sets, data_root=data_root)
    unbound = made.check()
    hangs = any(not isinstance(d, int) for p in unbound.network.parameters for d in p.type.shape)
    if not with_data and (unbound.data is None or not (hangs or _has_labels(unbound))):
        experiment = _in_double(made, {})
        return Start(experiment, None, None, {} if hangs else _from_chance(experiment))
    if unbound.data is None:
        raise SpecError(no_data(spec))
    beginning = begin(unbound)
    data = made.read(unbound, 0 if unbound.data.folds else None, beginning.vocabularies)
    sizes = data.tables.sizes()
    copied, _ = initial(made.check(sizes), data.tables, beginning, spec.parent, data_root)
    experiment = _in_double(made, sizes)
    weights = {**_from_chance(experiment), **{name: w.astype(np.float64) for name, w in copied.items()}}
    return Start(experiment, data, data.tables, weights)


def _has_labels(experiment: Experiment) -> bool:
    return any(head.kind not in ("linear",) for head in experiment.network.heads)


def _in_double(made: Recipe, sizes: Mapping[str, int]) -> Experiment:
    use = use_reader(made.path)
    return pipeline.check(made.text, shown(made.path), read_use=use, sets=made.sets, sizes=sizes, dtype="f64")


def _from_chance(experiment: Experiment) -> dict[str, Array]:
    return initial_weights(experiment.network.parameters, experiment.train.seed)


def _of_run(model: Model, data_root: Path | None, with_data: bool) -> Start:
    old, origin = model.experiment, model.origin
    uses = dict(old.uses)
    phase = len(pipeline.phases(old.spec, old.file, sets=origin.sets)) - 1
    experiment = pipeline.check(
        old.spec,
        old.file,
        read_use=lambda path: uses[path].encode(),
        sets=origin.sets,
        sizes=model.tables.sizes(),
        seed=origin.seed,
        dtype="f64",
        phase=phase,
    )
    data = None
    if with_data:
        if experiment.data is None:
            raise RunError(Diagnostic("NN866", "this model's spec names no data", help="train it on a file first"))
        root = data_root or (Path(origin.data_root) if origin.data_root is not None else None)
        known = model.tables.vocabularies
        data = read(model.ports, experiment.data, Path(origin.folder), root, fold=origin.fold, vocabularies=known)
    weights = {name: w.astype(np.float64) for name, w in model.weights.items()}
    return Start(experiment, data, model.tables, weights)


def of_row(begun: Start, number: int) -> Single:
    """The example with this number among the training rows, from 1. Raises RunError NN920 for one that is not there."""
    assert begun.data is not None
    experiment, data = begun.experiment, begun.data
    batch = _batch(data.train, number, experiment)
    graph = experiment.network.training
    carried = Carried(graph)
    carried.begin(batch.sizes)
    feeds = {
        **begun.weights,
        **feeds_of(graph, batch),
        **class_weights(experiment.train, data.train, data.tables),
        **legal_steps(graph, experiment.network.ports, data.tables.labels),
        **carried.now,
        **numbers(experiment, batch.count),
    }
    return Single(begun, feeds, batch.sizes, number)


def numbers(experiment: Experiment, count: int) -> dict[str, Array]:
    """What the first step of training has beside its batch. count: rows of the batch, of a stream positions"""
    return {
        "rows": np.float64(count),
        "seed": np.int64(experiment.train.seed),
        "step": np.int64(1),
        "lr": np.float64(experiment.train.optimizer.lr),
    }


def _batch(rows: Rows, number: int, experiment: Experiment) -> Batch:
    """Of a stream a window, of a running text a window of its first lines."""
    seed, unroll = experiment.train.seed, experiment.train.unroll
    if rows.text is not None:
        rows = rows.of_first_lines()
    count = batch_count(rows, 1, unroll=unroll) if rows.stream else rows.count
    if not 1 <= number <= count:
        what = "window" if rows.stream else "row"
        message = f"there is no training row {number}: there are {count:,} {what}s" if count != 1 else ""
        raise RunError(
            Diagnostic("NN920", message or f"there is no training row {number}: there is one", help="rows count from 1")
        )
    if rows.stream:
        return next(islice(batches(rows, 1, order="train", dtype="f64", unroll=unroll), number - 1, None))
    return make_batch(rows, np.array([number - 1]), bucket=False, dtype="f64", key=(seed, 0, number - 1))


def values_of(graph: Graph, feeds: Mapping[str, Array], sizes: Mapping[str, int]) -> dict[Node, Value]:
    """The value of every node and of all lengths.

    Raises RunError NN852 where the machine has not the memory for them and their gradients.
    """
    needed = sum(size_bytes(n.type, sizes) for n in graph.nodes() if not n.op.view and not n.type.parts)
    require_memory(3 * needed, available_bytes(), "looking at gradients")
    values = all_values(graph, feeds, sizes)
    # A gradient may be masked where no value is.
    lengths = [(n, n.op) for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "lengths"]
    return values | {node: feeds[op.name] for node, op in lengths}
