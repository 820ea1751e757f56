"""Uses of cells: their equations become the body of a loop over the positions."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from compiler.build import Bundle, CellSite, Namespace, Origin, Use, Value, is_sequence, shape_of, types_of, what
from compiler.experiment import LayerRow
from compiler.ir.graph import Input, Node, apply, sorted_nodes
from compiler.ir.types import BATCH, Dim, Type
from compiler.layers.activation import numbers
from compiler.lower.cell_body import equations
from compiler.lower.cell_words import signature_of
from compiler.lower.constants import constant_of, constant_value, settings_of
from compiler.lower.operands import Wanted, by_name
from compiler.lower.walk import Walk
from compiler.ops.chance import DropoutMask
from compiler.ops.elementwise import Mul, constant
from compiler.ops.shape import Broadcast, Concat, Transpose
from compiler.recurrence import Recurrence, State, ended_of, part, placeholder
from compiler.scope import BlockBinding, ConstantBinding, LabelBinding, Scope, ValueBinding
from compiler.signature import Resolved
from dsl import ast
from dsl.errors import Note

BY_TIME = (1, 0, 2)
"""[B, T, d] -> [T, B, d], and back."""


def use_cell(
    walk: Walk, layer: ast.Layer, binding: BlockBinding, scope: Scope, current: Value | None, piped: Value | None
) -> Value:
    """The states of a cell after each position, the first one's: [B, T, size], of both directions side by side."""
    cell, build = binding.block, walk.build
    assert isinstance(cell, ast.Cell)
    name = cell.name.id
    if name in walk.running:
        note = Note(cell.name.span, "declared here")
        build.fail("NN507", f"{name} uses itself", layer.callee.span, notes=(note,), help="a cell may use blocks")
    if layer.body is not None:
        build.fail("NN408", f"{name} takes no layers between braces", layer.body.span)
    settings = settings_of(walk, signature_of(cell), layer.arguments, layer.callee.span, scope)
    states = tuple(s.name.id for s in cell.states)
    wanted = Wanted(name, tuple(o.name.id for o in cell.operands), named=states)
    given = by_name(walk, layer, wanted, scope, current, piped)
    if layer.label is not None:
        walk.free(layer.label, scope)
    label = layer.label.id if layer.label is not None else None
    namespace = Namespace(walk.namespace.name(label or name) + ".")
    use = Use(build, name, layer.span, settings, namespace.path.removesuffix("."), place=layer.callee.span)
    rows, made, before = len(build.rows), len(build.fresh), len(build.parameters)
    outside, build.cell = build.cell, None
    walk.running.append(name)
    build.within.append(Note(layer.callee.span, f"in this use of {name}"))
    try:
        with walk.deeper(layer.span), walk.below(namespace, label, frozen=settings.get("frozen") is True):
            run = _Use(walk, use, cell, binding.scope, _values(use, cell, given), settings)
            result = run.result(namespace)
    finally:
        build.within.pop()
        walk.running.pop()
        build.cell = outside
    own = tuple(islice(reversed(build.parameters.values()), len(build.parameters) - before))[::-1]
    del build.rows[rows:], build.fresh[made:]
    fed = set(sorted_nodes(n for n in given.values() if isinstance(n, Node)))
    build.fresh += [n for n in sorted_nodes([result]) if n not in fed and not isinstance(n.op, Input)]
    nodes = tuple(build.fresh[made:])
    build.rows.append(LayerRow(layer.span, layer.span.snippet, walk.level, types_of(result), own, nodes))
    build.origins[result] = Origin(layer.span, f"this makes {shape_of(result)} of {shape_of(run.values[0])}", name)
    if label is not None:
        parts: dict[str, Value] = dict(run.finals)
        weights = walk.weights_below(namespace)
        scope.names[label] = LabelBinding(weights, parts, layer.span, result, scope.repeated)
    return result


def _values(use: Use, cell: ast.Cell, given: dict[str, Node | Bundle]) -> dict[str, Node]:
    """The operands and first states; refuses what no loop could run over."""
    found: dict[str, Node] = {}
    for name, value in given.items():
        if isinstance(value, Bundle):
            use.fail("NN205", f"{use.word} cannot take {what(value)}", help="pool it first, with maxpool for example")
        numbers(use, value)
        found[name] = use.build.finite(value, use.span)
    first = next(iter(found.values()))
    for i, operand in enumerate(cell.operands):
        value = found[operand.name.id]
        if i > 0 and operand.mark is None:
            continue
        if not is_sequence(value):
            use.fail("NN204", f"{use.word} needs a sequence, but gets {what(value)}", "expects [T, d]", about=value)
        if value.type.shape[1] != first.type.shape[1]:
            message = f"{use.word} goes along {shape_of(first)} and {shape_of(value)}: the positions differ"
            use.fail("NN212", message, help="take both from one input, with no change of length on the way")
    return found


@dataclass
class _Use:
    """One use of a cell. named: operands and first states; values: the operands that come position by position first.

    finals: the last states by name, where there is one layer in one direction
    """

    walk: Walk
    use: Use
    cell: ast.Cell
    scope: Scope
    named: dict[str, Node]
    settings: dict[str, Resolved]
    finals: dict[str, Node] = field(default_factory=dict[str, Node])

    def __post_init__(self) -> None:
        self.build = self.walk.build
        self.values = [self.named[o.name.id] for o in self.cell.operands]
        starts = {k: v for k in ("init", "scale") if (v := self.settings.get(k)) is not None}
        self.site = CellSite(self.use.count("size"), starts)
        self.length: Dim = self.values[0].type.shape[1]

    def result(self, namespace: Namespace) -> Node:
        """[B, T, d], after all layers."""
        use, layers = self.use, self.use.count("layers")
        turns = (False, True) if use.flag("bidir") else (use.flag("reverse"),)
        if use.flag("bidir") and use.flag("reverse"):
            use.fail("NN406", "bidir goes in both directions already", help="leave reverse out")
        several = layers > 1 or len(turns) > 1
        if several and any(s.name.id in self.named for s in self.cell.states):
            message = (
                f"{use.word} has several layers or directions, and of which this is the first state cannot be told"
            )
            use.fail("NN556", message, help="write each layer on a line of its own")
        share = self.settings.get("dropout")
        if share is not None and layers == 1:
            message = "dropout= stands between the layers of a cell, and here is one"
            use.fail("NN557", message, help=f"write dropout {share} on a line of its own, or layers=2")
        each = {o.name.id: self._by_time(v) for o, v in zip(self.cell.operands, self.values, strict=True)
                if o.mark is not None or o is self.cell.operands[0]}  # fmt: skip
        below = self.cell.operands[0].name.id
        directions: list[Node] = []
        for layer in range(1, layers + 1):
            directions = []
            for reverse in turns:
                way = f"{'backward' if reverse else 'forward'}." if len(turns) > 1 else ""
                path = f"{namespace.path}{f'{layer}.' if layers > 1 else ''}{way}"
                directions.append(self._loop(each, reverse, Namespace(path), keep=not several))
            each[below] = directions[0] if len(directions) == 1 else use.op(Concat(2), *directions)
            if layer < layers:
                each[below] = self._dropped(each[below])
        result = use.op(Transpose(BY_TIME), each[below])
        self.build.ends[result] = tuple((d.type.shape[-1], r) for d, r in zip(directions, turns, strict=True))
        return result

    def _by_time(self, x: Node) -> Node:
        return self.use.op(Transpose(BY_TIME), x)

    def _dropped(self, x: Node) -> Node:
        share = self.settings.get("dropout")
        if not isinstance(share, (int, float)) or share == 0 or self.build.mode != "training":
            return x
        seed, step, site = self.build.chance()
        return self.use.op(Mul(), x, self.use.op(DropoutMask(share, site, x.type.shape, self.build.dtype), seed, step))

    def _loop(self, each: dict[str, Node], reverse: bool, names: Namespace, keep: bool) -> Node:
        """The first state after each position, [T, B, size], in one direction."""
        cell, build = self.cell, self.build
        # All positions of a text are the same number, whatever they are called.
        ended = ended_of(self.length, build.lengths(self.length), self.use.span) if self._ragged() else None
        loop = Recurrence([], [], [], self.length, reverse, ended, self.use.span)
        scope = Scope(self.scope)
        scope.names["size"] = ConstantBinding(self.site.size, cell.name.span)
        for formal in cell.formals:
            value = constant_of(self.walk, formal, self.settings[formal.name.id], scope)
            scope.names[formal.name.id] = ConstantBinding(value, formal.name.span)
        for operand in cell.operands:
            name = operand.name.id
            value = loop.element(each[name], name) if name in each else self.named[name]
            scope.names[name] = ValueBinding(value, operand.span)
        states = {s.name.id: self._state(loop, s, scope) for s in cell.states}
        for state in cell.states:
            scope.names[state.name.id] = ValueBinding(states[state.name.id], state.span)
        build.cell = self.site
        try:
            following = equations(self.walk, cell, scope, states, names)
        finally:
            build.cell = None
        for state, value in zip(loop.states, following, strict=True):
            state.next = value
        loop.outputs = [following[0]]
        scan = loop.close()
        if keep:
            self.finals = {name: part(scan, i) for i, name in enumerate(states)}
        return part(scan, len(states))

    def _ragged(self) -> bool:
        return not isinstance(self.length, int)

    def _state(self, loop: Recurrence, state: ast.State, scope: Scope) -> Node:
        """The state before a step, [B, size]; its first value is the operand of its name, or zeros."""
        name, size = state.name.id, self._size(state, scope)
        type_ = Type(self.build.dtype, (BATCH, size))
        initial = self.named.get(name)
        if initial is None:
            zero = constant(0.0, self.build.dtype, self.use.span)
            initial = apply(Broadcast(type_.shape), zero, span=self.use.span)
        elif initial.type.shape != type_.shape:
            message = f"the state {name} is [{size}], but its first value is {what(initial)}"
            self.use.fail("NN552", message, help=f"make it as wide: dense {size}", about=initial)
        inner = placeholder(loop.fresh(name), type_, state.span)
        loop.states.append(State(inner, initial, inner))
        return inner

    def _size(self, state: ast.State, scope: Scope) -> int:
        if not state.sizes:
            return self.site.size
        size = constant_value(self.walk, state.sizes[0], scope) if len(state.sizes) == 1 else None
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            help = f"write state {state.name.id}[width], a whole number from 1 on"
            self.build.fail("NN559", f"the state {state.name.id} needs one width", state.span, help=help)
        return size
