"""NumPy's names over a module that has fewer of them.

Kernels and emitted programs are written as NumPy has it. CuPy has all the functions that they call, but `take` without
a mode, and `reduce` for two ufuncs only; what differs is said here, once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runtime.backend import Array, Xp


class Ufunc:
    """A ufunc that has `reduce` whether the module's own has it or not."""

    def __init__(self, ufunc: Any, reduction: Callable[..., Array]) -> None:
        self._ufunc = ufunc
        self.reduce = reduction

    def __call__(self, *operands: Any, **options: Any) -> Array:
        return self._ufunc(*operands, **options)

    @property
    def at(self) -> Callable[..., None]:
        return self._ufunc.at


class Namespace:
    """An array namespace over `module`; what is not named here is the module's."""

    def __init__(self, module: Xp) -> None:
        self._module = module
        self.add = Ufunc(module.add, module.sum)
        self.maximum = Ufunc(module.maximum, module.max)
        self.minimum = Ufunc(module.minimum, module.min)

    def __getattr__(self, name: str) -> Any:
        # Found once, it is an attribute, so that a step does not come here again.
        found = getattr(self._module, name)
        setattr(self, name, found)
        return found

    def take(
        self, a: Array, indices: Array, axis: int | None = None, out: Array | None = None, mode: str = "clip"
    ) -> Array:
        """No index may be out of range: CuPy has no mode, and counts it from the other end."""
        return self._module.take(a, indices, axis=axis, out=out)

    def matmul(self, x: Array, y: Array, out: Array | None = None) -> Array:
        """A door of its own: CUDA refuses the library behind it while a step is being captured."""
        return self._module.matmul(x, y, out=out)
