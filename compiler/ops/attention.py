"""Attention: every query meets every key, head by head; weights over the keys; means of their values.

Queries stand at the positions T of one sequence, keys at the positions of another (or the same one), which are written
as columns S: `[B, heads, T, S]` is ragged in the queries alone, and a key that is padding has weight 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Dim, Pad, Type, TypeRuleError, columns, elements, is_ragged, positions, rows_of, value_of
from compiler.ops.normal import softmax_gradient
from compiler.ops.sequence import one_each

KNOWN: tuple[Pad, ...] = ("zero", "finite")


def _sequence(x: Type, heads: int) -> None:
    width = x.shape[-1] if x.rank == 3 else 0
    # What only data tell is a multiple of 1.
    parted = heads == 1 or (isinstance(width, int) and width % heads == 0)
    if x.rank != 3 or not parted or x.ragged not in (None, 1) or x.rows is not None:
        raise TypeRuleError(f"wants a sequence [B, T, D], D a multiple of {heads}")


def _weights(w: Type, heads: int) -> None:
    if w.rank != 4 or w.shape[1] != heads or is_ragged(w.shape[3]) or w.rows is not None:
        raise TypeRuleError(f"wants weights [B, {heads}, T, S]")


def _kept(x: Type) -> Pad:
    """What stands in the padding of products with finite numbers."""
    return x.pad if x.pad in KNOWN else "any"


@dataclass(frozen=True)
class HeadScores(Op):
    """The inner product of each query with each key, in each head.

    q: [B, T, heads n], k: [B, S, heads n], finite in its padding -> [B, heads, T, S], S as columns
    """

    heads: int

    def infer(self, *inputs: Type) -> Type:
        q, k = inputs
        _sequence(q, self.heads)
        _sequence(k, self.heads)
        if q.dtype != k.dtype or q.shape[0] != k.shape[0] or q.shape[2] != k.shape[2]:
            raise TypeRuleError("wants queries and keys of one batch, dtype and width")
        if k.ragged is not None and k.pad not in KNOWN:
            raise TypeRuleError("what stands in the padding of the keys must be finite")
        return Type(q.dtype, (q.shape[0], self.heads, q.shape[1], columns(k.shape[1]))).with_pad(_kept(q))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        q, k = node.inputs
        return apply(HeadMix(self.heads), cotangent, k), apply(HeadSpread(self.heads, k.type.shape[1]), cotangent, q)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 2 * elements(out, sizes) * value_of(inputs[0].shape[2], sizes) // self.heads


@dataclass(frozen=True)
class HeadMix(Op):
    """For each query, in each head, the sum over the keys of weight times value.

    w: [B, heads, T, S], v: [B, S, heads n], finite in its padding -> [B, T, heads n]
    """

    heads: int

    def infer(self, *inputs: Type) -> Type:
        w, v = inputs
        _weights(w, self.heads)
        _sequence(v, self.heads)
        if w.dtype != v.dtype or w.shape[0] != v.shape[0] or w.shape[3] != columns(v.shape[1]):
            raise TypeRuleError("wants weights of these values, of one dtype")
        if v.ragged is not None and v.pad not in KNOWN:
            raise TypeRuleError("what stands in the padding of the values must be finite")
        return Type(w.dtype, (w.shape[0], w.shape[2], v.shape[2])).with_pad(_kept(w))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        w, v = node.inputs
        spread = HeadSpread(self.heads, v.type.shape[1])
        return apply(HeadScores(self.heads), cotangent, v), apply(spread, w, cotangent)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 2 * elements(inputs[0], sizes) * value_of(out.shape[2], sizes) // self.heads


@dataclass(frozen=True)
class HeadSpread(Op):
    """For each key, in each head, the sum over the queries of weight times what the query has: the adjoint of HeadMix.

    w: [B, heads, T, S], x: [B, T, heads n] -> [B, length, heads n], length being S as positions. Where T is ragged, one
    of them must be 0 in the padding and the other finite.
    """

    heads: int
    length: Dim

    def infer(self, *inputs: Type) -> Type:
        w, x = inputs
        _weights(w, self.heads)
        _sequence(x, self.heads)
        if w.dtype != x.dtype or w.shape[0] != x.shape[0] or w.shape[2] != x.shape[1]:
            raise TypeRuleError("wants weights of these queries, of one dtype")
        if w.shape[3] != columns(self.length):
            raise TypeRuleError(f"there are {w.shape[3]} keys, not {self.length}")
        if x.ragged is not None and ("zero" not in (w.pad, x.pad) or {w.pad, x.pad} - set(KNOWN)):
            raise TypeRuleError("the sum would count the padding: it must be 0 in one and finite in the other")
        return Type(w.dtype, (w.shape[0], self.length, x.shape[2]))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        w, x = node.inputs
        return apply(HeadScores(self.heads), x, cotangent), apply(HeadMix(self.heads), w, cotangent)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 2 * elements(inputs[0], sizes) * value_of(out.shape[2], sizes) // self.heads


@dataclass(frozen=True)
class ToColumns(Op):
    """A sequence as an array that is not ragged, a column for each position: [B, T, *R] -> [B, S, *R].

    What stands in the padding must be finite, and stands there still.
    """

    view: ClassVar[bool] = True

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        if x.ragged != 1 or x.rows is not None or x.pad not in KNOWN:
            raise TypeRuleError("wants a sequence [B, T, ...] whose padding is finite")
        return Type(x.dtype, (x.shape[0], columns(x.shape[1]), *x.shape[2:]))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(ToPositions(), cotangent),)


@dataclass(frozen=True)
class ToPositions(Op):
    """What ToColumns undoes: [B, S, *R] -> [B, T, *R]."""

    view: ClassVar[bool] = True

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        if x.rank < 2 or positions(x.shape[1]) == x.shape[1] or x.ragged is not None or x.rows is not None:
            raise TypeRuleError("wants a column for each position [B, S, ...]")
        return Type(x.dtype, (x.shape[0], positions(x.shape[1]), *x.shape[2:]))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(ToColumns(), cotangent),)


def _softmax(scores: Type) -> tuple[Type, Type]:
    """The weights, and work space for a number of each row."""
    if scores.rank != 4 or is_ragged(scores.shape[3]) or scores.rows is not None or scores.dtype not in ("f32", "f64"):
        raise TypeRuleError("wants scores [B, heads, T, S]")
    # The softmax of zeros is no zero.
    pad: Pad = "finite" if scores.pad in KNOWN else "any"
    return scores.with_pad(pad), Type(scores.dtype, (*scores.shape[:-1], 1))


@dataclass(frozen=True)
class KeySoftmax(Op):
    """The softmax of each query's scores over the keys that are real; 0 for padding, and for all if none is real.

    scores: [B, heads, T, S], lengths: i64[B] of the keys' sequence -> the same
    """

    def infer(self, *inputs: Type) -> Type:
        scores, lengths = inputs
        result, _ = _softmax(scores)
        keys = positions(scores.shape[3])
        if not is_ragged(keys):
            raise TypeRuleError("all keys are real")
        one_each(lengths, rows_of(keys))
        return result

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        scores = inputs[0]
        return _softmax(scores)[1], Type(scores.dtype, (scores.shape[0], 1, 1, scores.shape[3]))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return softmax_gradient(node, cotangent), None

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 4 * elements(out, sizes)


@dataclass(frozen=True)
class CausalSoftmax(Op):
    """The softmax of each query's scores over the keys up to its own position; 0 for those behind it.

    scores: [B, heads, T, S], S as many as T -> the same. A query that is no padding sees no key that is.
    """

    def infer(self, *inputs: Type) -> Type:
        (scores,) = inputs
        result, _ = _softmax(scores)
        if scores.shape[3] != columns(scores.shape[2]):
            raise TypeRuleError(f"{scores.shape[2]} queries have no place among {scores.shape[3]} keys")
        return result

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        scores = inputs[0]
        return _softmax(scores)[1], Type(scores.dtype, (scores.shape[3], scores.shape[3]))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (softmax_gradient(node, cotangent),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 4 * elements(out, sizes)
