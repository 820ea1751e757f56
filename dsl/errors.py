"""Everything that can be wrong, said in one form: what, where, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from dsl.source import Span


@dataclass(frozen=True)
class Note:
    """A second place that explains the first: `this pools the sequence [T, 200] into one vector [200]`."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong (or, as a warning, unwise).

    code: `NN204`, whose page is `dsl/explain/NN204.md`; it never changes its meaning
    span: where; None only where there is no place (a missing GPU, a full disk)
    label: what stands under the caret
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    severity: Literal["error", "warning"] = "error"


class NncError(Exception):
    """Any failure that is told to the user; carries one diagnostic or several."""

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        several = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        self.diagnostics: tuple[Diagnostic, ...] = several
        super().__init__("; ".join(d.message for d in several))

    def __str__(self) -> str:
        """All of it as `nnc` prints it, each with its line: a traceback ends in something to read."""
        from dsl.render import render  # it imports this page

        return render(self.diagnostics).rstrip("\n")

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of the traceback, whose frames are ours and tell its reader nothing."""
        return str(self).splitlines()


class SpecError(NncError):
    """The spec is wrong (NN1xx to NN6xx)."""


class DataError(NncError):
    """A data file is wrong (NN7xx)."""


class RunError(NncError):
    """A run cannot go on: not finite, memory, device, a damaged model file (NN8xx)."""


class InternalError(Exception):
    """An invariant of ours is broken (NN9xx): never the user's fault."""
