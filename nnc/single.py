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
from nnc.sizes import open_symbols
from nnc.spec_files import use_reader
from nnc.stand_in import stand_in
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


def start(
    spec: Path,
    sets: tuple[str, ...],
    data_root: Path | None,
    *,
    with_data: bool,
    sizes: Mapping[str, int] | None = None,
) -> Start:
    """with_data: read the data even where nothing hangs on it; sizes: those that data would give, not read then

    Raises what reading raises, NN650 for no data to read.
    """
    if os.path.isdir(spec) or spec.suffix == ".safetensors":
        return _of_run(open_model(spec), data_root, with_data)
    made = recipe(spec, sets=sets, data_root=data_root)
    unbound = made.check(sizes)
    hangs = bool(open_symbols(unbound))
    if sizes is not None or (not with_data and (unbound.data is None or not (hangs or _has_labels(unbound)))):
        experiment = _in_double(made, sizes or {})
        return Start(experiment, None, None, {} if hangs else _from_chance(experiment))
    if unbound.data is None:
        raise SpecError(no_data(spec))
    beginning = begin(unbound, made.base)
    data = made.read(unbound, 0 if unbound.data.folds else None, beginning.vocabularies)
    known = data.tables.sizes()
    copied, _ = initial(made.check(known), data.tables, beginning, spec.parent, data_root)
    experiment = _in_double(made, known)
    weights = {**_from_chance(experiment), **{name: w.astype(np.float64) for name, w in copied.items()}}
    return Start(experiment, data, data.tables, weights)


def _has_labels(experiment: Experiment) -> bool:
    return any(head.kind != "linear" for head in experiment.network.heads)


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


def of_row(begun: Start, number: int, count: int = 1) -> Single:
    """The example with this number among the training rows, from 1, and those behind it.

    count: how many in all, or as many as there are; of a stream so many lanes of one window

    Raises RunError NN820 where there is none of this number.
    """
    assert begun.data is not None
    experiment, data = begun.experiment, begun.data
    batch = _batch(data.train, number, count, experiment)
    graph = experiment.network.training
    given = {
        **feeds_of(graph, batch),
        **class_weights(experiment.train, data.train, data.tables),
        **legal_steps(graph, experiment.network.ports, data.tables.labels),
    }
    return _single(begun, given, batch.sizes, number, batch.count)


def by_chance(begun: Start, sizes: Mapping[str, int]) -> Single:
    """An example for a spec without data. sizes: every symbol of the training graph"""
    given = stand_in(begun.experiment.network.training, sizes)
    return _single(begun, given, sizes, 1, sizes["B"])


def _single(begun: Start, given: Mapping[str, Array], sizes: Mapping[str, int], number: int, count: int) -> Single:
    carried = Carried(begun.experiment.network.training)
    carried.begin(sizes)
    feeds = {**begun.weights, **given, **carried.now, **numbers(begun.experiment, count)}
    return Single(begun, feeds, sizes, number)


def numbers(experiment: Experiment, count: int) -> dict[str, Array]:
    """What the first step of training has beside its batch. count: rows of the batch, of a stream positions"""
    return {
        "rows": np.float64(count),
        "seed": np.int64(experiment.train.seed),
        "step": np.int64(1),
        "lr": np.float64(experiment.train.optimizer.lr),
    }


def _batch(rows: Rows, number: int, count: int, experiment: Experiment) -> Batch:
    """Of a stream a window; of a running text windows of its first lines; of documents pairs as an epoch draws them."""
    seed, unroll = experiment.train.seed, experiment.train.unroll
    if rows.drawn:
        rows = rows.of_first_lines()
    drawn = rows.stream or rows.documents is not None
    there = batch_count(rows, count, seed=seed, unroll=unroll) if drawn else rows.count
    if not 1 <= number <= there:
        what = "window" if rows.stream else "row"
        message = f"there is no training {what} {number:,}: there {'is one' if there == 1 else f'are {there:,}'}"
        raise RunError(Diagnostic("NN820", message, help=f"--row takes a number from 1 to {there:,}"))
    if drawn:
        every = batches(rows, count, order="train", seed=seed, bucket=count > 1, dtype="f64", unroll=unroll)
        return next(islice(every, number - 1, None))
    chosen = np.arange(number - 1, min(number - 1 + count, there))
    return make_batch(rows, chosen, bucket=count > 1, dtype="f64", key=(seed, 0, number - 1))


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
