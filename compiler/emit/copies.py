"""Copies as kernels: into another order or shape, and of parts to where they belong in a whole."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.emit.kernel import Kernel, elementwise_kernel
from compiler.ops.shape import Broadcast, Concat, Reshape, Transpose
from compiler.ops.shape import Slice as Slices
from compiler.plan.layout import contiguous, is_contiguous
from compiler.plan.plan import Call, Moving, Place


def copy_kernels(call: Call, moving: Mapping[str, Moving]) -> list[Kernel] | None:
    """None where one of them cannot be a kernel."""
    out, given = call.out, call.inputs
    if not isinstance(out, Place) or not all(isinstance(x, Place) for x in given):
        return None
    parts = [x for x in given if isinstance(x, Place)]
    pairs: list[tuple[Place, Place]] = []
    match call.op:
        case Transpose(axes=axes):
            x = parts[0]
            shape, strides = tuple(x.shape[i] for i in axes), tuple(x.strides[i] for i in axes)
            pairs.append((_view(x, call.op, shape, strides), out))
        case Reshape():
            if not is_contiguous(out.shape, out.strides):
                return None
            shape = parts[0].shape
            pairs.append((parts[0], _view(out, Reshape(shape), shape, contiguous(shape))))
        case Concat(axis=axis):
            start = 0
            for part in parts:
                by = Slices(axis, start, part.shape[axis])
                pairs.append(
                    (part, Place(f"{out.name}_at_{start}", out.region, out.dtype, part.shape, out.strides, out, by))
                )
                start += part.shape[axis]
        case _:
            return None
    found = [elementwise_kernel([Call(Broadcast(to.shape), to, (x,))], moving=moving) for x, to in pairs]
    kernels = [kernel for kernel in found if kernel is not None]
    return kernels if len(kernels) == len(found) else None


def _view(place: Place, by: Transpose | Reshape, shape: tuple[int, ...], strides: tuple[int, ...]) -> Place:
    """The same memory seen otherwise, under a name of its own: whoever names the place itself sees it as it is."""
    how = ("turned", *by.axes) if isinstance(by, Transpose) else ("shaped", *shape)
    name = "_".join([place.name, *map(str, how)])
    return Place(name, place.region, place.dtype, shape, strides, place, by)
