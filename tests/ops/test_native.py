"""Every op with compiled kernels: what the interpreter computes, in both widths."""

from __future__ import annotations

from dataclasses import replace

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
from tests.runtime.native.kernels import needs_numba, shared_backend


@needs_numba
@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_compiled_op_computes_what_the_interpreter_does(case: Case, dtype: str):
    fields = {}
    if dtype == "f32":
        if isinstance(case.op, Fused):
            return  # its constants have their own dtype
        fields = {"dtype": "f32"} if getattr(case.op, "dtype", None) == "f64" else {}
        case = replace(case, operands=tuple(t.with_dtype("f32") if t.dtype == "f64" else t for t in case.operands))
    inputs, values = operand_nodes(case), fed(case, values_of(case))
    node = replace(case, op=replace(case.op, **fields)).node(inputs)
    graph = Graph((*inputs, LENGTHS_INPUT), (Output("y", node),))
    found = Executor(shared_backend(), graph, compile_native, {}).run(values, case.sizes)["y"]
    wanted = evaluate(graph, values, case.sizes)["y"]
    assert found.dtype == wanted.dtype
    near = {"f32": {"rtol": 2e-6, "atol": 1e-6}, "f64": {"rtol": 1e-14, "atol": 1e-15}}[dtype]
    np.testing.assert_allclose(found, wanted, **near)
