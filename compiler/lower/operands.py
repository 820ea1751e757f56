"""The values that a layer is fed: what is piped in, what its parentheses hold, the current value."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.build import Stop
from compiler.ir.graph import Node
from compiler.layers.word import LayerWord
from compiler.lower import expressions
from compiler.lower.walk import Walk
from compiler.scope import Scope
from compiler.values import Bundle, Failed, Value
from dsl import ast
from dsl.nearest import nearest


@dataclass(frozen=True)
class Wanted:
    """What a layer takes. formals: names in order, the last `optional` of which may be left out; any: one or more.

    named: what may be given by name only, or left out
    """

    word: str
    formals: tuple[str, ...]
    optional: int = 0
    any: bool = False
    named: tuple[str, ...] = ()


def operands(
    walk: Walk, layer: ast.Layer, wanted: Wanted, scope: Scope, current: Value | None, piped: Value | None
) -> list[Node | Bundle]:
    """The operands in order: the piped value, those in parentheses, and first the current one if one is lacking."""
    return [*by_name(walk, layer, wanted, scope, current, piped).values()]


def by_name(
    walk: Walk, layer: ast.Layer, wanted: Wanted, scope: Scope, current: Value | None, piped: Value | None
) -> dict[str, Node | Bundle]:
    """The operands under their names, in order; numbered where a layer takes any number."""
    given = layer.callee.operands if isinstance(layer.callee, ast.Call) else ()
    listed: list[Value] = [piped] if piped is not None else []
    named: dict[str, Value] = {}
    for operand in given:
        if operand.name is not None:
            _may_be_named(walk, wanted, operand, operand.name, named)
        found = expressions.value(walk, operand.value, scope, current, None)
        if operand.name is None:
            listed.append(found)
        else:
            named[operand.name] = found
    free = [f for f in wanted.formals if f not in named]
    needed = [f for f in wanted.formals[: len(wanted.formals) - wanted.optional] if f in free]
    # One that may be left out is missed where there are others: attention(memory) is of the current value.
    least = len(free if listed and piped is None else needed)
    lacking = not listed and not given if wanted.any else len(listed) < least
    if lacking and piped is None:
        if current is None:
            help = f"pipe a value in: x | {wanted.word}"
            walk.build.fail("NN501", f"there is nothing to feed {wanted.word}", layer.callee.span, help=help)
        listed.insert(0, current)
    if not wanted.any and not len(needed) <= len(listed) <= len(free):
        _miscounted(walk, layer, wanted, len(listed) + len(named), bool(given))
    if wanted.any:
        ordered = {str(i): found for i, found in enumerate(listed)}
    else:
        every = {**dict(zip(free, listed, strict=False)), **named}
        ordered = {f: every[f] for f in (*wanted.formals, *wanted.named) if f in every}
    values: dict[str, Node | Bundle] = {}
    for name, found in ordered.items():
        if isinstance(found, Failed):
            raise Stop
        values[name] = found
    return values


def _miscounted(walk: Walk, layer: ast.Layer, wanted: Wanted, got: int, given: bool) -> None:
    most = len(wanted.formals)
    wants = f"{most} value{'s' if most != 1 else ''} ({', '.join(wanted.formals)})"
    if given:
        help = "settings stand outside the parentheses"
    elif got:
        help = f"write {wanted.word}({', '.join(wanted.formals[1:])}): {wanted.formals[0]} is what stands before it"
    else:
        help = f"write {wanted.word}({', '.join(wanted.formals)})"
    walk.build.fail("NN409", f"{wanted.word} takes {wants}, but gets {got}", layer.callee.span, help=help)


def _may_be_named(walk: Walk, wanted: Wanted, operand: ast.Operand, name: str, named: dict[str, Value]) -> None:
    if name in named:
        walk.build.fail("NN406", f"{name} is given twice", operand.span, "here for the second time")
    if name in (*wanted.formals, *wanted.named) and not wanted.any:
        return
    if wanted.any:
        walk.build.fail("NN409", f"the values of {wanted.word} have no names", operand.span, help="leave the name out")
    near = nearest(name, [*wanted.formals, *wanted.named])
    help = f"did you mean {near}?" if near else f"it takes {', '.join((*wanted.formals, *wanted.named))}"
    walk.build.fail("NN409", f"{wanted.word} takes no value called {name}", operand.span, help=help)


def no_settings(walk: Walk, word: LayerWord, call: ast.Call) -> None:
    """conv(k=3) is a habit from elsewhere; it is met with the way this language writes it."""
    for operand in call.operands:
        if (
            operand.name is not None
            and operand.name not in (*word.operands, *word.named)
            and word.signature.setting(operand.name)
        ):
            walk.build.fail(
                "NN409",
                f"{operand.name} is a setting of {word.word}, not a value",
                operand.span,
                "values stand in parentheses, settings outside them",
                help=f"write {word.word} {operand.span.snippet}",
            )
