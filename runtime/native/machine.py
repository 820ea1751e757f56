"""This processor, as LLVM knows it."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm


def target_machine() -> Any:
    """For this processor, with all that it can do."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features(), opt=3, reloc="pic"
    )


def features() -> str:
    """What the processor can do. Of some LLVM holds that half of a register's width is better, as their clock is slower
    for a while after wide vectors; products have made it so already."""
    found = llvm.get_host_cpu_features()
    return f"{found.flatten()},-prefer-256-bit" if found.get("avx512f") else found.flatten()


SOURCES = (
    "functions.py", "rows.py", "vectors.py", "sums.py", "strips.py", "tiles.py", "products.py", "philox.py", "atoms.py",
    "compiling.py",
)  # fmt: skip


def machine_key() -> str:
    """All that decides what machine code a text becomes, beside the text."""
    known = (
        *(Path(__file__).with_name(name).read_text("utf-8") for name in SOURCES),
        importlib.metadata.version("numba"),
        llvmlite.__version__,
        platform.python_version(),
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        features(),
    )
    return "\n".join(str(each) for each in known)
