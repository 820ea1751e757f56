"""How far each value of a graph looks: from which positions of a text its value at a position comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

from compiler.ir.graph import Graph, Input, Node, sorted_nodes
from compiler.ir.types import Dim, Type, is_ragged, positions, sequence_symbol
from compiler.ops.attention import CausalSoftmax, HeadMix, HeadScores, KeySoftmax
from compiler.ops.elementwise import Mul
from compiler.ops.lookup import Gather, OneHot
from compiler.ops.normal import LogSoftmax, LogSumExp, Softmax
from compiler.ops.pointing import AddAtIds
from compiler.ops.product import MatMul
from compiler.ops.reduction import ArgMax, Max, Sum, TakeAlong
from compiler.ops.scan import Part, Scan
from compiler.ops.sequence import Lengths, Mask
from compiler.ops.shape import Broadcast, Concat, Place, Reshape, Slice, Transpose, Windows
from compiler.recurrence import depending


@dataclass(frozen=True)
class Reach:
    """At position t: from t - behind to t + ahead."""

    behind: float = 0
    ahead: float = 0

    def further(self, other: Reach) -> Reach:
        """What it reaches through a value that reaches so far itself."""
        return Reach(self.behind + other.behind, self.ahead + other.ahead)


HERE, EVERYWHERE = Reach(), Reach(inf, inf)
BACK = Reach(inf, 0)
LOCAL = (
    Reshape, Transpose, Broadcast, Concat, Slice, Place, Softmax, LogSoftmax, LogSumExp, OneHot, Sum, Max, ArgMax,
    TakeAlong, Mask,
)  # fmt: skip
"""Ops, beside the element-wise ones, whose result at a position comes from that position alone where the result and
all that comes from the text have positions. What mixes positions, in a sum over them for example, has none."""


def reaches(graph: Graph, text: str, given: Mapping[str, Reach]) -> dict[Node, Reach]:
    """Of each node that the text has to do with. text: the symbol of its positions, `T`; given: of the inputs that are
    made from it."""
    return _Reaches(text).of(graph, given)


@dataclass(frozen=True)
class _Reaches:
    text: str

    def of(self, graph: Graph, given: Mapping[str, Reach]) -> dict[Node, Reach]:
        found: dict[Node, Reach] = {}
        parts: dict[Node, list[Reach | None]] = {}
        for node in graph.nodes():
            match node.op:
                case Input(name=name):
                    reach = given.get(name)
                case Scan():
                    parts[node] = self._scan(node, node.op, found)
                    continue
                case Part(index=index) if node.inputs[0] in parts:
                    reach = parts[node.inputs[0]][index]
                case Lengths(dim=dim):
                    # How long the text is says what comes.
                    reach = EVERYWHERE if self._is_text(dim) else None
                case _:
                    reach = self._plain(node, found)
            if reach is not None:
                found[node] = reach
        return found

    def _plain(self, node: Node, found: Mapping[Node, Reach]) -> Reach | None:
        from_text = [n for n in node.inputs if n in found]
        together = _union(found[n] for n in from_text)
        if together is None:
            return None
        if not all(self._has_positions(n.type) for n in (node, *from_text)):
            return EVERYWHERE
        if any(self._has_columns(n.type) for n in (node, *from_text)):
            return self._of_columns(node, together)
        match node.op:
            case Windows(size=size, stride=1, dilation=dilation, before=before):
                return together.further(Reach(before, (size - 1) * dilation - before))
            case Gather():
                return EVERYWHERE if node.inputs[0] in found else together
            case MatMul() | HeadScores() | HeadMix() | AddAtIds():
                return EVERYWHERE if node.inputs[1] in found else together
            case KeySoftmax():
                # Its keys are of something else, or they would be columns of the text.
                return together
            case op if op.elementwise or isinstance(op, LOCAL):
                return together
            case _:
                return EVERYWHERE

    def _of_columns(self, node: Node, together: Reach) -> Reach:
        """What has a column for each position of the text. A number in it is as of its row's position and its
        column's, so only the columns up to its own may count for a position."""
        match node.op:
            case HeadScores():
                return together
            case CausalSoftmax():
                return together.further(BACK)
            case HeadMix() if _is_causal(node.inputs[0]):
                return together.further(BACK)
            case op if op.elementwise:
                return together
            case _:
                return EVERYWHERE

    def _scan(self, node: Node, op: Scan, found: Mapping[Node, Reach]) -> list[Reach | None]:
        """Of each part. What comes from no state is of its step alone."""
        graph = op.body.graph
        inner, outer = graph.inputs, node.inputs[: len(graph.inputs)]
        reach = {i: found[o] for i, o in zip(inner, outer, strict=True) if o in found}
        moving = set(inner[op.states : op.states + op.sequences])
        states = set(inner[: op.states])
        along = self._is_text(op.length)
        back = depending([o.node for o in graph.outputs], states)
        result: list[Reach | None] = []
        for i, output in enumerate(graph.outputs):
            remembers = output.node in back or i < op.states
            # A state may come from every input of the body by way of another state.
            below = set(inner) if remembers else set(sorted_nodes([output.node])) & set(inner)
            together = _union(reach[n] for n in below if n in reach)
            fixed = any(n in reach and n not in moving for n in below)
            if together is None or fixed or not along or i < op.states:
                result.append(None if together is None else EVERYWHERE)
            elif remembers:
                result.append(together.further(Reach(0, inf) if op.reverse else Reach(inf, 0)))
            else:
                result.append(together)
        return result

    def _is_text(self, dim: Dim) -> bool:
        return is_ragged(dim) and sequence_symbol(dim) == self.text

    def _has_columns(self, type: Type) -> bool:
        return any(positions(d) != d and self._is_text(positions(d)) for d in type.shape)

    def _has_positions(self, type: Type) -> bool:
        return any(map(self._is_text, type.shape))


def _is_causal(weights: Node) -> bool:
    """Whether they are 0 in the columns behind their row's position; so is what they are times."""
    while isinstance(weights.op, Mul):
        weights = weights.inputs[0]
    return isinstance(weights.op, CausalSoftmax)


def _union(several: Iterable[Reach]) -> Reach | None:
    every = list(several)
    if not every:
        return None
    return Reach(max(r.behind for r in every), max(r.ahead for r in every))


def first_that_look(root: Node, found: Mapping[Node, Reach], *, ahead: bool) -> list[Node]:
    """The nodes below the root that look ahead (or behind) of themselves: nothing that they are made from does.

    An input that does (n-grams) is told by what reads it.
    """

    def looks(node: Node) -> bool:
        reach = found.get(node)
        return reach is not None and (reach.ahead if ahead else reach.behind) > 0

    def is_made(node: Node) -> bool:
        return looks(node) and not isinstance(node.op, Input)

    nodes = sorted_nodes([root])
    # A loop has no reach itself, its parts have.
    return [n for n in nodes if is_made(n) and not any(is_made(i) for i in _through(n))]


def _through(node: Node) -> tuple[Node, ...]:
    return node.inputs[0].inputs if isinstance(node.op, Part) else node.inputs
