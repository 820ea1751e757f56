"""The text of compiled kernels, and where there must be none."""

from __future__ import annotations

import re

from compiler.emit.kernel import elementwise_kernel
from compiler.emit.native import emit_native
from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import BATCH, Type
from compiler.ops import elementwise as e
from compiler.ops.elementwise import constant
from compiler.ops.shape import Slice, Transpose
from compiler.passes import optimize
from compiler.pipeline import check, training_step
from compiler.plan import make_plan
from compiler.plan.plan import Call, Moving, Place
from dsl.source import Span
from runtime.native.texts import kernel_texts
from tests.compiler.test_emit_numpy import perceptron

HALF = constant(0.5, "f32")

KERNEL = """\
# 3  dense 4 tanh
def kernel_2(p):
    n0, n1 = p[0], p[1]
    a0, s0_0 = p[2], p[3]
    a1, s1_0 = p[4], p[5]
    for i0 in range(n0):
        x0 = f32(a0 + i0 * s0_0, n1)
        x1 = f32(a1 + i0 * s1_0, n1)
        for j in range(n1):
            v0 = x0[j] + x1[j]
            v1 = tanh_f32(v0)
            x0[j] = v1
"""


def source(graph: Graph, **sizes: int) -> str:
    return emit_native(make_plan(optimize(graph), sizes))


def weight(name: str, *shape: int) -> Node:
    return apply(Input(name, "weight", Type("f32", shape)))


def data(name: str, *shape: int) -> Node:
    return apply(Input(name, "data", Type("f32", (BATCH, *shape))))


def half_tanh(x: Node, span: Span | None = None) -> Node:
    return apply(e.Mul(), apply(e.Tanh(), x, span=span), HALF, span=span)


def test_group_is_one_kernel_under_its_line():
    text = source(perceptron(), B=3)
    assert KERNEL in text
    assert 'compute_mat_mul_4_ = k.native("kernel_2", 3, 4, mat_mul_4, 16, dense_bias, 0)' in text


def test_kernels_one_after_the_other_are_one_call():
    text = source(perceptron(), B=3)
    assert "run_1 = k.chain([(compute_mat_mul_4, compute_mat_mul_4_, " in text
    body = [line.strip() for line in text.partition("def step():")[2].splitlines()]
    calls = [line for line in body if line and not line.startswith(("#", "return"))]
    assert calls == ["run_1()"]
    # The lines that it does stand before it.
    assert "# 3  dense 4 tanh" in body[: body.index("run_1()")]


def test_kernels_of_all_sizes_are_the_same():
    texts = {str(kernel_texts(source(perceptron(), B=rows))) for rows in (2, 3, 500)}
    assert len(texts) == 1
    # Large ones NumPy computes block by block, and a kernel at once.
    x, w = data("x", 400), weight("w", 400)
    y = half_tanh(apply(e.Add(), x, w))
    texts = {str(kernel_texts(source(Graph((x, w), (Output("y", y),)), B=rows))) for rows in (2, 3000)}
    assert len(texts) == 1


def test_kernel_has_one_name_for_memory_that_it_writes_over():
    w = weight("w", 6)
    after = half_tanh(w)
    text = source(Graph((w,), (Output("w'", after, "w"),)))
    assert 'k.native("kernel_1", 1, 6, w_2, 0)' in text
    assert "x1" not in text


def columns_of(whole: Place, start: int) -> Place:
    return Place(f"part_{start}", 0, "f32", (4, 2), (4, 1), whole, Slice(1, start, 2))


def test_what_would_read_elements_that_it_has_written_is_left_to_numpy():
    whole = Place("m", 0, "f32", (4, 4), (4, 1))
    turned = Place("turned", 0, "f32", (4, 4), (1, 4), whole, Transpose((1, 0)))
    assert elementwise_kernel([Call(e.Tanh(), whole, (turned,))]) is None
    assert elementwise_kernel([Call(e.Tanh(), columns_of(whole, 1), (columns_of(whole, 0),))]) is None
    assert elementwise_kernel([Call(e.Tanh(), columns_of(whole, 2), (columns_of(whole, 0),))]) is not None
    assert elementwise_kernel([Call(e.Tanh(), whole, (whole,))]) is not None


def test_parts_of_a_loop_are_told_apart_by_their_positions():
    states = Place("h_steps", 0, "f32", (3, 4, 2), (8, 2, 1))
    before, after, same = (Place(name, 0, "f32", (4, 2), (2, 1)) for name in ("h", "h_next", "again"))
    moving = {p.name: Moving(p, states, offset) for p, offset in ((before, 0), (after, 1), (same, 3))}
    assert elementwise_kernel([Call(e.Tanh(), after, (before,))], moving=moving) is not None
    kernel = elementwise_kernel([Call(e.Tanh(), same, (before,))], moving=moving)
    assert kernel is not None
    assert kernel.arguments == (1, 8, before, 0)


def test_kernel_computes_in_the_width_of_its_numbers():
    x = data("x", 4)
    assert "v0 * np.float32(0.5)" in source(Graph((x,), (Output("y", half_tanh(x)),)), B=3)


def test_single_numbers_share_a_kernel_instead_of_one_of_their_own():
    numbers = [apply(Input(f"n{i}", "data", Type("f32"))) for i in range(8)]
    total = numbers[0]
    for each in numbers[1:]:
        total = apply(e.Add(), total, each)
    assert source(Graph(tuple(numbers), (Output("y", total),))).count("def kernel") == 2


def test_text_of_the_spec_stays_in_comments():
    hostile = Span("f.nn", 1, 1, 1, 5, 'x")\ndef kernel_9(p):\r    f32(0, 9)[0] = 1 #"""')
    x = data("x", 4)
    text = source(Graph((x,), (Output("y", half_tanh(x, hostile)),)), B=3)
    assert [line for line in text.splitlines() if "kernel_9" in line] == [
        line for line in text.splitlines() if "kernel_9" in line and line.lstrip().startswith("# ")
    ]
    assert "kernel_9" in text


def test_loop_of_a_recurrent_layer_is_one_call():
    spec = "model m(t: words) -> y: class {\n  embed 4\n  lstm 4\n  mean\n  dense softmax\n}\n"
    experiment = check(spec, "m.nn", sizes={"V": 9, "classes": 2})
    text = source(training_step(experiment).graph, B=3, T=5)
    assert len(re.findall(r"scan_\d+ = k.chain\(", text)) == 2
    body = text.partition("def step():")[2]
    assert "for " not in "".join(line for line in body.splitlines() if "#" not in line)
