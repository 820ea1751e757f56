"""One query or many look at a memory: a mean of its positions, weighted by how well they match, in one piece."""

from __future__ import annotations

from compiler.build import Use
from compiler.experiment import Init
from compiler.ir.graph import Node
from compiler.ir.types import Dim, columns, is_ragged
from compiler.layers.activation import numbers
from compiler.layers.attention import known_width, weights_of
from compiler.layers.convolution import sequence
from compiler.layers.joining import differ
from compiler.layers.recurrent import dropped, in_cell, start_of
from compiler.layers.word import WEIGHTS, LayerWord
from compiler.ops.attention import HeadMix, HeadScores, ToColumns
from compiler.ops.elementwise import Add, Tanh
from compiler.ops.product import MatMul
from compiler.ops.shape import Reshape
from compiler.signature import Setting, Signature
from compiler.values import is_picture, is_sequence, what


def _attend(use: Use, operands: tuple[Node, ...]) -> Node:
    """The sum over positions s of a_s values_s, a the softmax over s of score(query, memory_s).

    query: [B, D] -> [B, F], or [B, T, D] -> [B, T, F]; memory: [B, S, E]; values: [B, S, F], the memory if left out.
    Padding of the memory has weight 0. additive: v tanh(query W + memory U), Bahdanau et al. 2015, A.1.2; general:
    query W memory; dot: query memory, Luong et al. 2015, 3.1.
    """
    build, query, memory, values = use.build, operands[0], operands[1], operands[-1]
    numbers(use, query)
    if is_picture(query):
        use.fail("NN216", f"attend needs vectors, but gets {what(query)}", help="put flatten before it", about=query)
    for x in (memory, values):
        sequence(use, x)
    if values.type.shape[1] != memory.type.shape[1]:
        differ(use, memory, values, "")
    own = [n for n in ("init", "scale", "tied") if use.settings[n] is not None] + ["frozen"] * use.flag("frozen")
    kind = use.word_of("score")
    if kind == "dot" and own:
        message = f"attend dot has no weights, which {own[0]} is about"
        use.fail("NN405", message, help=f"leave {own[0]} out, or write additive or general")
    many = is_sequence(query)
    query, memory, values = (build.finite(x, use.span) for x in (query, memory, values))
    given = query.type.shape
    asked = dropped(use, query) if kind != "dot" else query
    if not many:
        asked = use.op(Reshape((given[0], 1, given[1])), asked)
    scores = _additive(use, asked, memory) if kind == "additive" else _product(use, asked, memory, kind == "general")
    weights = weights_of(use, scores)
    found = use.op(HeadMix(1), weights, values)
    result = found if many else use.op(Reshape((given[0], found.type.shape[-1])), found)
    if many and use.label is not None:
        build.parts[result] = {"weights": use.op(Reshape((*given[:2], weights.type.shape[3])), weights)}
    return result


def _additive(use: Use, query: Node, memory: Node) -> Node:
    """[B, T, D], [B, S, E] -> [B, 1, T, S], by way of [B, T, S, D]."""
    width, wide = known_width(use, query), memory.type.shape[-1]
    asked = use.op(MatMul(), query, _weight(use, "query", width, width))
    keys = use.op(MatMul(), memory, _weight(use, "memory", wide, width))
    held = use.op(ToColumns(), keys) if is_ragged(keys.type.shape[1]) else keys
    rows, queries = query.type.shape[:2]
    spread = use.op(Reshape((rows, queries, 1, width)), asked)
    together = use.op(Add(), spread, use.op(Reshape((rows, 1, *held.type.shape[1:])), held))
    score = use.op(MatMul(), use.op(Tanh(), together), _weight(use, "score", width, 1))
    return use.op(Reshape((rows, 1, queries, columns(memory.type.shape[1]))), score)


def _product(use: Use, query: Node, memory: Node, general: bool) -> Node:
    """[B, T, D], [B, S, E] -> [B, 1, T, S]"""
    width, wide = known_width(use, query), known_width(use, memory)
    if general:
        query = use.op(MatMul(), query, _weight(use, "query", width, wide))
    elif width != wide:
        message = f"attend dot needs a query and a memory of one width, but they are {width} and {wide} wide"
        use.fail("NN201", message, help="write general, which has a matrix between the two", about=query)
    return use.op(HeadScores(1), query, memory)


def _weight(use: Use, of: str, rows: Dim, width: Dim) -> Node:
    start: Init = start_of(use, rows, width)
    return in_cell(use).weight(f"weight_{of}", (rows, width), start)


ATTEND = LayerWord(
    Signature(
        "attend",
        "a mean of a memory's positions (or of values= that belong to them), weighted by how well they match a query",
        (
            Setting(
                "score",
                "choice",
                "additive: v tanh(query W + memory U); general: query W memory; dot: query memory",
                "additive",
                choices=("additive", "dot", "general"),
            ),
            *WEIGHTS,
        ),
        ("score",),
    ),
    _attend,
    operands=("query", "memory"),
    named=("values",),
    weights=True,
)
LAYERS = (ATTEND,)
