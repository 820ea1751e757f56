"""Rows for attention and for positions: head by head in plain loops and einsum."""

from __future__ import annotations

import math

import numpy as np

from compiler.ir.types import BATCH, columns, moved
from compiler.ops import attention, normal, pointing, positions, relative
from tests.ops.case import IDS, LENGTHS, LENGTHS_TYPE, SIZES, TEXT, Case, T, V, alone, f64, i64
from tests.ops.formulas import Array, softmax_of

S = columns(T)
KEYS = f64(BATCH, T, 4)
MEMORY = f64(BATCH, 3, 4)
"""Keys of a fixed number."""
WEIGHTS = f64(BATCH, 2, T, S)
CLEAN = f64(BATCH, 2, T, S, pad="zero")
FEWER = f64(BATCH, 1, 2, columns(moved(T, -2)))


def in_heads(x: Array, heads: int) -> Array:
    """[B, T, heads n] -> [B, T, heads, n], a head after the other."""
    return np.stack(np.split(x, heads, axis=-1), axis=2)


def scores(heads: int):
    return lambda q, k: np.einsum("bthn,bshn->bhts", in_heads(q, heads), in_heads(k, heads))


def mixed(heads: int):
    return lambda w, v: np.concatenate([np.einsum("bts,bsn->btn", w[:, h], part)
                                        for h, part in enumerate(np.split(v, heads, axis=-1))], axis=-1)  # fmt: skip


def spread(heads: int):
    return lambda w, x: mixed(heads)(np.swapaxes(w, 2, 3), x)


def of_real_keys(lengths: tuple[int, ...]):
    def formula(x: Array, _: Array) -> Array:
        found = np.zeros_like(x)
        for b, length in enumerate(lengths):
            found[b, ..., :length] = softmax_of(x[b, ..., :length])
        return found

    return formula


def of_real_positions(x: Array, lengths: Array) -> Array:
    found = np.zeros_like(x)
    for row, length in enumerate(lengths):
        found[row, :length] = softmax_of(x[row, :length].T).T
    return found


def of_keys_so_far(x: Array) -> Array:
    found = np.zeros_like(x)
    for t in range(x.shape[2]):
        found[:, :, t, : t + 1] = softmax_of(x[:, :, t, : t + 1])
    return found


def wave(t: int, column: int, width: int) -> float:
    angle = t / 10000 ** ((column - column % 2) / width)
    return math.cos(angle) if column % 2 else math.sin(angle)


def waves(length: int, width: int) -> Array:
    return np.array([[[wave(t, c, width) for c in range(width)] for t in range(length)]])


def first_rows(table: Array) -> Array:
    padded = np.zeros((1, SIZES["T"], table.shape[1]))
    padded[0, : len(table)] = table[: SIZES["T"]]
    return padded


def bucket(ahead: int, count: int, causal: bool) -> int:
    """Of a key that stands so far ahead of the query, as T5 has it."""
    side = count if causal else count // 2
    behind, each = max(-ahead, 0) if causal else abs(ahead), side // 2
    if behind >= each:
        behind = each + int(math.log(behind / each) / math.log(128 / each) * (side - each) + 1e-9)
    return min(behind, side - 1) + (0 if causal or ahead <= 0 else side)


def biases(causal: bool, length: int = 5):
    return lambda table: np.array([[[table[bucket(s - t, len(table), causal)] for s in range(length)]
                                    for t in range(length)]]).transpose(0, 3, 1, 2)  # fmt: skip


def sums(count: int, causal: bool):
    def formula(x: Array) -> Array:
        found = np.zeros((count, x.shape[1]))
        for t in range(x.shape[2]):
            for s in range(x.shape[3]):
                found[bucket(s - t, count, causal)] += x[0, :, t, s]
        return found

    return formula


def biases_at(count: int, causal: bool):
    return lambda table, at: np.array([[[[table[bucket(s - int(t), count, causal), h] for s in range(5)]]
                                        for h in range(table.shape[1])] for (t,) in at])  # fmt: skip


ATTENTION = [
    Case("head scores", attention.HeadScores(2), (KEYS, KEYS), scores(2), WEIGHTS, smooth=(0, 1)),
    Case("head scores of one head", attention.HeadScores(1), (TEXT, TEXT), scores(1),
         f64(BATCH, 1, T, S, pad="zero"), smooth=(0, 1)),
    Case("head scores of a memory", attention.HeadScores(4), (KEYS, MEMORY), scores(4), f64(BATCH, 4, T, 3),
         smooth=(0, 1)),
    Case("head scores of fixed queries", attention.HeadScores(2), (MEMORY, KEYS), scores(2), f64(BATCH, 2, 3, S),
         smooth=(0, 1)),
    Case("head mix", attention.HeadMix(2), (WEIGHTS, KEYS), mixed(2), KEYS, smooth=(0, 1)),
    Case("head mix of a memory", attention.HeadMix(1), (f64(BATCH, 1, T, 3, pad="any"), MEMORY), mixed(1),
         f64(BATCH, T, 4, pad="any")),
    Case("head spread", attention.HeadSpread(2, T), (CLEAN, KEYS), spread(2), KEYS, smooth=(0, 1)),
    Case("head spread to a memory", attention.HeadSpread(2, 3), (f64(BATCH, 2, T, 3), f64(BATCH, T, 4, pad="zero")),
         spread(2), MEMORY, smooth=(0, 1)),
    Case("to columns", attention.ToColumns(), (KEYS,), lambda x: x, f64(BATCH, S, 4), smooth=(0,)),
    Case("to positions", attention.ToPositions(), (f64(BATCH, S, 2, 3),), lambda x: x, f64(BATCH, T, 2, 3),
         smooth=(0,)),
    Case("key softmax", attention.KeySoftmax(), (WEIGHTS, LENGTHS_TYPE), of_real_keys(LENGTHS), WEIGHTS,
         ("wide", "lengths"), (0,)),
    Case("key softmax of queries that are 0", attention.KeySoftmax(), (CLEAN, LENGTHS_TYPE), of_real_keys(LENGTHS),
         WEIGHTS, ("wide", "lengths")),
    Case("key softmax of a shorter sequence", attention.KeySoftmax(), (FEWER, LENGTHS_TYPE),
         of_real_keys((1, 3, 1)), FEWER, ("normal", "lengths"), (0,)),
    Case("position softmax", normal.PositionSoftmax(), (f64(BATCH, T, 2, pad="any"), LENGTHS_TYPE), of_real_positions,
         TEXT, ("wide", "lengths"), (0,)),
    Case("position softmax of a shorter sequence", normal.PositionSoftmax(),
         (f64(BATCH, moved(T, -2), 3), LENGTHS_TYPE), lambda x, n: of_real_positions(x, np.maximum(n - 2, 1)),
         f64(BATCH, moved(T, -2), 3, pad="zero"), ("normal", "lengths"), (0,)),
    Case("causal softmax", attention.CausalSoftmax(), (WEIGHTS,), of_keys_so_far, WEIGHTS, ("wide",), (0,)),
    Case("causal softmax of fixed positions", attention.CausalSoftmax(), (f64(2, 1, 3, 3),), of_keys_so_far,
         f64(2, 1, 3, 3), smooth=(0,)),
    alone(Case("attention of a text of one word", attention.HeadScores(2), (KEYS, KEYS), scores(2), WEIGHTS,
               smooth=(0, 1))),
]  # fmt: skip

RELATIVE = [
    *(Case(f"relative bias of {n} buckets{' causal' * causal}", relative.RelativeBias(T, causal), (f64(n, 2),),
           biases(causal), f64(1, 2, T, S), smooth=(0,)) for n, causal in ((8, False), (6, False), (4, True))),
    *(Case(f"relative bias of a long sequence{' causal' * causal}", relative.RelativeBias(150, causal), (f64(12, 1),),
           biases(causal, 150), f64(1, 1, 150, 150)) for causal in (False, True)),
    *(Case(f"relative sums{' causal' * causal}", relative.RelativeSums(6, causal), (f64(1, 2, T, S, pad="zero"),),
           sums(6, causal), f64(6, 2), smooth=(0,)) for causal in (False, True)),
    *(Case(f"relative bias at{' causal' * causal}", relative.RelativeBiasAt(S, causal), (f64(6, 2), i64(BATCH, 1)),
           biases_at(6, causal), f64(BATCH, 2, 1, S), ("normal", "ids 9")) for causal in (False, True)),
]  # fmt: skip


def added_at(weights: Array, ids: Array) -> Array:
    found = np.zeros((*weights.shape[:2], 7))
    for b, s in np.argwhere(ids):
        found[b, :, ids[b, s]] += weights[b, :, s]
    return found


def taken_at(x: Array, ids: Array) -> Array:
    return np.stack([np.where(row == 0, 0, values[:, row]) for values, row in zip(x, ids, strict=True)])


POINTING = [
    *(Case(f"add at ids of {t}", pointing.AddAtIds(7), (f64(BATCH, t, S, pad=pad), IDS), added_at,
           f64(BATCH, t, 7, pad=pad), ("normal", "ids 7"), (0,)) for t, pad in ((2, "finite"), (T, "zero"))),
    Case("add at ids of a fixed text", pointing.AddAtIds(V), (f64(3, 2, 4), i64(3, 4)), added_at, f64(3, 2, V),
         ("normal", "ids 7"), (0,)),
    *(Case(f"take at ids of {t}", pointing.TakeAtIds(), (f64(BATCH, t, 7), IDS), taken_at, f64(BATCH, t, S),
           ("normal", "ids 7"), (0,)) for t in (2, T)),
    alone(Case("add at ids", pointing.AddAtIds(7), (f64(BATCH, 2, S), IDS), added_at, f64(BATCH, 2, 7),
               ("normal", "ids 7"), (0,))),
]  # fmt: skip

POSITIONS = [
    Case("sinusoid", positions.Sinusoid(T, 6, "f64"), (), lambda: waves(5, 6), f64(1, T, 6)),
    Case("sinusoid of an odd width", positions.Sinusoid(4, 3, "f64"), (), lambda: waves(4, 3), f64(1, 4, 3)),
    Case("sinusoid at", positions.SinusoidAt(5, "f64"), (i64(BATCH, 1),),
         lambda at: np.array([[[wave(int(t), c, 5) for c in range(5)] for t in row] for row in at]), f64(BATCH, 1, 5),
         ("ids 9",)),
    Case("take first", positions.TakeFirst(T), (f64(7, 2),), first_rows, f64(1, T, 2), smooth=(0,)),
    Case("take first of fewer", positions.TakeFirst(T), (f64(3, 2),), first_rows, f64(1, T, 2), smooth=(0,)),
    Case("put first", positions.PutFirst(7), (f64(1, T, 2, pad="zero"),),
         lambda x: np.concatenate([x[0], np.zeros((2, 2))]), f64(7, 2), smooth=(0,)),
    Case("put first of more", positions.PutFirst(3), (f64(1, T, 2, pad="zero"),), lambda x: x[0, :3], f64(3, 2),
         smooth=(0,)),
]  # fmt: skip
