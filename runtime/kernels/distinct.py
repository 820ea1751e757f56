"""The distinct rows that a batch looks up, and work on them. Only as many are touched as there are."""

from __future__ import annotations

from runtime.backend import Array, Rows, Xp
from runtime.kernels.lookup import same_rows


def distinct_rows(xp: Xp, out: Rows, table: Array, ids: Array, seen: Array) -> None:
    """seen: bool[V] work space"""
    seen.fill(False)
    seen[ids.reshape(-1)] = True
    seen[:1] = False
    found = xp.flatnonzero(seen)
    n = len(found)
    out.count[0] = n
    out.ids[:n] = found
    out.ids[n:] = 0
    xp.take(table, found, axis=0, out=out.values[:n], mode="clip")
    out.values[n:] = 0


def places(xp: Xp, out: Array, rows: Rows, ids: Array, place: Array) -> None:
    """place: i64[V] work space. Where id 0 occurs there is room behind the rows, and the first of it is zeros."""
    room = len(rows.ids)
    behind = xp.minimum(rows.count, room - 1)
    # One number for all that is 0: which of several wins is open.
    place[rows.ids] = xp.where(xp.equal(rows.ids, 0), behind, xp.arange(room))
    place[:1] = behind
    xp.take(place, ids, out=out, mode="clip")


def matmul_rows(xp: Xp, out: Rows, x: Rows, w: Array, *, transposed: bool = False) -> None:
    same_rows(xp, out, x)
    n = int(x.count[0])
    xp.matmul(x.values[:n], w.T if transposed else w, out=out.values[:n])
    out.values[n:] = 0


def outer_rows(xp: Xp, out: Array, x: Rows, y: Rows) -> None:
    n = int(x.count[0])
    xp.matmul(x.values[:n].T, y.values[:n], out=out)


def window_sums(
    xp: Xp, out: Array, rows: Rows, places: Array, part: Array, index: Array, *, size: int, dilation: int, before: int
) -> None:
    """part: out's type; index: i64 of out's first two axes; work space."""
    batch, count, features = out.shape
    length = places.shape[1]
    # Each tap's numbers of each row are a row of this, without a gap.
    parts = rows.values.reshape(-1, features)
    whole = False
    for tap in range(size):
        shift = tap * dilation - before
        first, end = min(max(-shift, 0), count), min(length - shift, count)
        if first >= end:
            continue
        at = index.reshape(-1)[: batch * (end - first)].reshape(batch, end - first)
        xp.multiply(places[:, first + shift : end + shift], size, out=at)
        xp.add(at, tap, out=at)
        if not whole and end - first == count:
            xp.take(parts, at, axis=0, out=out, mode="clip")
            whole = True
            continue
        if not whole:
            out.fill(0)
            whole = True
        taken = part.reshape(-1)[: at.size * features].reshape(batch, end - first, features)
        xp.take(parts, at, axis=0, out=taken, mode="clip")
        xp.add(out[:, first:end], taken, out=out[:, first:end])
    if not whole:
        out.fill(0)


def picked(
    xp: Xp,
    index: Array,
    place: Array,
    values: Array,
    outside: Array,
    x: Array,
    picks: Array,
    length: int,
    *,
    dilation: int,
    before: int,
) -> None:
    """index: the position of each tap of each pick in all texts, end to end; values: what is added there, 0 where that
    is outside of the text. All are [B, F, size]; place is work space."""
    batch, _, size = index.shape
    xp.add(picks[:, :, None], xp.arange(size) * dilation - before, out=place)
    xp.maximum(place, 0, out=index)
    xp.minimum(index, length - 1, out=index)
    xp.not_equal(place, index, out=outside)
    values[...] = x[:, :, None]
    xp.copyto(values, 0, where=outside)
    xp.add(index, (xp.arange(batch) * length)[:, None, None], out=index)


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
    """index, place, values, outside: work space, [B, F, size] of i64, of x's dtype and of bool."""
    same_rows(xp, out, like)
    features, width = x.shape[1], out.values.shape[1]
    picked(xp, index, place, values, outside, x, picks, places.shape[1], dilation=dilation, before=before)
    xp.take(places.reshape(-1), index, out=place, mode="clip")
    xp.multiply(place, width, out=place)
    xp.add(place, xp.arange(size) * features + xp.arange(features)[:, None], out=place)
    out.values.fill(0)
    xp.add.at(out.values.reshape(-1), place.reshape(-1), values.reshape(-1))
    # What a pick has of id 0 is nobody's.
    out.values[int(out.count[0]) :] = 0
