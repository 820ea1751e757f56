"""What a trained model looks at: the weights of its attention for an example, with the tokens at both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from compiler.ir.graph import Graph
from compiler.looking import Looking, with_looks
from compiler.sorts import Document, Port, Tokens, fed_name, is_written, owner, sequence_symbol_of
from dsl.errors import Diagnostic, RunError
from dsl.source import Span
from nnc.translating import joined_texts, written_ids
from runtime.data import Rows, batches
from runtime.data.rows import bucket
from runtime.data.tokens import BEGIN, END, UNKNOWN, Sequences, Vocabulary
from runtime.decode import most_written, require_room, without_texts
from runtime.evaluate import feeds_of, float_dtype
from runtime.execute import Executor

if TYPE_CHECKING:
    from nnc.model import Model

CUT_OFF = "(cut)"
OWN = {UNKNOWN: "(unknown)", BEGIN: "(begin)", END: "(end)"}


Sides = tuple[list[str], list[str]]
"""The tokens of a text: those that are told at its positions, and those that are read there."""


@dataclass(frozen=True)
class Look:
    """The weights of one layer for one example. weights: f64[heads, rows, columns], the tokens that look and those that
    are looked at; rows is ("",) for what looks once."""

    layer: int
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    weights: NDArray[np.float64]

    def mean(self, head: int | None = None) -> NDArray[np.float64]:
        """Of a head, from 1, or of all: f64[rows, columns]."""
        return self.weights.mean(axis=0) if head is None else self.weights[head - 1]


@dataclass(frozen=True)
class Looker:
    """What looks of a model's layers can be shown: those at the positions of its texts.

    layers: numbered from 1; default: the number of the one that is shown where none is asked for
    """

    model: Model
    executor: Executor
    layers: Mapping[int, Looking]
    default: int

    def span(self, layer: int) -> Span | None:
        return self.layers[layer].span

    def of_rows(self, rows: Rows) -> tuple[list[dict[int, Look]], dict[str, list[str]]]:
        """For each row the looks by layer, and of each output that is a text what is written for each row."""
        network = self.model.experiment.network
        ids = written_ids(self.model, rows) if any(map(is_written, network.outputs)) else {}
        rows = without_texts(rows)
        found = [self._of_row(rows, at, {name: each[at] for name, each in ids.items()}) for at in range(rows.count)]
        return found, joined_texts(self.model, ids)

    def _of_row(self, rows: Rows, at: int, written: Mapping[str, list[int]]) -> dict[int, Look]:
        graph, model = self.executor.graph, self.model
        (batch,) = batches(rows.take(np.array([at])), 1, order="plain", dtype=float_dtype(graph))
        feeds, sizes = feeds_of(graph, batch), dict(batch.sizes)
        texts: dict[str, Sides] = {}
        for port in model.ports:
            if not isinstance(port.sort, Tokens) or isinstance(port.sort, Document):
                continue
            symbol = sequence_symbol_of(port, model.ports)
            vocabulary = model.tables.vocabularies[owner(port)]
            if port.output:
                fed = [BEGIN, *written[port.name]]
                sizes[symbol] = bucket(len(fed))
                padded = np.zeros((1, sizes[symbol]), np.int64)
                padded[0, : len(fed)] = fed
                feeds |= {fed_name(port): padded, f"lengths.{symbol}": np.array([len(fed)])}
                # What is fed is what a text looks at itself by; what it tells there stands one further.
                cut = len(written[port.name]) >= most_written(port, model.experiment.predict)
                told = [*_names(vocabulary, fed[1:]), CUT_OFF if cut else OWN[END]]
                texts[symbol] = told, _names(vocabulary, fed)
            elif isinstance(column := rows.columns.get(port.name), Sequences):
                names = _names(vocabulary, column.take(np.array([at])).ids.tolist())
                texts[symbol] = names, names
        require_room(self.executor, sizes)
        found = self.executor.run(feeds, sizes)
        return {
            number: _look(number, layer, np.array(found[layer.name], np.float64), texts)
            for number, layer in self.layers.items()
        }


def _names(vocabulary: Vocabulary, ids: Sequence[int]) -> list[str]:
    return [OWN.get(i) or vocabulary.token(i) or "" for i in ids]


def _look(number: int, layer: Looking, weights: NDArray[np.float64], texts: Mapping[str, Sides]) -> Look:
    match layer.layout:
        case "heads":
            each = weights[0]
        case "steps":
            each = weights[:, 0, :, 0].swapaxes(0, 1)
        case "scores":
            each = weights[0].swapaxes(1, 2)
    _, columns = texts[str(layer.keys)]
    if layer.queries is None:
        rows = tuple(f"{i}" if each.shape[1] > 1 else "" for i in range(1, each.shape[1] + 1))
    else:
        own, fed = texts[str(layer.queries)]
        rows = tuple(fed if layer.queries == layer.keys else own)
    return Look(number, rows, tuple(columns), each[:, : len(rows), : len(columns)])


def looker(model: Model) -> Looker:
    """Raises RunError NN882 for a model without a layer that looks at the tokens of a text."""
    network = model.experiment.network
    graph, every = with_looks(network.prediction)
    sides: dict[str, Port] = {
        sequence_symbol_of(p, network.ports): p
        for p in network.ports
        if isinstance(p.sort, Tokens) and not isinstance(p.sort, Document)
    }
    shown = {
        number: layer
        for number, layer in enumerate(every, 1)
        if str(layer.keys) in sides and (layer.queries is None or str(layer.queries) in sides)
    }
    if not shown:
        message = f"{network.name} has no layer that looks at the tokens of a text"
        raise RunError(Diagnostic("NN882", message, help="attention, attend and weighted look"))
    wanted = {layer.name for layer in shown.values()}
    only = Graph(graph.inputs, tuple(o for o in graph.outputs if o.name in wanted))
    across = [n for n, at in shown.items() if at.queries != at.keys and sides[str(at.keys)].output is False]
    return Looker(model, model.executor(only), shown, (across or list(shown))[-1])
