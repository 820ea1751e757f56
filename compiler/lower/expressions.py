"""Values: names, arithmetic, pipelines, parts."""

from __future__ import annotations

from compiler.build import Stop
from compiler.ir.graph import Node
from compiler.layers.joining import meet
from compiler.lower import calls
from compiler.lower.matrices import times
from compiler.lower.walk import Walk
from compiler.ops.elementwise import Add, Div, Mul, Neg, Sub
from compiler.scope import ConstantBinding, LabelBinding, Scope, ValueBinding
from compiler.sorts import SEGMENTS, segment_of
from compiler.values import Bundle, Failed, Value, what
from dsl import ast
from dsl.nearest import nearest
from dsl.source import Span

OPERATORS = {"+": Add(), "-": Sub(), "*": Mul(), "/": Div()}


def value(walk: Walk, expression: ast.Expression, scope: Scope, current: Value | None, output: str | None) -> Value:
    """What an expression stands for; may Stop. output: the line's name, by which a head finds its output."""
    with walk.deeper(expression.span):
        found = arithmetic(walk, expression, scope, current, output)
    if isinstance(found, (int, float)):
        help = "a number is declared with let; in a line it meets a value: 2 * x"
        message = "this is a number, where a value of the network is wanted"
        walk.build.fail("NN504", message, expression.span, help=help)
    return found


def arithmetic(
    walk: Walk, expression: ast.Expression, scope: Scope, current: Value | None, output: str | None
) -> Value | float:
    """A value, or a plain number: what arithmetic works on."""
    match expression:
        case ast.Number():
            return float(expression.value)
        case ast.Text():
            walk.build.fail("NN504", "a string is no value of the network", expression.span)
        case ast.Name():
            return name(walk, expression, scope, current, output)
        case ast.Member():
            return member(walk, expression, scope)
        case ast.Negative():
            with walk.deeper(expression.span):
                operand = arithmetic(walk, expression.value, scope, current, output)
            return -operand if isinstance(operand, (int, float)) else negated(walk, operand, expression.span)
        case ast.Binary():
            return binary(walk, expression, scope, current, output)
        case ast.Pipe():
            return pipe(walk, expression, scope, current, output)
        case _:
            return calls.call(walk, expression, scope, current, None, output)


def binary(
    walk: Walk, expression: ast.Binary, scope: Scope, current: Value | None, output: str | None
) -> Value | float:
    """The chain a + b - c from the left, without recursion along it."""
    chain: list[ast.Binary] = []
    left: ast.Expression = expression
    while isinstance(left, ast.Binary):
        chain.append(left)
        left = left.left
    result = arithmetic(walk, left, scope, current, output)
    for step in reversed(chain):
        with walk.deeper(step.span):
            right = arithmetic(walk, step.right, scope, current, output)
        result = combined(walk, step, result, right)
    return result


def combined(walk: Walk, step: ast.Binary, left: Value | float, right: Value | float) -> Value | float:
    if step.operator == "@":
        return times(walk, step, left, right)
    if isinstance(left, float) and isinstance(right, float):
        return number_of(walk, step, left, right)
    if isinstance(left, Failed) or isinstance(right, Failed):
        raise Stop
    nodes = [
        walk.build.number(operand) if isinstance(operand, (int, float)) else single(walk, operand, step.span)
        for operand in (left, right)
    ]
    use = walk.plain_use(step.operator, step.span)
    values = [n for n in nodes if n.type.shape != ()]
    met = iter(meet(use, tuple(values)))
    return use.op(OPERATORS[step.operator], *(next(met) if n.type.shape != () else n for n in nodes))


def number_of(walk: Walk, step: ast.Binary, left: float, right: float) -> float:
    match step.operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            if right == 0:
                walk.build.fail("NN404", "division by 0", step.span)
            return left / right


def negated(walk: Walk, operand: Value, span: Span) -> Value:
    """-x; refuses a bundle."""
    use = walk.plain_use("-", span)
    return use.op(Neg(), *meet(use, (single(walk, operand, span),)))


def single(walk: Walk, operand: Value, span: Span) -> Node:
    """An operand of arithmetic, which is no bundle. Stops where it is one, or could not be understood."""
    if isinstance(operand, Failed):
        raise Stop
    if isinstance(operand, Bundle):
        walk.build.fail("NN205", f"arithmetic on {what(operand)}", span, help="pool it first, with maxpool for example")
    return operand


def pipe(walk: Walk, expression: ast.Pipe, scope: Scope, current: Value | None, output: str | None) -> Value:
    """value | layer | layer, from the left, without recursion along it."""
    chain: list[ast.Pipe] = []
    left: ast.Expression = expression
    while isinstance(left, ast.Pipe):
        chain.append(left)
        left = left.value
    piped = value(walk, left, scope, current, output)
    for step in reversed(chain):
        if isinstance(step.layer, ast.Name) and isinstance(scope.find(step.layer.id), (ValueBinding, ConstantBinding)):
            walk.build.fail(
                "NN305",
                f"{step.layer.id} is a value, and nothing can be piped into it",
                step.layer.span,
                help="pipe into a layer; to join two values write concat(a, b)",
            )
        piped = calls.call(walk, step.layer, scope, current, piped, output)
    return piped


def name(walk: Walk, expression: ast.Name, scope: Scope, current: Value | None, output: str | None) -> Value | float:
    """A bare name is a value if it is one, else the layer of that name."""
    match scope.find(expression.id):
        case ValueBinding(value=bound):
            if isinstance(bound, Failed):
                raise Stop
            walk.reads(bound, expression.id, expression.span)
            return bound
        case ConstantBinding(value=constant):
            if constant is None:
                raise Stop
            if isinstance(constant, bool) or not isinstance(constant, (int, float)):
                walk.build.fail("NN504", f"{expression.id} is {constant}, which is no number", expression.span)
            return float(constant)
        case LabelBinding():
            walk.build.fail(
                "NN305",
                f"{expression.id} is a label, not a value",
                expression.span,
                help=f"name the line instead: {expression.id} = ..., or take a part: {expression.id}.weight",
            )
        case None if expression.id.endswith("'"):
            build, state = walk.build, expression.id.removesuffix("'")
            here = build.cell is not None and isinstance(scope.find(state), ValueBinding)
            message = (
                f"{expression.id} is not known yet: its equation stands below"
                if here
                else f"there is no {expression.id}"
            )
            help = f"put its equation before this line, or read {state}, the state before this step"
            build.fail("NN555", message, expression.span, help=help if here else "a next state is read in its own cell")
        case _:
            return calls.call(walk, expression, scope, current, None, output)


def part_of_pair(walk: Walk, expression: ast.Member, name: str, words: Node) -> Node:
    """`pair.words`: the ids; `pair.segment`: in which text of the pair each stands."""
    build, part = walk.build, expression.name.id
    if part == "words":
        walk.reads(words, f"{name}.words", expression.span)
        return words
    if part != "segment":
        near = nearest(part, ("words", "segment"))
        help = f"did you mean {near}?" if near else "it has words and segment"
        build.fail("NN308", f"{name} has no part {part}", expression.name.span, help=help)
    node = build.input(segment_of(name), words.type, "data")
    build.vocabularies[node], build.owners[node] = SEGMENTS, segment_of(name)
    walk.reads(node, f"{name}.segment", expression.span)
    return node


def member(walk: Walk, expression: ast.Member, scope: Scope) -> Value:
    """LABEL.NAME: a weight of a labelled layer, or a value inside a labelled block."""
    if not isinstance(expression.of, ast.Name):
        walk.build.fail("NN308", "only a label has parts", expression.span, help="name the layer with `as NAME`")
    label = scope.find(expression.of.id)
    if isinstance(label, ValueBinding) and isinstance(label.value, Failed):
        raise Stop
    if isinstance(label, ValueBinding) and isinstance(label.value, Node) and label.value in walk.build.pairs:
        return part_of_pair(walk, expression, expression.of.id, label.value)
    if isinstance(label, ValueBinding):
        message = f"{expression.of.id} is a value, and has no parts"
        help = "a label has parts: name the layer with `as NAME`"
        walk.build.fail("NN308", message, expression.span, help=help, notes=walk.first_given(label))
    if not isinstance(label, LabelBinding):
        labels = [n for n, b in scope.all_names().items() if isinstance(b, LabelBinding)]
        near = nearest(expression.of.id, labels)
        walk.build.fail(
            "NN308",
            f"there is no label {expression.of.id}",
            expression.of.span,
            help=f"did you mean {near}?" if near else "a label stands behind `as` at a layer",
        )
    if label.many:
        walk.build.fail(
            "NN308", f"{expression.of.id} stands in a repeat, means all its rounds, and has no parts", expression.span
        )
    part = expression.name.id
    found = label.values.get(part, label.weights.get(part))
    if found is None:
        known = [*label.values, *label.weights]
        near = nearest(part, known)
        walk.build.fail(
            "NN308",
            f"{expression.of.id} has no part {part}",
            expression.name.span,
            help=f"did you mean {near}?" if near else f"it has {', '.join(known)}" if known else "it has no parts",
        )
    if isinstance(found, Failed):
        raise Stop
    walk.reads(found, f"{expression.of.id}.{part}", expression.span)
    if label.value is not None:
        walk.parts.append(label.value)
    return found
