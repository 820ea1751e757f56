"""The cells of the library: their numbers against equations written out by hand, their gradients against PyTorch's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compiler import pipeline
from compiler.autodiff import gradients
from compiler.ir.graph import Graph, Input, Output, apply
from compiler.ops.lookup import Dense
from tests import chosen
from tests.reference.cells import CELLS, run

Array = NDArray[np.float64]
V, D, H, LENGTHS = 7, 4, 3, np.array([5, 1, 3, 2])
SIZES = {"B": len(LENGTHS), "T": 6}
"""One position more than the longest text has."""
WIDTHS = {"lstm_projected": 2}
PLAIN = SimpleNamespace(tanh=np.tanh, sigmoid=lambda x: 1 / (1 + np.exp(-x)))


def spec(use: str) -> str:
    return f"model m(text: words) -> y: real[2] {{\nembed {D}\n{use}\nmean\ndense\n}}\n"


def use_of(cell: str, *more: str) -> str:
    return " ".join((cell, str(H), *([f"width={WIDTHS[cell]}"] if cell in WIDTHS else []), *more))


class Ours:
    """A model's loss and gradients, in float64, from random weights."""

    def __init__(self, text: str, seed: int = 0, more: Mapping[str, Array] = MappingProxyType({})) -> None:
        graph = pipeline.check(text, "m.nn", sizes={"V": V}, dtype="f64").network.training
        rng = np.random.default_rng(seed)
        weights = [n for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"]
        self.weights = {n.op.name: rng.normal(size=n.type.shape) / 2 for n in weights}
        self.weights["embed.weight"][0] = 0
        loss = next(o.node for o in graph.outputs if o.name == "loss")
        lengths = {"T": graph.input("lengths.T")}
        found = gradients(loss, weights, lengths)
        outputs = [
            Output(f"d.{w.op.name}", apply(Dense(), g) if g.type.rows is not None else g)
            for w, g in zip(weights, found, strict=True)
            if g is not None
        ]
        graph = pipeline.optimize(Graph(graph.inputs, (Output("loss", loss), *outputs)))
        ids = rng.integers(1, V, (SIZES["B"], SIZES["T"]))
        self.ids = np.where(np.arange(SIZES["T"]) < LENGTHS[:, None], ids, 0)
        self.y = rng.normal(size=(SIZES["B"], 2))
        executor = chosen.executor(graph, dict(self.weights))
        feeds = {"text": self.ids, "lengths.T": LENGTHS, "y": self.y, "rows": np.array(float(SIZES["B"])), **more}
        result = executor.run(feeds, SIZES)
        self.loss = float(result["loss"])
        self.gradients = {name.removeprefix("d."): value for name, value in result.items() if name != "loss"}

    def below(self, path: str, weights: dict[str, Any]) -> dict[str, Any]:
        return {n.removeprefix(path): w for n, w in weights.items() if n.startswith(path)}


def by_hand(
    ours: Ours, weights: dict[str, Any], s: Any, cell: str, ways: dict[str, bool], zeros: Any, stack: Any
) -> Any:
    """The loss, from the states of each way: the path of its weights, and whether it goes back."""
    total = 0.0
    count = CELLS[cell][1]
    for row, length in enumerate(LENGTHS):
        x = [weights["embed.weight"][int(i)] for i in ours.ids[row, :length]]
        first = [zeros(WIDTHS.get(cell, H)), zeros(H)][:count]
        outputs = [run(cell, ours.below(path, weights), s, x, first, back) for path, back in ways.items()]
        mean = stack([sum(h for h, *_ in states) / int(length) for states in outputs])
        scores = mean @ weights["dense.weight"] + weights["dense.bias"]
        difference = scores - ours.y[row] if isinstance(scores, np.ndarray) else scores - s.tensor(ours.y[row])
        total = total + (difference * difference).sum() / 2 / SIZES["B"]
    return total


@pytest.mark.parametrize("cell", CELLS)
def test_cell_of_the_library_computes_its_equations(cell: str):
    ours = Ours(spec(use_of(cell)))
    wanted = by_hand(ours, ours.weights, PLAIN, cell, {f"{cell}.": False}, np.zeros, np.concatenate)
    assert abs(ours.loss - wanted) < 1e-12


@pytest.mark.parametrize("more", ["", "reverse", "bidir"])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_a_cell_are_those_of_torch(cell: str, more: str):
    torch = pytest.importorskip("torch")
    ours = Ours(spec(use_of(cell, *more.split())), seed=1)
    weights = {n: torch.tensor(w, requires_grad=True) for n, w in ours.weights.items()}
    both = {f"{cell}.forward.": False, f"{cell}.backward.": True}
    ways = both if more == "bidir" else {f"{cell}.": more == "reverse"}
    loss = by_hand(ours, weights, torch, cell, ways, lambda n: torch.zeros(n, dtype=torch.float64), torch.cat)
    loss.backward()
    assert abs(ours.loss - float(loss.detach())) < 1e-12
    for name, weight in weights.items():
        wanted = weight.grad.numpy().copy()
        if name == "embed.weight":
            wanted[0] = 0
        np.testing.assert_allclose(ours.gradients[name], wanted, rtol=1e-9, atol=1e-11, err_msg=name)


MODULES = {"lstm": ("LSTM", "ifgo"), "gru_after": ("GRU", "rz"), "srn": ("RNN", "h")}


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", MODULES)
def test_cell_is_the_module_of_torch(cell: str, layers: int):
    """Both directions over packed sequences, one layer on the other; gradients too."""
    torch = pytest.importorskip("torch")
    ours = Ours(spec(use_of(cell, "bidir", f"layers={layers}")), seed=2)
    module = getattr(torch.nn, MODULES[cell][0])(D, H, num_layers=layers, bidirectional=True, batch_first=True).double()
    dense = torch.nn.Linear(2 * H, 2).double()
    table = torch.tensor(ours.weights["embed.weight"], requires_grad=True)
    with torch.no_grad():
        dense.weight.copy_(torch.tensor(ours.weights["dense.weight"].T))
        dense.bias.copy_(torch.tensor(ours.weights["dense.bias"]))
        for name, theirs in module.named_parameters():
            theirs.copy_(torch.tensor(theirs_of(name, cell, layers, ours.weights)))
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        table[torch.tensor(ours.ids)], torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    states, _ = torch.nn.utils.rnn.pad_packed_sequence(module(packed)[0], batch_first=True)
    scores = dense(states.sum(1) / torch.tensor(LENGTHS)[:, None])
    loss = ((scores - torch.tensor(ours.y)) ** 2).sum() / 2 / SIZES["B"]
    loss.backward()
    assert abs(ours.loss - float(loss.detach())) < 1e-12
    np.testing.assert_allclose(ours.gradients["embed.weight"][1:], table.grad.numpy()[1:], rtol=1e-9, atol=1e-11)
    for name, theirs in module.named_parameters():
        wanted = theirs_of(name, cell, layers, ours.gradients, gradient=True)
        np.testing.assert_allclose(theirs.grad.numpy(), wanted, rtol=1e-9, atol=1e-11, err_msg=name)


def theirs_of(name: str, cell: str, layers: int, ours: dict[str, Array], gradient: bool = False) -> Array:
    """Our weights (or their gradients) as one of torch's: the gates below each other, two biases instead of one."""
    kind, of, level, *back = name.split("_")
    path = f"{cell}.{int(level[1:]) + 1}." if layers > 1 else f"{cell}."
    path += "backward." if back else "forward."
    gates = MODULES[cell][1]
    if kind == "weight":
        parts = [ours[f"{path}{gate}.weight_{'x' if of == 'ih' else 'h'}"].T for gate in gates]
        if cell == "gru_after":
            parts.append(ours[f"{path}c.weight_x" if of == "ih" else f"{path}c.2.weight_h"].T)
        return np.concatenate(parts)
    biases = [ours[f"{path}{gate}.bias"] for gate in gates]
    # The sum of theirs is ours, and the gradient of each is that of the sum.
    biases = biases if of == "ih" or gradient else [0 * b for b in biases]
    if cell == "gru_after":
        biases.append(ours[f"{path}c.bias" if of == "ih" else f"{path}c.2.bias"])
    return np.concatenate(biases)
