"""Settings: what the numbers, names and words behind a layer stand for."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.build import Stop
from compiler.constants import calculate
from compiler.ir.types import Dim, is_rows
from compiler.layers import LAYERS
from compiler.lower.walk import Walk
from compiler.scope import ConstantBinding, Scope, ValueBinding
from compiler.signature import Resolved, Signature, Value, resolve
from compiler.values import Bundle, Failed, is_ids, what
from dsl import ast
from dsl.errors import Note
from dsl.nearest import nearest
from dsl.source import Span


def settings_of(
    walk: Walk, signature: Signature, arguments: Sequence[ast.Argument], place: Span, scope: Scope
) -> dict[str, Resolved]:
    """Every setting's value; Stops where one was wrong."""

    def constant(name: str) -> Value:
        binding = scope.find(name)
        if isinstance(binding, ConstantBinding) and binding.value is None:
            raise Stop
        return binding.value if isinstance(binding, ConstantBinding) else None

    for argument in arguments:
        if isinstance(argument, ast.Word):
            _no_value(walk, signature, argument, scope)
    found = resolve(signature, arguments, place, lambda e: constant_value(walk, e, scope), constant, walk.build.report)
    if found is None:
        raise Stop
    return found


def _no_value(walk: Walk, signature: Signature, word: ast.Word, scope: Scope) -> None:
    """`concat a b`: the parentheses were forgotten."""
    binding = scope.find(word.id)
    known = any(word.id in s.choices or s.name == word.id for s in signature.settings)
    if isinstance(binding, ValueBinding) and not known:
        if isinstance(binding.value, Failed):
            raise Stop
        walk.build.fail(
            "NN310",
            f"{word.id} is a value, and stands among the settings of {signature.word}",
            word.span,
            "values stand in parentheses, settings outside them",
            help=f"write {signature.word}({word.id}) or {word.id} | {signature.word}",
            notes=(Note(binding.span, "this value"),),
        )


def constant_value(walk: Walk, expression: ast.Expression, scope: Scope) -> Value:
    """A number, string or width among the settings; reports and Stops where it is none."""
    match expression:
        case ast.Number() | ast.Text():
            return expression.value
        case ast.Name():
            return _named(walk, expression, scope)
        case ast.Call() if expression.name.id == "dim":
            return width_of(walk, expression, scope)
        case ast.Negative():
            inner = constant_value(walk, expression.value, scope)
            if not isinstance(inner, (int, float)):
                walk.build.fail("NN403", f"{expression.span.snippet} is no number", expression.span)
            return -inner
        case ast.Binary():
            return _arithmetic(walk, expression, scope)
        case _:
            help = "a setting takes a number, a constant or dim(x)"
            walk.build.fail("NN403", "this is no number", expression.span, help=help)


def _named(walk: Walk, expression: ast.Name, scope: Scope) -> Value:
    binding = scope.find(expression.id)
    match binding:
        case ConstantBinding():
            if binding.value is None:
                raise Stop
            return binding.value
        case ValueBinding():
            if isinstance(binding.value, Failed):
                raise Stop
            message = f"{expression.id} is a value of the network, and no number"
            help = f"its width is dim({expression.id}); a value is fed in parentheses"
            walk.build.fail("NN310", message, expression.span, help=help, notes=walk.first_given(binding))
        case _:
            names = [n for n, b in scope.all_names().items() if isinstance(b, ConstantBinding)]
            near = nearest(expression.id, names)
            walk.build.fail(
                "NN301",
                f"there is no constant {expression.id}",
                expression.span,
                "not known here",
                help=f"did you mean {near}?" if near else _declared_or_quoted(expression.id),
            )


def _declared_or_quoted(name: str) -> str:
    """A block has no list of the words that its settings take, as a layer has: there they are texts."""
    activation = LAYERS["dense"].signature.setting("activation")
    if activation is not None and name in activation.choices:
        return f'a setting of a block takes it as text: "{name}"'
    return f"declare it: let {name} = 100"


def _arithmetic(walk: Walk, expression: ast.Binary, scope: Scope) -> Value:
    """The chain a + b - c from the left, without recursion along it."""
    chain: list[ast.Binary] = []
    left: ast.Expression = expression
    while isinstance(left, ast.Binary):
        chain.append(left)
        left = left.left
    result = constant_value(walk, left, scope)
    for step in reversed(chain):
        result = calculate(step.operator, result, constant_value(walk, step.right, scope))
        if result is None:
            walk.build.fail("NN403", f"{step.span.snippet} is no number that can be computed with", step.span)
    return result


def width_of(walk: Walk, expression: ast.Call, scope: Scope) -> Dim:
    """dim(x): the width of a value."""
    if len(expression.operands) != 1 or expression.operands[0].name is not None:
        walk.build.fail("NN409", "dim takes one value", expression.span, help="write dim(x)")
    operand = expression.operands[0].value
    binding = scope.find(operand.id) if isinstance(operand, ast.Name) else None
    if not isinstance(binding, ValueBinding):
        message = "dim wants the name of a value"
        if isinstance(operand, ast.Name) and binding is None:
            values = [n for n, b in scope.all_names().items() if isinstance(b, ValueBinding)]
            near = nearest(operand.id, values)
            help = f"did you mean {near}?" if near else f"name a line first: {operand.id} = ..."
            walk.build.fail("NN301", f"there is no value {operand.id}", operand.span, "not known here", help=help)
        walk.build.fail("NN403", message, operand.span, help="name the value on a line of its own first")
    found = binding.value
    if isinstance(found, Failed):
        raise Stop
    if isinstance(found, Bundle):
        walk.build.fail("NN205", f"dim of {what(found)} has no one answer", expression.span, help="pool it first")
    if is_ids(found) or (found.type.rank == 1 and is_rows(found.type.shape[0])):
        message = f"{what(found)} have no width"
        walk.build.fail("NN208", message, expression.span, help="put embed or onehot before it")
    return found.type.shape[-1]


def constant_of(walk: Walk, formal: ast.Formal, given: Resolved, inner: Scope) -> Value:
    """What a setting stands for: as given, or its default, which may speak of operands and of settings before it."""
    if isinstance(given, tuple):
        given = given[0]
    if given is not None:
        return given
    if formal.default is None or len(formal.default) != 1:
        raise Stop
    return constant_value(walk, formal.default[0], inner)
