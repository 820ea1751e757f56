"""Which ops are kernels of their own: one call of the plan as kernels."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.emit.classes import along_kernel, softmax_kernel
from compiler.emit.convolution import convolution_kernel
from compiler.emit.copies import copy_kernels
from compiler.emit.gathered import gathered_kernels
from compiler.emit.kernel import Kernel, elementwise_kernel
from compiler.emit.lookup import lookup_kernels
from compiler.emit.parted import parted_kernel
from compiler.emit.picks import picks_kernel
from compiler.emit.picture import window_kernel
from compiler.emit.placed import placed_kernel
from compiler.emit.product import product_kernel
from compiler.emit.reduce import reduction_kernel
from compiler.emit.sequences import dropout_kernel, heads_kernel, lengths_kernel, mask_kernels
from compiler.ops.attention import CausalSoftmax, HeadMix, HeadScores, HeadSpread, KeySoftmax
from compiler.ops.chance import DropoutMask
from compiler.ops.distinct import DistinctRows, MatMulRows, OuterRows, Places, PutPicks, WindowSums
from compiler.ops.gathered import AddOuter, GatherDot, GatherSum, ScatterOuter
from compiler.ops.lookup import AddRows, Dense, Gather, PickRows, ScatterRows, SetRows, StampRows
from compiler.ops.normal import LogSoftmax, LogSumExp, Softmax
from compiler.ops.parted import OuterParts, SumParts
from compiler.ops.picks import PicksMatMul, PicksOuter
from compiler.ops.picture import Conv2d, Conv2dToKernel, Conv2dToPicture, MaxPool2d, PutMax2d, TakeMax2d
from compiler.ops.placed import AddPlaces, AtPlaces
from compiler.ops.product import MatMul, Outer
from compiler.ops.reduction import ArgMax, Max, PutAlong, Sum, TakeAlong
from compiler.ops.scan import Ended
from compiler.ops.sequence import Lengths, Mask
from compiler.ops.shape import Concat, Reshape, Transpose
from compiler.plan.plan import Call, Moving


def call_kernels(call: Call, moving: Mapping[str, Moving], behind: bool = True) -> list[Kernel] | None:
    """None where NumPy does it. behind: whether what stands behind the rows of a table is read"""
    match call.op:
        case MatMul() | Outer():
            kernel = product_kernel(call, moving)
        case OuterParts() | SumParts():
            kernel = parted_kernel(call)
        case Sum() | Max():
            kernel = reduction_kernel(call, moving)
        case Softmax() | LogSoftmax() | LogSumExp() | KeySoftmax() | CausalSoftmax():
            kernel = softmax_kernel(call)
        case TakeAlong() | PutAlong() | ArgMax():
            kernel = along_kernel(call)
        case Mask():
            return mask_kernels(call, moving)
        case Lengths() | Ended():
            kernel = lengths_kernel(call)
        case DropoutMask():
            kernel = dropout_kernel(call)
        case HeadScores() | HeadMix() | HeadSpread():
            kernel = heads_kernel(call)
        case Gather() | ScatterRows() | AddRows() | SetRows() | StampRows() | Dense() | PickRows():
            return lookup_kernels(call, behind)
        case GatherDot() | GatherSum() | ScatterOuter() | AddOuter():
            return gathered_kernels(call, behind)
        case PicksOuter() | PicksMatMul():
            kernel = picks_kernel(call, behind)
        case AtPlaces() | AddPlaces():
            kernel = placed_kernel(call, behind)
        case DistinctRows() | Places() | MatMulRows() | OuterRows() | WindowSums() | PutPicks():
            return lookup_kernels(call, behind)
        case Conv2d() | Conv2dToKernel() | Conv2dToPicture():
            kernel = convolution_kernel(call)
        case MaxPool2d() | PutMax2d() | TakeMax2d():
            kernel = window_kernel(call)
        case Concat() | Reshape() | Transpose():
            return copy_kernels(call, moving)
        case _:
            kernel = elementwise_kernel([call], moving=moving)
    return None if kernel is None else [kernel]
