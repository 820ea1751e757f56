"""Layers that are `stateful`: what lives from window to window of a stream, and which models have a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compiler.build import Build, Use
from compiler.experiment import CarriedState
from compiler.ir.graph import Input, Node
from compiler.ir.types import BATCH, Type, is_ragged, rows_of
from compiler.ops.attention import HeadMix
from compiler.ops.positions import Sinusoid, TakeFirst
from compiler.sorts import Following, Port, Tokens, word_of
from dsl.errors import Diagnostic, Note

HELP = "stateful is for a language model: model NAME(text: words) -> next: next(text)"

UNROLL = "leave max= out; `unroll 35` in `train` says how long the windows of a stream are"


def carry(build: Build, name: str, type_: Type) -> Node:
    """The input of a state that lives from window to window; a second use of shared weights has one of its own."""
    found, number = f"{name}.carried", 1
    while found in build.inputs:
        number += 1
        found = f"{name}.carried.{number}"
    return build.input(found, type_, "data")


def carry_on(use: Use, first: Node, last: Node) -> None:
    """What the next window begins with, in the place of first."""
    assert isinstance(first.op, Input)
    use.build.carried[first.op.name] = last, use.place or use.span


def carried(build: Build) -> tuple[CarriedState, ...]:
    """The states, in the order in which they were made."""
    return tuple(CarriedState(name, build.inputs[name].type) for name in build.carried)


def marked(build: Build, ports: tuple[Port, ...]) -> tuple[Port, ...]:
    """The ports, a text along which states go marked as a stream."""
    stream = bool(build.carried)
    return tuple(replace(p, stream=stream and isinstance(p.sort, Tokens) and not p.output) for p in ports)


def refusals(build: Build, ports: tuple[Port, ...]) -> list[Diagnostic]:
    """Why the text of a model with a `stateful` layer is no stream: an error for the first such layer."""
    reason, help = next(_reasons(ports), (None, HELP))
    for name, (_, span) in build.carried.items():
        if build.inputs[name].type.shape[0] != BATCH:
            reason, help = "here it goes along the characters of a word", HELP
        if reason is not None:
            message = f"stateful goes along one stream of text, and {reason}"
            return [Diagnostic("NN518", message, span, help=help)]
    return _cut(build) if build.carried else []


def _cut(build: Build) -> list[Diagnostic]:
    """An error for the first layer whose result hangs on where the windows of the stream are cut."""
    for node in build.fresh:
        if isinstance(node.op, HeadMix | Sinusoid | TakeFirst) and _is_long(node.type):
            _, span = next(iter(build.carried.values()))
            word = "attention sees" if isinstance(node.op, HeadMix) else "positions counts in"
            message = f"{word} one window of the stream, and the states of stateful go on from window to window"
            help = "leave stateful out, and say at the text how long a window is: chars(max=64)"
            return [
                Diagnostic(
                    "NN573", message, node.span, "how windows are cut would decide", (Note(span, "stateful"),), help
                )
            ]
    return []


def _is_long(type_: Type) -> bool:
    return any(is_ragged(d) and rows_of(d) == BATCH for d in type_.shape)


def _reasons(ports: tuple[Port, ...]) -> Iterator[tuple[str, str]]:
    writes = any(isinstance(port.sort, Following) for port in ports)
    texts = [p for p in ports if not p.output]
    for port in texts:
        if not isinstance(port.sort, Tokens):
            yield f"{port.name} is {word_of(port.sort)}, which has a row for each example", HELP
        elif port.sort.max is not None:
            yield f"max={port.sort.max} cuts {port.name} into windows that stand alone", UNROLL if writes else HELP
    if len(texts) > 1:
        yield f"the model reads {' and '.join(p.name for p in texts)}", HELP
    for port in ports:
        if port.output and not isinstance(port.sort, Following):
            yield f"{port.name} is {word_of(port.sort)}, for which a text is an example by itself", HELP
        elif port.output and isinstance(port.sort, Following) and port.sort.backwards:
            yield f"{port.name} is previous({port.per}), which must not know what came before", HELP
