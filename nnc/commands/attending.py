"""`nnc predict RUN --attention`: the answers, each with what the model looked at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from compiler.written import tells_next_alone
from dsl.errors import Diagnostic, RunError
from dsl.render import show
from nnc.attention import Look, Looker, looker
from nnc.attention_page import LEGEND, as_json, lines, named, page
from nnc.failure import width
from nnc.model import Model
from runtime.data import Rows
from runtime.predict import Answer
from runtime.storage import write_atomically

MOST = 200
"""Examples on a page."""


@dataclass(frozen=True)
class Attending:
    """As asked for. page: a file to write, None for the terminal; layer, head: from 1, None for the usual one and the
    mean of all heads"""

    page: Path | None = None
    layer: int | None = None
    head: int | None = None


def run(
    model: Model,
    every: Iterator[Rows],
    asked: Attending,
    line: Callable[[Mapping[str, Answer], Mapping[str, object]], str],
    as_objects: bool,
) -> int:
    """line: an answer as it is printed, with what `--json` adds to it; as_objects: whether that is JSON"""
    if tells_next_alone(model.experiment.network):
        message = "--attention is of a text that is answered, and this model goes on with one"
        raise RunError(Diagnostic("NN882", message, help="leave --attention out"))
    found = looker(model)
    layer = _layer(found, asked.layer)
    pieces: list[tuple[str, dict[int, Look]]] = []
    said = False
    for rows in every:
        looks, texts = found.of_rows(rows)
        for answer, each in zip(model.answers_beside(rows, texts), looks, strict=True):
            look = each[layer]
            if asked.head is not None and asked.head > len(look.weights):
                heads = len(look.weights)
                raise click.BadParameter(f"layer {layer} has {heads} head{'s' * (heads > 1)}", param_hint="--head")
            if as_objects:
                sys.stdout.write(line(answer, {"attention": as_json(look, asked.head)}) + "\n")
            else:
                sys.stdout.write(line(answer, {}) + "\n")
                if asked.page is None:
                    heading = "" if said else f"{named(found, layer, asked.head)}\n{LEGEND}\n"
                    said = True
                    drawn = "".join(f"  {each}\n" for each in lines(look, asked.head, width(sys.stdout) - 2))
                    sys.stdout.write(f"{heading}{drawn}\n")
            if asked.page is not None and len(pieces) < MOST:
                pieces.append((line(answer, {}), each))
        sys.stdout.flush()
    if asked.page is not None:
        title = f"attention of {show(model.experiment.file)}"
        write_atomically(asked.page, [part.encode() for part in page(title, found, layer, asked.head, pieces)])
        sys.stderr.write(f"wrote {show(str(asked.page))}\n")
    return 0


def _layer(found: Looker, asked: int | None) -> int:
    if asked is None:
        return found.default
    if asked not in found.layers:
        known = "; ".join(named(found, number, None) for number in found.layers)
        raise click.BadParameter(f"these look at the tokens of a text: {known}", param_hint="--layer")
    return asked
