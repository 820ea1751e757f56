"""The graph as text, for people and for tests; what is shown parses back to the same graph.

    graph
      %text: i64[B, T]{zero} = input data
      %embed.weight: f32[V, 128] = input weight
      %1: f32[B, T, 128]{zero} = gather %embed.weight %text        # sentiment.nn:5 embed 128
      %2: f32[B, T, 128]{zero} = fused %1
        $1 = constant 0.5
        $2 = mul $0 $1
      return out=%2
      return embed.weight:=%3

Of a vector of several weights the parts follow: `input weight dense.weight[2,8] dense.bias[8]`.
The body of a loop is a graph of its own below its node, each line behind `|`. Attributes follow the operands as
name=value; those that have their default are left out. `a:=%3` is the next value of the input a; a result of another
name than the input that it updates is `name=a:=%3`. `compiler.ir.parse` reads it back.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field, fields
from functools import cache
from itertools import count
from typing import cast

from compiler.ir.graph import Flat, Graph, Input, Node, Op, structure
from compiler.ops.elementwise import Constant
from compiler.ops.fused import Fused
from compiler.ops.scan import Scan
from dsl.render import show as escaped

COMMENT_COLUMN = 72
BODY = "    | "
"""What the lines of a loop's body begin with."""


@cache
def op_name(cls: type[Op]) -> str:
    """LogSoftmax -> log_softmax"""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


def show(graph: Graph, by_op: bool = False) -> str:
    """Every input and every node that an output needs, each after its inputs, be the graph valid or not.

    by_op: nodes are named `mat_mul.2`, not `17`: what is added or taken away then renames fewer of the others.
    """
    nodes = list(dict.fromkeys((*graph.inputs, *graph.nodes())))
    names = names_of(nodes, by_op)
    lines = ["graph"]
    for node in nodes:
        operands = " ".join(f"%{names[n]}" for n in node.inputs)
        first = f"  %{names[node]}: {node.type} = {described(node.op, operands)}"
        lines.append(first + _comment(node, len(first)))
        if isinstance(node.op, Fused):
            lines.extend(steps_of(node.op, len(node.inputs)))
        if isinstance(node.op, Scan):
            lines.extend(f"{BODY}{line}" for line in show(node.op.body.graph, by_op).splitlines())
    for output in graph.outputs:
        name = f"{output.name}=" if output.name != output.update else ""
        target = f"{output.update}:=" if output.update is not None else ""
        lines.append(f"  return {name}{target}%{names[output.node]}")
    return "\n".join(lines) + "\n"


def same(a: Graph, b: Graph) -> bool:
    """Whether the graphs are alike in structure: all but the lines of the spec that the nodes come from."""
    return structure(a) == structure(b)


def attributes(op: Op) -> str:
    """` size=3 stride=2`: the fields that differ from their defaults."""
    shown = (
        f" {f.name}={_value(getattr(op, f.name))}"
        for f in fields(op)
        if f.name != "body" and getattr(op, f.name) != _default(f)
    )
    return "".join(shown)


def _default(field: Field[object]) -> object:
    return field.default if field.default is not MISSING else None


def described(op: Op, operands: str) -> str:
    """What stands to the right of `=`."""
    if isinstance(op, Input):
        parts = op.parts if isinstance(op, Flat) else ()
        return " ".join([f"input {op.kind}", *(f"{part.name}[{','.join(map(str, part.shape))}]" for part in parts)])
    if isinstance(op, Constant):
        dtype = f" dtype={op.dtype}" if op.dtype != "f32" else ""
        return f"constant {_number(op)}{dtype}"
    shown = "" if isinstance(op, Fused) else attributes(op)
    return f"{op_name(type(op))}{' ' if operands else ''}{operands}{shown}"


def _number(op: Constant) -> str:
    # The shortest decimal that reads back as the same bits; the hexadecimal where it would not.
    return repr(op.value) if op.value.hex() == op.hex else op.hex


def steps_of(op: Fused, inputs: int) -> Iterable[str]:
    for i, (step, operands) in enumerate(op.steps):
        yield f"    ${inputs + i} = {described(step, ' '.join(f'${k}' for k in operands))}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        # The tuples of an op's fields hold dimensions or numbers of axes.
        return f"[{', '.join(map(str, cast(tuple[object, ...], value)))}]"
    return str(value)


def _comment(node: Node, width: int) -> str:
    if node.span is None:
        return ""
    line = escaped(f"{node.span.file}:{node.span.line} {node.span.text.strip()}")
    return f"{' ' * max(COMMENT_COLUMN - width, 2)}# {line}"


def names_of(nodes: list[Node], by_op: bool) -> dict[Node, str]:
    """An input's own name, a number for everything else, by_op behind the op's name."""
    inputs: dict[str, Node] = {}
    for node in nodes:
        if isinstance(node.op, Input):
            inputs.setdefault(node.op.name, node)
    named = {node: name for name, node in inputs.items()}
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))
    for node in nodes:
        if node not in named:
            word = op_name(type(node.op)) if by_op else ""
            named[node] = next(n for i in numbers[word] if (n := f"{word}.{i}" if by_op else str(i)) not in inputs)
    return named
