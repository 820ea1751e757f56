"""Reads off CuPy what strict_xp.py holds its stand-in to: parameters of functions, types of ufuncs.

Needs the package, not a GPU: `python tests/runtime/make_cupy_api.py` writes cupy_api.json.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import cupy


def described(function: Any) -> Any:
    """A ufunc's types, `ff->f`; a function's parameters, None where they cannot be read."""
    if isinstance(function, cupy.ufunc):
        return {"types": function.types}
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return None
    return None if any(p.kind == p.VAR_KEYWORD for p in parameters) else [p.name for p in parameters]


def main() -> None:
    public = {name: getattr(cupy, name) for name in sorted(dir(cupy)) if not name.startswith("_")}
    functions = {
        name: described(value)
        for name, value in public.items()
        if callable(value) and not inspect.ismodule(value) and not inspect.isclass(value)
    }
    target = Path(__file__).with_name("cupy_api.json")
    target.write_text(json.dumps({"cupy": cupy.__version__, "functions": functions}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
