"""What a kernel is told beside its arrays: an op's attributes as plain numbers, once every dimension has its size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from compiler.ir.graph import Node
from compiler.ir.types import Dim, Extent, positions, sequence_symbol, value_of
from compiler.ops.attention import HeadMix, HeadScores, HeadSpread, KeySoftmax
from compiler.ops.chance import DropoutMask
from compiler.ops.distinct import MatMulRows, PutPicks, WindowSums
from compiler.ops.elementwise import Constant, Keep
from compiler.ops.lookup import DivShifted
from compiler.ops.normal import LogSumExp, PositionSoftmax
from compiler.ops.picks import PicksMatMul, PicksOuter
from compiler.ops.picture import Conv2d, Conv2dToKernel, Conv2dToPicture, MaxPool2d, PutMax2d, TakeMax2d
from compiler.ops.product import MatMul
from compiler.ops.reduction import AddAlong, ArgMax, Max, PutAlong, Sum, TakeAlong, TopPositions
from compiler.ops.relative import RelativeBias, RelativeBiasAt, RelativeSums
from compiler.ops.scan import Ended
from compiler.ops.sequence import Lengths, Mask
from compiler.ops.shape import Concat, Fold, Place, Slice, Transpose, Windows

Attribute: TypeAlias = int | float | bool | tuple[int, ...]

LOWEST = float("-inf")


def attributes(node: Node, sizes: Mapping[str, int]) -> dict[str, Attribute]:
    """The keywords of the node's kernel. What the shapes of its arrays tell is not repeated."""
    match node.op:
        case Constant():
            return {"value": node.op.value}
        case Keep(negated=negated):
            return {"negated": negated}
        case DivShifted(shift=shift):
            return {"shift": shift}
        case Transpose(axes=axes):
            return {"axes": axes}
        case (
            Concat(axis=axis)
            | Max(axis=axis)
            | ArgMax(axis=axis)
            | TakeAlong(axis=axis)
            | PutAlong(axis=axis)
            | AddAlong(axis=axis)
        ):
            return {"axis": axis}
        case LogSumExp(axis=axis):
            return {"axis": axis}
        case Slice(axis=axis, start=start) | Place(axis=axis, start=start):
            return {"axis": axis, "start": value_of(start, sizes)}
        case Windows(stride=stride, dilation=dilation, before=before):
            fill = LOWEST if node.inputs[0].type.pad == "lowest" else 0.0
            return {"stride": stride, "dilation": dilation, "before": before, "fill": fill}
        case Fold(stride=stride, dilation=dilation, before=before):
            return {"stride": stride, "dilation": dilation, "before": before}
        case WindowSums(size, dilation, before) | PutPicks(size, dilation, before):
            return {"size": size, "dilation": dilation, "before": before}
        case PicksOuter(size, dilation, before) | PicksMatMul(size, dilation, before):
            return {"size": size, "dilation": dilation, "before": before}
        case Conv2d() | Conv2dToKernel() | Conv2dToPicture():
            size, stride, dilation, before, _ = node.op.looks()
            return {"size": size, "stride": stride, "dilation": dilation, "before": before}
        case MaxPool2d(size=size, stride=stride) | PutMax2d(size=size, stride=stride):
            return {"size": size, "stride": stride}
        case TakeMax2d(size=size, stride=stride):
            return {"size": size, "stride": stride}
        case Sum(axes=axes, keep=keep):
            return {"axes": axes, "keep": keep}
        case TopPositions(k=k):
            return {"k": k}
        case MatMul(transposed=transposed) | MatMulRows(transposed=transposed):
            return {"transposed": transposed}
        case Mask(fill=fill):
            ragged = node.type.ragged
            assert ragged is not None
            order = {"time_first": True} if ragged == 0 else {}
            lengths = _of_length(node.type.shape[ragged], sizes)
            return {"fill": LOWEST if fill == "lowest" else 0.0, **lengths, **order}
        case Lengths(dim=dim) | Ended(dim=dim):
            return dict(_of_length(dim, sizes))
        case HeadScores(heads=heads) | HeadMix(heads=heads) | HeadSpread(heads=heads):
            return {"heads": heads}
        case KeySoftmax():
            return dict(_of_length(positions(node.type.shape[-1]), sizes))
        case PositionSoftmax():
            return dict(_of_length(node.type.shape[1], sizes))
        case RelativeBias(causal=causal) | RelativeSums(causal=causal) | RelativeBiasAt(causal=causal):
            return {"causal": causal}
        case DropoutMask(p=p, site=site):
            return {"p": p, "site": site}
        case _:
            return {}


def _of_length(dim: Dim, sizes: Mapping[str, int]) -> dict[str, int]:
    """A ragged dimension as a function of the row's own length: max((factor * length + shift) // step, least)."""
    assert isinstance(dim, Extent)
    ragged = sequence_symbol(dim)
    factor = sum(coefficient for name, coefficient in dim.terms if name == ragged)
    shift = dim.shift + sum(coefficient * sizes[name] for name, coefficient in dim.terms if name != ragged)
    return {"factor": factor, "shift": shift, "step": dim.step, "least": dim.least}
