"""What a model needs that is not there yet: found in its text, so that all of it is told in one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compiler import library
from compiler.layers import LAYERS
from compiler.layers.later import LATER
from compiler.lower.mentions import pieces, used_names
from compiler.scope import BlockBinding, Scope
from compiler.signature import LATER_HELP, LATER_LABEL, later_message
from dsl import ast
from dsl.errors import Diagnostic, Note
from dsl.source import Span


def missing(model: ast.Model, top: Scope) -> list[Diagnostic]:
    """Each layer, cell and setting of the language that the model or a block that it uses asks for in vain, once."""
    found: dict[str, Diagnostic] = {}
    names = frozenset(p.name.id for p in (*model.inputs, *model.outputs))
    waiting: list[tuple[ast.Body, frozenset[str], Scope, tuple[Note, ...]]] = [(model.body, names, top, ())]
    seen: set[int] = set()
    while waiting:
        body, own, scope, uses = waiting.pop(0)
        local = own | {p.name.id for p in pieces(body) if isinstance(p, ast.Assign)}
        for name, layer in used_names(body):
            if name.id in local:
                continue
            binding = scope.find(name.id)
            if binding is None and name.id not in LATER and name.id not in LAYERS:
                binding = library.find(name.id)
            if isinstance(binding, BlockBinding):
                if id(binding.block) not in seen:
                    seen.add(id(binding.block))
                    use = Note(name.span, f"in this use of {name.id}")
                    waiting.append((binding.block.body, _own(binding.block), binding.scope, (use, *uses)))
                continue
            for message, span in _wanting(name, layer, binding is None):
                found.setdefault(message, Diagnostic("NN350", message, span, LATER_LABEL, uses, LATER_HELP))
    return list(found.values())


def _own(block: ast.Block | ast.Cell) -> frozenset[str]:
    if isinstance(block, ast.Cell):
        names = (*(o.name for o in block.operands), *(s.name for s in block.states))
        return frozenset(n.id for n in (*names, *(f.name for f in block.formals)))
    return frozenset(n.id for n in (*(block.operands or ()), *(f.name for f in block.formals)))


def _wanting(name: ast.Name, layer: ast.Layer | None, unbound: bool) -> Iterator[tuple[str, Span]]:
    if unbound and name.id in LATER:
        yield layer_message(name.id), name.span
    elif unbound and name.id in LAYERS:
        yield from _settings(name.id, layer, LAYERS[name.id].signature.later)


def _settings(word: str, layer: ast.Layer | None, later: tuple[str, ...]) -> Iterator[tuple[str, Span]]:
    for argument in layer.arguments if layer is not None else ():
        if isinstance(argument, ast.Positional):
            continue
        if (argument.id if isinstance(argument, ast.Word) else argument.key) in later:
            yield later_message(word, argument), argument.span


def layer_message(name: str) -> str:
    return f"{name} is not there yet: {LATER[name]}"


def in_order(diagnostics: Iterable[Diagnostic], main: str) -> list[Diagnostic]:
    """By place, the spec's own file first; of what is missing, each thing only where it comes first."""

    def place(diagnostic: Diagnostic) -> tuple[bool, str, int, int]:
        span = diagnostic.span
        return (span.file != main, span.file, span.line, span.column) if span is not None else (False, "", 0, 0)

    said: dict[tuple[str, object], Diagnostic] = {}
    for d in sorted(diagnostics, key=place):
        said.setdefault((d.code, d.message if d.code == "NN350" else (d.message, d.span)), d)
    return list(said.values())
