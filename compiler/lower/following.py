"""Outputs that predict a token from those before it, `next(text)` and texts that `decode` writes: what they are made
from must not know it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from compiler.causality import HERE, Reach, first_that_look, reaches
from compiler.ir.graph import Graph, Input, Node, sorted_nodes
from compiler.ops.attention import CausalSoftmax, HeadMix, HeadScores, KeySoftmax
from compiler.ops.scan import Part, Scan
from compiler.ops.shape import Windows
from compiler.sorts import Following, Port, Tokens, along, fed_name, is_written, sequence_symbol_of
from compiler.views import Ngrams, Sentence, Spelling, View
from dsl.errors import Diagnostic, Note

LOOPS = {
    True: "leave bidir and reverse out: {} goes from the first position to the last",
    False: "write {} ... reverse",
}
WINDOWS = {True: "write causal: {} k=3 causal", False: "a window has to end at its position: use a cell with reverse"}
ATTENTION = {
    True: "write causal: {} ... causal",
    False: "attention cannot look ahead alone: use a cell with reverse",
}
AFTER, BEFORE = (dict.fromkeys((True, False), help) for help in ("write {} ... n=2 before", "leave before out"))
BATCH = dict.fromkeys(
    (True, False), "while training, {} takes the mean of all positions of a batch: write layernorm, or freeze it"
)
POOLED = {
    True: "each position may only be made from those up to it: leave {} out, or use a cell such as lstm",
    False: "each position may only be made from those from it on: leave {} out, or use a cell with reverse",
}


def refusals(
    graph: Graph, ports: tuple[Port, ...], used_by: Mapping[Node, Note], moved: Collection[str]
) -> list[Diagnostic]:
    """An error for each line that looks at what `next` predicts, or at what `previous` does.

    graph: for prediction; used_by: what a line of the library made -> the use of its block, which is told instead
    moved: the weights that take the mean of a batch, in whose place training has that mean itself
    """
    found: list[Diagnostic] = []
    for port in ports:
        if isinstance(port.sort, Following):
            text = along(port, ports)
            if (alone := _not_alone(text, ports)) is not None:
                return [alone]
            views = _views(text, ports)
            given, ahead = _given(text, ports, views), not port.sort.backwards
        elif is_written(port):
            text, views, given, ahead = port, {}, {fed_name(port): HERE}, True
        else:
            continue
        known = reaches(graph, sequence_symbol_of(text, ports), given)
        root = next(o.node for o in graph.outputs if o.name == f"{port.name}.scores")
        lines: dict[object, Node] = {}
        of_batch = _of_a_batch(root, known, moved)
        for node in (*first_that_look(root, known, ahead=ahead), *of_batch):
            lines.setdefault(used_by[node].span if node in used_by else node.span, node)
        for node in lines.values():
            way = BATCH if node in of_batch else _way(node, views)
            found.append(_refusal(node, port, ahead, way, used_by.get(node)))
    return found


def _of_a_batch(root: Node, known: Mapping[Node, Reach], moved: Collection[str]) -> list[Node]:
    """What is made of the text and of a mean over all positions of a batch."""
    nodes = sorted_nodes([root])
    means = {n for n in nodes if isinstance(n.op, Input) and n.op.name in moved}
    return [n for n in nodes if not means.isdisjoint(n.inputs) and any(x in known for x in n.inputs)]


def _not_alone(text: Port, ports: tuple[Port, ...]) -> Diagnostic | None:
    """An error where `max=` cuts a text of many lines into windows, and something else stands in each line."""
    assert isinstance(text.sort, Tokens)
    others = [p for p in ports if p is not text and not (isinstance(p.sort, Following) and p.per == text.name)]
    if text.sort.max is None or not others:
        return None
    other = others[0]
    message = f"max={text.sort.max} makes one stream of all lines of {text.name}, and {other.name} stands in each line"
    help = "leave max= out: then each line is a sequence of its own"
    return Diagnostic("NN593", message, text.span, notes=(Note(other.span, "this one"),), help=help)


def _beside(text: Port, ports: tuple[Port, ...]) -> list[Port]:
    """The text, and the inputs that have one value for each of its tokens."""
    return [p for p in ports if p.name == text.name or (p.per == text.name and not p.output)]


def _views(text: Port, ports: tuple[Port, ...]) -> dict[str, View]:
    """By the name of the input that holds it, what is read of the text's tokens beside their ids."""
    return {view.of(port.name): view for port in _beside(text, ports) for view in port.views}


def _given(text: Port, ports: tuple[Port, ...], views: Mapping[str, View]) -> dict[str, Reach]:
    """Of the inputs that are made from the text: its ids, its views, and what stands beside each token."""
    assert isinstance(text.sort, Tokens)
    found: dict[str, Reach] = {p.name: HERE for p in _beside(text, ports)}
    return found | {name: _of_view(view, text.sort.reverse) for name, view in views.items()}


def _of_view(view: View, reverse: bool) -> Reach:
    """n-grams are made in the order of the text, whichever way the network reads it."""
    match view:
        case Ngrams(n=n, before=before):
            return Reach(n - 1, 0) if before != reverse else Reach(0, n - 1)
        case Spelling() | Sentence():
            return HERE


def _refusal(node: Node, port: Port, ahead: bool, way: Mapping[bool, str], use: Note | None) -> Diagnostic:
    sort = f"{'next' if ahead else 'previous'}({port.per})" if port.per is not None else "written token by token"
    snippet = node.span.snippet if node.span is not None else ""
    layer = snippet.rpartition("|")[2].split() or ["it"]
    message = f"{port.name} is {sort}, and this line looks {'ahead' if ahead else 'behind'}"
    what = "a position would be made from the token that it shall predict"
    notes = (Note(port.span, "this output"),)
    word = layer[0].partition("(")[0]
    way = POOLED if word == "attend" else way
    help = way[ahead].format(word)
    if use is not None and node.span is not None:
        inner = Note(node.span, "here, in the library")
        help = (
            f"{help}, as {'causal_layer' if port.per else 'decoder_layer'} does" if way is ATTENTION and ahead else help
        )
        return Diagnostic("NN519", message, use.span, what, (*notes, inner), help)
    return Diagnostic("NN519", message, node.span, what, notes, help)


def _way(node: Node, views: Mapping[str, View]) -> Mapping[bool, str]:
    """What to write instead, of `next` and of `previous`."""
    read = [views[n.op.name] for n in node.inputs if isinstance(n.op, Input) and n.op.name in views]
    match node.op:
        case Part() if isinstance(node.inputs[0].op, Scan):
            return LOOPS
        case Windows():
            return WINDOWS
        case HeadScores() | KeySoftmax() | CausalSoftmax() | HeadMix():
            return ATTENTION
        case _ if grams := [view for view in read if isinstance(view, Ngrams)]:
            # With n=2, and whichever way the text is read, the neighbour on the other side is no secret.
            return BEFORE if any(view.before for view in grams) else AFTER
        case _:
            return POOLED
