"""The equations of a cell: the next states of one step, from its states and operands."""

from __future__ import annotations

from compiler.build import Namespace, Stop
from compiler.ir.graph import Node, sorted_nodes
from compiler.lower import expressions, statements
from compiler.lower.mentions import labels
from compiler.lower.walk import Line, Walk
from compiler.scope import Scope, ValueBinding
from compiler.values import FAILED, Bundle, Failed, Value, shape_of, what
from dsl import ast
from dsl.errors import Diagnostic, Note
from dsl.nearest import nearest


def equations(walk: Walk, cell: ast.Cell, scope: Scope, states: dict[str, Node], names: Namespace) -> list[Node]:
    """The next states in order; Stops where one could not be understood, which has been reported.

    names: below which each line's weights get the name of the line, `lstm.i`
    """
    start = len(walk.lines)
    value: Value | None = None
    for statement in cell.body.statements:
        name = statement.name if isinstance(statement, ast.Assign) else None
        own = Namespace(names.path + f"{name.id.removesuffix(chr(39))}.") if name is not None else names
        with walk.below(own):
            if isinstance(statement, ast.Assign) and statement.name.id in states:
                _forgotten_mark(walk, statement.name, scope)
            elif isinstance(statement, ast.Assign) and statement.name.id.endswith("'"):
                value = _next(walk, statement, scope, states, value)
            else:
                value = statements.line(walk, statement, scope, value)
    lines = walk.lines[start:]
    del walk.lines[start:]
    found: list[Node] = []
    for state in cell.states:
        binding = scope.names.get(f"{state.name.id}'")
        if binding is None:
            walk.build.report(
                Diagnostic(
                    "NN554",
                    f"the state {state.name.id} has no next value",
                    state.name.span,
                    help=f"write {state.name.id}' = ...",
                )
            )
        elif isinstance(binding, ValueBinding) and isinstance(binding.value, Node):
            found.append(binding.value)
    if len(found) < len(cell.states):
        raise Stop
    _unused(walk, lines, found)
    return found


def _forgotten_mark(walk: Walk, name: ast.Name, scope: Scope) -> None:
    notes = (Note(scope.names[name.id].span, "the state"),)
    help = f"its next value is {name.id}': write {name.id}' = ..."
    walk.build.report(Diagnostic("NN302", f"{name.id} is given twice", name.span, "", notes, help))
    scope.names.setdefault(f"{name.id}'", ValueBinding(FAILED, name.span))


def _next(
    walk: Walk, statement: ast.Assign, scope: Scope, states: dict[str, Node], current: Value | None
) -> Value | None:
    """The value of `h' = ...`, which `h'` then stands for."""
    name = statement.name
    value: Value = FAILED
    try:
        walk.worked(statement.span)
        _refuse(walk, name, scope, states)
        value = _of_state(walk, statement, states, expressions.value(walk, statement.value, scope, current, None))
    except Stop:
        for label in labels(statement):
            scope.names.setdefault(label.id, ValueBinding(FAILED, label.span))
    if name.id not in scope.names:
        scope.names[name.id] = ValueBinding(value, name.span)
    return value


def _refuse(walk: Walk, name: ast.Name, scope: Scope, states: dict[str, Node]) -> None:
    """A next value of no state, or a second one."""
    state = name.id.removesuffix("'")
    if state not in states:
        near = nearest(state, states)
        walk.build.fail(
            "NN553",
            f"{name.id} is the next value of {state}, and there is no such state",
            name.span,
            help=f"did you mean {near}'?" if near else f"leave the ' out, or name it in the heading: state {state}",
        )
    before = scope.names.get(name.id)
    if before is not None:
        note = Note(before.span, "given here")
        help = "each state gets its next value once"
        walk.build.fail(
            "NN302", f"{name.id} is given twice", name.span, "here for the second time", help=help, notes=(note,)
        )


def _of_state(walk: Walk, statement: ast.Assign, states: dict[str, Node], value: Value) -> Node:
    """The value, which must be as the state is."""
    state = states[statement.name.id.removesuffix("'")]
    if isinstance(value, Failed):
        raise Stop
    if isinstance(value, Bundle) or value.type.shape != state.type.shape or value.type.dtype != state.type.dtype:
        notes = walk.build.origin(value) if isinstance(value, Node) else ()
        help = "bring it to the state's width with linear, or give the state a width: state h[width]"
        if isinstance(value, Node) and value.type.rank > state.type.rank:
            help = "all operands but the first come whole: `y each` in the heading takes y position by position"
        walk.build.fail(
            "NN550",
            f"{statement.name.id} is {what(value)}, but the state is {what(state)}",
            statement.value.span,
            f"this is {shape_of(value)}",
            help=help,
            notes=notes,
        )
    return value


def _unused(walk: Walk, lines: list[Line], found: list[Node]) -> None:
    """A line that reaches no next state is an error."""
    reached = set(sorted_nodes(found))
    for line in lines:
        if isinstance(line.value, Node) and line.value not in reached:
            named = f"{line.name} is" if line.name else "this line's value is"
            message = f"{named} never used: it reaches no next state"
            help = "use it in a later line, or leave it out"
            walk.build.report(Diagnostic("NN503", message, line.span, "never used", help=help))
