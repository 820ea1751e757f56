"""A plan as a Python program over NumPy: what runs, and what `nnc inspect --stage code` prints.

Names and numbers in it come from the plan; a spec's own text stands in comments only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from compiler.ir.graph import Op
from compiler.ir.text import op_name
from compiler.ir.types import Dtype
from compiler.ops.elementwise import (
    Abs,
    Add,
    Cast,
    Constant,
    Div,
    Equal,
    Exp,
    Greater,
    Log,
    Maximum,
    Minimum,
    Mul,
    Neg,
    Relu,
    Sigmoid,
    Sign,
    Softplus,
    Sqrt,
    Sub,
    Tanh,
)
from compiler.ops.lookup import Gather
from compiler.ops.product import MatMul, Outer
from compiler.ops.reduction import Max, PutAlong, Sum, TakeAlong
from compiler.ops.shape import Broadcast, Slice, Transpose
from compiler.plan.plan import Call, Literal, Loop, Place, Plan, Positions, RowsPlace, Step, Where
from dsl.render import show

UFUNCS: dict[type[Op], str] = {
    Neg: "negative",
    Exp: "exp",
    Log: "log",
    Sqrt: "sqrt",
    Tanh: "tanh",
    Abs: "absolute",
    Sign: "sign",
    Add: "add",
    Sub: "subtract",
    Mul: "multiply",
    Div: "divide",
    Maximum: "maximum",
    Minimum: "minimum",
    Greater: "greater",
    Equal: "equal",
}

SECOND_OPERAND: dict[type[Op], tuple[str, float]] = {Relu: ("maximum", 0.0), Softplus: ("logaddexp", 0.0)}

DTYPES: dict[Dtype, str] = {"f32": "np.float32", "f64": "np.float64", "i64": "np.int64", "bool": "np.bool_"}

FEW = 4_096
"""Numbers of a result up to which a constant operand is an array made before: NumPy takes as long to make an array of a
number as to compute with so many. Beyond it the number itself is easier to read."""
NAMED: dict[Dtype, str] = {"f32": "F", "f64": "D", "i64": "I"}
"""How such an array's name begins; no other name of a program has a capital letter."""


def emit(plan: Plan) -> str:
    """Source of `bind(np, k, at, w)`: k has the kernels, at(offset, shape, dtype) is a part of the arena, w are the
    arrays of plan.store. It returns the step, the arrays to feed and the arrays that hold the outputs, as in plan."""
    return Writer(plan).program()


class Writer:
    """What kinds of work become which lines; `compiler.emit.native` changes some."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.bound: dict[str, str] = {}
        self.body: list[str] = []
        self.moving: set[str] = set()
        self.seen: dict[str, str] = {}
        """In a loop over positions: what each position has its part of, and views of such parts."""

    def program(self) -> str:
        plan = self.plan
        for i, (_, place) in enumerate(plan.store):
            self.bound[place.name] = f"w[{i}]"
        fed = [self.text(place) for _, place in plan.inputs]
        heading = ""
        forward_lines = {s.node.span.line for s in plan.steps if s.node.span is not None and not s.gradient}
        for step in plan.steps:
            before, heading = heading, _heading(step, forward_lines)
            if heading != before:
                self.body += ([""] if self.body else []) + [f"# {heading}"]
            self.step(step, heading)
        given = [self.text(where) for _, where in plan.outputs]
        body = self.lines()
        sizes = " ".join(f"{show(name)}={size}" for name, size in plan.sizes)
        lines = [
            f"# {sizes}: {len(plan.steps)} steps, {plan.arena_bytes:,} bytes for all values between",
            "def bind(np, k, at, w):",
            *(f"    {name} = {value}" for name, value in self.bound.items()),
            "",
            "    def step():",
            *(f"        {line}".rstrip() for line in body or ["pass"]),
            "",
            f"    return step, {_tuple(fed)}, {_tuple(given)}",
        ]
        return "\n".join(lines) + "\n"

    def lines(self) -> list[str]:
        """Of a step; where they need something bound, it comes last."""
        return self.body

    def step(self, step: Step, heading: str) -> None:
        for work in step.work:
            if isinstance(work, Positions):
                self.positions(work, heading)
            elif isinstance(work, Loop):
                self.loop(work)
            else:
                self.body += self.call(work)

    def text(self, where: Where) -> str:
        """How the program names a value; memory is bound where it is named first."""
        if isinstance(where, Literal):
            return _number(where)
        if isinstance(where, RowsPlace):
            parts = ", ".join(self.text(p) for p in (where.ids, where.values, where.count))
            self.bound.setdefault(where.name, f"k.Rows({parts})")
        elif self.moves(where):
            if where.name not in self.moving and where.name not in self.seen:
                self.seen[where.name] = self.memory(where)
        elif where.name not in self.bound and not where.name.endswith("_"):
            self.bound[where.name] = self.memory(where)
        return where.name

    def constant(self, literal: Literal) -> str:
        """A constant as an array of one number: `F0_5` is 0.5."""
        text = _number(literal)
        if literal.dtype not in NAMED or not math.isfinite(literal.value):
            return text
        name = NAMED[literal.dtype] + text.replace("-", "m").replace("+", "").replace(".", "_")
        self.bound.setdefault(name, f"k.number(np, {text}, {DTYPES[literal.dtype]})")
        return name

    def moves(self, place: Place) -> bool:
        """Whether it is another part of an array in each position."""
        root: Place | None = place
        while root is not None and root.name not in self.moving:
            root = root.of
        return root is not None

    def memory(self, place: Place) -> str:
        if place.of is None:
            offset = self.plan.regions[place.region].offset
            return f"at({offset}, {place.shape}, {DTYPES[place.dtype]})"
        base = self.text(place.of)
        match place.by:
            case Transpose(axes=axes):
                return f"{base}.transpose({', '.join(map(str, axes))})"
            case Slice(axis=axis):
                start = _start(place)
                part = f"{start}:{start + place.shape[axis]}"
                return f"{base}[{', '.join([':'] * axis + [part])}]"
            case Broadcast() if math.prod(place.shape) != math.prod(place.of.shape):
                return f"np.broadcast_to({base}, {place.shape})"
            case _:
                return f"k.reshaped(np, {base}, {place.shape})"

    def rows(self, place: Where) -> str:
        """The place as a matrix, its leading axes as one."""
        name = self.text(place)
        assert isinstance(place, Place)
        if len(place.shape) == 2:
            return name
        width = place.shape[-1]
        shape = (math.prod(place.shape[:-1]), width)
        views = self.seen if self.moves(place) else self.bound
        views.setdefault(f"{name}_rows", f"k.reshaped(np, {name}, {shape})")
        return f"{name}_rows"

    def positions(self, loop: Positions, heading: str) -> None:
        """All views are made when the program is bound: a step only calls."""
        wholes = self.wholes(loop)
        self.moving, self.seen = {m.part.name for m in loop.moving}, {}
        lines: list[str] = []
        for step in loop.steps:
            before, heading = heading, line_of(step) or heading
            lines += [f"# {heading}"] if heading != before else []
            lines += self.inner(step)
        lines += [line for call in loop.copies for line in self.call(call)]
        if loop.ended is not None:
            lines.append(f"if {loop.some_ended}:")
            for ended, old, new in loop.held:
                lines.append(f"    np.copyto({self.text(new)}, {self.text(old)}, where={self.text(ended)})")
        each = [*(m.part.name for m in loop.moving), *self.seen]
        self.bound[loop.name] = self.of_each(loop, wholes, _tuple(each))
        each_of, all_of = ", ".join(each), loop.name
        if loop.ended is not None:
            each_of = f"{loop.some_ended}, ({each_of})"
            all_of = f"zip(k.some_ended({self.text(loop.ended)}, {loop.reverse}), {loop.name})"
        self.body.append(f"for {each_of} in {all_of}:")
        self.body += [f"    {line}" for line in lines]
        self.moving, self.seen = set(), {}

    def wholes(self, loop: Positions) -> str:
        """The arrays of which each position has its part, with their offsets."""
        return ", ".join(f"({self.text(m.whole)}, {m.offset})" for m in loop.moving)

    def of_each(self, loop: Positions, wholes: str, value: str) -> str:
        """A list with the value of each position, which is in terms of the parts and of the views seen of them."""
        parts = ", ".join(m.part.name for m in loop.moving)
        views = "".join(f" for {name} in [{view}]" for name, view in self.seen.items())
        return f"[{value} for {parts} in k.positions({loop.count}, {loop.reverse}, ({wholes},)){views}]"

    def inner(self, step: Step) -> list[str]:
        """The lines of a step in a loop over positions."""
        return [line for work in step.work if isinstance(work, Call) for line in self.call(work)]

    def loop(self, loop: Loop) -> None:
        locals_ = [local for local, _ in (*loop.parts, *loop.temporaries)]
        whole = _tuple([self.text(place) for _, place in loop.parts])
        spare = _tuple([self.text(place) for _, place in loop.temporaries])
        self.bound[loop.name] = f"k.blocks(np, {loop.rows}, {loop.whole}, {loop.shape}, {whole}, {spare})"
        self.body.append(f"for {', '.join(locals_)}{',' if len(locals_) == 1 else ''} in {loop.name}:")
        for call in loop.body:
            self.body += [f"    {line}" for line in self.call(call)]

    def call(self, call: Call) -> list[str]:
        op, out = call.op, self.text(call.out)
        attributes = dict(call.attributes)
        if isinstance(op, MatMul):
            x, w = call.inputs
            turned = ".T" if op.transposed else ""
            return [f"np.matmul({self.rows(x)}, {self.text(w)}{turned}, out={self.rows(call.out)})"]
        if isinstance(op, Outer):
            x, y = (self.rows(where) for where in call.inputs)
            return [f"np.matmul({x}.T, {y}, out={out})"]
        few = isinstance(call.out, Place) and math.prod(call.out.shape) <= FEW
        inputs = [self.constant(w) if few and isinstance(w, Literal) else self.text(w) for w in call.inputs]
        if type(op) in UFUNCS:
            return [f"np.{UFUNCS[type(op)]}({', '.join(inputs)}, out={out})"]
        if type(op) in SECOND_OPERAND:
            assert isinstance(call.out, Place)
            ufunc, second = SECOND_OPERAND[type(op)]
            number = Literal(second, call.out.dtype)
            return [f"np.{ufunc}({inputs[0]}, {self.constant(number) if few else _number(number)}, out={out})"]
        match op:
            case Sigmoid() if few and isinstance(call.out, Place):
                half = self.constant(Literal(0.5, call.out.dtype))
                scaled = [f"np.multiply({x}, {half}, out={out})" for x in (inputs[0], out)]
                return [scaled[0], f"np.tanh({out}, out={out})", scaled[1], f"np.add({out}, {half}, out={out})"]
            case Constant() if isinstance(call.out, Place):
                return [f"{out}[...] = {_number(Literal(op.value, op.dtype))}"]
            case Cast() if isinstance(call.out, Place) and not call.out.shape:
                return [f"{out}[()] = {inputs[0]}"]
            case Cast() | Broadcast():
                casting = ', casting="unsafe"' if isinstance(op, Cast) else ""
                return [f"np.copyto({out}, {inputs[0]}{casting})"]
            case Transpose(axes=axes):
                return [f"np.copyto({out}, {inputs[0]}.transpose({', '.join(map(str, axes))}))"]
            case Sum(axes=axes, keep=keep):
                kept = ", keepdims=True" if keep else ""
                return [f"np.add.reduce({inputs[0]}, axis={axes[0] if len(axes) == 1 else axes}, out={out}{kept})"]
            case Max(axis=axis):
                return [f"np.maximum.reduce({inputs[0]}, axis={axis}, out={out})"]
            case Gather():
                return [f'np.take({inputs[0]}, {inputs[1]}, axis=0, out={out}, mode="clip")']
            case _:
                pass
        words = [f"{name}={_plain(value)}" for name, value in attributes.items()]
        words += self.tables(call)
        scratch = [self.text(place) for place in call.scratch]
        return [f"k.{op_name(type(op))}({', '.join(['np', out, *inputs, *scratch, *words])})"]

    def tables(self, call: Call) -> list[str]:
        """Numbers that a kernel needs in each step and that are always the same."""
        match call.op:
            case TakeAlong(axis=axis) if isinstance(x := call.inputs[0], Place):
                name, shape = f"starts_{self.text(call.out)}", x.shape
            case PutAlong(axis=axis) if isinstance(call.out, Place):
                name, shape = f"starts_{self.text(call.out)}", call.out.shape
            case _:
                return []
        self.bound.setdefault(name, f"k.column_starts(np, {shape}, {axis})")
        return [f"starts={name}"]


def _start(place: Place) -> int:
    assert isinstance(place.by, Slice)
    assert isinstance(place.by.start, int)
    return place.by.start


def _heading(step: Step, forward_lines: set[int]) -> str:
    """The line of the spec that a step is of; `gradient of` where the line computes something before, too."""
    line = line_of(step)
    if line is None:
        return "next values" if step.gradient else "set up"
    assert step.node.span is not None
    return f"gradient of: {line}" if step.gradient and step.node.span.line in forward_lines else line


def line_of(step: Step) -> str | None:
    span = step.node.span
    if span is None:
        return None
    # A line break in it would end the comment, and what comes after would be run.
    text = "".join(c if c.isprintable() else "?" for c in show(span.text.strip()))
    return f"{span.line}  {text if len(text) <= 100 else text[:99] + '…'}"


def _number(literal: Literal) -> str:
    value = literal.value
    if literal.dtype == "bool":
        return str(bool(value))
    if literal.dtype == "i64":
        return str(int(value))
    if math.isnan(value):
        return "np.nan"
    if math.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    return repr(value)


def _plain(value: object) -> str:
    return _number(Literal(value, "f32")) if isinstance(value, float) else repr(value)


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
