"""Columns of `spans per words`: the tags of a scheme that the training rows tell, and which all rows then keep to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from compiler.ir.graph import Graph, Input
from compiler.sorts import Port, Tokens
from dsl.errors import DataError, Diagnostic
from dsl.render import show
from dsl.source import Span
from runtime.data import schemes, tokens
from runtime.data.labels import NONE, UNKNOWN
from runtime.data.problems import Problems
from runtime.data.tokens import Sequences, Tokenised

LEGAL = "legal."
HELP = (
    "tags are O, and B-NAME, I-NAME as in BIO and IOB1, with E-NAME, S-NAME in BIOES; labels of single tokens are "
    "`class per`"
)


def check(port: str, tags: Tokenised, place: Callable[[int, int], Span], problems: Problems) -> None:
    """An error for each tag that no scheme has, at its first place. place: of a row and a position in it"""
    for type_, name in enumerate(tags.names):
        if schemes.parted(name) is None:
            at = int(np.argmax(tags.types == type_))
            row = int(np.searchsorted(tags.offsets, at, "right")) - 1
            message = f'`{port}`: "{show(name)}" is no tag of a span'
            problems.add(
                Diagnostic("NN729", message, place(row, at - int(tags.offsets[row])), "the first one", help=HELP)
            )


def fit(port: Port, tags: Tokenised, train: NDArray[np.int64]) -> tuple[str, ...]:
    """All tags of the training rows' scheme for the types that occur there. `schemes.scheme_of` tells the scheme.

    Raises DataError NN717 when there is no span.
    """
    rows = [_row(tags, row) for row in train.tolist()]
    found = schemes.complete({tag for row in rows for tag in row}, schemes.recognised(rows))
    if len(found) < 2:
        message = f"`{port.name}` needs spans to learn, but the training rows have none: every tag is O"
        raise DataError(Diagnostic("NN717", message, port.span, help="check which column holds the tags"))
    return found


def encode(like: Tokens, tags: Tokenised, labels: tuple[str, ...]) -> Sequences:
    """The spans of each row, tagged as the labels' scheme has it, which lie as the tokens of their text do.

    A tag that breaks the scheme marks the span that conlleval reads there; one that the labels lack is UNKNOWN where a
    span begins, UNKNOWN_INSIDE where it goes on.
    """
    each = replace(tags, types=np.arange(len(tags.types), dtype=np.int32))
    return tokens.laid_out(like, each, _ids(tags, labels, schemes.scheme_of(labels)), (NONE, NONE, NONE))


def _ids(tags: Tokenised, labels: tuple[str, ...], scheme: schemes.Scheme) -> NDArray[np.int32]:
    places = {label: i for i, label in enumerate(labels)}
    ids = np.array([places.get(name, UNKNOWN) for name in tags.names], np.int32)[tags.types]
    for row in _odd_rows(tags, ids, scheme).tolist():
        before = None
        for i, tag in enumerate(schemes.canonical(_row(tags, row), scheme), int(tags.offsets[row])):
            unknown = UNKNOWN if schemes.begins(before, tag) else schemes.UNKNOWN_INSIDE
            ids[i] = places.get(tag, unknown)
            before = tag
    return ids


def _odd_rows(tags: Tokenised, ids: NDArray[np.int32], scheme: schemes.Scheme) -> NDArray[np.int64]:
    """The rows that break the scheme or have tags that are not known."""
    if not len(ids):
        return np.zeros(0, np.int64)
    legal = schemes.legal(tags.names, scheme)
    outside = len(tags.names)
    starts, ends = tags.offsets[:-1], tags.offsets[1:] - 1
    filled = starts <= ends
    before = np.append(outside, tags.types[:-1])
    before[starts[filled]] = outside
    odd = ~legal[before, tags.types] | (ids < 0)
    last = ends[filled]
    odd[last] |= ~legal[tags.types[last], outside]
    return np.unique(np.searchsorted(tags.offsets, np.flatnonzero(odd), "right") - 1)


def _row(tags: Tokenised, row: int) -> list[str]:
    begin, end = tags.offsets[row : row + 2].tolist()
    return [tags.names[type_] for type_ in tags.types[begin:end].tolist()]


def legal_steps(
    graph: Graph, ports: Iterable[Port], labels: Mapping[str, tuple[str, ...]]
) -> dict[str, NDArray[np.float64]]:
    """What the graph asks for as `legal.OUTPUT`: which of its labels may follow which, 1 or 0."""
    sorts, texts = {p.name: p.sort for p in ports}, {p.name: p.per for p in ports}
    names = [n.op.name for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "number"]
    found: dict[str, NDArray[np.float64]] = {}
    for name in names:
        if name.startswith(LEGAL):
            output = name.removeprefix(LEGAL)
            text = sorts[texts[output] or ""]
            steps = schemes.legal(labels[output], schemes.scheme_of(labels[output])).astype(np.float64)
            # A text that is read from its end has each step the other way.
            found[name] = steps.T if isinstance(text, Tokens) and text.reverse else steps
    return found
