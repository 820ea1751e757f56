"""Tables and row-sparse values."""

from __future__ import annotations

from runtime.backend import Array, Rows, Xp

PART = 2048
"""Rows that are added at a time."""


def gather(xp: Xp, out: Array, table: Array, ids: Array) -> None:
    xp.take(table, ids, axis=0, out=out, mode="clip")


def scatter_rows(xp: Xp, out: Rows, ids: Array, values: Array, *_work: Array) -> None:
    """Ids that occur are in rising order in the result; the values of one are added in the order of their places.

    _work: space of compiled kernels. Sorting takes work space of its own, five numbers an id.

    Rows are added in rounds, the second of each id, the third,
    and so on, as long as many have one; the few ids that are left, one by one. NumPy's add.at takes ten times as long.
    """
    width = out.values.shape[-1]
    flat, rows = ids.reshape(-1), values.reshape(-1, width)
    # A stable sort of 16 bits is a radix sort.
    order = xp.argsort(flat.astype(xp.uint16) if _fits(flat) else flat, kind="stable")
    ordered = flat[order]
    order = order[int(xp.searchsorted(ordered, 1)) :]
    ordered = ordered[len(ordered) - len(order) :]
    begins = xp.empty(len(order), bool)
    begins[:1] = True
    xp.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    starts = xp.flatnonzero(begins)
    counts = xp.diff(starts, append=len(order))
    n = len(starts)
    out.count[0] = n
    out.ids[:n] = ordered[starts]
    out.ids[n:] = 0
    out.values[n:] = 0
    xp.take(rows, order[starts], axis=0, out=out.values[:n], mode="clip")
    done, left = 1, xp.flatnonzero(counts > 1)
    while len(left) > 32:
        # In parts, for what is taken out of a table is a copy.
        for begin in range(0, len(left), PART):
            part = left[begin : begin + PART]
            out.values[part] += rows[order[starts[part] + done]]
        done += 1
        left = left[counts[left] > done]
    for i in left.tolist():
        start, count = int(starts[i]), int(counts[i])
        out.values[i] += rows[order[start + done : start + count]].sum(axis=0)


def _fits(ids: Array) -> bool:
    return bool(ids.size == 0 or ids.max() < 2**16)


def add_rows(xp: Xp, out: Array, dense: Array, sparse: Rows, sums: Array) -> None:
    """out may be dense's memory. sums: work space of sparse's values"""
    if out is not dense:
        xp.copyto(out, dense)
    n = int(sparse.count[0])
    ids, sums = sparse.ids[:n], sums.reshape(-1, sums.shape[-1])[:n]
    xp.take(out, ids, axis=0, out=sums, mode="clip")
    xp.add(sums, sparse.values[:n], out=sums)
    out[ids] = sums


def div_shifted(xp: Xp, out: Array, x: Array, y: Array, *, shift: float) -> None:
    """out may be y's memory, and not x's."""
    xp.add(y, shift, out=out)
    xp.divide(x, out, out=out)


def set_rows(xp: Xp, out: Array, dense: Array, sparse: Rows) -> None:
    """out may be dense's memory."""
    if out is not dense:
        xp.copyto(out, dense)
    n = int(sparse.count[0])
    out[sparse.ids[:n]] = sparse.values[:n]


def stamp_rows(xp: Xp, out: Array, stamps: Array, like: Rows, number: Array) -> None:
    """out may be stamps' memory."""
    if out is not stamps:
        xp.copyto(out, stamps)
    out[0] = number
    out[like.ids[: int(like.count[0])]] = number


def dense(xp: Xp, out: Array, sparse: Rows) -> None:
    n = int(sparse.count[0])
    out.fill(0)
    out[sparse.ids[:n]] = sparse.values[:n]


def same_rows(xp: Xp, out: Rows, like: Rows) -> None:
    """ids and count are like's, and may be its memory."""
    if out.ids is not like.ids:
        xp.copyto(out.ids, like.ids)
        xp.copyto(out.count, like.count)


def pick_rows(xp: Xp, out: Rows, table: Array, like: Rows) -> None:
    n = int(like.count[0])
    same_rows(xp, out, like)
    xp.take(table, like.ids[:n], axis=0, out=out.values[:n], mode="clip")
    out.values[n:] = 0


def one_hot(xp: Xp, out: Array, ids: Array) -> None:
    xp.equal(ids[..., None], xp.arange(out.shape[-1]), out=out, casting="unsafe")
    out[..., 0] = 0


def bag(xp: Xp, out: Array, ids: Array, index: Array) -> None:
    """index: i64 work space of ids' shape"""
    out.fill(0)
    xp.add(ids, (xp.arange(len(ids)) * out.shape[1])[:, None], out=index)
    xp.add.at(out.reshape(-1), index.reshape(-1), 1)
    out[:, 0] = 0
