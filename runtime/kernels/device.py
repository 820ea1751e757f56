"""Kernels for an accelerator, where those for the host would ask for numbers, go row by row, or draw on the host.

No number comes to the host and no shape depends on data; of equal places that are written all get the same value, and
sums are in an order that depends on places alone, so a run repeats to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from compiler.ir.graph import Op
from compiler.ops import chance as chance_ops
from compiler.ops import distinct as distinct_ops
from compiler.ops import gathered as gathered_ops
from compiler.ops import lookup as lookup_ops
from compiler.ops import picture as picture_ops
from compiler.ops import reduction as reduction_ops
from compiler.ops import sequence as sequence_ops
from runtime.backend import Array, Rows, Xp
from runtime.kernels import Kernel, philox, picture
from runtime.kernels.distinct import picked
from runtime.kernels.gathered import add_outer, scatter_outer
from runtime.kernels.lookup import same_rows
from runtime.kernels.reduction import places
from runtime.kernels.sequence import real_positions


def dropout_mask(
    xp: Xp, out: Array, seed: Array, step: Array, drawn: Array | None = None, *, p: float, site: int
) -> None:
    """The bits are the host's."""
    drawn = out if drawn is None else drawn
    key = seed.reshape(1).astype(xp.uint64), philox.number(xp, site)
    philox.uniform(xp, drawn, key, step.reshape(1).astype(xp.uint64))
    xp.greater_equal(drawn, p, out=out, casting="unsafe")
    xp.multiply(out, 1.0 / (1.0 - p), out=out)


def scatter_rows(xp: Xp, out: Rows, ids: Array, values: Array, *_work: Array) -> None:
    """Ids that occur are in rising order in the result; the values of one are added as a tree, neighbours first."""
    flat, rows = ids.reshape(-1), values.reshape(-1, out.values.shape[-1])
    order = xp.argsort(flat, kind="stable")
    ordered, sums = xp.take(flat, order), xp.take(rows, order, axis=0)
    _add_up(xp, ordered, sums)
    first = _ids(xp, out, ordered)
    xp.take(sums, first, axis=0, out=out.values)
    xp.copyto(out.values, 0.0, where=_past(xp, out)[:, None])


def _add_up(xp: Xp, ordered: Array, sums: Array) -> None:
    """Of equal neighbours in `ordered` the first one's row becomes the sum of all of theirs."""
    reach = 1
    while reach < ordered.shape[0]:
        # Each row holds the sum of the next `reach` rows of its id.
        others = sums[reach:].copy()
        xp.copyto(others, 0.0, where=xp.not_equal(ordered[reach:], ordered[:-reach])[:, None])
        xp.add(sums[:-reach], others, out=sums[:-reach])
        reach *= 2


def _ids(xp: Xp, out: Rows, ordered: Array) -> Array:
    """Writes the distinct ids of ordered ones, 0 left out, and how many there are; where each stands first."""
    begins = _begins(xp, ordered, 0)
    out.count[...] = begins.sum()
    first = _first(xp, begins, out)
    xp.take(ordered, first, out=out.ids)
    xp.copyto(out.ids, 0, where=_past(xp, out))
    return first


def _begins(xp: Xp, ordered: Array, none: int) -> Array:
    """Where another id begins, other than the one that stands for none."""
    begins = xp.not_equal(ordered, none)
    xp.logical_and(begins[1:], xp.not_equal(ordered[1:], ordered[:-1]), out=begins[1:])
    return begins


def _first(xp: Xp, begins: Array, out: Rows) -> Array:
    """Where it is true, as many as there is room for, and behind them other places."""
    return xp.argsort(xp.logical_not(begins).astype(xp.uint8), kind="stable")[: out.ids.shape[0]]


def distinct_rows(xp: Xp, out: Rows, table: Array, ids: Array, seen: Array) -> None:
    _ids(xp, out, xp.sort(ids.reshape(-1)))
    xp.take(table, out.ids, axis=0, out=out.values)
    xp.copyto(out.values, 0.0, where=_past(xp, out)[:, None])


def matmul_rows(xp: Xp, out: Rows, x: Rows, w: Array, *, transposed: bool = False) -> None:
    same_rows(xp, out, x)
    xp.matmul(_values(xp, x), w.T if transposed else w, out=out.values)


def outer_rows(xp: Xp, out: Array, x: Rows, y: Rows) -> None:
    xp.matmul(_values(xp, x).T, _values(xp, y), out=out)


def put_picks(
    xp: Xp,
    out: Rows,
    x: Array,
    picks: Array,
    places: Array,
    like: Rows,
    index: Array,
    place: Array,
    values: Array,
    outside: Array,
    *,
    size: int,
    dilation: int,
    before: int,
) -> None:
    """A tap of a feature is picked once a position, so what is put at positions has a place each; rows are then added
    up as scatter_rows does."""
    same_rows(xp, out, like)
    features, width = x.shape[1], out.values.shape[1]
    flat = places.reshape(-1)
    picked(xp, index, place, values, outside, x, picks, places.shape[1], dilation=dilation, before=before)
    xp.multiply(index, width, out=place)
    xp.add(place, xp.arange(size) * features + xp.arange(features)[:, None], out=place)
    # What lies outside of its text goes to a row behind the last, as 0.
    xp.copyto(place, flat.shape[0] * width, where=outside)
    put = xp.zeros((flat.shape[0] + 1, width), dtype=values.dtype)
    put.reshape(-1)[place.reshape(-1)] = values.reshape(-1)
    order = xp.argsort(flat, kind="stable")
    ordered, sums = xp.take(flat, order), xp.take(put, order, axis=0)
    _add_up(xp, ordered, sums)
    xp.take(sums, _first(xp, _begins(xp, ordered, -1), out), axis=0, out=out.values)
    xp.copyto(out.values, 0.0, where=_past(xp, out)[:, None])


def number(xp: Xp, value: float, dtype: type) -> float:
    """As it is: what is launched takes a number by value."""
    return value


def some_ended(ended: Array, reverse: bool) -> list[bool]:
    """A step on a device always holds its states: to ask whether it has to is to wait."""
    return [True] * ended.shape[0]


def _past(xp: Xp, sparse: Rows) -> Array:
    """Which rows are none."""
    return xp.greater_equal(xp.arange(sparse.ids.shape[0]), sparse.count)


def _values(xp: Xp, sparse: Rows) -> Array:
    """The values, with 0 from count on whatever an element-wise op made of it."""
    values = sparse.values.copy()
    xp.copyto(values, 0.0, where=_past(xp, sparse)[:, None])
    return values


def add_rows(xp: Xp, out: Array, dense: Array, sparse: Rows, sums: Array) -> None:
    """out may be dense's memory. Rows that are none add 0 to row 0, all of them the same."""
    if out is not dense:
        xp.copyto(out, dense)
    sums = sums.reshape(-1, sums.shape[-1])[: sparse.ids.shape[0]]
    xp.take(out, sparse.ids, axis=0, out=sums)
    xp.add(sums, _values(xp, sparse), out=sums)
    out[sparse.ids] = sums


def set_rows(xp: Xp, out: Array, dense: Array, sparse: Rows) -> None:
    """out may be dense's memory. Rows that are none write 0 to row 0, which is the padding's and 0."""
    if out is not dense:
        xp.copyto(out, dense)
    out[sparse.ids] = _values(xp, sparse)


def stamp_rows(xp: Xp, out: Array, stamps: Array, like: Rows, number: Array) -> None:
    """out may be stamps' memory. Rows that are none have the id 0."""
    if out is not stamps:
        xp.copyto(out, stamps)
    out[:1] = number
    out[like.ids] = number


def dense(xp: Xp, out: Array, sparse: Rows) -> None:
    out.fill(0)
    out[sparse.ids] = _values(xp, sparse)


def pick_rows(xp: Xp, out: Rows, table: Array, like: Rows) -> None:
    same_rows(xp, out, like)
    xp.take(table, like.ids, axis=0, out=out.values)
    xp.copyto(out.values, 0.0, where=_past(xp, like)[:, None])


def mask(
    xp: Xp,
    out: Array,
    x: Array,
    tokens: Array,
    *,
    fill: float = 0.0,
    factor: int = 1,
    shift: int = 0,
    step: int = 1,
    least: int = 1,
    time_first: bool = False,
) -> None:
    """All rows at once. out may be x's memory. time_first: [T, B, *R]"""
    if out is not x:
        xp.copyto(out, x)
    real = real_positions(xp, tokens, factor, shift, step, least)
    positions = xp.arange(out.shape[0 if time_first else 1])
    past = xp.greater_equal(*((positions[:, None], real) if time_first else (positions, real[:, None])))
    # A whole number's array takes no 0.0.
    given = int(fill) if out.dtype.kind == "i" else fill
    xp.copyto(out, given, where=past.reshape(past.shape + (1,) * (out.ndim - 2)))


def take_along(
    xp: Xp, out: Array, x: Array, positions: Array, index: Array, *, axis: int, starts: Array | None = None
) -> None:
    places(xp, index, x.shape, xp.maximum(positions, 0), axis, starts)
    xp.take(x.reshape(-1), index, out=out)
    xp.copyto(out, 0, where=xp.less(positions, 0))


def put_along(
    xp: Xp, out: Array, x: Array, positions: Array, index: Array, *, axis: int, starts: Array | None = None
) -> None:
    """What has no position goes to a place behind the last, as 0."""
    missing = xp.less(positions, 0)
    places(xp, index, out.shape, positions, axis, starts)
    xp.copyto(index, out.size, where=missing)
    values = x.copy()
    xp.copyto(values, 0.0, where=missing)
    flat = xp.zeros(out.size + 1, dtype=out.dtype)
    flat[index.reshape(-1)] = values.reshape(-1)
    out[...] = flat[:-1].reshape(out.shape)


DEVICE_KERNELS: Mapping[type[Op], Kernel] = MappingProxyType({
    picture_ops.Conv2d: partial(picture.conv2d, lay_out=picture.pixel_by_pixel),
    picture_ops.Conv2dToKernel: partial(picture.conv2d_to_kernel, lay_out=picture.pixel_by_pixel),
    chance_ops.DropoutMask: dropout_mask,
    lookup_ops.ScatterRows: scatter_rows,
    gathered_ops.ScatterOuter: partial(scatter_outer, scatter=scatter_rows),
    gathered_ops.AddOuter: partial(add_outer, scatter=scatter_rows, add=add_rows),
    lookup_ops.AddRows: add_rows,
    lookup_ops.SetRows: set_rows,
    lookup_ops.StampRows: stamp_rows,
    lookup_ops.Dense: dense,
    lookup_ops.PickRows: pick_rows,
    distinct_ops.DistinctRows: distinct_rows,
    distinct_ops.MatMulRows: matmul_rows,
    distinct_ops.OuterRows: outer_rows,
    distinct_ops.PutPicks: put_picks,
    sequence_ops.Mask: mask,
    reduction_ops.TakeAlong: take_along,
    reduction_ops.PutAlong: put_along,
})  # fmt: skip
"""Instead of those of the same ops for the host."""
