"""A conditional random field over a chain of tags: the weight of all paths, of one, and the heaviest path.

A path y of a sequence of n positions scores first[y1] + sum of scores[t, yt] + sum of step[yt-1, yt] + last[yn]; its
probability is the exponential of that over the sum for all paths. Source: Lafferty, McCallum, Pereira 2001; in this
form, for networks, Collobert et al. 2011.

Only the forward direction is written down: the gradient is derived, and what it gives for the scores are the marginals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from compiler.autodiff import gradients
from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import BATCH, Dim, Type, is_ragged, plus, sequence_symbol
from compiler.ops.elementwise import Add, Cast, Greater, Maximum, Mul, Sub, constant
from compiler.ops.lookup import OneHot
from compiler.ops.normal import LogSumExp
from compiler.ops.product import MatMul
from compiler.ops.reduction import ArgMax, Max, Sum, TakeAlong
from compiler.ops.sequence import Lengths, Mask, TakePosition
from compiler.ops.shape import Broadcast, Reshape, Slice, Transpose, Windows
from compiler.recurrence import BY_TIME, Recurrence, State, ended_of, part, placeholder
from dsl.source import Span

IMPOSSIBLE = -1e4
"""What is added to the score of a tag or a step that cannot be: exp of it is 0, and sums with it stay exact enough."""


@dataclass(frozen=True)
class Chain:
    """scores: [B, T, K] of each tag at each position; step: [K, K] from a tag to the next; first, last: [K] at the ends

    lengths: i64[B], at least 1 each
    """

    scores: Node
    step: Node
    first: Node
    last: Node
    lengths: Node
    span: Span | None = None

    @property
    def length(self) -> Dim:
        return self.scores.type.shape[1]

    @property
    def tags(self) -> Dim:
        return self.scores.type.shape[2]

    def op(self, op: Op, *operands: Node) -> Node:
        return apply(op, *operands, span=self.span)

    def number(self, value: float) -> Node:
        return constant(value, self.scores.type.dtype, self.span)

    def columns(self, x: Node) -> Node:
        """[B, K] -> [B, K, 1]: the tag that a step starts from goes down the columns."""
        return self.op(Reshape((BATCH, self.tags, 1)), x)


def negative_log_likelihood(chain: Chain, tags: Node) -> Node:
    """tags: i64[B, T] -> [B], the sum over the positions of each row."""
    return chain.op(Sub(), log_partition(chain), path_score(chain, tags))


def partly_known(chain: Chain, tags: Node) -> Node:
    """The same where a tag below 0 is not known and may be any: -log of the sum over all paths that fit, [B]."""
    known = chain.op(Greater(), tags, constant(-1, "i64", chain.span))
    ids = chain.op(Add(), chain.op(Maximum(), tags, constant(-1, "i64", chain.span)), constant(1, "i64", chain.span))
    wide = chain.op(OneHot(plus(chain.tags, 1), chain.scores.type.dtype), _cleared(chain, ids))
    right = chain.op(Slice(2, 1, chain.tags), wide)
    shown = chain.op(Cast(right.type.dtype), chain.op(Reshape((*tags.type.shape, 1)), known))
    others = chain.op(Sub(), shown, right)
    scores = chain.op(Add(), chain.scores, chain.op(Mul(), others, chain.number(IMPOSSIBLE)))
    return chain.op(Sub(), log_partition(chain), log_partition(replace(chain, scores=scores)))


def log_partition(chain: Chain) -> Node:
    """log of the sum over all paths of exp(score): [B], by the forward algorithm."""
    loop, arriving, element = _loop(chain)
    here = chain.op(Add(), arriving.inner, element)
    leaving = chain.op(Add(), chain.columns(here), chain.step)
    arriving.next = chain.op(LogSumExp(1), leaving)
    final = _kept(chain, loop, "here", here)
    return chain.op(LogSumExp(1), chain.op(Add(), part(loop.close(), final), chain.last))


def marginals(chain: Chain) -> Node:
    """How likely each tag is at each position, whatever the others are: [B, T, K], 0 in the padding."""
    lengths = {sequence_symbol(chain.length): chain.lengths} if is_ragged(chain.length) else {}
    (found,) = gradients(chain.op(Sum((0,)), log_partition(chain)), [chain.scores], lengths)
    assert found is not None
    return _cleared(chain, found)


def path_score(chain: Chain, tags: Node) -> Node:
    """The score of one path: tags i64[B, T] -> [B]. What stands past a row's length does not count."""
    zero, one = constant(0, "i64", chain.span), constant(1, "i64", chain.span)
    # Id 0 is all zeros: the padding's, and what stands before the first tag.
    ids = _cleared(chain, chain.op(Add(), tags, one))
    wide = chain.op(OneHot(plus(chain.tags, 1), chain.scores.type.dtype), ids)
    at = chain.op(Slice(2, 1, chain.tags), wide)
    pairs = chain.op(Windows(2, before=1), at)
    before = chain.op(Reshape(at.type.shape), chain.op(Slice(2, 0, 1), pairs))
    taken = chain.op(Add(), chain.scores, chain.op(MatMul(), before, chain.step))
    along = chain.op(Sum((1, 2)), _cleared(chain, chain.op(Mul(), at, taken)))
    start = chain.op(TakePosition(), at, chain.op(Broadcast((BATCH,)), zero))
    end = chain.op(TakePosition(), at, _last_position(chain))
    ends = chain.op(Add(), chain.op(Mul(), start, chain.first), chain.op(Mul(), end, chain.last))
    return chain.op(Add(), along, chain.op(Sum((1,)), ends))


def best_path(chain: Chain) -> Node:
    """The path that scores highest: i64[B, T], 0 in the padding, by Viterbi's algorithm; of equal ones any."""
    loop, arriving, element = _loop(chain)
    here = chain.op(Add(), arriving.inner, element)
    leaving = chain.op(Add(), chain.columns(here), chain.step)
    arriving.next = chain.op(Max(1), leaving)
    # From which tag one comes to each tag of a position: known one step before.
    nowhere = chain.op(Broadcast((BATCH, chain.tags)), constant(0, "i64", chain.span))
    back = placeholder(loop.fresh("back"), nowhere.type, chain.span)
    loop.states.append(State(back, nowhere, chain.op(ArgMax(1), leaving)))
    final = _kept(chain, loop, "here", here)
    loop.outputs = [back]
    forward = loop.close()
    best = chain.op(ArgMax(1), chain.op(Add(), part(forward, final), chain.last))
    return _cleared(chain, _traced(chain, part(forward, len(loop.states)), best))


def _traced(chain: Chain, back: Node, best: Node) -> Node:
    """The path that ends in a tag: back i64[T, B, K] and best i64[B] -> i64[B, T]."""
    loop = Recurrence([], [], [], chain.length, True, ended_of(chain.length, chain.lengths, chain.span), chain.span)
    tag = placeholder(loop.fresh("tag"), Type("i64", (BATCH, 1)), chain.span)
    before = chain.op(TakeAlong(1), loop.element(back, "back"), tag)
    loop.states.append(State(tag, chain.op(Reshape((BATCH, 1)), best), before))
    loop.outputs = [tag]
    path = chain.op(Transpose(BY_TIME), part(loop.close(), 1))
    return chain.op(Reshape((BATCH, chain.length)), path)


def _loop(chain: Chain) -> tuple[Recurrence, State, Node]:
    """A walk over the positions whose first state is what arrives at each tag, its own score not yet counted."""
    ended = ended_of(chain.length, chain.lengths, chain.span)
    loop = Recurrence([], [], [], chain.length, False, ended, chain.span)
    initial = chain.op(Broadcast((BATCH, chain.tags)), chain.first)
    inner = placeholder(loop.fresh("arriving"), initial.type, chain.span)
    loop.states.append(State(inner, initial, inner))
    return loop, loop.states[0], loop.element(chain.op(Transpose(BY_TIME), chain.scores), "scores")


def _kept(chain: Chain, loop: Recurrence, name: str, value: Node) -> int:
    """A state that is this value of a row's last step; which part of the scan it is."""
    zeros = constant(0.0, value.type.dtype, chain.span)
    initial = chain.op(Broadcast(value.type.shape), zeros)
    loop.states.append(State(placeholder(loop.fresh(name), value.type, chain.span), initial, value))
    return len(loop.states) - 1


def _cleared(chain: Chain, x: Node) -> Node:
    """x with zeros in its padding."""
    return chain.op(Mask("zero"), x, chain.lengths) if is_ragged(chain.length) else x


def _last_position(chain: Chain) -> Node:
    """i64[B]"""
    if isinstance(chain.length, int):
        return chain.op(Broadcast((BATCH,)), constant(chain.length - 1, "i64", chain.span))
    count = chain.op(Lengths(chain.length, "i64"), chain.lengths)
    return chain.op(Sub(), count, constant(1, "i64", chain.span))
