"""`--set PATH=VALUE`: the spec with a constant, an entry or a labelled layer's setting replaced."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, replace
from typing import TypeVar, cast

from compiler import library
from compiler.layers import LAYERS
from compiler.lower.cell_words import signature_of
from compiler.lower.mentions import pieces
from compiler.sections.data_entries import DATA
from compiler.sections.predict import PREDICT
from compiler.sections.train_entries import OPTIMIZERS, TRAIN
from compiler.signature import Signature
from dsl import ast
from dsl.errors import Diagnostic, SpecError
from dsl.nearest import nearest
from dsl.parse import parse
from dsl.source import Span

SET = "--set"
"""The file that the spans of an override name."""

KINDS = ("data", "train", "predict")
ENTRIES = {"data": DATA, "train": TRAIN, "predict": PREDICT}
ONE_OF = {"train": frozenset(o.word for o in OPTIMIZERS), "predict": frozenset(PREDICT)}
"""Entries of which a section has one."""
FRACTION = re.compile(r"(?<![\w.])\d+\.\d+(e-?\d+)?(?![\w.])")
Piece = TypeVar("Piece", bound=ast.Syntax)


def overridden(spec: ast.Spec, sets: tuple[str, ...], seed: int | None) -> ast.Spec:
    """The spec with every override in place, in order; seed is that of every `train` section.

    Raises SpecError for one that reaches nothing.
    """
    for text in sets:
        spec = _one(spec, text)
    if seed is not None:
        text = f"train.seed={seed}"
        for section in _of_kind(spec, "train") or [_added(spec, "train", text)]:
            spec = _entry(spec, section, "seed", None, str(seed), text)
    return spec


def _span(text: str) -> Span:
    return Span(SET, 1, 1, 1, len(text) + 1, text)


def _fail(text: str, code: str, message: str, help: str) -> SpecError:
    return SpecError(Diagnostic(code, message, _span(text), help=help))


def _one(spec: ast.Spec, text: str) -> ast.Spec:
    path, equals, value = text.partition("=")
    names = path.strip().split(".")
    if not equals or not value.strip() or not all(names):
        raise _fail(text, "NN608", "this is not PATH=VALUE", "write for example --set train.batch=64")
    sections = _sections(spec)
    match names:
        case [section, setting] if section in sections and (path := _setting_of(spec, setting, section)):
            where, entry, _ = path.split(".")
            message = f"{where} has no entry {setting}, which is a setting of {entry}"
            raise _fail(text, "NN602", message, f"write --set {path}={value}")
        case [constant]:
            return _constant(spec, constant, value, text)
        case [section, entry] if section in sections:
            return _entry(spec, _section(spec, section, entry, text), entry, None, value, text)
        case [section, entry, setting] if section in sections:
            return _entry(spec, _section(spec, section, entry, text), entry, setting, value, text)
        case [label, setting]:
            return _label(spec, label, setting, value, text)
        case _:
            help = "a constant, section.entry, section.entry.setting or label.setting"
            raise _fail(text, "NN309", f"there is no {path} to set", help)


def _sections(spec: ast.Spec) -> set[str]:
    """What a path may begin with to reach a section: its name, or its kind."""
    return {*KINDS, *(d.name.id for d in spec.declarations if isinstance(d, ast.Section) and d.name is not None)}


def _setting_of(spec: ast.Spec, setting: str, section: str | None = None, entry: str | None = None) -> str | None:
    """The path of a setting that an entry of the spec has, where its section or its entry is left out: train.adam.lr.

    section, entry: one that it shall be in
    """
    for found in (d for d in spec.declarations if isinstance(d, ast.Section)):
        name = found.name.id if found.name is not None else found.kind.id
        table = ENTRIES.get(found.kind.id, {})
        if section not in (None, name, found.kind.id) or setting in table:
            continue
        for word in (e.path[0].id for e in found.entries):
            if word in table and entry in (None, word) and table[word].setting(setting) is not None:
                return f"{name}.{word}.{setting}"
    return None


def _of_kind(spec: ast.Spec, kind: str) -> list[ast.Section]:
    return [d for d in spec.declarations if isinstance(d, ast.Section) and d.kind.id == kind]


def _section(spec: ast.Spec, name: str, entry: str, text: str) -> ast.Section:
    """The section of that name; of a kind the nameless one, or the only one, or a new one."""
    named = [d for d in spec.declarations if isinstance(d, ast.Section) and d.name is not None and d.name.id == name]
    if len(named) > 1:
        # `data big` and `train big`: the one that has such an entry.
        fitting = [s for s in named if entry in ENTRIES.get(s.kind.id, ())]
        if len(fitting) != 1:
            kinds = " and ".join(s.kind.id for s in named)
            raise _fail(text, "NN309", f"{name} is the name of several sections: {kinds}", "rename one of them")
        return fitting[0]
    if named:
        return named[0]
    same = _of_kind(spec, name)
    if entry in [s.name.id for s in same if s.name is not None] and entry not in ENTRIES.get(name, ()):
        help = f"the section's own name is enough: {text.strip().removeprefix(f'{name}.')}"
        raise _fail(text, "NN309", f"{name}.{entry} is a section, which no section holds", help)
    if len(same) > 1 and all(s.name is not None for s in same):
        names = [s.name.id for s in same if s.name is not None]
        help = f"name one: {names[0]}.{entry}=..."
        raise _fail(text, "NN309", f"there are several {name} sections: {', '.join(names)}", help)
    return next((s for s in same if s.name is None), None) or next(iter(same), None) or _added(spec, name, text)


def _added(spec: ast.Spec, kind: str, text: str) -> ast.Section:
    """A section that is not there yet; it stands in the spec once it has an entry."""
    span = _span(text)
    return ast.Section(ast.Name(kind, span=span), None, (), span=span)


def _exchanged(spec: ast.Spec, old: ast.Syntax, new: ast.Declaration) -> ast.Spec:
    return replace(spec, declarations=tuple(new if d is old else d for d in spec.declarations))


def _constant(spec: ast.Spec, name: str, value: str, text: str) -> ast.Spec:
    lets = {d.name.id: d for d in spec.declarations if isinstance(d, ast.Let)}
    if name in lets:
        return _exchanged(spec, lets[name], replace(lets[name], value=_expression(value, text)))
    paths = [f"{kind}.{name}" for kind, entries in (("train", TRAIN), ("data", DATA)) if name in entries]
    near = paths[0] if paths else nearest(name, lets) or _setting_of(spec, name)
    help = f"did you mean {near}?" if near else f"declare it: let {name} = ..."
    raise _fail(text, "NN309", f"there is no constant {name} to set", help)


# Values, as in the file; strings need no quotes


def _quoted(value: str) -> str:
    """Strings need no quotes in --set: a path is not of the form of any other value."""
    bare = all(c.isalnum() or c in '_+-*(),.%= "' for c in value) and not value.count("/")
    numeric = value[:1].isdigit() or value[:1] == "-"
    words = bare and (numeric or "." not in FRACTION.sub("0", value))
    return value if words or value.startswith('"') else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _arguments(value: str, text: str) -> tuple[ast.Argument, ...]:
    parsed = _parsed(f"train {{ entry {_quoted(value)} }}", text)
    if not isinstance(parsed, ast.Section) or len(parsed.entries) != 1:
        raise _no_value(text)
    return tuple(replace(a, span=_span(text)) for a in parsed.entries[0].arguments)


def _setting(key: str, value: str, text: str) -> ast.Setting:
    parsed = _parsed(f"train {{ entry {key}={_quoted(value)} }}", text)
    if not isinstance(parsed, ast.Section) or len(parsed.entries) != 1 or len(parsed.entries[0].arguments) != 1:
        raise _no_value(text)
    found = parsed.entries[0].arguments[0]
    if not isinstance(found, ast.Setting):
        raise _no_value(text)
    return replace(found, span=_span(text))


def _expression(value: str, text: str) -> ast.Expression:
    parsed = _parsed(f"let value = {_quoted(value)}", text)
    if not isinstance(parsed, ast.Let):
        raise _no_value(text)
    return parsed.value


def _no_value(text: str) -> SpecError:
    value = text.partition("=")[2]
    return _fail(text, "NN608", f"{value} is no value", "values are written as in a spec: 64, 1e-3, relu, 2,3")


def _parsed(source: str, text: str) -> ast.Declaration:
    try:
        spec = parse(source, SET)
    except SpecError:
        raise _no_value(text) from None
    if len(spec.declarations) != 1:
        raise _no_value(text)
    return _respanned(spec.declarations[0], _span(text))


def _respanned(root: Piece, span: Span) -> Piece:
    """The piece with every span inside it that of the whole override: errors show what was typed."""
    return _rebuilt(root, lambda piece: replace(piece, span=span))


def _rebuilt(root: Piece, change: Callable[[ast.Syntax], ast.Syntax]) -> Piece:
    """The tree with every piece changed, what is inside it first, without recursion."""
    done: dict[int, ast.Syntax] = {}

    def new(held: object) -> object:
        if isinstance(held, ast.Syntax):
            return done[id(held)]
        return tuple(new(each) for each in cast("tuple[object, ...]", held)) if isinstance(held, tuple) else held

    for piece in reversed(list(pieces(root))):
        held = {f.name: cast("object", getattr(piece, f.name)) for f in fields(piece)}
        done[id(piece)] = change(replace(piece, **{name: new(value) for name, value in held.items()}))
    return cast("Piece", done[id(root)])


# Entries


def _entry(spec: ast.Spec, old: ast.Section, entry: str, setting: str | None, value: str, text: str) -> ast.Spec:
    """An entry's positional settings, or one setting by name; the entry and the section are added if not there."""
    span = _span(text)
    if all(d is not old for d in spec.declarations):
        spec = replace(spec, declarations=(*spec.declarations, old))
    found = next((e for e in old.entries if e.path[0].id == entry), None)
    entries = old.entries
    if found is None:
        found = ast.Entry((ast.Name(entry, span=span),), (), span=span)
        entries = (*entries, found)
    # Other lines of the same entry (several files) give way with it, and another optimizer, of which there is one.
    gone = {entry} if setting is None else set[str]()
    one_of = ONE_OF.get(old.kind.id, frozenset())
    gone |= one_of - {entry} if entry in one_of else set()
    others = [e for e in entries if e is found or e.path[0].id not in gone]
    if setting is None:
        given = _arguments(value, text)
        keys = {a.key for a in given if isinstance(a, ast.Setting)}
        kept = [a for a in found.arguments if _stays(a, old.kind.id, entry)]
        kept = [a for a in kept if not isinstance(a, ast.Setting) or a.key not in keys]
        new = replace(found, arguments=(*given, *kept))
    else:
        signature = ENTRIES.get(old.kind.id, {}).get(entry, Signature(entry, ""))
        known = signature.setting(setting)
        if known is not None and known.kind == "text" and re.fullmatch(r"\w+", value.strip()):
            value = f'"{value.strip()}"'  # A path needs no quotes, though it be one word.
        kept = _without(found.arguments, setting, signature, signature.positional)
        new = replace(found, arguments=(*kept, _setting(setting, value, text)))
    return _exchanged(spec, old, replace(old, entries=tuple(new if e is found else e for e in others)))


def _stays(argument: ast.Argument, kind: str, entry: str) -> bool:
    """What says how a file is read stays when another file takes its place; files of single inputs go with it."""
    if isinstance(argument, ast.Setting):
        if kind == "train" and entry in ("batch", "schedule"):
            # A batch is so many rows or so many tokens, and each schedule has settings of its own.
            return argument.key == "warmup"
        if kind == "train" and entry == "loss":
            # What an output's loss weighs holds for any loss, the rest for the one that gives way.
            return TRAIN["loss"].setting(argument.key) is None
        return kind != "data" or entry not in DATA or DATA[entry].setting(argument.key) is not None
    return isinstance(argument, ast.Word) and argument.id in ("header", "last")


# Labelled layers


def _label(spec: ast.Spec, label: str, setting: str, value: str, text: str) -> ast.Spec:
    new = _setting(setting, value, text)
    blocks = {d.name.id: d for d in spec.declarations if isinstance(d, ast.Block | ast.Cell)}
    hits = 0

    def change(piece: ast.Syntax) -> ast.Syntax:
        nonlocal hits
        if not isinstance(piece, ast.Layer) or piece.label is None or piece.label.id != label:
            return piece
        hits += 1
        return replace(piece, arguments=(*_without_of_layer(piece, setting, blocks), new))

    declarations = tuple(
        replace(d, body=_rebuilt(d.body, change)) if isinstance(d, (ast.Model, ast.Block)) else d
        for d in spec.declarations
    )
    if not hits:
        labels = {p.label.id for p in pieces(spec) if isinstance(p, ast.Layer) and p.label is not None}
        near = nearest(label, [*labels, *sorted(_sections(spec))]) or _setting_of(spec, setting, entry=label)
        help = f"did you mean {near}?" if near else "a label stands behind `as` at a layer"
        raise _fail(text, "NN309", f"there is no section or label {label} to set", help)
    return replace(spec, declarations=declarations)


def _without_of_layer(
    layer: ast.Layer, setting: str, blocks: dict[str, ast.Block | ast.Cell]
) -> tuple[ast.Argument, ...]:
    name = layer.callee.id if isinstance(layer.callee, ast.Name) else layer.callee.name.id
    known = LAYERS.get(name)
    declared = blocks.get(name)
    if declared is None and known is None and (binding := library.find(name)) is not None:
        declared = binding.block
    if isinstance(declared, ast.Cell):
        signature = signature_of(declared)
        return _without(layer.arguments, setting, signature, signature.positional)
    signature = known.signature if known is not None else Signature(name, "")
    positional = signature.positional
    if name == "repeat":
        positional = ("n",)
    elif declared is not None:
        positional = tuple(f.name.id for f in declared.formals if f.default is None)
    return _without(layer.arguments, setting, signature, positional)


def _without(
    arguments: tuple[ast.Argument, ...], setting: str, signature: Signature, positional: tuple[str, ...]
) -> tuple[ast.Argument, ...]:
    """The arguments without those that give the setting: by its key, by its word, by its place."""
    found = signature.setting(setting)
    words = (*found.choices, found.name) if found is not None else (setting,)
    place = positional.index(setting) if setting in positional else -1
    own_words = {w for s in signature.settings for w in (*s.choices, s.name)} | {"frozen", "shared"}
    kept: list[ast.Argument] = []
    position = 0
    for argument in arguments:
        # A word that is none of its own is a constant, and stands for its value.
        constant = isinstance(argument, ast.Word) and argument.id not in own_words
        by_place = isinstance(argument, ast.Positional) or constant
        gone = isinstance(argument, ast.Setting) and argument.key == setting
        gone = gone or (isinstance(argument, ast.Word) and argument.id in words)
        gone = gone or (by_place and position == place)
        if by_place and -1 < place < position < len(positional) and not isinstance(argument, ast.Setting):
            # It moves into the place that came free, and so says by name what it is.
            value = ast.Name(argument.id, span=argument.span) if isinstance(argument, ast.Word) else argument.value
            argument = ast.Setting(positional[position], (value,), span=argument.span)
        position += by_place
        if not gone:
            kept.append(argument)
    return tuple(kept)
