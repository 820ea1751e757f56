"""Layers over pictures against PyTorch in float64: values, and the gradients of weights and of the picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compiler import pipeline
from compiler.autodiff import gradients
from compiler.ir.graph import Graph, Input, Output
from compiler.passes import optimize
from dsl.errors import SpecError
from runtime.execute import Executor
from runtime.numpy_backend import numpy_backend

torch = pytest.importorskip("torch", reason="torch is not installed")
f = torch.nn.functional
Tensor = Any
Weights = dict[str, Tensor]
HEIGHT, WIDTH, CHANNELS, ROWS = 8, 6, 2, 3


def spec(body: str, size: str = f"{HEIGHT},{WIDTH},{CHANNELS}") -> str:
    return f"model m(x: image[{size}]) -> y: real[2] {{\n  {body}\n  flatten\n  dense 2\n}}\n"


def kernel(weight: Tensor, high: int, wide: int, channels: int) -> Tensor:
    """Ours, [high wide channels, filters], as PyTorch has it."""
    return weight.reshape(high, wide, channels, -1).permute(3, 2, 0, 1)


def conv(high: int, wide: int, **settings: Any) -> Callable[[Tensor, Weights], Tensor]:
    def forward(x: Tensor, w: Weights) -> Tensor:
        return f.conv2d(x, kernel(w["conv2d.weight"], high, wide, CHANNELS), w["conv2d.bias"], **settings)

    return forward


def same(x: Tensor, w: Weights) -> Tensor:
    """Of the k - 1 zeros the smaller half stands before."""
    return f.conv2d(f.pad(x, (1, 1, 1, 2)), kernel(w["conv2d.weight"], 4, 3, CHANNELS), w["conv2d.bias"], stride=2)


def mixed(x: Tensor, w: Weights) -> Tensor:
    whole = x + torch.tanh(f.conv2d(x, kernel(w["conv2d.weight"], 3, 3, CHANNELS), w["conv2d.bias"], padding=1))
    return torch.cat([f.interpolate(f.max_pool2d(whole, 2), scale_factor=2), whole], dim=1)


MIXED = """whole = residual { conv2d k=3 filters=2 same tanh }
  half = maxpool2d 2 | upsample2d 2
  concat(half, whole)"""
CASES: dict[str, tuple[str, Callable[[Tensor, Weights], Tensor]]] = {
    "conv2d": ("conv2d k=3 filters=4", conv(3, 3)),
    "conv2d of a pixel": ("conv2d 1 filters=3", conv(1, 1)),
    "conv2d of a pixel, stride": ("conv2d 1 filters=3 stride=2", conv(1, 1, stride=2)),
    "conv2d high and wide": ("conv2d k=4,3 filters=3 stride=1,2", conv(4, 3, stride=(1, 2))),
    "conv2d dilation": ("conv2d k=2 filters=3 dilation=3,2", conv(2, 2, dilation=(3, 2))),
    "conv2d wide": ("conv2d k=3,2 filters=4 wide", conv(3, 2, padding=(2, 1))),
    "conv2d same": ("conv2d k=3 filters=4 same", conv(3, 3, padding=1)),
    "conv2d same, stride": ("conv2d k=5 filters=4 same stride=3", conv(5, 5, padding=2, stride=3)),
    "conv2d same, even": ("conv2d k=4,3 filters=4 same stride=2", same),
    "conv2d relu": ("conv2d k=3 filters=4 relu", lambda x, w: torch.relu(conv(3, 3)(x, w))),
    "maxpool2d": ("maxpool2d 2", lambda x, w: f.max_pool2d(x, 2)),
    "maxpool2d overlapping": ("maxpool2d 3 stride=2", lambda x, w: f.max_pool2d(x, 3, 2)),
    "maxpool2d high and wide": ("maxpool2d window=3,2 stride=1,3", lambda x, w: f.max_pool2d(x, (3, 2), (1, 3))),
    "avgpool2d": ("avgpool2d 2", lambda x, w: f.avg_pool2d(x, 2)),
    "avgpool2d, pixels left over": ("avgpool2d window=3,4", lambda x, w: f.avg_pool2d(x, (3, 4))),
    "avgpool2d overlapping": ("avgpool2d window=3,2 stride=2,1", lambda x, w: f.avg_pool2d(x, (3, 2), (2, 1))),
    "avgpool2d of all": ("avgpool2d", lambda x, w: x.mean((2, 3))),
    "upsample2d": ("upsample2d 3", lambda x, w: f.interpolate(x, scale_factor=3)),
    "batchnorm": (
        "batchnorm",
        lambda x, w: f.batch_norm(x, None, None, w["batchnorm.weight"], w["batchnorm.bias"], True),
    ),
    "a residual block, and half of it beside the whole": (MIXED, mixed),
}


def gradient_graph(body: str) -> Graph:
    """The loss, what it makes each weight and the picture move by, and the running values of a batchnorm."""
    training = pipeline.check(spec(body), "m.nn", dtype="f64").network.training
    wrt = [n for n in training.inputs if isinstance(n.op, Input) and (n.op.kind == "weight" or n.op.name == "x")]
    loss = next(o.node for o in training.outputs if o.name == "loss")
    moved = [
        (n.op.name, g)
        for n, g in zip(wrt, gradients(loss, wrt, {}), strict=True)
        if g is not None and isinstance(n.op, Input)
    ]
    outputs = (Output("loss", loss), *(Output(f"d.{name}", g) for name, g in moved))
    return optimize(Graph(training.inputs, outputs))


@pytest.mark.parametrize("name", CASES)
def test_layer_over_pictures_is_that_of_torch(name: str):
    body, theirs = CASES[name]
    graph = gradient_graph(body)
    rng = np.random.default_rng(3)
    given = [n for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"]
    ours = {n.op.name: rng.normal(size=n.type.shape) for n in given if isinstance(n.op, Input)}
    x, y = rng.normal(size=(ROWS, HEIGHT, WIDTH, CHANNELS)), rng.normal(size=(ROWS, 2))
    executor = Executor(numpy_backend(), graph, pipeline.compile_bucket, {n: v.copy() for n, v in ours.items()})
    found = executor.run({"x": x, "y": y, "rows": np.array(float(ROWS))}, {"B": ROWS})
    w = {n: torch.tensor(v, requires_grad=True) for n, v in ours.items()}
    picture = torch.tensor(x, requires_grad=True)
    seen = theirs(picture.permute(0, 3, 1, 2), w)
    flat = (seen.permute(0, 2, 3, 1) if seen.ndim == 4 else seen).reshape(ROWS, -1)
    loss = f.mse_loss(flat @ w["dense.weight"] + w["dense.bias"], torch.tensor(y))
    loss.backward()
    assert abs(float(found["loss"]) - float(loss.detach())) < 1e-10 * float(loss.detach())
    wanted = {f"d.{n}": v.grad for n, v in {**w, "x": picture}.items() if v.grad is not None}
    assert {n for n in found if n != "loss"} == set(wanted)
    for n, v in wanted.items():
        np.testing.assert_allclose(found[n], v.numpy(), rtol=1e-9, atol=1e-10, err_msg=n)


WRONG = {
    "maxpool2d 4 ; maxpool2d 4": (
        "NN580", "maxpool2d: a window of 4 x 4 does not fit in a picture of 2 x 1", "(2 - 4 + 1 = -1) x (1 - 4",
    ),
    "conv2d k=9,3 filters=2": (
        "NN580", "conv2d: a window of 9 x 3 does not fit in a picture of 8 x 6", "(8 - 9 + 1 = 0) x (6 - 3 + 1 = 4)",
    ),
    "conv2d k=4 filters=2 dilation=3": ("NN580", "conv2d: a window of 10 x 10 does not fit in a picture of 8 x 6", ""),
    "flatten ; conv2d 3 filters=2": ("NN581", "conv2d needs a picture, but gets a vector [96]", "expects [h, w, c]"),
    "avgpool2d ; maxpool2d 2": ("NN581", "maxpool2d needs a picture, but gets a vector [2]", ""),
    "conv 3 filters=2": ("NN204", "conv needs a sequence, but gets a picture [8, 6, 2]", ""),
    "conv2d k=1,2,3 filters=2": ("NN403", "conv2d k takes one number, or height and width, but gets 3", ""),
    "avgpool2d stride=2": ("NN405", "avgpool2d has a stride but no window", ""),
}  # fmt: skip


@pytest.mark.parametrize("body", WRONG)
def test_wrong_use_of_a_layer_over_pictures_is_said(body: str):
    code, message, label = WRONG[body]
    with pytest.raises(SpecError) as caught:
        pipeline.check(spec(body), "m.nn")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (code, message)
    assert label in found.label
