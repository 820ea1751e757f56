"""Every op with compiled kernels: what the interpreter computes, in both widths."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from compiler.ir.graph import Graph, Output
from compiler.ops.fused import Fused
from compiler.pipeline import compile_native
from runtime.execute import Executor
from runtime.interpret import evaluate
from tests.ops.case import LENGTHS_INPUT, Case
from tests.ops.cases import CASES
from tests.ops.test_ops import fed, operand_nodes, values_of
from tests.runtime.native.kernels import all_shared, needs_numba, shared_backend

__all__ = ["all_shared"]


@needs_numba
@pytest.mark.parametrize(("dtype", "threads"), [("f32", 1), ("f64", 1), ("f32", 2)])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
@pytest.mark.usefixtures("all_shared")
def test_compiled_op_computes_what_the_interpreter_does(case: Case, dtype: str, threads: int):
    fields = {}
    if dtype == "f32":
        if isinstance(case.op, Fused):
            return  # its constants have their own dtype
        fields = {"dtype": "f32"} if getattr(case.op, "dtype", None) == "f64" else {}
        case = replace(case, operands=tuple(t.with_dtype("f32") if t.dtype == "f64" else t for t in case.operands))
    inputs, values = operand_nodes(case), fed(case, values_of(case))
    node = replace(case, op=replace(case.op, **fields)).node(inputs)
    graph = Graph((*inputs, LENGTHS_INPUT), (Output("y", node),))
    compile_it = partial(compile_native, threads=threads)
    found = Executor(shared_backend(threads), graph, compile_it, {}).run(values, case.sizes)["y"]
    wanted = evaluate(graph, values, case.sizes)["y"]
    assert found.dtype == wanted.dtype
    near = {"f32": {"rtol": 2e-6, "atol": 1e-6}, "f64": {"rtol": 1e-14, "atol": 1e-15}}[dtype]
    np.testing.assert_allclose(found, wanted, **near)
