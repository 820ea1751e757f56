"""Our packages have common names: where each was really loaded from, and whether somebody else's hides one.

Imports nothing of ours: when `dsl` is hidden, this page must still be able to say so.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

PACKAGES = ("dsl", "compiler", "runtime", "nnc", "specs")


def loaded_from(package: str) -> Path | None:
    """The folder that `import package` takes; None where there is none."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        return None
    if spec.origin is not None:
        return Path(spec.origin).parent
    places = list(spec.submodule_search_locations or ())
    return Path(places[0]) if places else None


def strangers() -> tuple[str, ...]:
    """Packages that are not the ones beside this file. The specs are found without importing them."""
    ours = Path(__file__).resolve().parent.parent
    return tuple(
        name
        for name in PACKAGES
        if name != "specs" and (found := loaded_from(name)) is not None and found.resolve().parent != ours
    )


def refusal() -> str | None:
    """What is said when another package has the name of one of ours and comes first; None where none does."""
    for name in strangers():
        place = ascii(str(loaded_from(name)))
        return (
            f"error[NN864]: a package `{name}` that is not nnc's hides nnc's own: {place}\n"
            "   = help: run nnc from another folder, or remove that package from this environment\n"
        )
    return None
