"""`nnc fmt [--check] SPEC...`: the one standard layout."""

from __future__ import annotations

from pathlib import Path

from dsl.errors import Diagnostic, NncError
from dsl.format import format_spec
from dsl.parse import decode
from dsl.render import show
from dsl.source import shown
from nnc.failure import FAILED, tell
from nnc.spec_files import read_spec


def run(specs: tuple[Path, ...], *, only_check: bool) -> int:
    """Files that are right are laid out even where another one has errors."""
    from runtime.storage import write_atomically

    wrong: list[Diagnostic] = []
    changed = 0
    for path in specs:
        try:
            data = read_spec(path)
            laid_out = format_spec(decode(data, shown(path)), shown(path)).encode()
            if laid_out == data:
                continue
            changed += 1
            if not only_check:
                write_atomically(path, [laid_out])
            print(f"{'would change' if only_check else 'changed'} {show(shown(path))}")
        except NncError as error:
            wrong += error.diagnostics
    if wrong:
        tell(wrong)
        return FAILED
    if not changed:
        print(f"{len(specs)} {'file' if len(specs) == 1 else 'files'} laid out already")
    return FAILED if only_check and changed else 0
