"""Backpropagation through time, derived: the gradient of a scan is a scan the other way, whatever its body is.

Each step of it carries the cotangents of the states back. Values of the forward steps that it needs are stacked by the
forward scan, which is made anew with them as further outputs (the pass `join` then runs it once). What a weight gets
from each step is a product or a sum over rows; over the stacked operands it is one product or sum for all steps, after
the loop: then no step has to add to a weight's gradient, and what padding computed is cleared in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from compiler.ir.graph import Input, Node, apply, sorted_nodes
from compiler.ir.types import Type, is_ragged, is_rows
from compiler.ops.attention import HeadSpread
from compiler.ops.elementwise import Add, constant
from compiler.ops.product import Outer
from compiler.ops.reduction import Sum
from compiler.ops.scan import Scan
from compiler.ops.shape import Broadcast, Reshape, Transpose
from compiler.recurrence import Recurrence, State, depending, exchanged, opened, part, placeholder, stacked_type
from dsl.errors import InternalError
from dsl.source import Span

Walk: TypeAlias = Callable[[Mapping[Node, Node], Sequence[Node]], list[Node | None]]
"""From the cotangents of some nodes to those of others: the reverse walk."""

Masked: TypeAlias = Callable[[Node], Node]
"""A sequence with zeros in its padding."""


def scan_gradient(
    node: Node, given: Mapping[int, Node], needed: set[Node], walk: Walk, masked: Masked
) -> list[Node | None]:
    """The cotangent of each input of a scan. given: of its parts, those of stacked values with zeros in the padding."""
    op = node.op
    assert isinstance(op, Scan)
    forward = opened(node)
    inner = [s.inner for s in forward.states]
    elements = [e for e, outer in forward.sequences if outer in needed]
    ended = 1 if op.ragged else 0
    outside = [
        n for n in dict.fromkeys(node.inputs[op.states + op.sequences : len(node.inputs) - ended]) if n in needed
    ]
    back = Recurrence([], [], [], op.length, not op.reverse, forward.ended, node.span)
    seeds = _seeds(forward, back, given)
    found = dict(zip([*inner, *elements, *outside], walk(seeds, [*inner, *elements, *outside]), strict=True))

    wanted = [n for n in found if found[n] is not None]
    roots = _with_kept_values(forward, back, [c for n in wanted if (c := found[n]) is not None])
    cotangent = dict(zip(wanted, roots, strict=True))
    for state, carried in zip(forward.states, back.states, strict=True):
        carried.next = cotangent.get(state.inner) or zeros(carried.inner.type, node.span)
    sums = _Sums(back, masked)
    later = {n: sums.over_steps(n, cotangent[n]) for n in outside if n in cotangent}
    stacked = {e: sums.stacked(cotangent[e]) for e in elements if e in cotangent}

    waiting = [*later.values(), *stacked.values()]
    done = dict(zip(waiting, sums.closed(waiting), strict=True))
    scan = sums.scan
    flows: list[Node | None] = [part(scan, k) if s.initial in needed else None for k, s in enumerate(forward.states)]
    flows += [done[stacked[e]] if e in stacked else None for e, _ in forward.sequences]
    for n in node.inputs[op.states + op.sequences : len(node.inputs) - ended]:
        # Who stands there twice gets it once.
        value = later.pop(n, None)
        flows.append(done[value] if value is not None else None)
    return [*flows, *[None] * ended]


def zeros(type_: Type, span: Span | None = None) -> Node:
    return apply(Broadcast(type_.shape), constant(0.0, type_.dtype, span), span=span)


def _seeds(forward: Recurrence, back: Recurrence, given: Mapping[int, Node]) -> dict[Node, Node]:
    """What the walk through the body starts from: cotangents from the step after, and those of the step's values."""
    seeds: dict[Node, Node] = {}

    def seed(node: Node, cotangent: Node) -> None:
        seeds[node] = apply(Add(), seeds[node], cotangent, span=cotangent.span) if node in seeds else cotangent

    for k, state in enumerate(forward.states):
        assert isinstance(state.inner.op, Input)
        carried = placeholder(back.fresh(f"d.{state.inner.op.name}"), state.inner.type, forward.span)
        initial = given.get(k) or zeros(carried.type, forward.span)
        back.states.append(State(carried, initial, carried))
        seed(state.next, carried)
    for k, output in enumerate(forward.outputs, len(forward.states)):
        if k in given:
            seed(output, back.element(given[k], "d.out"))
    return seeds


def _with_kept_values(forward: Recurrence, back: Recurrence, roots: list[Node]) -> list[Node]:
    """The roots of the reverse body, with each forward value that they read as an element of what was stacked."""
    outer = dict(forward.sequences)
    varying = depending(forward.roots, forward.moving)
    read = [n for n in sorted_nodes(roots, leaf=lambda n: n in varying) if n in varying]
    kept = [n for n in read if n not in outer and n not in forward.outputs]
    forward.outputs += kept
    again = forward.close()
    new: dict[Node, Node] = {}
    for n in read:
        if n in outer:
            assert isinstance(n.op, Input)
            new[n] = back.element(outer[n], n.op.name)
        else:
            name = n.op.name if isinstance(n.op, Input) else "kept"
            new[n] = back.element(part(again, len(forward.states) + forward.outputs.index(n)), name)
    return exchanged(roots, new)


@dataclass
class _Sums:
    """What becomes of values of the reverse steps after the loop.

    waiting: a value of the step -> the node that stands for its stack until the scan is closed
    running: what stands for a state that is a running sum -> which state that is
    """

    back: Recurrence
    masked: Masked
    waiting: dict[Node, Node] = field(default_factory=dict[Node, Node])
    running: dict[Node, int] = field(default_factory=dict[Node, int])
    scan: Node = field(init=False)

    def stacked(self, value: Node) -> Node:
        for inner, outer in self.back.sequences:
            if inner is value:
                return outer
        if value not in self.waiting:
            self.waiting[value] = placeholder("waiting", stacked_type(value, self.back.length), value.span)
        return self.waiting[value]

    def over_steps(self, of: Node, term: Node) -> Node:
        """The sum of a term over all steps: of a value with a row for each example a running sum, else see below.

        What a step's attention gives its memory is one product for all steps, too.
        """
        if not any(map(is_rows, of.type.shape[:1])):
            return self._total(term)
        match term:
            case Node(op=Add(), inputs=(a, b)) if is_ragged(of.type.shape[1]):
                return apply(Add(), self.over_steps(of, a), self.over_steps(of, b), span=term.span)
            case Node(op=HeadSpread(), inputs=(w, x)):
                return apply(term.op, self._queries(w, (1, 2, 0, 3)), self._queries(x, (1, 0, 2)), span=term.span)
            case _:
                pass
        total = placeholder(self.back.fresh("sum"), term.type, term.span)
        self.running[total] = len(self.back.states)
        next_ = apply(Add(), total, term, span=term.span)
        self.back.states.append(State(total, zeros(term.type, term.span), next_))
        return total

    def _total(self, term: Node) -> Node:
        """a + b, a product or a sum over rows, and these in another shape: all that the rules of gradients make."""
        match term:
            case Node(op=Add(), inputs=(a, b)):
                return apply(Add(), self._total(a), self._total(b), span=term.span)
            case Node(op=Reshape(), inputs=(x,)):
                return apply(term.op, self._total(x), span=term.span)
            case Node(op=Outer(), inputs=(a, b)):
                return apply(term.op, *self._meeting(self.stacked(a), self.stacked(b)), span=term.span)
            case Node(op=Sum(axes=(0, *axes), keep=False), inputs=(x,)):
                whole = self._cleared(self.stacked(x))
                return apply(Sum((0, 1, *(a + 1 for a in axes))), whole, span=term.span)
            case _:
                raise InternalError(f"a step adds {term} to what all steps share: no sum over rows")

    def _queries(self, value: Node, order: tuple[int, ...]) -> Node:
        """What each step has for its one query, for the queries of all steps; with zeros in the padding."""
        whole = self._cleared(self.stacked(value))
        shape = tuple(d for i, d in enumerate(whole.type.shape) if i != whole.type.rank - 2)
        return apply(Transpose(order), apply(Reshape(shape), whole, span=value.span), span=value.span)

    def _cleared(self, x: Node) -> Node:
        return x if x.type.ragged is None or x.type.pad == "zero" else self.masked(x)

    def _meeting(self, a: Node, b: Node) -> tuple[Node, Node]:
        """Operands of a product over rows: in the padding one is 0, the other finite."""
        waiting = set(self.waiting.values())
        if a.type.pad != "finite" or a in waiting:
            a = self._cleared(a)
        if b.type.pad != "finite" or b in waiting or a.type.pad != "zero":
            b = self._cleared(b)
        return a, b

    def closed(self, roots: Sequence[Node]) -> list[Node]:
        """The roots over what the scan gives, which is made now."""
        self.back.outputs = list(self.waiting)
        self.scan = self.back.close()
        states = len(self.back.states)
        new = {total: part(self.scan, index) for total, index in self.running.items()}
        new |= {stands: part(self.scan, i) for i, stands in enumerate(self.waiting.values(), states)}
        return exchanged(roots, new)
