"""`python install_size.py`, with the Python of an environment that holds an installed nnc: megabytes beside NumPy.

Counts every file of the environment's site-packages, bytecode included, but for NumPy and for what pip itself needs.
Ends with 1 where that is more than the goal.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

GOAL = 22.0
NOT_COUNTED = ("numpy", "pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")


def megabytes(folder: Path) -> dict[str, float]:
    """Each entry of the folder that counts, largest first."""
    sizes = {
        entry.name: sum(f.stat().st_size for f in ([entry] if entry.is_file() else entry.rglob("*")) if f.is_file())
        for entry in folder.iterdir()
        if not entry.name.startswith(NOT_COUNTED)
    }
    return {name: size / 1e6 for name, size in sorted(sizes.items(), key=lambda item: -item[1])}


def main() -> int:
    sizes = megabytes(Path(sysconfig.get_path("purelib")))
    total = sum(sizes.values())
    for name, size in list(sizes.items())[:8]:
        print(f"{size:6.1f} MB  {name}")
    print(f"{total:6.1f} MB  in all beside NumPy, bytecode included (goal: {GOAL:.0f})")
    return 0 if total <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
