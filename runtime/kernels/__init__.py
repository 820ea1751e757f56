"""What each op computes: `kernel(xp, out, *operands, *work space, **attributes)`, written for any array namespace.

The attributes are those of `compiler.plan.calls`. Work space is what the op's `scratch` says, in that order; it and out
hold anything at first. Fused and Scan have no kernel: their steps have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import TypeAlias

from compiler.ir.graph import Op
from compiler.ir.text import op_name
from compiler.ops import attention as attention_ops
from compiler.ops import chance as chance_ops
from compiler.ops import distinct as distinct_ops
from compiler.ops import elementwise as elementwise_ops
from compiler.ops import gathered as gathered_ops
from compiler.ops import lookup as lookup_ops
from compiler.ops import normal as normal_ops
from compiler.ops import parted as parted_ops
from compiler.ops import picking as picking_ops
from compiler.ops import picks as picks_ops
from compiler.ops import picture as picture_ops
from compiler.ops import placed as placed_ops
from compiler.ops import pointing as pointing_ops
from compiler.ops import positions as position_ops
from compiler.ops import product as product_ops
from compiler.ops import reduction as reduction_ops
from compiler.ops import relative as relative_ops
from compiler.ops import scan as scan_ops
from compiler.ops import sequence as sequence_ops
from compiler.ops import shape as shape_ops
from runtime.backend import Array, Rows, Xp
from runtime.kernels import (
    attention,
    blocks,
    chance,
    distinct,
    elementwise,
    gathered,
    lookup,
    normal,
    parted,
    picking,
    picks,
    picture,
    placed,
    pointing,
    positions,
    product,
    reduction,
    relative,
    sequence,
    shape,
)
from runtime.kernels.layout import reshaped

Kernel: TypeAlias = Callable[..., None]

KERNELS: Mapping[type[Op], Kernel] = MappingProxyType({
    elementwise_ops.Constant: elementwise.constant,
    elementwise_ops.Neg: elementwise.neg,
    elementwise_ops.Exp: elementwise.exp,
    elementwise_ops.Log: elementwise.log,
    elementwise_ops.Sqrt: elementwise.sqrt,
    elementwise_ops.Tanh: elementwise.tanh,
    elementwise_ops.Sigmoid: elementwise.sigmoid,
    elementwise_ops.Softplus: elementwise.softplus,
    elementwise_ops.Relu: elementwise.relu,
    elementwise_ops.Erf: elementwise.erf,
    elementwise_ops.Abs: elementwise.abs_,
    elementwise_ops.Sign: elementwise.sign,
    elementwise_ops.Add: elementwise.add,
    elementwise_ops.Sub: elementwise.sub,
    elementwise_ops.Mul: elementwise.mul,
    elementwise_ops.Div: elementwise.div,
    elementwise_ops.Maximum: elementwise.maximum,
    elementwise_ops.Minimum: elementwise.minimum,
    elementwise_ops.Greater: elementwise.greater,
    elementwise_ops.Equal: elementwise.equal,
    elementwise_ops.Select: elementwise.select,
    elementwise_ops.Keep: elementwise.keep,
    elementwise_ops.Cast: elementwise.cast,
    shape_ops.Reshape: shape.reshape,
    shape_ops.Transpose: shape.transpose,
    shape_ops.Broadcast: shape.broadcast,
    shape_ops.Concat: shape.concat,
    shape_ops.Slice: shape.slice_,
    shape_ops.Place: shape.place,
    shape_ops.Windows: shape.windows,
    shape_ops.Fold: shape.fold,
    reduction_ops.Sum: reduction.sum_,
    reduction_ops.Max: reduction.max_,
    reduction_ops.ArgMax: reduction.argmax,
    reduction_ops.TopPositions: reduction.top_positions,
    reduction_ops.TakeAlong: reduction.take_along,
    reduction_ops.PutAlong: reduction.put_along,
    reduction_ops.AddAlong: reduction.add_along,
    product_ops.MatMul: product.matmul,
    product_ops.Outer: product.outer,
    parted_ops.OuterParts: parted.outer_parts,
    parted_ops.SumParts: parted.sum_parts,
    picture_ops.Conv2d: picture.conv2d,
    picture_ops.Conv2dToPicture: picture.conv2d_to_picture,
    picture_ops.Conv2dToKernel: picture.conv2d_to_kernel,
    picture_ops.MaxPool2d: picture.max_pool2d,
    picture_ops.PutMax2d: picture.put_max2d,
    picture_ops.TakeMax2d: picture.take_max2d,
    lookup_ops.Gather: lookup.gather,
    lookup_ops.ScatterRows: lookup.scatter_rows,
    lookup_ops.AddRows: lookup.add_rows,
    lookup_ops.DivShifted: lookup.div_shifted,
    lookup_ops.SetRows: lookup.set_rows,
    lookup_ops.StampRows: lookup.stamp_rows,
    lookup_ops.Dense: lookup.dense,
    lookup_ops.PickRows: lookup.pick_rows,
    lookup_ops.OneHot: lookup.one_hot,
    lookup_ops.Bag: lookup.bag,
    gathered_ops.GatherDot: gathered.gather_dot,
    gathered_ops.GatherSum: gathered.gather_sum,
    gathered_ops.ScatterOuter: gathered.scatter_outer,
    gathered_ops.AddOuter: gathered.add_outer,
    distinct_ops.DistinctRows: distinct.distinct_rows,
    distinct_ops.Places: distinct.places,
    distinct_ops.MatMulRows: distinct.matmul_rows,
    distinct_ops.OuterRows: distinct.outer_rows,
    distinct_ops.WindowSums: distinct.window_sums,
    distinct_ops.PutPicks: distinct.put_picks,
    picks_ops.PicksOuter: picks.picks_outer,
    picks_ops.PicksMatMul: picks.picks_matmul,
    placed_ops.AtPlaces: placed.at_places,
    placed_ops.AddPlaces: placed.add_places,
    sequence_ops.Mask: sequence.mask,
    sequence_ops.Lengths: sequence.lengths,
    sequence_ops.TakePosition: sequence.take_position,
    sequence_ops.PutPosition: sequence.put_position,
    sequence_ops.PutLast: sequence.put_last,
    picking_ops.PickPositions: picking.pick_positions,
    picking_ops.PutPositions: picking.put_positions,
    scan_ops.Ended: sequence.ended,
    normal_ops.Softmax: normal.softmax,
    normal_ops.LogSoftmax: normal.log_softmax,
    normal_ops.LogSumExp: normal.log_sum_exp,
    normal_ops.PositionSoftmax: normal.position_softmax,
    attention_ops.HeadScores: attention.head_scores,
    attention_ops.HeadMix: attention.head_mix,
    attention_ops.HeadSpread: attention.head_spread,
    attention_ops.ToColumns: attention.to_columns,
    attention_ops.ToPositions: attention.to_positions,
    attention_ops.KeySoftmax: attention.key_softmax,
    attention_ops.CausalSoftmax: attention.causal_softmax,
    position_ops.Sinusoid: positions.sinusoid,
    position_ops.SinusoidAt: positions.sinusoid_at,
    position_ops.TakeFirst: positions.take_first,
    position_ops.PutFirst: positions.put_first,
    relative_ops.RelativeBias: relative.relative_bias,
    relative_ops.RelativeSums: relative.relative_sums,
    relative_ops.RelativeBiasAt: relative.relative_bias_at,
    pointing_ops.AddAtIds: pointing.add_at_ids,
    pointing_ops.TakeAtIds: pointing.take_at_ids,
    chance_ops.DropoutMask: chance.dropout_mask,
})  # fmt: skip


def called_by_programs(
    kernels: Mapping[type[Op], Kernel],
    some_ended: Callable[[Array, bool], list[bool]] = blocks.some_ended,
    number: Callable[[Xp, float, type], Array | float] = elementwise.number,
) -> SimpleNamespace:
    """What an emitted program knows as `k`: each kernel by its op's name, and what it takes to name memory."""
    named = {op_name(op): kernel for op, kernel in kernels.items()}
    views = {"blocks": blocks.blocks, "positions": blocks.positions, "reshaped": reshaped}
    numbers = {"column_starts": reduction.column_starts, "some_ended": some_ended, "number": number}
    return SimpleNamespace(**named, **views, **numbers, Rows=Rows)
