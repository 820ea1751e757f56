"""Our packages have common names: where each was really loaded from, and whether somebody else's hides one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from dsl.errors import Diagnostic, RunError
from dsl.render import show

PACKAGES = ("dsl", "compiler", "runtime", "nnc", "specs")


def loaded_from(package: str) -> Path | None:
    """The folder that `import package` takes; None where there is none."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        return None
    if spec.origin is not None and spec.origin != "namespace":
        return Path(spec.origin).parent
    places = list(spec.submodule_search_locations or ())
    return Path(places[0]) if places else None


def strangers() -> tuple[str, ...]:
    """Packages that are not the ones beside this file."""
    ours = Path(__file__).resolve().parent.parent
    return tuple(
        name
        for name in PACKAGES
        if name != "specs" and (found := loaded_from(name)) is not None and found.resolve().parent != ours
    )


def refuse_strangers() -> None:
    """Raises RunError NN864 when another package has the name of one of ours and comes first."""
    for name in strangers():
        place = show(str(loaded_from(name)))
        raise RunError(
            Diagnostic(
                "NN864",
                f"a package `{name}` that is not nnc's hides nnc's own: {place}",
                help="run nnc from another folder, or remove that package from this environment; nnc doctor shows all",
            )
        )
