"""Bodies and their lines: each line's value is the next one's current value."""

from __future__ import annotations

from compiler.build import Stop
from compiler.lower import expressions, structures
from compiler.lower.mentions import labels
from compiler.lower.walk import Line, Walk
from compiler.scope import Scope, ValueBinding
from compiler.values import FAILED, Failed, Value
from dsl import ast
from dsl.errors import Note


def body(walk: Walk, braces: ast.Body, scope: Scope, current: Value | None) -> Value:
    """The last line's value. A line that is wrong is reported, and those after it are still looked at."""
    value = current
    if not braces.statements:
        walk.build.fail(
            "NN512", "there is nothing between the braces", braces.span, help="put at least one layer there"
        )
    for statement in braces.statements:
        value = line(walk, statement, scope, value)
    return FAILED if value is None else value


def line(walk: Walk, statement: ast.Statement, scope: Scope, current: Value | None) -> Value | None:
    """One line's value, which its name then stands for; FAILED where it could not be understood."""
    name = statement.name if isinstance(statement, ast.Assign) else None
    expression = statement.value if isinstance(statement, ast.Assign) else statement
    value: Value = FAILED
    try:
        walk.worked(statement.span)
        if structures.declares_shared(expression):
            if name is not None:
                walk.build.fail(
                    "NN505", "shared only declares: it has no value to name", name.span, help="shared NAME { ... }"
                )
            structures.declare_shared(walk, expression, scope)
            return current
        if name is not None:
            refuse_name(walk, name, statement, scope)
        rows, nodes = len(walk.build.rows), walk.build.made
        value = expressions.value(walk, expression, scope, current, name.id if name is not None else None)
        walk.row(rows, nodes, expression.span, expression.span.snippet, value)
    except Stop:
        # What this line would have named is known, so that its uses say nothing more.
        for label in labels(statement):
            scope.names.setdefault(label.id, ValueBinding(FAILED, label.span))
    if name is not None and name.id not in scope.names:
        scope.names[name.id] = ValueBinding(value, name.span)
    if not isinstance(value, Failed):
        walk.lines.append(Line(name.span if name is not None else statement.span, name.id if name else None, value))
    return value


def refuse_name(walk: Walk, name: ast.Name, statement: ast.Statement, scope: Scope) -> None:
    if name.id.endswith("'"):
        walk.build.fail(
            "NN508", f"{name.id} is a cell's next state, and this is no cell", name.span, help="leave the ' out"
        )
    walk.free(name, scope)
    for label in labels(statement):
        if label.id == name.id:
            help = "one name, one thing: the value and its layer are two"
            notes = (Note(name.span, "given here"),)
            walk.build.fail("NN302", f"{name.id} is given twice", label.span, help=help, notes=notes)
