"""Uses of layers and blocks: their operands, their settings, their labels."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.build import Bundle, Failed, Namespace, Stop, Use, Value, shape_of, what
from compiler.experiment import LayerRow
from compiler.ir.graph import Node
from compiler.ir.types import BATCH, Dim, Extent, plus, times
from compiler.layers import LAYERS, STRUCTURES
from compiler.layers.joining import joined
from compiler.layers.word import LayerWord
from compiler.lower import expressions, structures
from compiler.lower.walk import Walk
from compiler.scope import BlockBinding, ConstantBinding, LabelBinding, Scope, SharedBinding, ValueBinding
from compiler.signature import Resolved, Setting, Signature, resolve
from compiler.signature import Value as Constant
from dsl import ast
from dsl.errors import Note
from dsl.nearest import nearest
from dsl.source import Span


def call(
    walk: Walk, expression: ast.Expression, scope: Scope, current: Value | None, piped: Value | None, output: str | None
) -> Value:
    """A layer, function, block or shared network on its operands. piped is what `|` feeds it; else the current value."""
    layer = _as_layer(walk, expression)
    name = layer.callee.id if isinstance(layer.callee, ast.Name) else layer.callee.name.id
    if name in STRUCTURES:
        return structures.structure(walk, layer, name, scope, piped if piped is not None else current)
    binding = scope.find(name)
    match binding:
        case BlockBinding(block=ast.Block()):
            return _block(walk, layer, binding, scope, current, piped)
        case BlockBinding():
            walk.build.fail("NN350", f"{name} is a cell, and recurrent cells are not there yet", layer.callee.span)
        case SharedBinding():
            values = _operands(walk, layer, name, ("x",), 0, False, scope, current, piped)
            if layer.arguments or layer.body is not None:
                walk.build.fail("NN401", f"{name} is shared, and takes no settings at its use", layer.span)
            return structures.use_shared(walk, name, binding, values[0], layer.span)
        case ValueBinding() | ConstantBinding() | LabelBinding():
            walk.build.fail(
                "NN305",
                f"{name} is no layer",
                layer.callee.span,
                help="settings follow a layer; values are fed with |, or stand between a layer's parentheses",
                notes=walk.first_given(binding),
            )
        case None:
            if name not in LAYERS:
                walk.unknown(name, layer.callee.span, scope)
            return _layer(walk, layer, LAYERS[name], scope, current, piped, output)


def _as_layer(walk: Walk, expression: ast.Expression) -> ast.Layer:
    if isinstance(expression, ast.Layer):
        layer = expression
    else:
        assert isinstance(expression, (ast.Name, ast.Call, ast.Sized))
        layer = ast.Layer(expression, (), None, None, span=expression.span)
    if isinstance(layer.callee, ast.Sized):
        walk.unknown(layer.callee.name.id, layer.callee.name.span, walk.top)
    return layer


def _operands(
    walk: Walk,
    layer: ast.Layer,
    name: str,
    formals: tuple[str, ...],
    optional: int,
    any_number: bool,
    scope: Scope,
    current: Value | None,
    piped: Value | None,
) -> list[Node | Bundle]:
    """The operands in order: the piped value, those in parentheses, and first the current one if one is lacking."""
    given = layer.callee.operands if isinstance(layer.callee, ast.Call) else ()
    placed: dict[str, Value] = {}
    listed: list[Value] = [piped] if piped is not None else []
    for operand in given:
        found = expressions.value(walk, operand.value, scope, current, None)
        if operand.name is None:
            listed.append(found)
        elif operand.name not in formals:
            near = nearest(operand.name, [*formals])
            _setting_between_parentheses(walk, name, operand)
            walk.build.fail(
                "NN409",
                f"{name} has no operand {operand.name}",
                operand.span,
                help=f"did you mean {near}?" if near else f"its operands are {', '.join(formals)}",
            )
        else:
            placed[operand.name] = found
    most = len(formals)
    lacking = most - optional - len(listed) - len(placed)
    if ((lacking > 0 and piped is None) or (not listed and not given)) and not (any_number and given) and formals:
        if current is None:
            walk.build.fail(
                "NN501",
                f"there is nothing to feed {name}",
                layer.callee.span,
                help=f"pipe a value in: x | {name}",
            )
        listed.insert(0, current)
    if not any_number and (len(listed) + len(placed) > most or len(listed) + len(placed) < most - optional):
        wants = f"{most} operand{'s' if most != 1 else ''} ({', '.join(formals)})"
        walk.build.fail(
            "NN409",
            f"{name} takes {wants}, but gets {len(listed) + len(placed)}",
            layer.callee.span,
            help="settings stand outside the parentheses" if given else "",
        )
    if not any_number:
        for formal in formals:
            if formal in placed:
                listed.insert(formals.index(formal), placed[formal])
    values: list[Node | Bundle] = []
    for found in listed:
        if isinstance(found, Failed):
            raise Stop
        values.append(found)
    return values


def _setting_between_parentheses(walk: Walk, name: str, operand: ast.Operand) -> None:
    """conv(k=3) is a habit from elsewhere; it is met with the way this language writes it."""
    layer = LAYERS.get(name)
    if layer is not None and operand.name is not None and layer.signature.setting(operand.name) is not None:
        walk.build.fail(
            "NN409",
            f"{operand.name} is a setting of {name}, not an operand",
            operand.span,
            "values stand in parentheses, settings outside them",
            help=f"write {name} {operand.span.snippet}",
        )


def _layer(
    walk: Walk,
    layer: ast.Layer,
    word: LayerWord,
    scope: Scope,
    current: Value | None,
    piped: Value | None,
    output: str | None,
) -> Value:
    if layer.body is not None:
        walk.build.fail("NN408", f"{word.word} takes no layers between braces", layer.body.span)
    settings = settings_of(walk, word.signature, layer.arguments, layer.callee.span, scope)
    label = _label(walk, layer, scope, word.weights)
    tied = _tied(walk, layer, settings, scope)
    operands = _operands(walk, layer, word.word, word.operands, word.optional, word.any, scope, current, piped)
    units, head = _head(walk, layer, word, settings, output)
    use = Use(
        walk.build,
        word.word,
        layer.span,
        settings,
        walk.namespace.name(label or word.word) if word.weights else "",
        label,
        walk.frozen or settings.get("frozen") is True,
        tied,
        units,
        head,
    )
    start, weights = len(walk.build.fresh), set(walk.build.parameters)
    result = _lowered(use, word, operands)
    made = tuple(walk.build.fresh[start:])
    _note_origin(walk, use, operands, result)
    if head and isinstance(result, Node):
        walk.heads[result] = use.word_of("activation")
    own = tuple(p for n, p in walk.build.parameters.items() if n not in weights)
    types = tuple(p.type for p in result.parts) if isinstance(result, Bundle) else (result.type,)
    walk.build.rows.append(LayerRow(layer.span, layer.span.snippet, len(walk.running), types, own, made))
    if label is not None:
        prefix = use.name + "."
        held = {n.removeprefix(prefix): w for n, w in walk.build.weights.items() if n.startswith(prefix)}
        held.update(tied or {})
        scope.names[label] = LabelBinding(held, {}, layer.span, scope.repeated)
    return result


def _lowered(use: Use, word: LayerWord, operands: list[Node | Bundle]) -> Node | Bundle:
    bundle = next((o for o in operands if isinstance(o, Bundle)), None)
    if bundle is None:
        return word.lower(use, tuple(o for o in operands if isinstance(o, Node)))
    if word.bundle == "no" or len(operands) > 1:
        use.fail(
            "NN205",
            f"{use.word} cannot take {what(bundle)}",
            "conv with several widths gives sequences of different lengths",
            help="pool them first, with maxpool, or write conv ... same",
        )
    parts: list[Node] = []
    for part in bundle.parts:
        one = word.lower(use, (part,))
        assert isinstance(one, Node)
        parts.append(one)
    if word.bundle == "each":
        return Bundle(tuple(parts))
    if any(p.type.rank != 2 for p in parts):
        use.fail(
            "NN205",
            f"{use.word} leaves sequences of different lengths, which cannot be joined",
            help="pool over all positions",
        )
    whole = joined(use, tuple(parts))
    use.build.origins[whole] = (
        use.span,
        f"this pools the sequences {shape_of(bundle)} into one vector {shape_of(whole)}",
    )
    return whole


def _note_origin(walk: Walk, use: Use, operands: list[Node | Bundle], result: Node | Bundle) -> None:
    if isinstance(result, Node) and result not in walk.build.origins and operands:
        walk.build.origins[result] = (use.span, f"this makes {shape_of(result)} of {shape_of(operands[0])}")


def _head(
    walk: Walk, layer: ast.Layer, word: LayerWord, settings: dict[str, Resolved], output: str | None
) -> tuple[Dim | None, bool]:
    """A dense layer without a size ends in an output: how many units that has."""
    if word.word != "dense" or settings["size"] is not None:
        return None, False
    name = output if output in walk.units else next(iter(walk.units)) if len(walk.units) == 1 else None
    activation = settings["activation"]
    if name is None:
        walk.build.fail(
            "NN511",
            "dense without a size is a head, but which output it ends in cannot be told",
            layer.span,
            help=f"name the line after its output: {next(iter(walk.units))} = ..., or give a size: dense 100",
        )
    if activation in ("sigmoid", "sign") and walk.classes.get(name, False):
        return 1, True
    if walk.classes.get(name, False) and activation not in ("softmax",):
        what_now = f"dense {activation}" if activation else "dense"
        walk.build.fail(
            "NN405",
            f"{what_now} needs a size here",
            layer.span,
            f"without a size it would be the head of {name}, a class",
            help="give a size: dense 100, or end with dense softmax (dense sigmoid for two classes)",
        )
    return walk.units[name], True


def _label(walk: Walk, layer: ast.Layer, scope: Scope, weights: bool) -> str | None:
    if layer.label is None:
        return None
    if not weights:
        walk.build.fail(
            "NN308",
            "a label names weights or a block's values, and this has none",
            layer.label.span,
            help="leave `as` out",
        )
    walk.free(layer.label, scope)
    return layer.label.id


def _tied(walk: Walk, layer: ast.Layer, settings: dict[str, Resolved], scope: Scope) -> dict[str, Node] | None:
    name = settings.get("tied")
    if not isinstance(name, str):
        return None
    binding = scope.find(name)
    place = next((a.span for a in layer.arguments if isinstance(a, ast.Setting) and a.key == "tied"), layer.span)
    if not isinstance(binding, LabelBinding):
        labels = [n for n, b in scope.all_names().items() if isinstance(b, LabelBinding)]
        near = nearest(name, labels)
        walk.build.fail(
            "NN308",
            f"there is no label {name} before this",
            place,
            help=f"did you mean {near}?" if near else "write `as NAME` at the layer whose weights these are",
        )
    if binding.many or "weight" not in binding.weights:
        walk.build.fail(
            "NN506", f"the weights of {name} cannot be tied", place, notes=(Note(binding.span, "this label"),)
        )
    return dict(binding.weights)


# Blocks


def _block(
    walk: Walk, layer: ast.Layer, binding: BlockBinding, scope: Scope, current: Value | None, piped: Value | None
) -> Value:
    block = binding.block
    assert isinstance(block, ast.Block)
    name = block.name.id
    if name in walk.running:
        walk.build.fail(
            "NN507", f"{name} uses itself", layer.callee.span, notes=(Note(block.name.span, "declared here"),)
        )
    if layer.body is not None:
        walk.build.fail("NN408", f"{name} takes no layers between braces", layer.body.span)
    signature = block_signature(walk, block)
    settings = settings_of(walk, signature, layer.arguments, layer.callee.span, scope)
    formals = tuple(o.id for o in block.operands) if block.operands is not None else ("x",)
    operands = _operands(walk, layer, name, formals, 0, False, scope, current, piped)
    label = layer.label.id if layer.label is not None else None
    if layer.label is not None:
        walk.free(layer.label, scope)
    inner = Scope(walk.top)
    for formal in block.formals:
        inner.names[formal.name.id] = ConstantBinding(_constant_of(settings[formal.name.id]), formal.span)
    if block.operands is not None:
        for operand, found in zip(block.operands, operands, strict=True):
            inner.names[operand.id] = ValueBinding(found, operand.span)
    frozen = walk.frozen
    walk.frozen = frozen or settings.get("frozen") is True
    namespace = Namespace(walk.namespace.name(label or name) + ".")
    walk.running.append(name)
    try:
        with walk.deeper(layer.span), walk.below(namespace):
            result = structures.inside(walk, block.body, inner, operands[0])
    finally:
        walk.running.pop()
        walk.frozen = frozen
    if label is not None:
        values = {n: b.value for n, b in inner.names.items() if isinstance(b, ValueBinding) and n not in formals}
        held = {
            n.removeprefix(namespace.path): w for n, w in walk.build.weights.items() if n.startswith(namespace.path)
        }
        scope.names[label] = LabelBinding(held, values, layer.span, scope.repeated)
    return result


def _constant_of(resolved: Resolved) -> Constant:
    return resolved[0] if isinstance(resolved, tuple) else resolved


def block_signature(walk: Walk, block: ast.Block) -> Signature:
    """A block's settings as a signature: without a default by position or name, with one by name only."""
    settings: list[Setting] = []
    for formal in block.formals:
        default = None
        if formal.default is not None:
            default = constant_value(walk, formal.default[0], walk.top)
        settings.append(
            Setting(formal.name.id, "constant", "a setting of the block", default, required=formal.default is None)
        )
    positional = tuple(f.name.id for f in block.formals if f.default is None)
    frozen = Setting("frozen", "flag", "none of its weights is trained")
    names = {s.name for s in settings}
    return Signature(block.name.id, "a block", (*settings, *(() if "frozen" in names else (frozen,))), positional)


# Settings


def settings_of(
    walk: Walk, signature: Signature, arguments: Sequence[ast.Argument], place: Span, scope: Scope
) -> dict[str, Resolved]:
    """Every setting's value; Stops where one was wrong."""

    def constant(name: str) -> Constant:
        binding = scope.find(name)
        return binding.value if isinstance(binding, ConstantBinding) else None

    found = resolve(signature, arguments, place, lambda e: constant_value(walk, e, scope), constant, walk.build.report)
    if found is None:
        raise Stop
    return found


def constant_value(walk: Walk, expression: ast.Expression, scope: Scope) -> Constant:
    """A number, string or width among the settings; reports and Stops where it is none."""
    match expression:
        case ast.Number():
            return expression.value
        case ast.Text():
            return expression.value
        case ast.Name():
            binding = scope.find(expression.id)
            if isinstance(binding, ConstantBinding):
                return binding.value
            near = nearest(expression.id, [n for n, b in scope.all_names().items() if isinstance(b, ConstantBinding)])
            walk.build.fail(
                "NN301",
                f"there is no constant {expression.id}",
                expression.span,
                help=f"did you mean {near}?" if near else f"declare it: let {expression.id} = 100",
            )
        case ast.Call() if expression.name.id == "dim":
            return width_of(walk, expression, scope)
        case ast.Negative():
            inner = constant_value(walk, expression.value, scope)
            return -inner if isinstance(inner, (int, float)) else None
        case ast.Binary():
            return constant_arithmetic(walk, expression, scope)
        case _:
            walk.build.fail(
                "NN403", "this is no number", expression.span, help="a setting takes a number, a constant or dim(x)"
            )


def constant_arithmetic(walk: Walk, expression: ast.Binary, scope: Scope) -> Constant:
    chain: list[ast.Binary] = []
    left: ast.Expression = expression
    while isinstance(left, ast.Binary):
        chain.append(left)
        left = left.left
    result = constant_value(walk, left, scope)
    for step in reversed(chain):
        result = _calculated(walk, step, result, constant_value(walk, step.right, scope))
    return result


def _calculated(walk: Walk, step: ast.Binary, a: Constant, b: Constant) -> Constant:
    match a, step.operator, b:
        case Extent(), "+", int() | Extent():
            return plus(a, b)
        case int(), "+", Extent():
            return plus(a, b)
        case Extent(), "*", int():
            return times(a, b)
        case int(), "*", Extent():
            return times(b, a)
        case int() | float(), "+", int() | float():
            return a + b
        case int() | float(), "-", int() | float():
            return a - b
        case int() | float(), "*", int() | float():
            return a * b
        case int() | float(), "/", int() | float() if b != 0:
            return a // b if isinstance(a, int) and isinstance(b, int) and a % b == 0 else a / b
        case _:
            walk.build.fail("NN403", f"{step.span.snippet} is no number", step.span)


def width_of(walk: Walk, expression: ast.Call, scope: Scope) -> Dim:
    """dim(x): the width of a value."""
    if len(expression.operands) != 1 or expression.operands[0].name is not None:
        walk.build.fail("NN409", "dim takes one value", expression.span, help="write dim(x)")
    operand = expression.operands[0].value
    binding = scope.find(operand.id) if isinstance(operand, ast.Name) else None
    if not isinstance(binding, ValueBinding):
        walk.build.fail(
            "NN301", "dim wants the name of a value", operand.span, help="name the value on a line of its own first"
        )
    if isinstance(binding.value, Failed):
        raise Stop
    if isinstance(binding.value, Bundle) or binding.value.type.shape == (BATCH,):
        walk.build.fail("NN205", f"dim of {what(binding.value)} has no one answer", expression.span)
    return binding.value.type.shape[-1]
