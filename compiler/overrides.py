"""`--set PATH=VALUE`: the spec with a constant, an entry or a labelled layer's setting replaced."""

from __future__ import annotations

from dataclasses import replace

from dsl import ast
from dsl.errors import Diagnostic, SpecError
from dsl.nearest import nearest
from dsl.parse import parse
from dsl.source import Span

SECTIONS = ("data", "train", "predict")


def overridden(spec: ast.Spec, sets: tuple[str, ...], seed: int | None) -> ast.Spec:
    """The spec with every override in place, in order. Raises SpecError for one that reaches nothing."""
    for text in sets if seed is None else (*sets, f"train.seed={seed}"):
        spec = _one(spec, text)
    return spec


def _fail(text: str, code: str, message: str, help: str) -> SpecError:
    span = Span("--set", 1, 1, 1, len(text) + 1, text)
    return SpecError(Diagnostic(code, message, span, help=help))


def _one(spec: ast.Spec, text: str) -> ast.Spec:
    path, equals, value = text.partition("=")
    names = path.strip().split(".")
    if not equals or not value.strip() or not all(names):
        raise _fail(text, "NN608", "this is not PATH=VALUE", "write for example --set train.batch=64")
    match names:
        case [constant]:
            return _constant(spec, constant, value, text)
        case [section, entry] if section in _sections(spec):
            return _entry(spec, section, entry, None, value, text)
        case [section, entry, setting] if section in _sections(spec):
            return _entry(spec, section, entry, setting, value, text)
        case [label, setting]:
            return _label(spec, label, setting, value, text)
        case _:
            raise _fail(
                text,
                "NN309",
                f"there is no {path} to set",
                "a constant, section.entry, section.entry.setting or label.setting",
            )


def _sections(spec: ast.Spec) -> dict[str, ast.Section | None]:
    found: dict[str, ast.Section | None] = dict.fromkeys(SECTIONS)
    for d in spec.declarations:
        if isinstance(d, ast.Section):
            found[d.name.id if d.name is not None else d.kind.id] = d
    return found


def _constant(spec: ast.Spec, name: str, value: str, text: str) -> ast.Spec:
    for i, d in enumerate(spec.declarations):
        if isinstance(d, ast.Let) and d.name.id == name:
            new = replace(d, value=_expression(value, text))
            return replace(spec, declarations=(*spec.declarations[:i], new, *spec.declarations[i + 1 :]))
    names = [d.name.id for d in spec.declarations if isinstance(d, ast.Let)]
    near = nearest(name, names)
    raise _fail(
        text,
        "NN309",
        f"there is no constant {name} to set",
        f"did you mean {near}?" if near else f"declare it: let {name} = ...",
    )


def _quoted(value: str) -> str:
    """Strings need no quotes in --set: a path is not of the form of any other value."""
    bare = all(c.isalnum() or c in '_+-*(),.%= "' for c in value) and not value.count("/")
    numeric = value[:1].isdigit() or value[:1] == "-"
    words = bare and (numeric or "." not in value)
    return value if words or value.startswith('"') else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _arguments(value: str, text: str) -> tuple[ast.Argument, ...]:
    parsed = _parsed(f"train {{ entry {_quoted(value)} }}", text).declarations[0]
    assert isinstance(parsed, ast.Section)
    return parsed.entries[0].arguments


def _setting(key: str, value: str, text: str) -> ast.Setting:
    parsed = _parsed(f"train {{ entry {key}={_quoted(value)} }}", text).declarations[0]
    assert isinstance(parsed, ast.Section)
    found = parsed.entries[0].arguments[0]
    assert isinstance(found, ast.Setting)
    return found


def _expression(value: str, text: str) -> ast.Expression:
    parsed = _parsed(f"let value = {_quoted(value)}", text).declarations[0]
    assert isinstance(parsed, ast.Let)
    return parsed.value


def _parsed(source: str, text: str) -> ast.Spec:
    try:
        spec = parse(source, "--set")
    except SpecError:
        raise _fail(
            text,
            "NN608",
            f"{text.partition('=')[2]} is no value",
            "values are written as in a spec: 64, 1e-3, relu, 2,3",
        ) from None
    if len(spec.declarations) != 1:
        raise _fail(
            text,
            "NN608",
            f"{text.partition('=')[2]} is no value",
            "values are written as in a spec: 64, 1e-3, relu, 2,3",
        )
    return spec


def _entry(spec: ast.Spec, section: str, entry: str, setting: str | None, value: str, text: str) -> ast.Spec:
    """An entry's first positional settings, or one setting by name; the entry and the section are added if not there."""
    old = _sections(spec)[section]
    span = Span("--set", 1, 1, 1, len(text) + 1, text)
    if old is None:
        old = ast.Section(ast.Name(section, span=span), None, (), span=span)
        spec = replace(spec, declarations=(*spec.declarations, old))
    found = next((e for e in old.entries if e.path[0].id == entry), None)
    if found is None:
        found = ast.Entry((ast.Name(entry, span=span),), (), span=span)
        old_entries: tuple[ast.Entry, ...] = (*old.entries, found)
    else:
        old_entries = old.entries
    if setting is None:
        kept = tuple(
            a
            for a in found.arguments
            if isinstance(a, ast.Setting) or (isinstance(a, ast.Word) and a.id in ("header", "last"))
        )
        new = replace(found, arguments=(*_respanned(_arguments(value, text), span), *kept))
    else:
        others = tuple(a for a in found.arguments if not (isinstance(a, ast.Setting) and a.key == setting))
        new = replace(found, arguments=(*others, replace(_setting(setting, value, text), span=span)))
    section_new = replace(old, entries=tuple(new if e is found else e for e in old_entries))
    return replace(
        spec,
        declarations=tuple(
            section_new if d is old or (d == old and isinstance(d, ast.Section) and d.kind.id == section) else d
            for d in spec.declarations
        ),
    )


def _respanned(arguments: tuple[ast.Argument, ...], span: Span) -> tuple[ast.Argument, ...]:
    return tuple(replace(a, span=span) for a in arguments)


def _label(spec: ast.Spec, label: str, setting: str, value: str, text: str) -> ast.Spec:
    new = replace(_setting(setting, value, text), span=Span("--set", 1, 1, 1, len(text) + 1, text))
    hits = 0

    def expression(e: ast.Expression) -> ast.Expression:
        nonlocal hits
        chain: list[ast.Pipe] = []
        while isinstance(e, ast.Pipe):
            chain.append(e)
            e = e.value
        result = layer(e)
        for pipe in reversed(chain):
            into = layer(pipe.layer)
            assert isinstance(into, (ast.Layer, ast.Name, ast.Call))
            result = replace(pipe, value=result, layer=into)
        return result

    def layer(e: ast.Expression) -> ast.Expression:
        nonlocal hits
        if not isinstance(e, ast.Layer):
            return e
        inner = body(e.body) if e.body is not None else None
        if e.label is None or e.label.id != label:
            return replace(e, body=inner)
        hits += 1
        positional = setting in ("size", "n", "k", "p")
        others = tuple(
            a for a in e.arguments
            if not ((isinstance(a, ast.Setting) and a.key == setting) or (positional and isinstance(a, ast.Positional)))
        )  # fmt: skip
        return replace(e, arguments=(*others, new), body=inner)

    def body(b: ast.Body) -> ast.Body:
        return replace(b, statements=tuple(
            replace(s, value=expression(s.value)) if isinstance(s, ast.Assign) else expression(s) for s in b.statements
        ))  # fmt: skip

    declarations = tuple(
        replace(d, body=body(d.body)) if isinstance(d, (ast.Model, ast.Block)) else d for d in spec.declarations
    )
    if not hits:
        raise _fail(
            text, "NN309", f"there is no section or label {label} to set", "a label stands behind `as` at a layer"
        )
    return replace(spec, declarations=declarations)
