"""The declarations of a spec and of the files it uses: what each name of a file is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from compiler.layers import LAYERS, STRUCTURES
from compiler.scope import BlockBinding, ConstantBinding, Scope
from compiler.sections import SECTIONS
from compiler.signature import Value
from dsl import ast
from dsl.errors import Diagnostic, NncError, Note, SpecError
from dsl.nearest import nearest
from dsl.parse import parse

DEEPEST_USE = 8
"""A file that uses a file that uses a file ..."""


@dataclass
class Declarations:
    """top: constants, blocks and cells by name, the library's behind them; used: the files brought in, path and text."""

    spec: ast.Spec
    top: Scope
    errors: list[Diagnostic] = field(default_factory=list[Diagnostic])
    warnings: list[Diagnostic] = field(default_factory=list[Diagnostic])
    used: tuple[tuple[str, str], ...] = ()

    def report(self, diagnostic: Diagnostic) -> None:
        found = self.errors if diagnostic.severity == "error" else self.warnings
        if diagnostic not in found:
            found.append(diagnostic)

    def error(self, code: str, message: str, at: ast.Syntax, help: str = "", notes: tuple[Note, ...] = ()) -> None:
        self.report(Diagnostic(code, message, at.span, notes=notes, help=help))

    def constant(self, name: str) -> Value:
        binding = self.top.find(name)
        return binding.value if isinstance(binding, ConstantBinding) else None

    def number(self, expression: ast.Expression) -> Value:
        """The value of a constant expression; reports and gives None where there is none."""
        match expression:
            case ast.Number() | ast.Text():
                return expression.value
            case ast.Name():
                found = self.constant(expression.id)
                if found is None:
                    names = [n for n, b in self.top.all_names().items() if isinstance(b, ConstantBinding)]
                    near = nearest(expression.id, names)
                    help = f"did you mean {near}?" if near else f"declare it: let {expression.id} = 100"
                    self.error("NN301", f"there is no constant {expression.id}", expression, help)
                return found
            case ast.Negative():
                inner = self.number(expression.value)
                return -inner if isinstance(inner, (int, float)) else None
            case ast.Binary():
                return self.arithmetic(expression)
            case _:
                self.error("NN403", "this is no number", expression)
                return None

    def arithmetic(self, expression: ast.Binary) -> Value:
        left, right = self.number(expression.left), self.number(expression.right)
        if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
            return None
        match expression.operator:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/" if right != 0:
                exact = isinstance(left, int) and isinstance(right, int) and left % right == 0
                return left // right if exact else left / right
            case _:
                self.error("NN403", f"{expression.span.snippet} is no number", expression)
                return None

    def model(self) -> ast.Model | None:
        models = [d for d in self.spec.declarations if isinstance(d, ast.Model)]
        if not models:
            first = self.spec.declarations[0] if self.spec.declarations else self.spec
            self.error(
                "NN514",
                "there is no model in this file",
                first,
                "write model NAME(text: words) -> label: class { ... }",
            )
            return None
        if len(models) > 1:
            self.error(
                "NN350",
                "several models in one file are not there yet",
                models[1],
                notes=(Note(models[0].span, "the first"),),
            )
        return models[0]

    def section(self, kind: str) -> ast.Section | None:
        found = [d for d in self.spec.declarations if isinstance(d, ast.Section) and d.kind.id == kind]
        if len(found) > 1:
            if found[0].name is not None and found[1].name is not None:
                self.error("NN350", f"several {kind} sections are not there yet", found[1].kind)
            else:
                note = Note(found[0].kind.span, "the first")
                self.error("NN603", f"{kind} is given twice", found[1].kind, "join the two, or name them", (note,))
        return found[0] if found else None


def declarations(spec: ast.Spec, read_use: Callable[[str], bytes] | None) -> Declarations:
    """All names of a file and of those it uses; what is wrong with them is in the result's errors."""
    library = Scope()
    for file, text in _library():
        for d in parse(text, file).declarations:
            if isinstance(d, (ast.Block, ast.Cell)):
                library.names[d.name.id] = BlockBinding(d, d.name.span)
    found = Declarations(spec, Scope(library))
    used: dict[str, str] = {}
    _bring(found, spec, read_use, used, 0)
    found.used = tuple(used.items())
    for d in spec.declarations:
        if isinstance(d, ast.Section) and d.kind.id not in SECTIONS:
            near = nearest(d.kind.id, [*SECTIONS, "model", "block", "cell", "let", "use"])
            help = f"did you mean {near}?" if near else f"the sections are {', '.join(SECTIONS)}"
            found.error("NN601", f"there is no section {d.kind.id}", d.kind, help)
    return found


def _bring(
    found: Declarations, spec: ast.Spec, read_use: Callable[[str], bytes] | None, used: dict[str, str], depth: int
) -> None:
    for d in spec.declarations:
        match d:
            case ast.Use():
                _use(found, d, read_use, used, depth)
            case ast.Let():
                if _free(found, d.name):
                    value = found.number(d.value)
                    found.top.names[d.name.id] = ConstantBinding(value, d.name.span)
            case ast.Block() | ast.Cell():
                if _free(found, d.name):
                    found.top.names[d.name.id] = BlockBinding(d, d.name.span)
            case _:
                pass


def _free(found: Declarations, name: ast.Name) -> bool:
    taken = found.top.names.get(name.id)
    if taken is not None:
        found.error(
            "NN302", f"{name.id} is given twice", name, "one name, one thing", (Note(taken.span, "given here"),)
        )
        return False
    if name.id in STRUCTURES or name.id in LAYERS:
        found.error("NN303", f"{name.id} is a layer's name", name, "choose another name")
        return False
    return True


def _use(
    found: Declarations, use: ast.Use, read_use: Callable[[str], bytes] | None, used: dict[str, str], depth: int
) -> None:
    path = use.path.value
    if path in used:
        return
    if depth >= DEEPEST_USE:
        found.error("NN607", f"files use each other more than {DEEPEST_USE} deep", use)
        return
    if read_use is None:
        found.error("NN607", f"{path} cannot be read here", use.path)
        return
    try:
        text = read_use(path)
        spec = parse(text, path)
    except SpecError as error:
        for diagnostic in error.diagnostics:
            found.report(diagnostic)
        return
    except NncError as error:
        found.error("NN607", error.diagnostics[0].message, use.path, error.diagnostics[0].help)
        return
    except OSError as error:
        found.error(
            "NN607",
            f"{path} cannot be read: {error.strerror or 'no such file'}",
            use.path,
            "paths are relative to the spec's folder",
        )
        return
    used[path] = text.decode("utf-8-sig")
    _bring(found, spec, read_use, used, depth + 1)


@cache
def _library() -> tuple[tuple[str, str], ...]:
    folder = files("dsl") / "library"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".nn")), key=lambda f: f.name)
    return tuple((f"library/{f.name}", f.read_text(encoding="utf-8")) for f in found)
