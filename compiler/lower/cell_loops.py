"""The loops of one use of a cell: one for each layer and direction."""

from __future__ import annotations

from dataclasses import dataclass, field

from compiler.build import CellSite, Namespace, Use
from compiler.ir.graph import Node, apply, sorted_nodes
from compiler.ir.types import Dim, Type
from compiler.lower import stateful
from compiler.lower.cell_body import equations
from compiler.lower.constants import constant_of, constant_value
from compiler.lower.walk import Walk
from compiler.ops.elementwise import Mul, constant
from compiler.ops.shape import Broadcast, Concat, Slice, Transpose
from compiler.recurrence import BY_TIME, Recurrence, State, depending, ended_of, part, placeholder
from compiler.scope import ConstantBinding, Scope, ValueBinding
from compiler.signature import Resolved
from compiler.values import is_sequence, what
from dsl import ast


@dataclass
class CellLoops:
    """One use of a cell.

    named: operands and first states; values: the operands, in the order of the heading; settings: the cell's own
    finals: by state, its last value in each loop; layer by layer, of both directions forward first
    """

    walk: Walk
    use: Use
    cell: ast.Cell
    scope: Scope
    named: dict[str, Node]
    settings: dict[str, Resolved]
    finals: dict[str, list[Node]] = field(default_factory=dict[str, "list[Node]"])

    def __post_init__(self) -> None:
        self.build = self.walk.build
        self.values = [self.named[o.name.id] for o in self.cell.operands]
        self.starts = {k: v for k in ("init", "scale") if (v := self.use.settings.get(k)) is not None}
        self.size, self.layers = self.use.count("size"), self.use.count("layers")
        self.turns = (False, True) if self.use.flag("bidir") else (self.use.flag("reverse"),)
        self.length: Dim = self.values[0].type.shape[1]
        share = self.use.settings.get("dropout")
        self.share = float(share) if isinstance(share, (int, float)) and self.build.mode == "training" else 0.0
        self.met = False

    @property
    def loops(self) -> int:
        return self.layers * len(self.turns)

    def result(self, namespace: Namespace) -> Node:
        """[B, T, d], after all layers."""
        use, several = self.use, len(self.turns) > 1
        if several and use.flag("reverse"):
            use.fail("NN406", "bidir goes in both directions already", help="leave reverse out")
        self._check_dropout()
        self._check_stateful()
        each = {o.name.id: use.op(Transpose(BY_TIME), v) for o, v in zip(self.cell.operands, self.values, strict=True)
                if o.mark is not None or o is self.cell.operands[0]}  # fmt: skip
        below = self.cell.operands[0].name.id
        directions: list[Node] = []
        for layer in range(1, self.layers + 1):
            directions = []
            for reverse in self.turns:
                way = f"{'backward' if reverse else 'forward'}." if several else ""
                path = f"{namespace.path}{f'{layer}.' if self.layers > 1 else ''}{way}"
                directions.append(self._loop(each, reverse, Namespace(path)))
            each[below] = directions[0] if len(directions) == 1 else use.op(Concat(2), *directions)
            if layer < self.layers:
                each[below] = self._dropped(each[below])
        if use.flag("variational") and self.share and self.layers == 1 and not self.met:
            message = f"variational drops states where they meet weights, and none of {use.word} does"
            use.fail("NN557", message, help="leave it out, and put a line with dropout before or after")
        result = use.op(Transpose(BY_TIME), each[below])
        ends = tuple((d.type.shape[-1], r) for d, r in zip(directions, self.turns, strict=True))
        self.build.ends[result] = ends
        return result

    def last_states(self) -> dict[str, Node]:
        """Of each state one vector: its last values in all layers and directions, side by side."""
        return {n: v[0] if len(v) == 1 else self.use.op(Concat(1), *v) for n, v in self.finals.items()}

    def _check_dropout(self) -> None:
        share, alike = self.use.settings.get("dropout"), self.use.flag("variational")
        if share is None and alike:
            self.use.fail("NN405", "variational needs dropout=", help="write dropout=0.3 variational")
        if share is not None and self.layers == 1 and not alike:
            message = "dropout= stands between the layers of a cell, and here is one"
            help = f"write dropout {share} on a line of its own, layers=2, or variational for the states too"
            self.use.fail("NN557", message, help=help)

    def _check_stateful(self) -> None:
        if self.use.flag("stateful") and self.turns != (False,):
            way = "bidir" if len(self.turns) > 1 else "reverse"
            message = f"stateful goes on where the window before it ended, and {way} begins at the end of this one"
            self.use.fail("NN406", message, help=f"leave {way} or stateful out")

    def _dropped(self, x: Node) -> Node:
        """[T, B, d] with a share dropped; under `variational` the same at all positions."""
        if not self.share:
            return x
        shape = (1, *x.type.shape[1:]) if self.use.flag("variational") else x.type.shape
        return self.use.op(Mul(), x, self.use.dropout_mask(self.share, shape))

    def _loop(self, each: dict[str, Node], reverse: bool, names: Namespace) -> Node:
        """The first state after each position, [T, B, size], in one direction."""
        cell, build = self.cell, self.build
        # All positions of a text are the same number, whatever they are called.
        ragged = not isinstance(self.length, int)
        ended = ended_of(self.length, build.lengths(self.length), self.use.span) if ragged else None
        loop = Recurrence([], [], [], self.length, reverse, ended, self.use.span)
        scope = Scope(self.scope)
        scope.names["size"] = ConstantBinding(self.size, cell.name.span)
        for formal in cell.formals:
            value = constant_of(self.walk, formal, self.settings[formal.name.id], scope)
            scope.names[formal.name.id] = ConstantBinding(value, formal.name.span)
        for operand in cell.operands:
            name = operand.name.id
            value = loop.element(each[name], name) if name in each else self.named[name]
            scope.names[name] = ValueBinding(value, operand.span)
        states = {s.name.id: self._state(loop, s, scope, names.path) for s in cell.states}
        for state in cell.states:
            scope.names[state.name.id] = ValueBinding(states[state.name.id], state.span)
        site = CellSite(self.size, self.starts, self.length, loop.element, self.share)
        if self.use.flag("variational") and self.share:
            site.masks.update(dict.fromkeys(states.values()))
        build.cell = site
        try:
            following = equations(self.walk, cell, scope, states, names)
        finally:
            build.cell = None
        self.met = self.met or any(site.masks.values())
        for state, value in zip(loop.states, following, strict=True):
            state.next = value
        loop.outputs = [following[0]]
        self._one_position(loop)
        scan = loop.close()
        for i, name in enumerate(states):
            self.finals.setdefault(name, []).append(part(scan, i))
            if self.use.flag("stateful"):
                stateful.carry_on(self.use, loop.states[i].initial, part(scan, i))
        return part(scan, len(states))

    def _one_position(self, loop: Recurrence) -> None:
        """Refuses what differs from step to step and has positions itself."""
        varying = depending(loop.roots, loop.moving)
        node = next((n for n in sorted_nodes(loop.roots) if n in varying and n.type.ragged is not None), None)
        if node is None:
            return
        message = f"a step of {self.use.word} looks at all positions of what differs from step to step"
        help = "in a cell, positions may only be those of an operand that is the same in all steps"
        self.build.fail("NN562", message, node.span or self.cell.name.span, help=help)

    def _state(self, loop: Recurrence, state: ast.State, scope: Scope, path: str) -> Node:
        """The state before a step, [B, size]."""
        name, type_ = state.name.id, Type(self.build.dtype, (self.values[0].type.shape[0], self._size(state, scope)))
        inner = placeholder(loop.fresh(name), type_, state.span)
        loop.states.append(State(inner, self._first(name, type_, path), inner))
        return inner

    def _first(self, name: str, type_: Type, path: str) -> Node:
        """The value before the first position: zeros; or the operand of the state's name, for all loops or its part."""
        given, width = self.named.get(name), type_.shape[1]
        if self.use.flag("stateful"):
            return self._carried(name, type_, path)
        if given is None:
            zero = constant(0.0, self.build.dtype, self.use.span)
            return apply(Broadcast(type_.shape), zero, span=self.use.span)
        if given.type.shape == type_.shape:
            return given
        assert isinstance(width, int)
        if given.type.shape == (type_.shape[0], width * self.loops):
            # Loops are lowered in the order of their parts.
            return self.use.op(Slice(1, width * len(self.finals.get(name, ())), width), given)
        which = f"[{width}] in each of {self.loops} layers and directions" if self.loops > 1 else f"[{width}]"
        message = f"the state {name} is {which}, but its first value is {what(given)}"
        both = f", or one for each: dense {width * self.loops}" if self.loops > 1 else ""
        pooled = "make one vector of it first, with last or mean; then make it as wide: "
        help = f"{pooled if is_sequence(given) else 'make it as wide: '}dense {width}{both}"
        self.use.fail("NN552", message, help=help, about=given)

    def _carried(self, name: str, type_: Type, path: str) -> Node:
        """The value before the first position is that after the last one of the window before, which the run feeds."""
        if name in self.named:
            message = (
                f"stateful: the first value of {name} is where the window before it ended, and here another is given"
            )
            self.use.fail("NN406", message, help=f"leave stateful out, or {name}=")
        return stateful.carry(self.build, f"{path}{name}", type_)

    def _size(self, state: ast.State, scope: Scope) -> int:
        if not state.sizes:
            return self.size
        size = constant_value(self.walk, state.sizes[0], scope) if len(state.sizes) == 1 else None
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            help = f"write state {state.name.id}[width], a whole number from 1 on"
            self.build.fail("NN559", f"the state {state.name.id} needs one width", state.span, help=help)
        return size
