"""Every op: its type, its numbers, its gradient in float64, and the same from the emitted program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.autodiff import gradients
from compiler.emit.numpy import emit
from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ops import OPS
from compiler.ops.fused import Fused
from compiler.ops.lookup import Dense
from compiler.ops.scan import Part, Scan
from compiler.plan import groups, make_plan
from runtime.execute import Executor
from runtime.interpret import evaluate
from runtime.kernels import KERNELS
from runtime.numpy_backend import numpy_backend
from tests.ops.case import LENGTHS_INPUT, Case, drawn, real
from tests.ops.cases import CASES
from tests.ops.formulas import Array

STEP = 1e-6
"""Of the central differences: their error is about its square, and 1e-16 over it."""

NAMES = [case.name for case in CASES]
every_case = pytest.mark.parametrize("case", CASES, ids=NAMES)
LENGTHS = LENGTHS_INPUT


def operand_nodes(case: Case) -> tuple[Node, ...]:
    return tuple(apply(Input(f"x{i}", "data", type_)) for i, type_ in enumerate(case.operands))


def fed(case: Case, values: list[Array]) -> dict[str, Array]:
    return {"lengths.T": np.array(case.lengths), **{f"x{i}": value for i, value in enumerate(values)}}


def values_of(case: Case) -> list[Array]:
    return drawn(case, np.random.default_rng(NAMES.index(case.name)))


def test_every_op_has_a_kernel_and_a_case():
    assert set(KERNELS) == set(OPS) - {Fused, Scan, Part}
    assert {type(case.op) for case in CASES} == set(OPS)


@every_case
def test_op_has_its_type(case: Case):
    assert case.node(operand_nodes(case)).type == case.result


@every_case
def test_op_computes_its_formula(case: Case):
    inputs, values = operand_nodes(case), values_of(case)
    node = case.node(inputs)
    found = evaluate(Graph((*inputs, LENGTHS), (Output("y", node),)), fed(case, values), case.sizes)["y"]
    wanted = case.expected(*values)
    assert found.shape == wanted.shape
    mask = real(node.type, case)
    np.testing.assert_allclose(found[mask], wanted[mask], rtol=1e-12, atol=1e-14)


@every_case
def test_op_leaves_in_the_padding_what_its_type_says(case: Case):
    inputs, values = operand_nodes(case), values_of(case)
    node = case.node(inputs)
    found = evaluate(Graph((*inputs, LENGTHS), (Output("y", node),)), fed(case, values), case.sizes)["y"]
    padding = found[~real(node.type, case)]
    match node.type.pad:
        case "zero":
            assert (padding == 0).all()
        case "lowest":
            assert (padding == -np.inf).all()
        case "finite":
            assert np.isfinite(padding).all()
        case "any":
            pass


@pytest.mark.parametrize("case", [c for c in CASES if c.smooth], ids=[c.name for c in CASES if c.smooth])
def test_op_has_the_gradient_of_its_values(case: Case):
    """The whole Jacobian, element by element of the result."""
    inputs, values = operand_nodes(case), values_of(case)
    node = case.node(inputs)
    seed = apply(Input("seed", "data", node.type.with_pad("zero")))
    wrt = [inputs[i] for i in case.smooth]
    found = gradients(node, wrt, {"T": LENGTHS}, seed)
    forward = Graph((*inputs, LENGTHS), (Output("y", node),))
    outputs = tuple(
        Output(f"d{i}", apply(Dense(), g) if g.type.rows is not None else g)
        for i, g in enumerate(found)
        if g is not None
    )
    assert len(outputs) == len(wrt)
    backward = Graph((*inputs, LENGTHS, seed), outputs)
    shape = evaluate(forward, fed(case, values), case.sizes)["y"].shape
    inside = real(node.type, case)
    analytic = {i: np.zeros((*shape, *values[i].shape)) for i in case.smooth}
    for at in np.argwhere(inside):
        one = np.zeros(shape)
        one[tuple(at)] = 1
        result = evaluate(backward, {**fed(case, values), "seed": one}, case.sizes)
        for j, i in enumerate(case.smooth):
            analytic[i][tuple(at)] = result[f"d{j}"]
    for i in case.smooth:
        mine = real(case.operands[i], case)
        for at in map(tuple, np.argwhere(mine)):
            if case.like[i : i + 1] == ("table",) and at[0] == 0:
                continue  # row 0 of a table is no weight
            moved = [value.astype(np.float64) if j == i else value for j, value in enumerate(values)]
            sides = []
            for sign in (1, -1):
                moved[i] = values[i].copy()
                moved[i][at] += sign * STEP
                sides.append(evaluate(forward, fed(case, moved), case.sizes)["y"])
            with np.errstate(invalid="ignore"):
                numeric = (sides[0] - sides[1]) / (2 * STEP)
            np.testing.assert_allclose(analytic[i][(..., *at)][inside], numeric[inside], rtol=1e-7, atol=1e-8)


@every_case
@pytest.mark.parametrize("blocks", [False, True], ids=["whole", "in blocks"])
def test_program_of_op_computes_what_the_interpreter_does(case: Case, blocks: bool, monkeypatch: pytest.MonkeyPatch):
    if blocks:
        monkeypatch.setattr(groups, "BLOCK", 3)
        monkeypatch.setattr(groups, "WORTH_BLOCKS", 1)
    inputs, values = operand_nodes(case), values_of(case)
    node = case.node(inputs)
    graph = Graph((*inputs, LENGTHS), (Output("y", node),))
    assert_program_agrees(graph, case, fed(case, values))


@every_case
def test_op_in_float32_is_near(case: Case):
    """The same graph in single precision; and its program."""
    operands = tuple(t.with_dtype("f32") if t.dtype == "f64" else t for t in case.operands)
    fields = {"dtype": "f32"} if getattr(case.op, "dtype", None) == "f64" else {}
    if isinstance(case.op, Fused):
        return  # its constants have their own dtype; the passes' tests fuse in float32
    inputs = operand_nodes(replace(case, operands=operands))
    values = values_of(case)
    node = replace(case, op=replace(case.op, **fields)).node(inputs)
    graph = Graph((*inputs, LENGTHS), (Output("y", node),))
    found = evaluate(graph, fed(case, values), case.sizes)["y"]
    mask = real(node.type, case)
    np.testing.assert_allclose(found[mask], case.expected(*values)[mask], rtol=2e-5, atol=2e-6)
    assert_program_agrees(graph, case, fed(case, values))


def assert_program_agrees(graph: Graph, case: Case, feeds: dict[str, Array]) -> None:
    def compile_bucket(graph: Graph, sizes: dict[str, int]):
        plan = make_plan(graph, sizes)
        return emit(plan), plan

    found = Executor(numpy_backend(), graph, compile_bucket, {}).run(feeds, case.sizes)["y"]
    wanted = evaluate(graph, feeds, case.sizes)["y"]
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)
