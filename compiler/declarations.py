"""The declarations of a spec and of the files it uses: what each name of a file is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from posixpath import basename, dirname, join, normpath

from compiler import library
from compiler.constants import calculate
from compiler.layers import layer_named
from compiler.lower.mentions import pieces
from compiler.scope import Binding, BlockBinding, ConstantBinding, Scope
from compiler.sections.reading import SECTIONS
from compiler.signature import Value
from dsl import ast
from dsl.errors import Diagnostic, NncError, Note, SpecError
from dsl.nearest import nearest
from dsl.parse import parse

DEEPEST_USE = 8
"""A file that uses a file that uses a file ..."""


@dataclass
class Declarations:
    """top: constants, blocks and cells by name; used: the text of the files brought in, by path from the spec's."""

    spec: ast.Spec
    top: Scope
    errors: list[Diagnostic] = field(default_factory=list[Diagnostic])
    reported: set[Diagnostic] = field(default_factory=set[Diagnostic])
    warnings: list[Diagnostic] = field(default_factory=list[Diagnostic])
    used: dict[str, str] = field(default_factory=dict[str, str])
    scopes: dict[str, Scope] = field(default_factory=dict[str, Scope])

    def report(self, diagnostic: Diagnostic) -> None:
        found = self.errors if diagnostic.severity == "error" else self.warnings
        if diagnostic not in self.reported:
            self.reported.add(diagnostic)
            found.append(diagnostic)

    def error(self, code: str, message: str, at: ast.Syntax, help: str = "", notes: tuple[Note, ...] = ()) -> None:
        self.report(Diagnostic(code, message, at.span, notes=notes, help=help))

    def constant(self, name: str) -> Value:
        return constant_of(self.top, name)

    def number(self, expression: ast.Expression) -> Value:
        """The value of a constant expression; reports and gives None where there is none."""
        return self.number_in(self.top, expression)

    def number_in(self, scope: Scope, expression: ast.Expression) -> Value:
        match expression:
            case ast.Number() | ast.Text():
                return expression.value
            case ast.Name():
                found = scope.find(expression.id)
                if isinstance(found, ConstantBinding):
                    # Without a value, it has been reported where it is declared.
                    return found.value
                names = [n for n, b in scope.names.items() if isinstance(b, ConstantBinding)]
                near = nearest(expression.id, names)
                help = f"did you mean {near}?" if near else f"declare it: let {expression.id} = 100"
                self.error("NN301", f"there is no constant {expression.id}", expression, help)
                return None
            case ast.Negative():
                inner = self.number_in(scope, expression.value)
                return -inner if isinstance(inner, (int, float)) else None
            case ast.Binary():
                left, right = self.number_in(scope, expression.left), self.number_in(scope, expression.right)
                if left is None or right is None:
                    return None
                result = calculate(expression.operator, left, right)
                if result is None:
                    self.error("NN403", f"{expression.span.snippet} is no number that can be computed with", expression)
                return result
            case _:
                self.error("NN403", "this is no number", expression, "a constant is a number, a string or arithmetic")
                return None

    def models(self) -> list[ast.Model]:
        """In the order of the file, each name once."""
        models = [d for d in self.spec.declarations if isinstance(d, ast.Model)]
        if not models:
            first = self.spec.declarations[0] if self.spec.declarations else self.spec
            help = "write model NAME(text: words) -> label: class { ... }"
            self.error("NN514", "there is no model in this file", first, help)
        first_of: dict[str, ast.Model] = {}
        for model in models:
            first = first_of.setdefault(model.name.id, model)
            if first is not model:
                note = Note(first.name.span, "given here")
                help = "one name, one thing: rename one"
                self.error("NN302", f"{model.name.id} is given twice", model.name, help, (note,))
        return list(first_of.values())

    def sections(self, kind: str) -> list[ast.Section]:
        """The sections of a kind in the order of the file: each name once, and one without a name at most."""
        first_of: dict[str, ast.Section] = {}
        for section in self.spec.declarations:
            if not isinstance(section, ast.Section) or section.kind.id != kind:
                continue
            name = section.name.id if section.name is not None else ""
            first = first_of.setdefault(name, section)
            if first is not section:
                note = Note(first.kind.span, "the first")
                help = "name them differently" if name else "join the two, or name them"
                self.error("NN603", f"{kind} {name}".strip() + " is given twice", section.kind, help, (note,))
        return list(first_of.values())


def constant_of(scope: Scope, name: str) -> Value:
    binding = scope.find(name)
    return binding.value if isinstance(binding, ConstantBinding) else None


ReadUse = Callable[[str], bytes]
"""The bytes of a file that a spec `use`s, by its path in the spec. Raises NncError or OSError."""


def declarations(spec: ast.Spec, file: str, read_use: ReadUse | None) -> Declarations:
    """All names of a file and of those it uses; what is wrong with them is in the result's errors."""
    found = Declarations(spec, Scope())
    _declare(found, spec, found.top, "", (basename(file),), read_use)
    for d in spec.declarations:
        if isinstance(d, ast.Section) and d.kind.id not in SECTIONS:
            near = nearest(d.kind.id, [*SECTIONS, "model", "block", "cell", "let", "use"])
            help = f"did you mean {near}?" if near else f"the sections are {', '.join(SECTIONS)}"
            found.error("NN601", f"there is no section {d.kind.id}", d.kind, help)
    return found


def _declare(
    found: Declarations, spec: ast.Spec, scope: Scope, folder: str, using: tuple[str, ...], read_use: ReadUse | None
) -> None:
    """Fills a file's scope. A block sees the names of its own file, whoever uses it."""
    lets: dict[str, ast.Let] = {}
    for d in spec.declarations:
        match d:
            case ast.Use():
                _bring(found, d, scope, folder, using, read_use)
            case ast.Let():
                if _free(found, scope, d.name):
                    scope.names[d.name.id] = ConstantBinding(None, d.name.span)
                    lets[d.name.id] = d
            case ast.Block() | ast.Cell():
                if _free(found, scope, d.name):
                    scope.names[d.name.id] = BlockBinding(d, scope, d.name.span)
            case _:
                pass
    for name in _in_order(found, lets):
        d = lets[name]
        scope.names[name] = ConstantBinding(found.number_in(scope, d.value), d.name.span)
    for d in spec.declarations:
        if isinstance(d, (ast.Block, ast.Cell)):
            _heading(found, scope, d)
        if isinstance(d, ast.Cell):
            _once_each(scope, d)


def _in_order(found: Declarations, lets: dict[str, ast.Let]) -> list[str]:
    """Each constant after those it is made of, wherever they stand; those that need themselves are reported."""
    needs = {n: {p.id for p in pieces(d.value) if isinstance(p, ast.Name) and p.id in lets} for n, d in lets.items()}
    users: dict[str, list[str]] = {}
    for name, needed in needs.items():
        for other in needed:
            users.setdefault(other, []).append(name)
    lacking = {name: len(needed) for name, needed in needs.items()}
    ordered = [name for name, count in lacking.items() if count == 0]
    for name in ordered:
        for user in users.get(name, ()):
            lacking[user] -= 1
            if lacking[user] == 0:
                ordered.append(user)
    for name, count in lacking.items():
        if count:
            found.error("NN507", f"{name} needs itself, or another constant that does", lets[name].name)
    return ordered


def _free(found: Declarations, scope: Scope, name: ast.Name) -> bool:
    taken = scope.names.get(name.id)
    if taken is not None:
        found.error("NN302", f"{name.id} is given twice", name, "one name, one thing: choose another", _given(taken))
        return False
    if layer_named(name.id) and name.id not in library.names():
        found.error("NN303", f"{name.id} is a layer's name", name, "choose another name")
        return False
    return True


def _given(binding: Binding) -> tuple[Note, ...]:
    return (Note(binding.span, "given here"),)


def _heading(found: Declarations, scope: Scope, d: ast.Block | ast.Cell) -> None:
    """The names in a block's or cell's heading: each once, and none that its file has already, or a layer has."""
    operands: Iterable[ast.Name] = (o.name for o in d.operands) if isinstance(d, ast.Cell) else d.operands or ()
    states = tuple(s.name for s in d.states) if isinstance(d, ast.Cell) else ()
    seen: dict[str, ast.Name] = {}
    for name in (*operands, *(f.name for f in d.formals), *states):
        taken = scope.names.get(name.id)
        if name.id in seen:
            note = Note(seen[name.id].span, "given here")
            found.error("NN302", f"{name.id} is given twice", name, "one name, one thing: choose another", (note,))
        elif taken is not None:
            found.error(
                "NN302", f"{name.id} is given twice", name, "one name, one thing: choose another", _given(taken)
            )
        elif layer_named(name.id):
            found.error("NN303", f"{name.id} is a layer's name", name, "choose another name")
        seen.setdefault(name.id, name)
    for formal in d.formals:
        if formal.default is not None and len(formal.default) > 1:
            found.error("NN403", f"{formal.name.id} takes one value, but its default has several", formal)


def _once_each(scope: Scope, cell: ast.Cell) -> None:
    """A state that the heading has twice, which has been reported, is one for whoever uses the cell."""
    states = {state.name.id: state for state in reversed(cell.states)}
    binding = scope.names.get(cell.name.id)
    if len(states) < len(cell.states) and isinstance(binding, BlockBinding) and binding.block is cell:
        once = tuple(state for state in cell.states if states[state.name.id] is state)
        scope.names[cell.name.id] = replace(binding, block=replace(cell, states=once))


def _bring(
    found: Declarations, use: ast.Use, scope: Scope, folder: str, using: tuple[str, ...], read_use: ReadUse | None
) -> None:
    """`use "cells.nn"`: the other file's constants, blocks and cells, read from beside the file that asks for them."""
    written = use.path.value
    path = normpath(join(folder, written)) if written else written
    if path in using:
        found.error("NN607", f"{path} uses itself", use.path, "leave one of the two `use` lines out")
        return
    if len(using) > DEEPEST_USE:
        found.error("NN607", f"files use each other more than {DEEPEST_USE} deep", use)
        return
    if path not in found.scopes:
        read = _read(found, use, path, read_use)
        if read is None:
            return
        found.used[path], spec = read
        found.scopes[path] = Scope()
        _declare(found, spec, found.scopes[path], dirname(path), (*using, path), read_use)
    for name, binding in found.scopes[path].names.items():
        taken = scope.names.get(name)
        if taken is None:
            scope.names[name] = binding
        elif taken is not binding:
            notes = (*_given(taken), Note(binding.span, "and here"))
            found.error("NN302", f"{name} is given twice", use.path, "one name, one thing: rename one", notes)


def _read(found: Declarations, use: ast.Use, path: str, read_use: ReadUse | None) -> tuple[str, ast.Spec] | None:
    if read_use is None:
        found.error("NN607", f"{path} cannot be read here", use.path)
        return None
    try:
        text = read_use(path)
    except NncError as error:
        first = error.diagnostics[0]
        code = first.code if isinstance(error, SpecError) else "NN607"
        found.error(code, first.message, use.path, first.help)
        return None
    except OSError as error:
        reason = error.strerror or "no such file"
        found.error("NN607", f"{path} cannot be read: {reason}", use.path, "paths are relative to the spec's folder")
        return None
    try:
        return text.decode("utf-8-sig", "replace"), parse(text, path)
    except SpecError as error:
        for diagnostic in error.diagnostics:
            found.report(diagnostic)
        return None
