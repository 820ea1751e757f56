"""Noise while training: dropout, corrupt."""

from __future__ import annotations

from compiler.build import Use
from compiler.ir.graph import Node
from compiler.ir.types import Dim
from compiler.layers.activation import numbers
from compiler.layers.recurrent import in_steps
from compiler.layers.word import LayerWord
from compiler.ops.elementwise import Greater, Keep, Mul
from compiler.signature import Setting, Signature
from compiler.values import is_sequence


def _dropout(use: Use, operands: tuple[Node, ...]) -> Node:
    """While training, each number is 0 with probability p, and the others are divided by 1 - p; else x.

    In a cell, too, each position has a mask of its own.
    Source: Srivastava et al. 2014; `variational`: one mask for all positions, Gal and Ghahramani 2016.
    """
    (x,) = operands
    numbers(use, x)
    p, shape = use.number("p"), x.type.shape
    cell = use.build.cell if in_steps(x) else None
    if (use.flag("words") or use.flag("variational")) and not is_sequence(x) and cell is None:
        use.fail("NN204", "dropout of whole words, or the same at all positions, needs a sequence", about=x)
    if use.build.mode != "training" or p == 0:
        return x
    drawn: tuple[Dim, ...] = (*shape[:-1], 1) if use.flag("words") else shape
    alike = use.flag("variational")
    if alike and cell is None:
        drawn = (shape[0], 1, *drawn[2:])
    if cell is not None and not alike:
        drawn = (cell.length, *drawn)
    mask = use.dropout_mask(p, drawn)
    result = use.op(Mul(), x, mask if cell is None or alike else cell.element(mask))
    if x in use.build.ends:
        use.build.ends[result] = use.build.ends[x]
    return result


def _corrupt(use: Use, operands: tuple[Node, ...]) -> Node:
    """While training, each number is 0 with probability p, and the others stay as they are; else x.

    Source: Vincent et al. 2008, 2.3.
    """
    (x,) = operands
    numbers(use, x)
    p, cell = use.number("p"), use.build.cell if in_steps(x) else None
    if use.build.mode != "training" or p == 0:
        return x
    shape = x.type.shape if cell is None else (cell.length, *x.type.shape)
    mask = use.dropout_mask(p, shape)
    kept = use.op(Greater(), mask if cell is None else cell.element(mask), use.build.number(0.0))
    result = use.op(Keep(), kept, x)
    if x in use.build.ends:
        use.build.ends[result] = use.build.ends[x]
    return result


DROPOUT = LayerWord(
    Signature(
        "dropout",
        "while training, sets a share p of the numbers to 0 and scales the others up",
        (
            Setting("p", "number", "the share that is dropped", required=True, low=0, high=1, below=True),
            Setting("variational", "flag", "the same for all positions"),
            Setting("words", "flag", "whole positions"),
        ),
        ("p",),
    ),
    _dropout,
    bundle="each",
)
CORRUPT = LayerWord(
    Signature(
        "corrupt",
        "while training, sets a share p of the numbers to 0, and leaves the others as they are",
        (Setting("p", "number", "the share that is set to 0", required=True, low=0, high=1, below=True),),
        ("p",),
    ),
    _corrupt,
    bundle="each",
)
LAYERS = (DROPOUT, CORRUPT)
