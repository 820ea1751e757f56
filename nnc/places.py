"""Values that are given on the command line, `--at x=1,point=[1,0],label=yes`, and a model's graph at them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeAlias

import click
import numpy as np

from compiler.chain import NUMBERS, Grain
from compiler.experiment import Experiment, Network
from compiler.ir.graph import Graph, Input, Node
from compiler.ir.types import bound_shape
from compiler.sorts import Image, Port, Real
from dsl.errors import Diagnostic, RunError
from dsl.nearest import nearest
from dsl.render import show
from nnc.chalk import Board, board
from nnc.single import Start, numbers
from nnc.sizes import open_symbols, sizes_missing
from runtime.backend import Array

Given: TypeAlias = "float | str | list[Any]"
PLACE = re.compile(r"\s*([^=,\[\]\s]+)\s*=\s*(\[[^=]*\]|[^=,\[\]]+?)\s*(?:,|$)")
"""`x=1,` and `point=[1, 0]`."""
TOO_DEEP = "[" * 5
"""No array has more axes than one less."""
SHOWN = 4
"""Numbers of an array, labels of an output, in a help."""


def weightless(experiment: Experiment) -> Diagnostic:
    """Of a model without weights to train, and how the gradients of its inputs are shown."""
    sorts = {p.name: p.sort for p in experiment.network.inputs}
    ones = {name: _ones(sort.width) for name, sort in sorts.items() if isinstance(sort, Real)}
    message = f"model {experiment.network.name} has no weights to train, so there is no gradient"
    if len(ones) == len(sorts):
        option = "--at " + ",".join(f"{name}={given}" for name, given in ones.items())
    elif experiment.data is not None and any(isinstance(sort, Real | Image) for sort in sorts.values()):
        option = "--row 1"
    else:
        return Diagnostic("NN824", message, help="leave frozen or freeze out: what is trained has gradients")
    help = f"the inputs have one: nnc inspect {show(experiment.file)} --stage gradients {option}"
    return Diagnostic("NN824", message, help=help)


def _ones(width: int) -> str:
    """So many ones, as they are written; of more than a few, `[1,1,1,1,...]`."""
    if width == 1:
        return "1"
    return f"[{','.join('1' * min(width, SHOWN))}{',...' if width > SHOWN else ''}]"


def parse_places(text: str) -> dict[str, Given]:
    """`x=1,point=[1,0],label=yes`. Raises a usage error."""
    found: dict[str, Given] = {}
    place = 0
    while place < len(text) or not found:
        match = PLACE.match(text, place)
        value = None if match is None else _value(match[2])
        if match is None or value is None:
            rest = show(text[place:])
            raise click.BadParameter(f"{rest!r} is no value: write x=1,y=2 or point=[1,0]", param_hint="--at")
        if match[1] in found:
            raise click.BadParameter(f"{show(match[1])} is given twice", param_hint="--at")
        found[match[1]] = value
        place = match.end()
    return found


def _value(written: str) -> Given | None:
    """A number, a list of them as JSON has it, or a label; None where it is none of these."""
    if written.startswith("["):
        try:
            listed = json.loads(written) if TOO_DEEP not in re.sub(r"\s", "", written) else None
            finite = listed is not None and bool(np.isfinite(np.array(listed, np.float64)).all())
        except (ValueError, TypeError):
            return None
        return listed if finite else None
    try:
        number = float(written)
    except ValueError:
        return written
    # Python reads 1_0 as 10; it may be a label.
    if "_" in written:
        return written
    return number if isfinite(number) else None


def at_places(begun: Start, places: Mapping[str, Given], grain: Grain) -> Board:
    """The gradients where inputs, and weights that are named, have these values.

    They are those of the loss where an output has a value too, else those of the output.

    Raises RunError NN821 and NN822 where values are missing or do not fit, a usage error for a name that is not there.
    """
    experiment, network = begun.experiment, begun.experiment.network
    if open_symbols(experiment):
        raise RunError(sizes_missing(experiment, "--at"))
    asked = [p for p in network.outputs if p.name in places]
    graph = network.training if asked else network.prediction
    inputs = _inputs(graph, places)
    labels = {} if begun.tables is None else begun.tables.labels
    for port in (*network.inputs, *(network.outputs if asked else ())):
        node = inputs.get(port.name)
        # An output that is made of the inputs is given nothing.
        if node is not None and node.type.dtype not in NUMBERS and not (port.output and port.name in labels):
            message = f"{show(port.name)} is no number, which --at could give"
            raise RunError(Diagnostic("NN821", message, port.span, help="take an example of the data: --row 1"))
        if node is not None and port.name not in places:
            help = f"add it: --at ...,{show(port.name)}=0"
            raise RunError(Diagnostic("NN821", f"--at gives no value for {show(port.name)}", port.span, help=help))
    feeds = {**begun.weights, **numbers(experiment, 1)}
    ports = {p.name: p for p in network.ports}
    for name, value in places.items():
        node = inputs[name]
        of_numbers = node.type.dtype in NUMBERS
        feeds[name] = _filled(name, node, value) if of_numbers else _label(ports[name], value, labels[name])
    output = "loss" if asked else _only_number(network)
    return board(experiment, graph, output, feeds, {"B": 1}, grain, local=True)


def _inputs(graph: Graph, places: Mapping[str, Given]) -> dict[str, Node]:
    """What may have a value, by name."""
    inputs = {n.op.name: n for n in graph.inputs if isinstance(n.op, Input) and n.op.kind in ("data", "weight")}
    for name in places:
        if name not in inputs:
            near = nearest(name, list(inputs))
            hint = f"did you mean {near}?" if near else f"it has {', '.join(inputs)}"
            raise click.BadParameter(f"the model has no {show(name)}: {hint}", param_hint="--at")
    return inputs


def _label(port: Port, value: Given, labels: tuple[str, ...]) -> Array:
    written = f"{value:g}" if isinstance(value, float) else value
    if written not in labels:
        have = ", ".join(map(show, labels[:SHOWN])) + (", ..." if len(labels) > SHOWN else "")
        message = f"{show(str(written))} is no label of {show(port.name)}"
        raise RunError(Diagnostic("NN821", message, port.span, help=f"it has {have}"))
    return np.array([labels.index(written)])


def _filled(name: str, node: Node, value: Given) -> Array:
    """A value in the shape of its input; one number fills an array of weights."""
    shape = bound_shape(node.type, {"B": 1})
    count = int(np.prod(shape))
    if isinstance(value, str):
        raise RunError(
            Diagnostic("NN821", f"{show(name)} is a number, not {show(value)}", help=f"write {show(name)}=1")
        )
    given = np.array(value, np.float64)
    fills = given.ndim == 0 and isinstance(node.op, Input) and node.op.kind == "weight"
    if given.size != count and not fills:
        zeros = ",".join(["0"] * min(count, SHOWN)) + (",..." if count > SHOWN else "")
        message = f"{show(name)} is {f'{count:,} numbers' if count > 1 else 'one number'}, not {given.size:,}"
        help = f"write {show(name)}={f'[{zeros}]' if count > 1 else '0'}"
        raise RunError(Diagnostic("NN821", message, node.span, help=help))
    return np.full(shape, given) if fills else given.reshape(shape)


def _only_number(network: Network) -> str:
    """The output whose gradient is asked for, where no label is given. Raises RunError NN822 for several numbers."""
    (head, *others) = network.heads
    name = head.port.name
    score = next(o.node for o in network.prediction.outputs if o.name == f"{name}.scores")
    if others or bound_shape(score.type, {"B": 1}) != (1, 1):
        message = "a gradient is that of one number, and this model gives several"
        help = f"say what {show(name)} ought to be, and it is that of the loss: --at ...,{show(name)}=1"
        raise RunError(Diagnostic("NN822", message, head.port.span, help=help))
    return f"{name}.scores"
