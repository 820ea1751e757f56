"""`tied=LABEL`: the weights of another layer, or of another use of a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from compiler.build import Stop
from compiler.ir.graph import Node
from compiler.lower.walk import Walk
from compiler.scope import LabelBinding, Scope, UsedCell, ValueBinding
from compiler.signature import Resolved
from compiler.values import Failed
from dsl import ast
from dsl.errors import Note
from dsl.nearest import nearest
from dsl.source import Span


def tied_weights(
    walk: Walk, layer: ast.Layer, settings: Mapping[str, Resolved], scope: Scope
) -> dict[str, Node] | None:
    """The weights of the layer that `tied=` names, by their names within it."""
    found = _labelled(walk, layer, settings, scope)
    if found is None:
        return None
    binding, place = found
    if not any(n.startswith("weight") for n in binding.weights):
        _refuse(
            walk, place, binding, f"{settings['tied']} is no layer whose weights can be tied", "label the layer itself"
        )
    return dict(binding.weights)


def tied_cell(
    walk: Walk, layer: ast.Layer, settings: Mapping[str, Resolved], scope: Scope, here: UsedCell
) -> UsedCell | None:
    """The use of a cell that `tied=` names, which must make the same weights as the one here."""
    found = _labelled(walk, layer, settings, scope)
    if found is None:
        return None
    binding, place = found
    label, other = settings["tied"], binding.cell
    for name in ("init", "scale", "frozen"):
        if settings.get(name) not in (None, False):
            message = f"the weights are {label}'s, which says how they start and whether they are trained"
            walk.build.fail("NN406", message, place, help=f"leave {name} out, or write it at {label}")
    if other is None:
        help = "label the cell whose weights these are"
        _refuse(walk, place, binding, f"{label} is no cell, and has no weights for one", help)
    if other.cell != here.cell:
        _refuse(
            walk, place, binding, f"{label} is another cell than {here.word}: {other.word}", "tie a cell to its like"
        )
    for name, value in here.settings.items():
        if value != other.settings[name]:
            message = f"{label} has {name}={_shown(other.settings[name])}, and here it is {_shown(value)}"
            _refuse(walk, place, binding, message, "the same weights need the same sizes, layers and directions")
    if here.widths != other.widths:
        message = f"{label} is fed {_widths(other.widths)}, but here it is {_widths(here.widths)}"
        _refuse(walk, place, binding, message, "feed both values of the same width")
    return other


def _labelled(
    walk: Walk, layer: ast.Layer, settings: Mapping[str, Resolved], scope: Scope
) -> tuple[LabelBinding, Span] | None:
    """What the label of `tied=` stands for, and the place of that setting."""
    name = settings.get("tied")
    if not isinstance(name, str):
        return None
    binding = scope.find(name)
    place = next((a.span for a in layer.arguments if isinstance(a, ast.Setting) and a.key == "tied"), layer.span)
    if isinstance(binding, ValueBinding) and isinstance(binding.value, Failed):
        raise Stop
    if not isinstance(binding, LabelBinding):
        labels = [n for n, b in scope.all_names().items() if isinstance(b, LabelBinding)]
        near = nearest(name, labels)
        help = f"did you mean {near}?" if near else "write `as NAME` at the layer whose weights these are"
        walk.build.fail("NN308", f"there is no label {name} before this", place, help=help)
    if layer.label is not None and layer.label.id in walk.build.freeze:
        message = f"{layer.label.id} has the weights of {name}, and cannot be frozen for itself"
        walk.build.fail("NN506", message, place, notes=(Note(binding.span, "this label"),), help=f"freeze {name}")
    if binding.many:
        message = f"{name} stands in a repeat and means all its rounds: which weights these would be cannot be told"
        _refuse(walk, place, binding, message, "use repeat ... shared for rounds with the same weights")
    return binding, place


def _refuse(walk: Walk, place: Span, binding: LabelBinding, message: str, help: str) -> NoReturn:
    walk.build.fail("NN506", message, place, notes=(Note(binding.span, "this label"),), help=help)


def _shown(value: Resolved) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _widths(widths: Sequence[object]) -> str:
    return " and ".join(f"[{w}]" for w in widths)
