"""What the equations of a cell are made of: linear, diagonal, param."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from compiler.build import CellSite, Use
from compiler.experiment import Init
from compiler.ir.graph import Input, Node, sorted_nodes
from compiler.ir.types import Dim
from compiler.layers.activation import numbers
from compiler.layers.joining import meet
from compiler.layers.word import WEIGHTS, LayerWord
from compiler.ops.elementwise import Add, Mul
from compiler.ops.product import MatMul
from compiler.ops.shape import Concat
from compiler.signature import Setting, Signature
from compiler.values import is_picture, what


def start_of(use: Use, fan_in: Dim, fan_out: Dim) -> Init:
    """In a cell U(±1 / sqrt(size)), as PyTorch's recurrent layers; elsewhere as a dense layer's."""
    cell = use.build.cell
    return Init("uniform", None if cell is None else 1 / sqrt(cell.size), fan_in, fan_out)


def in_cell(use: Use) -> Use:
    """With `init=` and `scale=` of the cell's use, where there are none here."""
    cell = use.build.cell
    if cell is None:
        return use
    own = {name: value for name, value in use.settings.items() if value is not None}
    return replace(use, settings={**use.settings, **cell.starts, **own})


def in_steps(x: Node) -> bool:
    """Whether x may differ from step to step of a cell."""
    return any(isinstance(n.op, Input) and n.op.kind == "inner" for n in sorted_nodes([x]))


def dropped(use: Use, x: Node) -> Node:
    """x where it meets weights in a cell: under `variational` the states in it are masked, the same at all steps.

    A state times a gate and a state beside other values are masked too; what else is made of a state is not: to drop
    what a memory cell adds up over time would lose it. Source: Gal and Ghahramani 2016.
    """
    cell = use.build.cell
    if cell is None or not cell.masks:
        return x
    found: dict[Node, Node] = {}
    for node in sorted_nodes([x], leaf=lambda n: not isinstance(n.op, (Mul, Concat))):
        if node in cell.masks:
            found[node] = use.op(Mul(), node, _mask(use, cell, node))
        elif any(n in found for n in node.inputs):
            found[node] = use.op(node.op, *(found.get(n, n) for n in node.inputs))
    return found.get(x, x)


def _mask(use: Use, cell: CellSite, state: Node) -> Node:
    mask = cell.masks[state]
    if mask is None:
        mask = use.dropout_mask(cell.share, state.type.shape)
        cell.masks[state] = mask
    return mask


def _linear(use: Use, operands: tuple[Node, ...]) -> Node:
    """x W + y V + ... + b: [*S, n], [*S, m], ... -> [*S, size]."""
    use = in_cell(use)
    size = use.settings["size"]
    if size is None and use.build.cell is not None:
        size = use.build.cell.size
    if size is None:
        use.fail("NN405", "linear needs a size here", help="write how many units it has: linear 100")
    assert not isinstance(size, (str, tuple, float, bool))
    ties = _tied_names(use, len(operands))
    total: Node | None = None
    taken: set[str] = set()
    for i, operand in enumerate(operands, 1):
        numbers(use, operand)
        if is_picture(operand):
            use.fail(
                "NN216", f"linear needs vectors, but gets {what(operand)}", help="put flatten before", about=operand
            )
        x = use.build.finite(operand, use.span)
        width = x.type.shape[-1]
        name = ties[i - 1] if ties else _name(x, i, taken)
        weight = use.weight(name, (width, size), start_of(use, width, size))
        product = use.op(MatMul(), dropped(use, x), weight)
        total = product if total is None else use.op(Add(), *meet(use, (total, product)))
    assert total is not None
    fan_in = operands[0].type.shape[-1]
    return use.op(Add(), total, use.weight("bias", (size,), start_of(use, fan_in, size)))


def _tied_names(use: Use, count: int) -> list[str]:
    """The names of the tied weights, in the order of the operands; none where nothing is tied."""
    names = [n for n in use.tied or {} if n != "bias"]
    if use.tied is not None and len(names) != count:
        message = f"the tied weights are for {len(names)} values, but linear gets {count}"
        use.fail("NN506", message, help="tie only what takes as many values")
    return names


def _name(x: Node, place: int, taken: set[str]) -> str:
    """`weight_h` for the weights of a state or operand of the cell, which has a name; else by its place."""
    own = f"weight_{x.op.name}" if isinstance(x.op, Input) and x.op.kind == "inner" else f"weight_{place}"
    name = own if own not in taken else f"weight_{place}"
    taken.add(name)
    return name


def _diagonal(use: Use, operands: tuple[Node, ...]) -> Node:
    """A weight for each column: [*S, n] -> [*S, n]."""
    (x,) = operands
    numbers(use, x)
    use = in_cell(use)
    width = x.type.shape[-1]
    return use.op(Mul(), dropped(use, x), use.weight("weight", (width,), start_of(use, width, width)))


def _param(use: Use, operands: tuple[Node, ...]) -> Node:
    raise AssertionError("lowering makes it: its sizes stand in brackets")


LINEAR = LayerWord(
    Signature(
        "linear",
        "an affine map of all its operands, with weights of its own: x W + y V + ... + b",
        (Setting("size", "width", "how many units; in a cell its size if left out", low=1), *WEIGHTS),
        ("size",),
    ),
    _linear,
    operands=("x", "y"),
    any=True,
    weights=True,
)
DIAGONAL = LayerWord(Signature("diagonal", "a vector of weights times x", WEIGHTS), _diagonal, weights=True)
PARAM = LayerWord(
    Signature("param", "a weight written out: W = param[size, dim(x)], then W @ x; outside of cells from 0", WEIGHTS),
    _param,
    operands=(),
    weights=True,
)
LAYERS = (LINEAR, DIAGONAL, PARAM)
