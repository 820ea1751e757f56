"""Spec files: read from disk, those that they `use`, and those that ship."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from dsl.errors import Diagnostic, RunError, SpecError
from dsl.nearest import nearest
from dsl.render import show

LARGEST_SPEC = 1 << 20
DEFAULT_SPEC = "sentiment.nn"


def shipped_folder() -> Path:
    """Where the specs lie that come with the program."""
    return Path(__file__).resolve().parent.parent / "specs"


def shipped_names() -> tuple[str, ...]:
    return tuple(sorted(path.name for path in shipped_folder().glob("*.nn")))


def read_spec(path: Path) -> bytes:
    """The bytes of a spec. Raises RunError NN860 when it cannot be read."""
    try:
        with path.open("rb") as file:
            if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
                raise IsADirectoryError
            data = file.read(LARGEST_SPEC + 1)
    except IsADirectoryError:
        raise RunError(_unreadable(path, "it is a folder")) from None
    except FileNotFoundError:
        raise RunError(_missing(path)) from None
    except (OSError, ValueError) as error:
        raise RunError(_unreadable(path, getattr(error, "strerror", None) or str(error))) from None
    if len(data) > LARGEST_SPEC:
        raise RunError(_unreadable(path, "it is larger than 1 MB, which no spec is"))
    return data


def use_reader(spec: Path) -> Callable[[str], bytes]:
    """Reads what a spec `use`s: files in its own folder or below it, nothing else.

    What it raises has no place; who knows the line that asked for it adds that.
    """
    folder = spec.parent

    def read(written: str) -> bytes:
        inside = os.path.realpath(folder)
        target = os.path.realpath(os.path.join(inside, written)) if written and "\0" not in written else ""
        if "://" in written or os.path.isabs(written) or not target.startswith(os.path.join(inside, "")):
            raise SpecError(
                Diagnostic(
                    "NN607",
                    f'the path "{show(written)}" leaves the folder of the spec',
                    help="a spec uses only files in its own folder or below",
                )
            )
        if os.path.exists(target) and not (os.path.isfile(target) or os.path.isdir(target)):
            # A pipe would wait for a writer.
            raise SpecError(Diagnostic("NN607", f'"{show(written)}" is no file but a pipe or a device'))
        return read_spec(Path(target))

    return read


def _missing(path: Path) -> Diagnostic:
    name = path.name
    try:
        found = nearest(name, sorted(os.listdir(path.parent)))
    except OSError:
        found = None
    if found is not None:
        hint = f"did you mean {show(str(path.with_name(found)))}?"
    elif (name if name.endswith(".nn") else f"{name}.nn") in shipped_names():
        hint = f"a spec of this name ships: nnc new {show(name)} --from {show(name)} copies it"
    else:
        hint = "nnc new FILE makes one to begin with"
    return Diagnostic("NN860", f"there is no file {show(str(path))}", help=hint)


def _unreadable(path: Path, reason: str) -> Diagnostic:
    return Diagnostic("NN860", f"{show(str(path))} cannot be read: {show(reason)}")
