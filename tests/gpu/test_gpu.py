"""On a real GPU: every op, whole training runs, and the bits of dropout. Without one each test is skipped.

python -m pytest -m gpu
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compiler.ir.graph import Graph, Output, apply
from compiler.ir.types import BATCH, Dtype
from compiler.ops.chance import DropoutMask
from compiler.passes import optimize
from dsl.errors import RunError
from runtime.backend import Backend
from runtime.cuda_backend import cuda_backend
from runtime.execute import Executor
from runtime.interpret import evaluate
from runtime.numpy_backend import numpy_backend
from runtime.train import train
from tests.compiler.random_graphs import feeds_for, fresh_seed, random_graph, random_sizes
from tests.ops.case import Case
from tests.ops.test_ops import LENGTHS, every_case, fed, operand_nodes, values_of
from tests.runtime.jobs import BAG, NUMBERS, TEXT, job, write_data
from tests.runtime.test_execute import assert_program_agrees, compile_bucket, input_node

pytestmark = pytest.mark.gpu

ONE_OP = 1e-10
"""Of float64: exp, tanh and the like differ from the host's in their last bits."""

TRAINING = {"f64": 1e-8, "f32": 2e-3}
"""Of a weight after a few epochs: the differences of the single steps grow."""


@pytest.fixture(scope="session")
def backend() -> Backend:
    try:
        return cuda_backend()
    except RunError as error:
        pytest.skip(f"no GPU: {error.diagnostics[0].message}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_data(tmp_path)
    return tmp_path


@every_case
def test_op_on_the_gpu_computes_what_the_host_does(case: Case, backend: Backend):
    inputs, feeds = operand_nodes(case), fed(case, values_of(case))
    graph = Graph((*inputs, LENGTHS), (Output("y", case.node(inputs)),))
    wanted = evaluate(graph, feeds, case.sizes)["y"]
    found = Executor(backend, graph, compile_bucket, {}).run(feeds, case.sizes)["y"]
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=ONE_OP, atol=1e-12)


def test_random_programs_on_the_gpu_compute_what_the_interpreter_does(backend: Backend):
    for _ in range(25):
        seed = fresh_seed()
        print(f"seed {seed}")
        rng = np.random.default_rng(seed)
        graph, sizes = optimize(random_graph(seed)), random_sizes(rng)
        assert_program_agrees(graph, sizes, feeds_for(graph, sizes, rng), backend, ONE_OP)


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("spec", [TEXT, BAG, NUMBERS], ids=["textcnn", "bag", "mlp"])
def test_training_on_the_gpu_ends_near_the_host(spec: str, dtype: Dtype, folder: Path, backend: Backend):
    here = train(job(spec, folder, numpy_backend(), dtype), lambda event: None)
    there = train(job(spec, folder, backend, dtype), lambda event: None)
    for name, wanted in here.weights.items():
        tolerance = TRAINING[dtype]
        np.testing.assert_allclose(there.weights[name], wanted, rtol=tolerance, atol=tolerance, err_msg=name)


def test_training_on_the_gpu_twice_gives_the_same_bytes(folder: Path, backend: Backend):
    first, second = (train(job(TEXT, folder, backend, "f32"), lambda event: None) for _ in range(2))
    assert all(first.weights[name].tobytes() == second.weights[name].tobytes() for name in first.weights)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_gpu_drops_what_the_host_drops(dtype: Dtype, backend: Backend):
    seed, step = (input_node(name, "number", dtype="i64") for name in ("seed", "step"))
    graph = Graph((seed, step), (Output("y", apply(DropoutMask(0.3, 5, (BATCH, 333), dtype), seed, step)),))
    feeds = {"seed": np.int64(7), "step": np.int64(12)}
    here, there = (
        Executor(b, graph, compile_bucket, {}).run(feeds, {"B": 99})["y"] for b in (numpy_backend(), backend)
    )
    np.testing.assert_array_equal(here, there)


def test_memory_of_the_gpu_is_counted(backend: Backend):
    before = backend.available_bytes()
    kept = backend.empty(1 << 28)
    assert before - backend.available_bytes() >= kept.nbytes // 2
