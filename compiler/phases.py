"""The phases of a run: its `train` sections in order, each with the model and the data that it picks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from compiler.declarations import Declarations
from compiler.overrides import SET
from compiler.sections.phase_entries import PHASE
from compiler.sections.reading import Reading
from compiler.settings.data import path_refusal
from compiler.settings.phase import Freeze, InitFrom
from compiler.signature import Resolved
from dsl import ast
from dsl.errors import Diagnostic
from dsl.nearest import nearest
from dsl.render import show
from dsl.source import Span

Declared = TypeVar("Declared", ast.Model, ast.Section)


@dataclass(frozen=True)
class Phase:
    """One `train` section, or the run of a spec that has none.

    name: "" for the nameless one
    model, data: None where there is none to pick, or the pick was wrong, which has been reported
    """

    name: str
    section: ast.Section | None
    model: ast.Model | None
    data: ast.Section | None
    init: InitFrom | None
    freeze: Freeze


def phase_names(spec: ast.Spec) -> tuple[str, ...]:
    """The names of the `train` sections in order, each once; a spec without one is trained once, by the defaults."""
    sections = [d for d in spec.declarations if isinstance(d, ast.Section) and d.kind.id == "train"]
    return tuple(dict.fromkeys(s.name.id if s.name is not None else "" for s in sections)) or ("",)


def phases(found: Declarations, reading: Reading) -> tuple[Phase, ...]:
    """One for each `train` section, in the order of the file."""
    models, data = found.models(), found.sections("data")
    return tuple(_phase(section, models, data, reading) for section in found.sections("train") or (None,))


def _phase(
    section: ast.Section | None, models: Sequence[ast.Model], data: Sequence[ast.Section], reading: Reading
) -> Phase:
    entries = _entries(section, reading)
    return Phase(
        section.name.id if section is not None and section.name is not None else "",
        section,
        _picked("model", models, section, entries, reading),
        _picked("data", data, section, entries, reading),
        _init(*entries["init"], reading) if "init" in entries else None,
        _freeze(*entries["freeze"]) if "freeze" in entries else Freeze(),
    )


def _entries(section: ast.Section | None, reading: Reading) -> dict[str, tuple[ast.Entry, dict[str, Resolved]]]:
    """The entries that are looked at here; what is wrong in one the whole section's reading reports."""
    found: dict[str, tuple[ast.Entry, dict[str, Resolved]]] = {}
    quiet = Reading(reading.evaluate, reading.constant, lambda _: None)
    table = {s.word: s for s in PHASE}
    for entry in section.entries if section is not None else ():
        word = entry.path[0].id
        if len(entry.path) == 1 and word in table and word not in found:
            settings = quiet.settings(table[word], entry)
            if settings is not None:
                found[word] = entry, settings
    return found


def _picked(
    kind: str,
    declared: Sequence[Declared],
    section: ast.Section | None,
    entries: dict[str, tuple[ast.Entry, dict[str, Resolved]]],
    reading: Reading,
) -> Declared | None:
    """The one that `model NAME` or `data NAME` names; else the nameless one, or the only one."""
    names = {d.name.id: d for d in declared if d.name is not None}
    what = "model" if kind == "model" else "data section"
    if kind in entries:
        entry, settings = entries[kind]
        name = str(settings["name"])
        if name not in names:
            near = nearest(name, names)
            help = f"did you mean {near}?" if near else f"the {what}s with a name: {', '.join(names) or 'none'}"
            place = entry.arguments[0].span if entry.arguments else entry.span
            reading.report(Diagnostic("NN640", f"there is no {what} {name}", place, "not known here", help=help))
        return names.get(name)
    nameless = next((d for d in declared if d.name is None), None)
    if nameless is not None or len(declared) < 2:
        return nameless or next(iter(declared), None)
    spans = [d.span for d in declared]
    place = section.kind.span if section is not None else spans[0]
    message = f"there are {len(declared)} {what}s: which is trained {'' if kind == 'model' else 'on '}is not said"
    help = f"name one in train: {kind} {next(iter(names))}"
    reading.report(Diagnostic("NN641", message, place, help=help))
    return None


def _init(entry: ast.Entry, settings: dict[str, Resolved], reading: Reading) -> InitFrom | None:
    path, only = str(settings["from"]), settings["only"]
    place = next((a.span for a in entry.arguments if isinstance(a, ast.Setting) and a.key == "from"), entry.span)
    # What stands in --set comes from the command line, where paths are free.
    free = place.file == SET
    reason = None if free else path_refusal(path)
    if reason is not None:
        help = "a spec names only runs below the working directory; --set train.init.from=PATH may name any"
        reading.error("NN701", f'the path "{show(path)}" {reason}', place, help)
        return None
    return InitFrom(path, _names(only), place if free else entry.span, free)


def _freeze(entry: ast.Entry, settings: dict[str, Resolved]) -> Freeze:
    return Freeze(_names(settings["labels"]), entry.span)


def _names(value: Resolved) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, tuple) else ()


def unknown_labels(phase: Phase, labels: Sequence[str]) -> list[Diagnostic]:
    """What `freeze` and `only=` name and the model has not. labels: all that it has."""
    asked: list[tuple[str, tuple[str, ...], Span | None]] = [("freeze", phase.freeze.labels, phase.freeze.span)]
    if phase.init is not None:
        asked.append(("only=", phase.init.only, phase.init.span))
    found: list[Diagnostic] = []
    for word, names, span in asked:
        for name in names:
            if name not in labels:
                near = nearest(name, labels)
                known = f"its labels are {', '.join(labels)}" if labels else "a label stands behind `as` at a layer"
                message = f"{word} names {name}, and the model has no label of that name"
                found.append(Diagnostic("NN642", message, span, help=f"did you mean {near}?" if near else known))
    return found
