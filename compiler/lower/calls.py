"""Uses of layers: which of them a word is, its settings, its label, its place in the table of layers."""

from __future__ import annotations

from itertools import islice

from compiler import library
from compiler.build import Origin, Stop, Use
from compiler.experiment import LayerRow
from compiler.ir.graph import Node
from compiler.ir.types import Dim, Extent, symbol
from compiler.layers import LAYERS, STRUCTURES
from compiler.layers.activation import FUNCTIONS
from compiler.layers.dense import CRF, of_a_word
from compiler.layers.joining import joined
from compiler.layers.recurrent import LINEAR, PARAM
from compiler.layers.word import LayerWord
from compiler.lower import blocks, cells, decoding, structures
from compiler.lower.constants import settings_of
from compiler.lower.matrices import for_each_example, parameter
from compiler.lower.operands import Wanted, no_settings, operands
from compiler.lower.ties import tied_weights
from compiler.lower.walk import Walk
from compiler.overrides import SET
from compiler.scope import BlockBinding, ConstantBinding, LabelBinding, Scope, SharedBinding, ValueBinding
from compiler.signature import Resolved
from compiler.values import Bundle, Failed, Value, is_sequence, shape_of, types_of, what
from dsl import ast
from dsl.source import Span

ALL_ROWS = ("batchnorm",)
"""Layers whose result for an example depends on the others."""

ALL_POSITIONS = ("attention", "positions", "weighted")
"""Layers whose result at a position depends on the others, or on where it stands."""
OF_EACH_NUMBER = tuple(word for word in FUNCTIONS if word != "softmax")
"""Layers after which each direction of a recurrent layer still ends where it did."""


def call(
    walk: Walk, expression: ast.Expression, scope: Scope, current: Value | None, piped: Value | None, output: str | None
) -> Value:
    """A layer, function, block or shared network on its operands. piped: what `|` feeds it; else the current value."""
    layer = _as_layer(walk, expression)
    name = layer.callee.id if isinstance(layer.callee, ast.Name) else layer.callee.name.id
    if name == "decode":
        return decoding.decode(walk, layer, scope, piped, output)
    if name in STRUCTURES:
        return structures.structure(walk, layer, name, scope, piped if piped is not None else current)
    binding = scope.find(name)
    if binding is None and name not in LAYERS:
        binding = library.find(name)
    match binding:
        case BlockBinding(block=ast.Block()):
            return blocks.use_block(walk, layer, binding, scope, current, piped)
        case BlockBinding():
            return cells.use_cell(walk, layer, binding, scope, current, piped)
        case SharedBinding():
            return _shared(walk, layer, name, binding, scope, current, piped)
        case ValueBinding(value=Failed()):
            raise Stop
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
    if isinstance(layer.callee, ast.Sized) and layer.callee.name.id != PARAM.word:
        name = layer.callee.name
        if name.id not in LAYERS:
            walk.unknown(name.id, name.span, walk.top)
        walk.build.fail(
            "NN407",
            f"{name.id} takes no sizes in brackets",
            layer.callee.span,
            help=f"settings stand behind the layer: {name.id} {layer.callee.sizes[0].span.snippet}",
        )
    if isinstance(layer.callee, ast.Call) and layer.callee.name.id == "dim":
        walk.build.fail(
            "NN504",
            "dim is a number for settings, no value of the network",
            layer.span,
            help="write for example dense dim(x)",
        )
    return layer


def _shared(
    walk: Walk,
    layer: ast.Layer,
    name: str,
    binding: SharedBinding,
    scope: Scope,
    current: Value | None,
    piped: Value | None,
) -> Value:
    if layer.arguments or layer.body is not None:
        walk.build.fail("NN401", f"{name} is shared, and takes no settings at its use", layer.span)
    if layer.label is not None:
        message = f"{name} is the name of these weights already"
        walk.build.fail("NN308", message, layer.label.span, help="leave `as` out")
    walk.shared_used.add(binding.span)
    values = operands(walk, layer, Wanted(name, ("x",)), scope, current, piped)
    return structures.use_shared(walk, name, binding, values[0], layer.callee.span)


def _layer(
    walk: Walk,
    layer: ast.Layer,
    word: LayerWord,
    scope: Scope,
    current: Value | None,
    piped: Value | None,
    output: str | None,
) -> Value:
    place = layer.callee.name.span if isinstance(layer.callee, (ast.Call, ast.Sized)) else layer.callee.span
    if layer.body is not None:
        walk.build.fail("NN408", f"{word.word} takes no layers between braces", place)
    if isinstance(layer.callee, ast.Call):
        no_settings(walk, word, layer.callee)
    if word is PARAM:
        return parameter(walk, layer, scope, current, piped)
    _refuse_in_a_cell(walk, word, place)
    settings = settings_of(walk, word.signature, layer.arguments, layer.callee.span, scope)
    label = _label(walk, layer, scope, word.weights)
    tied = tied_weights(walk, layer, settings, scope)
    wanted = Wanted(word.word, word.operands, word.optional, word.any, word.named)
    values = [for_each_example(walk, v, layer) for v in operands(walk, layer, wanted, scope, current, piped)]
    units, head = _head(walk, layer, word, settings, output)
    path = weight_path(walk, word, label)
    held = label is not None and walk.build.labelled(label, path + ".")
    use = Use(
        walk.build,
        word.word,
        layer.span,
        settings,
        path,
        label=label,
        frozen=walk.frozen or held or settings.get("frozen") is True,
        tied=tied,
        units=units,
        head=head,
        place=place,
        overridden=frozenset(a.key for a in layer.arguments if isinstance(a, ast.Setting) and a.span.file == SET),
    )
    start, before = len(walk.build.fresh), len(walk.build.parameters)
    result = _lowered(use, word, values)
    _note_origin(use, values, result)
    if word.word in OF_EACH_NUMBER and isinstance(result, Node) and values[0] in walk.build.ends:
        walk.build.ends[result] = walk.build.ends[values[0]]
    if head and isinstance(result, Node):
        walk.heads[result] = use.word_of("activation")
    made = walk.build.parameters
    own = tuple(islice(reversed(made.values()), len(made) - before))[::-1]
    walk.build.rows.append(
        LayerRow(layer.span, layer.span.snippet, walk.level, types_of(result), own, tuple(walk.build.fresh[start:]))
    )
    if label is not None:
        scope.names[label] = _labelled(use, result, scope.repeated)
    return result


def _refuse_in_a_cell(walk: Walk, word: LayerWord, place: Span) -> None:
    """A cell sees one example at one position: a layer that looks at others has no place in it."""
    if walk.build.cell is None:
        return
    if word.word in ALL_ROWS:
        message = f"{word.word} looks at all examples and positions, and a cell at one at a time"
        walk.build.fail("NN558", message, place, help="put it before or after the cell; layernorm works in one")
    if word.word in ALL_POSITIONS:
        message = f"{word.word} looks at all positions, and a cell at one at a time"
        walk.build.fail("NN558", message, place, help="put it before or after the cell")


def _labelled(use: Use, result: Value, repeated: bool) -> LabelBinding:
    """What a layer's label stands for: its weights, tied ones too, and parts of its value.

    repeated: in a `repeat`, where it means all rounds, and each has weights and parts of its own
    """
    prefix, build = use.name + ".", use.build
    own = {} if repeated else {n.removeprefix(prefix): w for n, w in build.weights.items() if n.startswith(prefix)}
    parts = build.parts.get(result, {}) if isinstance(result, Node) and not repeated else {}
    return LabelBinding({**(use.tied or {}), **own}, {**parts}, use.span, result, repeated)


def weight_path(walk: Walk, word: LayerWord, label: str | None) -> str:
    """Below which its weights are named: its label or word; what a line of a cell is about has the line's name."""
    if not word.weights:
        return ""
    if walk.build.cell is not None and word is LINEAR and label is None:
        return walk.namespace.itself()
    return walk.namespace.name(label or word.word)


def _lowered(use: Use, word: LayerWord, values: list[Node | Bundle]) -> Node | Bundle:
    bundle = next((v for v in values if isinstance(v, Bundle)), None)
    if bundle is None:
        return word.lower(use, tuple(v for v in values if isinstance(v, Node)))
    if word.bundle == "no" or len(values) > 1:
        use.fail(
            "NN205",
            f"{use.word} cannot take {what(bundle)}",
            "conv with several widths gives sequences of different lengths",
            help="pool them first, with maxpool for example, or write conv ... same",
        )
    parts: list[Node] = []
    for part in bundle.parts:
        one = word.lower(use, (part,))
        assert isinstance(one, Node)
        parts.append(one)
    if word.bundle == "each":
        return Bundle(tuple(parts))
    if any(p.type.shape[:-1] != parts[0].type.shape[:-1] for p in parts):
        use.fail(
            "NN205",
            f"{use.word} leaves sequences of different lengths, which cannot be joined",
            help="pool over all positions, or make the lengths equal: conv ... same",
        )
    whole = joined(use, tuple(parts))
    if not is_sequence(whole):
        # The bundle as the one sequence that it stands for, each map beside the others.
        wide = f"[{_positions(bundle)}, {whole.type.shape[-1]}]"
        use.build.pooled[whole] = use.build.origins[whole] = Origin(
            use.span, f"this pools the sequence {wide} into one vector {shape_of(whole)}", use.word
        )
    return whole


def _positions(bundle: Bundle) -> Dim:
    positions = bundle.parts[0].type.shape[1]
    return symbol(positions.terms[0][0]) if isinstance(positions, Extent) else positions


def _note_origin(use: Use, values: list[Node | Bundle], result: Node | Bundle) -> None:
    """Where a value got its shape, and its vector was pooled: what a later error shows as the cause."""
    build = use.build
    if not isinstance(result, Node) or result in build.origins or not values:
        return
    first = values[0]
    if isinstance(first, Node):
        if first in build.pooled and not is_sequence(result):
            build.pooled[result] = build.pooled[first]
        # A layer that was told how wide to be has decided the width, though it was that wide before.
        told = any(use.settings.get(name) is not None for name in ("size", "filters"))
        if first.type.shape == result.type.shape and first in build.origins and not told:
            build.origins[result] = build.origins[first]
            return
    build.origins[result] = Origin(use.span, f"this makes {shape_of(result)} of {shape_of(first)}", use.word)


def _head(
    walk: Walk, layer: ast.Layer, word: LayerWord, settings: dict[str, Resolved], output: str | None
) -> tuple[Dim | None, bool]:
    """A dense layer without a size ends in an output: how many units that has."""
    if word.word != "dense" or settings["size"] is not None or walk.build.cell is not None:
        return None, False
    name = output if output in walk.units else walk.output
    if name is None and len(walk.units) == 1:
        name = next(iter(walk.units))
    activation = settings["activation"]
    if name is None:
        walk.build.fail(
            "NN511",
            "dense without a size is a head, but which output it ends in cannot be told",
            layer.span,
            help=f"name the line after its output: {next(iter(walk.units))} = ..., or give a size: dense 100",
        )
    if walk.units[name] == 0:
        message = f"{name} is a penalty, and a head is for an output that has a target"
        walk.build.fail("NN547", message, layer.span, help="give a size: dense 100; or name a value: abs(code)")
    if of_a_word(settings):
        return walk.units[name], True
    if activation in ("sigmoid", "sign") and walk.classes.get(name, False):
        return 1, True
    if walk.classes.get(name, False) and activation not in ("softmax", CRF):
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
            help="name the value instead: NAME = ...",
        )
    walk.free(layer.label, scope)
    return layer.label.id
