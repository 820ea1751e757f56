"""Object files of this process: machine code in memory, as functions of one address. Needs no Numba, only its LLVM."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding as llvm

from runtime.native.machine import target_machine

Function = Callable[[Any], None]
"""Of the address of p. Other threads run meanwhile."""


class Loader:
    def load(self, code: bytes, symbol: str, needs: Sequence[str]) -> Function | None:
        """None where this process lacks something that the code needs."""
        machine = target_machine()
        if any(llvm.address_of_symbol(name) is None for name in needs):
            return None
        # One for each file: an engine that has run code fails on the next.
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
        address = engine.get_function_address(symbol)
        if not address:
            return None
        found: Any = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)
        # Whoever can call it has its code, a thread too that outlives the loader.
        found.engine = engine
        return found
