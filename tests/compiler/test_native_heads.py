"""Attention's products as kernels: small ones that stay in registers, and larger ones by BLAS."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.emit import sequences
from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import Type
from compiler.ops.attention import HeadMix, HeadScores
from compiler.pipeline import compile_native
from runtime.execute import Executor
from tests.runtime.native.kernels import needs_numba, shared_backend

SIZES = [(64, 64, 32), (9, 17, 5), (1, 40, 3), (33, 1, 16), (8, 32, 64)]
"""Queries, keys, and numbers of a head."""
BATCH, HEADS = 2, 3


def given(name: str, *shape: int) -> Node:
    type = Type("f32", shape)
    return Node(Input(name, "data", type), (), type)


@needs_numba
@pytest.mark.parametrize("small", [sequences.SMALL, 0], ids=["small", "BLAS"])
@pytest.mark.parametrize(("queries", "keys", "n"), SIZES)
def test_products_of_all_heads(monkeypatch: pytest.MonkeyPatch, queries: int, keys: int, n: int, small: int):
    monkeypatch.setattr(sequences, "SMALL", small)
    q, k = given("q", BATCH, queries, HEADS * n), given("k", BATCH, keys, HEADS * n)
    w = given("w", BATCH, HEADS, queries, keys)
    graph = Graph(
        (q, k, w),
        (Output("scores", apply(HeadScores(HEADS), q, k)), Output("mix", apply(HeadMix(HEADS), w, k))),
    )
    rng = np.random.default_rng(1)
    fed = {
        "q": rng.standard_normal((BATCH, queries, HEADS * n)).astype(np.float32),
        "k": rng.standard_normal((BATCH, keys, HEADS * n)).astype(np.float32),
        "w": rng.standard_normal((BATCH, HEADS, queries, keys)).astype(np.float32),
    }
    source, _ = compile_native(graph, {})
    assert ("rows_wide" in source) == bool(small)
    found = Executor(shared_backend(), graph, compile_native, {}).run(fed, {})
    heads = {name: fed[name].reshape(BATCH, -1, HEADS, n) for name in ("q", "k")}
    wanted = {
        "scores": np.einsum("bqhn,bkhn->bhqk", heads["q"], heads["k"]),
        "mix": np.einsum("bhqk,bkhn->bqhn", fed["w"], heads["k"]).reshape(BATCH, queries, HEADS * n),
    }
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-4)
