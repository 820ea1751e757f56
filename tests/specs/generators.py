"""The scripts beside the data that ship, as modules."""

from __future__ import annotations

import gzip
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

SPECS = Path(__file__).parents[2] / "specs"


def module_of(script: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.replace("/", "_").removesuffix(".py"), SPECS / script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks its module up
    spec.loader.exec_module(module)
    return module


def text_of(path: Path) -> str:
    """The text alone: how small it is packed depends on the library that packs."""
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
