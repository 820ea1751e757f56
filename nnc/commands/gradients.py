"""`nnc inspect SPEC --stage gradients --at x=1,y=2` and `--row N`: the gradients of one example, with their numbers."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from rich.console import Console

from compiler.ir.graph import Node
from compiler.sorts import Document, has_ids, owner, sequence_symbol_of
from compiler.views import Sentence
from dsl.render import show
from nnc.chalk import MOST_LINKS, Board, board, positions_of
from nnc.failure import colored, width
from nnc.gradients_json import as_json
from nnc.gradients_page import cell, lines, lines_of, number, tree
from nnc.places import Given, at_places, parse_places
from nnc.single import Single, of_row, start
from runtime.data import Tables
from runtime.data.tokens import PADDING

MOST_WORDS = 6
"""Of a sentence, that it is shown by."""


@dataclass(frozen=True)
class Options:
    """at: as written on the command line; row: from 1; line: of the spec, to be shown op by op"""

    at: str | None = None
    row: int | None = None
    line: int | None = None
    sets: tuple[str, ...] = ()
    data_root: Path | None = None
    as_json: bool = False


def run(spec: Path, options: Options) -> int:
    places = None if options.at is None else parse_places(options.at)
    begun = start(spec, options.sets, options.data_root, with_data=places is None)
    single = None if places is not None else of_row(begun, options.row or 1)
    if single is not None:
        found = _of_row(single, options.line)
    else:
        found = at_places(begun, places or {}, "expression" if options.line is None else "op")
    if options.line is not None:
        _refuse_empty_line(found, options.line)
    if options.as_json:
        print(json.dumps(as_json(found), ensure_ascii=False, allow_nan=False))
        return 0
    where = f"at {_in_words(places)}" if places is not None else _row_in_words(single)
    title = f"{show(found.experiment.file)}   {_heading(found)}   {where}"
    columns = width(sys.stdout)
    out = Console(
        file=sys.stdout, width=columns, highlight=False, markup=False, emoji=False, no_color=not colored(sys.stdout)
    )
    if options.line is not None or (single is None and len(found.links) <= MOST_LINKS):
        out.print(tree(found, title, columns, options.line), soft_wrap=False)
    else:
        out.print(lines(found, title, columns, lambda node: _tokens(found, single, node)))
    return 0


def _of_row(single: Single, line: int | None) -> Board:
    experiment = single.start.experiment
    graph = experiment.network.training
    # `loss sum` follows the sum; of one row it is what `loss` shows but for the mean over positions.
    output = "objective" if any(o.name == "objective" for o in graph.outputs) else "loss"
    grain = "line" if line is None else "op"
    return board(experiment, graph, output, single.feeds, single.sizes, grain, local=line is not None)


def _refuse_empty_line(found: Board, line: int) -> None:
    have = {each for link in found.links for each in lines_of(link, found)}
    if line not in have:
        message = f"no gradient passes line {line}; it does at {', '.join(map(str, sorted(have)))}"
        raise click.BadParameter(message, param_hint="--line")


def _in_words(places: dict[str, Given]) -> str:
    """`x=1, point=[1 0]`."""
    return ", ".join(f"{show(n)}={show(v) if isinstance(v, str) else cell(np.array(v))}" for n, v in places.items())


def _row_in_words(single: Single | None) -> str:
    """`row 3 of the training rows`."""
    assert single is not None
    assert single.start.data is not None
    of = "window {} of the training text" if single.start.data.train.stream else "row {} of the training rows"
    return of.format(f"{single.number:,}")


def _heading(found: Board) -> str:
    """`out = (x + y) * max(y, z) = 6`, `loss = 0.54`."""
    value = number(float(found.value(found.root).ravel()[0]))
    link = found.link_of.get(found.root)
    return f"{show(found.label(link) if link is not None and found.name != 'loss' else found.name)} = {value}"


def _tokens(found: Board, single: Single | None, node: Node) -> Sequence[str]:
    """What stands at the positions of a value: the tokens of its text, where it has one each; else nothing."""
    symbol = positions_of(node)
    tables = None if single is None else single.start.tables
    if symbol is None or single is None or tables is None:
        return ()
    ports = found.experiment.network.ports
    for port in found.experiment.network.inputs:
        if isinstance(port.sort, Document) and sequence_symbol_of(port, ports) == symbol:
            sentences = _sentences(single, port.sort.sentence, port.name, tables)
            return sentences if len(sentences) == len(found.value(node)) else ()
        vocabulary = tables.vocabularies.get(owner(port)) if has_ids(port) else None
        if vocabulary is not None and sequence_symbol_of(port, ports) == symbol and port.name in single.feeds:
            ids = np.asarray(single.feeds[port.name]).ravel().tolist()
            if len(ids) == len(found.value(node)):
                return [vocabulary.token(i) or "(unknown)" for i in ids]
    return ()


def _sentences(single: Single, sentence: Sentence, name: str, tables: Tables) -> list[str]:
    """The sentences of a document, each by the words that it begins with."""
    vocabulary = tables.vocabularies[sentence.of(name)]
    different = np.asarray(single.feeds[sentence.letters(name)]).tolist()
    found: list[str] = []
    for which in np.asarray(single.feeds[sentence.of(name)]).ravel().tolist():
        ids = [i for i in different[which] if i != PADDING]
        words = [vocabulary.token(i) or "(unknown)" for i in ids[:MOST_WORDS]]
        found.append(" ".join(words) + (" …" if len(ids) > MOST_WORDS else ""))
    return found
