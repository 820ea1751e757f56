"""Which bytes a kernel reads and writes, all of it or a thread's share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from compiler.emit.kernel import Kernel
from compiler.emit.memory import bytes_of, start_of
from compiler.emit.split import Cuts, Split
from compiler.emit.together import Access, Accesses
from compiler.plan.plan import Call, Moving, Place, Plan, RowsPlace


def written(calls: Iterable[Call]) -> frozenset[int]:
    """The regions that calls write to; what a kernel names of them counts as written."""
    found: set[int] = set()
    for call in calls:
        out = call.out
        places = (out.ids, out.values, out.count) if isinstance(out, RowsPlace) else (out,)
        # Rows of the ids of others have their ids.
        given = {p.region for x in call.inputs if isinstance(x, RowsPlace) for p in (x.ids, x.count)}
        found |= {place.region for place in (*places, *call.scratch) if isinstance(place, Place)} - given
    return frozenset(found)


def accesses(kernel: Kernel, calls: Iterable[Call], plan: Plan, moving: Mapping[str, Moving] = {}) -> Accesses:
    """moving: in a loop over positions, what is another part of a whole in each: the whole counts"""
    regions = written(calls)
    return _sorted(_access(x, regions, plan, moving) for x in kernel.arguments if isinstance(x, Place))


def shares(
    kernel: Kernel, calls: Iterable[Call], plan: Plan, split: Split, cuts: Cuts, moving: Mapping[str, Moving] = {}
) -> tuple[Accesses, ...]:
    """Of each thread. moving: as before, but a part counts as if it were the first of its whole, in any position"""
    regions, moves = written(calls), dict(split.moves)
    found: list[Accesses] = []
    for begin, end in pairwise(cuts):
        own: list[Access] = []
        for i, x in enumerate(kernel.arguments):
            if isinstance(x, Place):
                access = _access(x, regions, plan, moving, one=True)
                if i in moves:
                    unit = max(access.end - access.begin - (split.units - 1) * moves[i], 0)
                    first = access.begin + begin * moves[i]
                    access = Access(access.space, first, first + (end - begin - 1) * moves[i] + unit, access.written)
                own.append(access)
        found.append(_sorted(own))
    return tuple(found)


def _sorted(found: Iterable[Access]) -> Accesses:
    return tuple(dict.fromkeys(found))


def _access(
    place: Place, regions: frozenset[int], plan: Plan, moving: Mapping[str, Moving], one: bool = False
) -> Access:
    root, start = start_of(place)
    part = moving.get(root.name)
    if part is not None:
        whole = start_of(part.whole)[1]
        place, start = (place, start + whole) if one else (part.whole, whole)
    there = bytes_of(place, plan, start)
    return Access(there.space, there.begin, there.end, place.region in regions)
