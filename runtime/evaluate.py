"""What a model says about rows, and how good that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Any, Literal

import numpy as np

from compiler.experiment import Head
from compiler.ir.graph import Graph, Input
from compiler.ir.types import sequence_symbol
from compiler.metric_names import CLASS_METRICS, NUMBER_METRICS, metrics_of
from compiler.sorts import (
    NUMBERS,
    Class,
    Copy,
    Following,
    Follows,
    Masked,
    Penalty,
    Pixels,
    Port,
    Segments,
    Spans,
    Tokens,
    Word,
    along,
    is_written,
    places_of,
)
from runtime.backend import Array
from runtime.carried import Carried
from runtime.data import Batch, Rows, Tables, batches, labels, largest_sizes
from runtime.data.asked import Asked, places_in
from runtime.data.tags import legal_steps
from runtime.data.tokens import Sequences
from runtime.execute import Executor
from runtime.memory import require_memory
from runtime.metrics import auc, class_scores, mean_iou, number_scores
from runtime.spans import span_metrics

MOST_NATS = 700.0
"""exp of more is no number that a float holds."""
BY_LABEL = ("precision", "recall", "f1", "count")
"""Of each label, in the order in which they are shown."""


@dataclass(frozen=True)
class OutputScores:
    """One output's metrics, in the order of the reference; of a class also each label's, and the confusion matrix.

    signature: how texts were compared
    """

    name: str
    metrics: Mapping[str, float]
    classes: Mapping[str, Mapping[str, float]] | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None
    signature: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """loss: mean over the rows whose labels are known, summed over the outputs; plain, whatever `smoothing`, `classes`
    and the weights of outputs make of it in training, and without penalties: these are no error."""

    rows: int
    loss: float
    outputs: tuple[OutputScores, ...]

    def value(self, metric: str) -> float:
        """`loss`, `accuracy` (the first output's), `polarity.accuracy`. KeyError for one that is not there."""
        if metric == "loss":
            return self.loss
        output, dot, name = metric.rpartition(".")
        named = (o for o in self.outputs if not dot or o.name == output)
        scores = next((o for o in named if name in o.metrics), None)
        if scores is None:
            raise KeyError(metric)
        return scores.metrics[name]

    def to_json(self) -> dict[str, Any]:
        """As `train --json` prints it: one output's metrics bare, several under their names. NaN is null."""
        parts = {o.name: _json(o) for o in self.outputs}
        only = next(iter(parts.values())) if len(parts) == 1 else parts
        return {"loss": number_or_null(self.loss), **only, "rows": self.rows}


def _json(scores: OutputScores) -> dict[str, Any]:
    result: dict[str, Any] = {name: number_or_null(value) for name, value in scores.metrics.items()}
    if scores.signature is not None:
        result["signature"] = scores.signature
    if scores.classes is not None:
        result["classes"] = {
            label: {name: number_or_null(value) for name, value in each.items()}
            for label, each in scores.classes.items()
        }
    return result


def number_or_null(value: float | int) -> float | int | None:
    """JSON has no NaN and no infinity."""
    if isinstance(value, int):
        return value
    return float(value) if np.isfinite(value) else None


def require_room(executor: Executor, rows: Rows, batch: int) -> None:
    """Raises RunError NN852 where a batch of these rows does not fit: one text may be as long as a book."""
    largest = largest_sizes(rows, batch)[0]
    require_memory(executor.arena_bytes(largest), executor.backend.available_bytes(), "scoring these rows")


def evaluate(executor: Executor, heads: Sequence[Head], rows: Rows, tables: Tables, batch: int) -> Evaluation:
    """Score rows with a network's evaluation graph (outputs `NAME.scores` and `NAME.losses`)."""
    read = [h.port.name for h in heads if not isinstance(h.port.sort, Copy | Penalty)]
    results = run_rows(executor, rows, batch, tables, targets=read)
    loss = 0.0
    outputs: list[OutputScores] = []
    for head in heads:
        name = head.port.name
        losses = results[f"{name}.losses"].astype(np.float64)
        if isinstance(head.port.sort, Penalty):
            outputs.append(OutputScores(name, {"mean": float(losses.mean()) if len(losses) else float("nan")}))
            continue
        truth = copied(rows, head.port.sort.of) if isinstance(head.port.sort, Copy) else results[name]
        truth = truth[truth >= 0] if isinstance(head.port.sort, Masked) else truth
        # Numbers are all known; of a position without a known label the loss is 0, of a row it is left out.
        known = np.ones(len(truth), np.bool_) if isinstance(head.port.sort, NUMBERS) else truth >= 0
        by_position = head.port.per is not None or is_written(head.port)
        counted = losses if by_position else losses[known]
        mean = float(counted.sum() / known.sum()) if known.any() else float("nan")
        loss += mean
        match head.port:
            case Port(sort=Segments() | Spans()):
                outputs.append(_score_spans(head, rows, results[f"{name}.labels"], tables))
            case Port(sort=Word()):
                outputs.append(_score_word(head, truth, results.get(f"{name}.labels"), mean))
            case Port(sort=Pixels()):
                outputs.append(_score_pixels(head, truth, results[f"{name}.labels"], tables))
            case Port(per=None) if not by_position:
                outputs.append(_score(head, truth, results[f"{name}.scores"], tables))
            case _:
                outputs.append(_score_positions(head, truth, results[f"{name}.labels"], mean, tables))
    return Evaluation(rows.examples, loss, tuple(outputs))


def _score(head: Head, truth: Array, scores: Array, tables: Tables) -> OutputScores:
    name = head.port.name
    if not isinstance(head.port.sort, Class | Follows):
        scale = scaled_as(head.port)
        numbers = number_scores(in_own_units(scale, truth, tables), in_own_units(scale, scores, tables))
        return OutputScores(name, {metric: getattr(numbers, metric) for metric in NUMBER_METRICS})
    found = _class_scores(name, truth, chosen(head, scores), tables)
    if "auc" not in metrics_of(head):
        return found
    return replace(found, metrics={**found.metrics, "auc": auc(truth, scores[:, 0])})


def _score_word(head: Head, truth: Array, found: Array | None, loss: float) -> OutputScores:
    """found: i64[N], the likeliest words, None where only some words are told apart"""
    scores = {"nats": loss}
    if found is not None:
        scores["accuracy"] = float((truth == found).mean()) if len(truth) else float("nan")
    return OutputScores(head.port.name, scores)


def _score_positions(head: Head, truth: Array, found: Array, loss: float, tables: Tables) -> OutputScores:
    """truth, found: i64[positions], of all rows end to end. loss: the mean over the positions with a known label."""
    has_label = truth != labels.NONE
    truth, found = truth[has_label], found[has_label]
    if isinstance(head.port.sort, Following | Masked | Tokens):
        right = float((truth == found).mean()) if len(truth) else float("nan")
        return OutputScores(head.port.name, {"perplexity": exp(min(loss, MOST_NATS)), "nats": loss, "accuracy": right})
    return _class_scores(head.port.name, truth, found, tables)


def _score_pixels(head: Head, truth: Array, found: Array, tables: Tables) -> OutputScores:
    """truth, found: i64[rows, h, w]"""
    has_label = truth != labels.NONE
    truth, found = truth[has_label].astype(np.int64), found[has_label]
    scores = _class_scores(head.port.name, truth, found, tables)
    overlap = mean_iou(truth, found, len(tables.labels[head.port.name]))
    every = {**scores.metrics, "mean_iou": overlap}
    return replace(scores, metrics={name: every[name] for name in metrics_of(head)})


def _score_spans(head: Head, rows: Rows, found: Array, tables: Tables) -> OutputScores:
    """found: i64[positions], of all rows end to end"""
    name = head.port.name
    truth, text = rows.columns[name], along(head.port, rows.ports).sort
    assert isinstance(truth, Sequences)
    assert isinstance(text, Tokens)
    metrics, by_type = span_metrics(truth.ids, found, truth.offsets, tables.labels[name], reverse=text.reverse)
    return OutputScores(name, metrics, by_type or None)


def _class_scores(name: str, truth: Array, predicted: Array, tables: Tables) -> OutputScores:
    """truth, predicted: i64[N]"""
    known = tables.labels[name]
    found = class_scores(truth, predicted, len(known))
    metrics = {metric: getattr(found, metric) for metric in CLASS_METRICS}
    by_label = {
        label: {metric: getattr(s, metric) for metric in BY_LABEL} for label, s in zip(known, found.labels, strict=True)
    }
    return OutputScores(name, metrics, by_label, found.confusion)


def chosen(head: Head, scores: Array) -> Array:
    """The label that wins in each row, i64[N]; of equals the first."""
    if head.kind == "linear":
        raise ValueError("a linear head has no labels")
    if head.threshold is None:
        return scores.argmax(axis=1)
    return (scores[:, 0] > head.threshold).astype(np.int64)


def copied(rows: Rows, name: str) -> Array:
    """What `copy(x)` is to be: the numbers of the input as the network gets them, f[rows, n]; a byte over 255."""
    values = rows.columns[name]
    assert isinstance(values, np.ndarray)
    return (values / 255.0 if values.dtype == np.uint8 else values).reshape(len(values), -1)


def scaled_as(port: Port) -> str:
    """Whose scale an output of numbers has: its own, or that of the input that it copies."""
    return port.sort.of if isinstance(port.sort, Copy) else port.name


def in_own_units(port: str, values: Array, tables: Tables) -> Array:
    """Numbers in the data's own scale, f64[N, n]: a `(standard)` output is learned in another."""
    scaling = tables.scalings.get(port)
    values = values.astype(np.float64).reshape(len(values), -1)
    return values if scaling is None else scaling.back(values)


def run_rows(
    executor: Executor, rows: Rows, batch: int, tables: Tables, targets: Sequence[str] = ()
) -> dict[str, Array]:
    """Every output of the executor's graph for every row, and the targets themselves, in the order of the rows: [rows,
    ...], or of what has positions [positions of all rows end to end, ...]; of a masked output [those that are asked
    about, ...].

    A label of -1 (training never saw it) is fed as 0 where a row has one: a loss needs some label; who reads the loss
    leaves it out.
    """
    dtype, legal = float_dtype(executor.graph), legal_steps(executor.graph, rows.ports, tables.labels)
    ragged = {o.name: sequence_symbol(o.node.type.shape[1]) for o in executor.graph.outputs if o.node.type.ragged == 1}
    texts = {symbol: rows.columns[port] for port, symbol in rows.symbols.items()}
    asked = {o.name: each for each in rows.asked for o in executor.graph.outputs if _is_of(o.name, each.name)}
    answers: dict[str, list[tuple[Array, Array]]] = {name: [] for name in asked}
    collected: dict[str, Array] = {}
    carried = Carried(executor.graph)
    for part in batches(rows, batch, order="plain", dtype=dtype):
        if not rows.stream or not carried.now:
            carried.begin(part.sizes)
        results = executor.run({**feeds_of(executor.graph, part), **legal, **carried.now}, part.sizes)
        carried.hand_on(results)
        for name, value in results.items():
            if name in asked:
                answers[name].append(_answers(rows, asked[name], part, value))
                continue
            text = texts[ragged[name]] if name in ragged else None
            if name not in collected:
                count = rows.count if text is None else len(text.ids)
                shape = value.shape[1:] if text is None else value.shape[2:]
                collected[name] = np.zeros((count, *shape), value.dtype)
            if rows.stream:
                collected[name][part.rows] = value[0, : part.count]
            elif text is None:
                collected[name][part.rows] = value
            else:
                collected[name][text.places(part.rows)] = value[text.real(part.rows, value.shape[1])]
    for name, parts in answers.items():
        order = np.argsort(np.concatenate([places for places, _ in parts])) if parts else np.zeros(0, np.int64)
        collected[name] = np.concatenate([values for _, values in parts])[order] if parts else np.zeros(0)
    for name in targets:
        column = rows.columns[name]
        collected[name] = column.ids if isinstance(column, Sequences) else column
    return collected


def _is_of(output: str, port: str) -> bool:
    return output.rpartition(".")[0] == port


def _answers(rows: Rows, asked: Asked, batch: Batch, value: Array) -> tuple[Array, Array]:
    """Where in the text, all rows end to end, a batch was asked, and what it said there."""
    places = batch.arrays[places_of(asked.name)][0]
    column = rows.columns[asked.text]
    assert isinstance(column, Sequences)
    there = places >= 0
    positions = batch.arrays[asked.text].shape[1]
    return places_in(column, batch.rows, places[there], positions), value[0, there]


def feeds_of(graph: Graph, batch: Batch) -> dict[str, Array]:
    """What of a batch the graph takes."""
    feeds: dict[str, Array] = {}
    for node in graph.inputs:
        assert isinstance(node.op, Input)
        if node.op.name in batch.arrays and node.op.kind in ("data", "lengths"):
            value = batch.arrays[node.op.name]
            one_each = value.dtype == np.int64 and value.ndim == 1
            feeds[node.op.name] = np.maximum(value, 0) if one_each else value
    return feeds


def float_dtype(graph: Graph) -> Literal["f32", "f64"]:
    """The type that the graph's numbers are fed in: that of its weights and inputs."""
    return "f64" if any(n.type.dtype == "f64" for n in graph.inputs if n.op.kind in ("weight", "data")) else "f32"


def tokens_in(batch: Batch) -> int:
    """Real positions of all its sequences, padding left out; 0 where nothing is a sequence."""
    return sum(int(lengths.sum()) for name, lengths in batch.arrays.items() if name.startswith("lengths.T"))
