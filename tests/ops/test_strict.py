"""Every op on what stands in for a GPU: what CuPy would refuse is refused, and the numbers are the host's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.ir.graph import Graph, Op, Output
from compiler.pipeline import compile_bucket
from compiler.plan import groups
from runtime.execute import Executor
from runtime.interpret import evaluate
from runtime.kernels import KERNELS, called_by_programs
from runtime.kernels.device import DEVICE_KERNELS
from tests.ops.case import Case
from tests.ops.cases import CASES
from tests.ops.test_ops import LENGTHS, every_case, fed, operand_nodes, values_of
from tests.runtime.strict_backend import strict_backend
from tests.runtime.strict_xp import StrictError


@every_case
@pytest.mark.parametrize("blocks", [False, True], ids=["whole", "in blocks"])
def test_op_on_a_device_computes_what_the_host_does(case: Case, blocks: bool, monkeypatch: pytest.MonkeyPatch):
    if blocks:
        monkeypatch.setattr(groups, "BLOCK", 3)
        monkeypatch.setattr(groups, "WORTH_BLOCKS", 1)
    inputs, feeds = operand_nodes(case), fed(case, values_of(case))
    graph = Graph((*inputs, LENGTHS), (Output("y", case.node(inputs)),))
    wanted = evaluate(graph, feeds, case.sizes)["y"]
    executor = Executor(strict_backend(), graph, compile_bucket, {})
    # The second run finds in memory what the first one left.
    for _ in range(2):
        found = executor.run(feeds, case.sizes)["y"]
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("op", DEVICE_KERNELS, ids=lambda op: op.__name__)
def test_kernel_has_one_for_devices_only_where_the_one_for_the_host_is_refused(op: type[Op]):
    kernels = called_by_programs({**KERNELS, **DEVICE_KERNELS, op: KERNELS[op]})
    of_the_host = replace(strict_backend(), kernels=kernels)
    case = next(case for case in CASES if type(case.op) is op)
    inputs, feeds = operand_nodes(case), fed(case, values_of(case))
    graph = Graph((*inputs, LENGTHS), (Output("y", case.node(inputs)),))
    with pytest.raises(StrictError):
        Executor(of_the_host, graph, compile_bucket, {}).run(feeds, case.sizes)
