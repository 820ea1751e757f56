"""The section that nothing runs yet: `sweep`, which is checked."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.overrides import SET, overridden
from compiler.sections.reading import Reading
from compiler.sections.train import train_settings
from compiler.signature import Setting, Signature
from dsl import ast
from dsl.errors import Diagnostic, SpecError

SWEEP = Signature(
    "sweep",
    "a constant, an entry or a labelled layer's setting, and the values that are tried for it",
    (
        Setting("choice", "constant", "one of these", many=True),
        Setting("log", "number", "between the two, on a logarithmic scale", many=True, low=1e-300),
    ),
)
TRIALS = Signature("trials", "how many runs", (Setting("n", "count", "how many", required=True, low=1),), ("n",))


def other_sections(
    spec: ast.Spec, sweeps: Sequence[ast.Section], models: Sequence[ast.Model], reading: Reading
) -> None:
    """`sweep`, which is checked though nothing runs it."""
    for section in sweeps:
        for entry in section.entries:
            _swept(spec, entry, models, reading)


def _swept(spec: ast.Spec, entry: ast.Entry, models: Sequence[ast.Model], reading: Reading) -> None:
    """An entry of `sweep`: its path must reach something, with each value that it gives."""
    path = ".".join(n.id for n in entry.path)
    if path == "trials":
        reading.settings(TRIALS, entry)
        return
    settings = reading.settings(SWEEP, entry)
    if settings is None:
        return
    values = next((v for v in (settings["choice"], settings["log"]) if isinstance(v, tuple)), None)
    if values is None or (settings["log"] is not None and len(values) != 2):
        reading.error(
            "NN405", f"sweep needs the values to try for {path}", entry.span, f"{path} choice=1,2,3 or log=1e-4,1e-2"
        )
        return
    if settings["log"] is not None:
        low, high = values
        if isinstance(low, float | int) and isinstance(high, float | int) and low >= high:
            message = f"log={low:g},{high:g} holds nothing: it goes from a lower number to a higher one"
            reading.error("NN404", message, entry.span, f"{path} log=1e-4,1e-2")
            return
    name = entry.path[0].id
    for value in values:
        try:
            changed = overridden(spec, (f"{path}={value}",), None)
        except SpecError as error:
            first = error.diagnostics[0]
            reading.error(first.code, first.message, entry.span, first.help)
            return
        wrong: list[Diagnostic] = []
        trains = [d for d in changed.declarations if isinstance(d, ast.Section) and d.kind.id == "train"]
        section = next((t for t in trains if name in (t.kind.id, t.name.id if t.name is not None else "")), None)
        if section is not None:
            train_settings(section, models, Reading(reading.evaluate, reading.constant, wrong.append))
        for diagnostic in wrong:
            if diagnostic.span is not None and diagnostic.span.file == SET:
                reading.error(diagnostic.code, diagnostic.message, entry.span, diagnostic.help)
                return
