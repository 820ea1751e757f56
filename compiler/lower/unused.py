"""What a body makes that reaches no output: inputs, names, lines, and heads that only an output may end in."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.ir.graph import Node, sorted_nodes
from compiler.lower.walk import Walk
from compiler.sorts import Port, segment_of
from compiler.values import Bundle, Value
from dsl.errors import Diagnostic
from dsl.source import Span


def refuse_heads_of_no_output(walk: Walk, values: Sequence[Node]) -> None:
    """A `crf` whose scores go on into another layer: nothing would ever use what it learns of neighbours; and a head of
    words, whose scores are not made while it learns."""
    for scores in walk.build.word_heads:
        if scores not in values:
            message = "dense negatives= and hierarchical predict a word, and this is no output"
            place = walk.build.origins[scores].span
            walk.build.report(Diagnostic("NN591", message, place, help="end with it, or write dense 100"))
    for scores in walk.build.steps:
        if scores not in values:
            help = "end with it, or write dense without crf"
            message = "dense crf scores the tags of an output, and this is no output"
            walk.build.report(Diagnostic("NN219", message, walk.build.origins[scores].span, help=help))


def refuse_unused(walk: Walk, inputs: Sequence[Port], values: Sequence[Node]) -> None:
    """An input, a name or a line that reaches no output's value is an error. What such lines are made
    from is used there, and nothing is said of it."""
    reached = set(sorted_nodes([*values, *(n for part in walk.parts for n in _nodes(part))]))
    build = walk.build
    used: dict[Span, bool] = {}
    for line in walk.lines:
        used[line.span] = used.get(line.span, False) or any(n in reached for n in _nodes(line.value))
    unused = [line for line in walk.lines if not used[line.span]]
    going_on = {i for n in sorted_nodes([n for line in unused for n in _nodes(line.value)]) for i in n.inputs}
    reached |= going_on
    for port in inputs:
        views = [build.inputs[view.of(port.name)] for view in build.views.get(port.name, ())]
        views += [build.inputs[name] for name in (segment_of(port.name),) if name in build.inputs]
        if reached.isdisjoint((build.inputs[port.name], *views)):
            build.report(
                Diagnostic(
                    "NN503",
                    f"the input {port.name} reaches no output",
                    port.span,
                    "never used",
                    help=f"use it, or leave it out: {port.name} | ...",
                )
            )
    for span, name in walk.shared.items():
        if span not in walk.shared_used:
            build.report(Diagnostic("NN503", f"{name} is never used", span, "never used", help=f"x | {name} uses it"))
    for line in unused:
        nodes = _nodes(line.value)
        if not nodes or not going_on.issuperset(nodes):
            named = f"{line.name} is" if line.name else "this line's value is"
            build.report(
                Diagnostic(
                    "NN503",
                    f"{named} never used: it reaches no output",
                    line.span,
                    "never used",
                    help="use it in a later line, or leave it out",
                )
            )


def _nodes(value: Value) -> tuple[Node, ...]:
    return value.parts if isinstance(value, Bundle) else (value,) if isinstance(value, Node) else ()
