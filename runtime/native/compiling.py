"""Numba as a compiler: a kernel's text becomes an object file. One of two files that import Numba; only when asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numba

from runtime.native.functions import functions
from runtime.native.machine import target_machine

FLAGS = {"contract"}

ENTRY = """
define void @"{symbol}"(ptr %p) {{
  %nothing = alloca ptr
  %error = alloca ptr
  %status = call i32 @"{name}"(ptr %nothing, ptr %error, ptr %p)
  ret void
}}
"""
"""Kernels raise no errors. What Numba itself would put around them tells Python of such, by functions of Numba's own: a
process that only loads kernels has not got these."""


def compiled(text: str, symbol: str) -> tuple[bytes, tuple[str, ...]]:
    """An object file with a C function of one address, the symbol; and what it calls outside of itself.

    text: a function `kernel(p)`, as `compiler.emit.native` writes it
    """
    space = dict(_functions())
    exec(compile(text, "<kernel>", "exec"), space)
    signature = numba.types.void(numba.types.CPointer(numba.types.int64))
    function: Any = numba.cfunc(signature, nopython=True, fastmath=FLAGS, error_model="numpy")(space["kernel"])
    name = function.native_name.removeprefix("cfunc.")
    module = llvm.parse_assembly(function.inspect_llvm() + ENTRY.format(symbol=symbol, name=name))
    _only(module, symbol)
    needs = tuple(f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm."))
    return target_machine().emit_object(module), needs


def _only(module: Any, name: str) -> None:
    """Leaves in the module what the function of that name needs."""
    for function in module.functions:
        if not function.is_declaration and function.name != name:
            function.linkage = "internal"
    for each in module.global_variables:
        if not each.is_declaration:
            each.linkage = "internal"
    machine = target_machine()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options())
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, builder)


@cache
def _functions() -> dict[str, Callable[..., Any]]:
    return functions()
