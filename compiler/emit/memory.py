"""Where in its region a place lies, and which two places cannot touch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.types import DTYPES
from compiler.ops.shape import Slice
from compiler.plan.plan import Moving, Place, Plan


@dataclass(frozen=True)
class Bytes:
    """Bytes [begin, end) of the arena, or of a weight or state, whose name is space then."""

    space: str
    begin: int
    end: int

    def meet(self, other: Bytes) -> bool:
        return self.space == other.space and self.begin < other.end and other.begin < self.end


def bytes_of(place: Place, plan: Plan, start: int | None = None) -> Bytes:
    """From its first element to its last. start: elements behind the beginning of its region, where it is not there"""
    region, size = plan.regions[place.region], DTYPES[place.dtype]
    start = start_of(place)[1] if start is None else start
    begin = start * size + (region.offset if region.store is None else 0)
    return Bytes(region.store or "", begin, begin + (0 if 0 in place.shape else _span(place)) * size)


def origin(place: Place, moving: Mapping[str, Moving]) -> tuple[str, int, int]:
    """The array that it is a view of at last, the part of it, and how many elements behind its beginning it begins.

    moving: in a loop over positions, the arrays that are another part of a whole in each
    """
    place, start = start_of(place)
    part = moving.get(place.name)
    if part is None:
        return place.name, 0, start
    return part.whole.name, part.offset % max(part.whole.shape[0], 1), start


def start_of(place: Place) -> tuple[Place, int]:
    """The array that it is a view of at last, and how many elements behind its beginning it begins."""
    start = 0
    while place.of is not None:
        if isinstance(place.by, Slice):
            assert isinstance(place.by.start, int)
            start += place.by.start * place.of.strides[place.by.axis]
        place = place.of
    return place, start


def same_memory(a: Place, b: Place, moving: Mapping[str, Moving]) -> bool:
    """Whether an element of one is the same element of the other."""
    return (origin(a, moving), a.shape, a.strides) == (origin(b, moving), b.shape, b.strides)


def apart(a: Place, b: Place, moving: Mapping[str, Moving]) -> bool:
    """Whether it is certain that they share no element."""
    if a.region != b.region or 0 in a.shape or 0 in b.shape:
        return True
    (x, part, start), (y, other_part, other) = origin(a, moving), origin(b, moving)
    if x != y:
        return False
    if part != other_part:
        return True
    if start + _span(a) <= other or other + _span(b) <= start:
        return True
    return _in_other_columns(a, b)


def _span(place: Place) -> int:
    """How many elements there are from its first to its last."""
    return 1 + sum((size - 1) * stride for size, stride in zip(place.shape, place.strides, strict=True))


def _in_other_columns(a: Place, b: Place) -> bool:
    """Whether they are slices of one array, or views of such, that leave a gap along one axis."""
    for one in _slices(a):
        for two in _slices(b):
            if one.of == two.of and isinstance(one.by, Slice) and isinstance(two.by, Slice):
                axis, begin, other = one.by.axis, one.by.start, two.by.start
                assert isinstance(begin, int)
                assert isinstance(other, int)
                if axis == two.by.axis and (begin + one.shape[axis] <= other or other + two.shape[axis] <= begin):
                    return True
    return False


def _slices(place: Place) -> list[Place]:
    found: list[Place] = []
    while place.of is not None:
        if isinstance(place.by, Slice):
            found.append(place)
        place = place.of
    return found
