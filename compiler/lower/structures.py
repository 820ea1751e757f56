"""Words with a body: residual, repeat, parallel, shared."""

from __future__ import annotations

from compiler.build import Namespace, Stop
from compiler.ir.graph import Node
from compiler.ir.types import Dim
from compiler.layers.activation import numbers
from compiler.layers.joining import joined, meet
from compiler.lower import spelling, statements
from compiler.lower.constants import constant_value, settings_of
from compiler.lower.walk import Walk
from compiler.ops.elementwise import Add
from compiler.scope import ConstantBinding, LabelBinding, Scope, SharedBinding
from compiler.signature import Setting, Signature
from compiler.values import Bundle, Failed, Value, is_picture, is_sequence, shape_of, what
from dsl import ast
from dsl.errors import Note
from dsl.source import Span

REPEAT = Signature(
    "repeat",
    "the same layers several times, one on top of the other",
    (
        Setting("n", "count", "how often", required=True, low=1, high=10_000),
        Setting("shared", "flag", "every round has the same weights"),
    ),
    ("n",),
)


def structure(walk: Walk, layer: ast.Layer, word: str, scope: Scope, x: Value | None) -> Value:
    """The value of a layer that has a body."""
    place = layer.callee.span
    if layer.body is None:
        walk.build.fail("NN408", f"{word} needs layers between braces", layer.span, help=f"write {word} {{ ... }}")
    if not isinstance(layer.callee, ast.Name):
        help = f"pipe the value in: x | {word} {{ ... }}"
        walk.build.fail("NN409", f"{word} takes no values in parentheses", place, help=help)
    if word == "shared":
        message = "shared only declares, and stands on a line of its own"
        walk.build.fail("NN505", message, layer.span, help="shared NAME { ... }, then x | NAME")
    if x is None and word != "parallel":
        walk.build.fail(
            "NN501", f"there is nothing to feed {word}", place, help=f"pipe a value in: x | {word} {{ ... }}"
        )
    rows, nodes = len(walk.build.rows), walk.build.made
    with walk.deeper(layer.span):
        if word == "repeat":
            assert x is not None
            value = repeat(walk, layer, layer.body, scope, x)
        elif word == "spelling":
            assert x is not None
            value = spelling.spelling(walk, layer, layer.body, scope, x)
        elif word == "each":
            assert x is not None
            value = spelling.each(walk, layer, layer.body, scope, x)
        elif layer.arguments:
            walk.build.fail("NN401", f"{word} takes no settings", layer.arguments[0].span)
        else:
            value = _labelled(walk, layer, layer.body, word, scope, x)
    walk.row(rows, nodes, layer.span, layer.span.snippet.partition("{")[0].strip(), value, heading=True)
    return value


def _labelled(walk: Walk, layer: ast.Layer, braces: ast.Body, word: str, scope: Scope, x: Value | None) -> Value:
    """residual or parallel; a label names its weights."""
    lower = residual if word == "residual" else parallel
    if layer.label is None:
        walk.level += 1
        try:
            return lower(walk, layer, braces, scope, x)
        finally:
            walk.level -= 1
    walk.free(layer.label, scope)
    namespace = walk.namespace.child(layer.label.id)
    with walk.below(namespace, layer.label.id):
        result = lower(walk, layer, braces, scope, x)
    weights = walk.weights_below(namespace)
    scope.names[layer.label.id] = LabelBinding(weights, {}, layer.label.span, result, scope.repeated)
    return result


def residual(walk: Walk, layer: ast.Layer, braces: ast.Body, scope: Scope, x: Value | None) -> Value:
    """x + f(x), as arithmetic adds; the result is as x is."""
    assert x is not None
    f = inside(walk, braces, Scope(scope), x)
    if isinstance(x, Failed):
        raise Stop
    if isinstance(x, Bundle) or isinstance(f, Bundle):
        message = f"residual cannot add {what(x if isinstance(x, Bundle) else f)}"
        walk.build.fail("NN205", message, layer.callee.span, help="pool it first, with maxpool for example")
    use = walk.plain_use("residual", layer.callee.span)
    for value in (x, f):
        numbers(use, value)
    if not _meets(x.type.shape, f.type.shape):
        walk.build.fail(
            "NN207",
            f"residual adds x {shape_of(x)} and f(x) {shape_of(f)}: the shapes differ",
            layer.callee.span,
            help=f"let the layers between the braces end as they began, with {_keeping(x)}",
            notes=walk.build.origin(f),
        )
    return walk.build.op(Add(), *meet(use, (x, f)), span=layer.span)


def _keeping(x: Node) -> str:
    """Layers whose result may be as large as x."""
    if is_picture(x):
        return f"conv2d k=3 filters={x.type.shape[-1]} same"
    return "dense dim(x) or conv ... same" if is_sequence(x) else "dense dim(x)"


def _meets(x: tuple[Dim, ...], f: tuple[Dim, ...]) -> bool:
    """Whether x + f has the shape of x: f may lack the positions, or be 1 wide."""
    spread = (f[0], 1, *f[1:]) if len(f) == 2 and len(x) == 3 else f
    return len(spread) == len(x) and all(b in (1, a) for a, b in zip(x, spread, strict=True))


def parallel(walk: Walk, layer: ast.Layer, braces: ast.Body, scope: Scope, x: Value | None) -> Value:
    """Each line of the same x, side by side; where there is none, each line names its own."""
    inner = Scope(scope)
    values = [(s, statements.line(walk, s, inner, x)) for s in braces.statements if not structures_only(s)]
    if not values:
        walk.build.fail(
            "NN512", "there is nothing between the braces", braces.span, help="put at least one layer there"
        )
    nodes: list[Node] = []
    for statement, found in values:
        if isinstance(found, Bundle):
            walk.build.fail(
                "NN205", f"parallel cannot join {what(found)}", statement.span, help="pool it first, with maxpool"
            )
        if found is None or isinstance(found, Failed):
            raise Stop
        nodes.append(found)
    return joined(walk.plain_use("parallel", layer.span), tuple(nodes))


def structures_only(statement: ast.Statement) -> bool:
    return not isinstance(statement, ast.Assign) and declares_shared(statement)


def repeat(walk: Walk, layer: ast.Layer, braces: ast.Body, scope: Scope, x: Value) -> Value:
    """The body on its own result, n times, or once for each value of a list."""
    listed = [a for a in layer.arguments if _is_list(a)]
    rounds: list[dict[str, ConstantBinding]] = []
    shared = False
    for setting in listed:
        assert isinstance(setting, ast.Setting)
        values = [constant_value(walk, v, scope) for v in setting.values]
        if rounds and len(rounds) != len(values):
            walk.build.fail(
                "NN403",
                f"the lists of repeat have {len(rounds)} and {len(values)} values",
                setting.span,
                help="make them equally long",
            )
        rounds = rounds or [{} for _ in values]
        for names, v in zip(rounds, values, strict=True):
            names[setting.key] = ConstantBinding(v, setting.span)
    rest = [a for a in layer.arguments if a not in listed]
    if rounds:
        shared = any(isinstance(a, ast.Word) and a.id == "shared" for a in rest)
        if len(rest) > shared:
            walk.build.fail(
                "NN406", "repeat takes a number or lists, not both", layer.span, help="leave one of them out"
            )
    else:
        settings = settings_of(walk, REPEAT, rest, layer.callee.span, scope)
        count, shared = settings["n"], settings["shared"] is True
        if not isinstance(count, int):
            walk.build.fail("NN403", "repeat needs a number", layer.span)
        rounds = [{} for _ in range(count)]
    return run_rounds(walk, layer, braces, scope, x, rounds, shared)


def _is_list(argument: ast.Argument) -> bool:
    return isinstance(argument, ast.Setting) and argument.key != "shared" and len(argument.values) > 1


def run_rounds(
    walk: Walk,
    layer: ast.Layer,
    braces: ast.Body,
    scope: Scope,
    x: Value,
    rounds: list[dict[str, ConstantBinding]],
    shared: bool,
) -> Value:
    own = walk.namespace.child(layer.label.id if layer.label is not None else "repeat")
    frozen = False
    if layer.label is not None:
        walk.free(layer.label, scope)
        frozen = walk.build.labelled(layer.label.id, own.path)
        scope.names[layer.label.id] = LabelBinding({}, {}, layer.label.span, many=True)
    build = walk.build
    for i, constants in enumerate(rounds, 1):
        # Rounds that share their weights are one.
        build.rounds += build.repeating == 0 and (i == 1 or not shared)
        inner = Scope(scope, rounds=True)
        for key, binding in constants.items():
            walk.free(ast.Name(key, span=binding.span), scope)
            inner.names[key] = binding
        build.repeating += 1
        with walk.below(Namespace(own.path) if shared else own.child(str(i)), frozen=frozen):
            x = inside(walk, braces, inner, x)
        build.repeating -= 1
    if layer.label is not None:
        scope.names[layer.label.id] = LabelBinding({}, {}, layer.label.span, x, many=True)
    return x


def inside(walk: Walk, braces: ast.Body, scope: Scope, x: Value) -> Node | Bundle:
    """A body's value; Stops where it has none."""
    found = statements.body(walk, braces, scope, x)
    if isinstance(found, Failed):
        raise Stop
    return found


def declares_shared(expression: ast.Expression) -> bool:
    return (
        isinstance(expression, ast.Layer)
        and isinstance(expression.callee, ast.Name)
        and expression.callee.id == "shared"
    )


def declare_shared(walk: Walk, expression: ast.Expression, scope: Scope) -> None:
    """`shared NAME { ... }` gives the name; nothing is lowered before it is used."""
    assert isinstance(expression, ast.Layer)
    words = [a for a in expression.arguments if isinstance(a, ast.Word)]
    if len(words) != 1 or len(expression.arguments) != 1 or expression.body is None:
        walk.build.fail(
            "NN408", "shared needs a name and layers between braces", expression.span, help="shared encoder { ... }"
        )
    name = ast.Name(words[0].id, span=words[0].span)
    walk.free(name, scope)
    walk.shared[name.span] = name.id
    scope.names[name.id] = SharedBinding(expression.body, scope, walk.namespace.child(name.id), name.span)


def use_shared(walk: Walk, name: str, binding: SharedBinding, x: Value, span: Span) -> Value:
    """The shared layers on one more value: the same names, so the same weights."""
    if name in walk.running:
        walk.build.fail("NN507", f"{name} uses itself", span)
    walk.running.append(name)
    walk.build.within.append(Note(span, f"in this use of {name}"))
    try:
        with walk.deeper(span), walk.below(binding.namespace.again(), name):
            return inside(walk, binding.body, Scope(binding.scope), x)
    finally:
        walk.build.within.pop()
        walk.running.pop()
