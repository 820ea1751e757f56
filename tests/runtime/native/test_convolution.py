"""Convolutions and maxima of windows of pictures that take more than one vector, block or part of the work space."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.emit.convolution import convolution_kernel
from compiler.emit.picture import window_kernel
from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import BATCH, Type
from compiler.ops.picture import Conv2d, Conv2dToKernel, Conv2dToPicture, MaxPool2d, PutMax2d
from compiler.pipeline import compile_native
from compiler.plan.plan import Call
from runtime.execute import Executor
from runtime.interpret import evaluate
from tests.compiler.random_graphs import feeds_for
from tests.runtime.native.kernels import needs_numba, shared_backend

pytestmark = needs_numba

SIZES = {"B": 2}


def given(name: str, *shape: int) -> Node:
    return Node(Input(name, "data", type := Type("f32", (BATCH, *shape) if len(shape) == 3 else shape)), (), type)


def assert_computes_the_same(inputs: tuple[Node, ...], results: dict[str, Node]) -> None:
    graph = Graph(inputs, tuple(Output(name, node) for name, node in results.items()))
    executor = Executor(shared_backend(), graph, compile_native, {})
    calls = [work for step in executor.plan(SIZES).steps for work in step.work]
    for call in calls:
        if isinstance(call, Call) and isinstance(call.op, (Conv2d, Conv2dToKernel, Conv2dToPicture)):
            assert convolution_kernel(call) is not None
        elif isinstance(call, Call) and isinstance(call.op, (MaxPool2d, PutMax2d)):
            assert window_kernel(call) is not None
    feeds = feeds_for(graph, SIZES, np.random.default_rng(5))
    found, wanted = executor.run(feeds, SIZES), evaluate(graph, feeds, SIZES)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=2e-5 * np.abs(value).max(), err_msg=name)


@pytest.mark.parametrize(
    ("picture", "filters", "looks"),
    [
        pytest.param((7, 9, 20), 20, ((2, 3), (1, 1), (1, 1), (1, 1), (1, 1)), id="several vectors and blocks"),
        pytest.param((3, 4, 600), 64, ((3, 3), (1, 1), (1, 1), (1, 1), (1, 1)), id="weights that need several parts"),
        pytest.param((8, 9, 4), 4, ((2, 2), (1, 2), (2, 3), (1, 2), (0, 1)), id="windows with gaps"),
        pytest.param((5, 13, 1), 3, ((4, 2), (1, 1), (1, 1), (0, 0), (0, 0)), id="segments of two numbers"),
    ],
)
def test_convolution_and_its_adjoints_are_those_of_the_interpreter(
    picture: tuple[int, int, int], filters: int, looks: tuple[tuple[int, int], ...]
):
    op, (height, width, channels) = Conv2d(*looks), picture
    x, kernel = given("x", *picture), given("kernel", looks[0][0] * looks[0][1] * channels, filters)
    y = given("y", *op.places((height, width)), filters)
    back = Conv2dToPicture(*looks, picture=(height, width))
    results = {
        "y": apply(op, x, kernel), "x": apply(back, y, kernel), "kernel": apply(Conv2dToKernel(*looks), x, y)
    }  # fmt: skip
    assert_computes_the_same((x, kernel, y), results)


@pytest.mark.parametrize(
    ("channels", "size", "stride"),
    [
        pytest.param(20, (2, 2), (2, 2), id="each pixel in one window"),
        pytest.param(20, (2, 2), (3, 2), id="pixels in no window"),
        pytest.param(3, (3, 2), (1, 3), id="windows that overlap"),
    ],
)
def test_largest_of_windows_and_what_is_put_there_are_those_of_the_interpreter(
    channels: int, size: tuple[int, int], stride: tuple[int, int]
):
    x, op = given("x", 6, 6, channels), MaxPool2d(size, stride)
    largest = apply(op, x)
    _, down, across, _ = largest.type.shape
    y = given("y", int(str(down)), int(str(across)), channels)
    assert_computes_the_same((x, y), {"y": largest, "x": apply(PutMax2d(size, stride), x, largest, y)})
