"""The same layers in PyTorch: its own LSTM, and cells written as a loop, as a user of PyTorch writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.recurrence_workloads import Workload
from benchmarks.turns import Engine

if TYPE_CHECKING:
    from collections.abc import Callable

Array = NDArray[np.float32]
GATES = ("i", "f", "g", "o")
"""As torch.nn.LSTM has them."""


def fused(w: Workload, arrays: dict[str, Array]) -> Engine:
    model = torch.nn.LSTM(w.inside, w.width, num_layers=w.layers, bidirectional=w.ways == 2)
    x = torch.from_numpy(arrays["x"].copy()).requires_grad_()
    d_out = torch.from_numpy(arrays["d_out"])
    ways = [("forward.", ""), ("backward.", "_reverse")] if w.ways == 2 else [("", "")]
    names: dict[str, tuple[torch.nn.Parameter, int]] = {}
    for layer in range(w.layers):
        for way, suffix in ways:
            path = f"lstm.{f'{layer + 1}.' if w.layers > 1 else ''}{way}"
            for ours, theirs in (("weight_x", "weight_ih"), ("weight_h", "weight_hh"), ("bias", "bias_ih")):
                parameter = getattr(model, f"{theirs}_l{layer}{suffix}")
                names |= {f"{path}{gate}.{ours}": (parameter, k) for k, gate in enumerate(GATES)}
            # It has two biases; the one is held at zero, as ours has one.
            second = getattr(model, f"bias_hh_l{layer}{suffix}")
            second.requires_grad_(False).zero_()
    with torch.no_grad():
        for name, (parameter, k) in names.items():
            parameter[k * w.width : (k + 1) * w.width] = torch.from_numpy(arrays[name].T)

    def step() -> None:
        model.zero_grad(set_to_none=True)
        x.grad = None
        model(x)[0].backward(d_out)

    def results() -> dict[str, Array]:
        assert x.grad is not None
        found: dict[str, Array] = {"x": x.grad.numpy()}
        for name, (parameter, k) in names.items():
            assert parameter.grad is not None
            found[name] = parameter.grad[k * w.width : (k + 1) * w.width].numpy().T
        return found

    return Engine(step, results)


class Weights:
    """Weights by their path in ours: `linear("i", x=x, h=h)` is x W + h U + b."""

    def __init__(self, path: str, arrays: dict[str, Array]) -> None:
        self.path = path
        self.of = {n: torch.from_numpy(a.copy()).requires_grad_() for n, a in arrays.items() if n.startswith(path)}

    def linear(self, line: str, **operands: Tensor) -> Tensor:
        total = sum(x @ self.of[f"{self.path}{line}.weight_{name}"] for name, x in operands.items())
        assert isinstance(total, Tensor)
        return total + self.of[f"{self.path}{line}.bias"]

    def __getitem__(self, name: str) -> Tensor:
        return self.of[self.path + name]


def lstm_peephole(w: Weights, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    i = torch.sigmoid(w.linear("i", x=x, h=h) + w["i.diagonal.weight"] * c)
    f = torch.sigmoid(w.linear("f", x=x, h=h) + w["f.diagonal.weight"] * c)
    g = torch.tanh(w.linear("g", x=x, h=h))
    c = f * c + i * g
    o = torch.sigmoid(w.linear("o", x=x, h=h) + w["o.diagonal.weight"] * c)
    return o * torch.tanh(c), c


def gru_after(w: Weights, x: Tensor, h: Tensor) -> tuple[Tensor]:
    z = torch.sigmoid(w.linear("z", x=x, h=h))
    r = torch.sigmoid(w.linear("r", x=x, h=h))
    c = torch.tanh(w.linear("c", x=x) + r * w.linear("c.2", h=h))
    return (z * h + (1 - z) * c,)


CELLS: dict[str, tuple[Callable[..., tuple[Tensor, ...]], int]] = {
    "lstm_peephole": (lstm_peephole, 2),
    "gru_after": (gru_after, 1),
}


def loop(w: Workload, arrays: dict[str, Array]) -> Engine:
    cell = w.use.split()[0]
    body, states = CELLS[cell]
    weights = Weights(f"{cell}.", arrays)
    x = torch.from_numpy(arrays["x"].copy()).requires_grad_()
    d_out = torch.from_numpy(arrays["d_out"])

    def step() -> None:
        for leaf in (x, *weights.of.values()):
            leaf.grad = None
        state = tuple(torch.zeros(w.batch, w.width) for _ in range(states))
        outputs: list[Tensor] = []
        for element in x:
            state = body(weights, element, *state)
            outputs.append(state[0])
        torch.stack(outputs).backward(d_out)

    def results() -> dict[str, Array]:
        return {name: leaf.grad.numpy() for name, leaf in (("x", x), *weights.of.items()) if leaf.grad is not None}

    return Engine(step, results)
