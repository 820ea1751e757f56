"""The pages of the error codes, as `nnc explain NN204` shows them. They lie in `dsl/explain/`."""

from __future__ import annotations

import re
from importlib.resources import files

CODE = re.compile(r"NN[1-9][0-9]{2}")


def codes() -> tuple[str, ...]:
    """Every code that has a page, in order."""
    names = (entry.name for entry in files("dsl").joinpath("explain").iterdir())
    return tuple(sorted(name[:-3] for name in names if name.endswith(".md") and CODE.fullmatch(name[:-3])))


def page(code: str) -> str | None:
    """The page of a code, as Markdown; None where there is no such code."""
    code = code.upper()
    if not CODE.fullmatch(code):
        return None
    entry = files("dsl").joinpath("explain", f"{code}.md")
    return entry.read_text(encoding="utf-8") if entry.is_file() else None
