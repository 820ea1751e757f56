"""What `benchmarks.recurrence_steps` times: one training step, loss read, by ours and by PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.recurrence_torch import GATES
from benchmarks.recurrence_workloads import Network
from benchmarks.turns import Engine
from compiler import pipeline
from runtime.execute import Executor
from runtime.numpy_backend import numpy_backend
from runtime.store import Store
from runtime.weights import initial_states, initial_weights

Batch = tuple[NDArray[np.int64], NDArray[np.int64]]
RATE = 1e-3


def batches(n: Network) -> list[Batch]:
    """Ids as rare as words are: the logarithm of each is uniform. A language model's targets are such ids too."""
    chance = np.random.default_rng(2)

    def ids(shape: tuple[int, int], below: int) -> NDArray[np.int64]:
        return np.minimum(np.exp(chance.random(shape) * np.log(below)).astype(np.int64), below - 1)

    found: list[Batch] = []
    for _ in range(32):
        text = ids((n.batch, n.length), n.words)
        found.append((text, ids((n.batch, n.length), n.words) if n.classes == n.words else ids(text.shape, n.classes)))
    return found


def ours_and_torch(n: Network, threads: int) -> dict[str, Engine]:
    torch.set_num_threads(threads)
    text = f"""model m(text: words) -> {n.output} {{
  embed {n.inside}
  {n.layers}
  dense softmax
}}
train {{ adam lr={RATE} ; batch {n.batch} }}
"""
    experiment = pipeline.check(text, "m.nn", sizes={"V": n.words, "classes": n.classes})
    weights = initial_weights(experiment.network.parameters, 1)
    theirs = torch_step(n, {name: np.array(value) for name, value in weights.items()})
    training = pipeline.training_step(experiment)
    graph = pipeline.optimize(training.graph)
    store = Store(numpy_backend(), graph, {**weights, **initial_states(training.states)})
    executor = Executor(numpy_backend(), graph, pipeline.compile_bucket, store)
    rotation, numbers = batches(n), count(1)
    lengths = np.full(n.batch, n.length)

    def step() -> float:
        i = next(numbers)
        words, targets = rotation[i % len(rotation)]
        feeds = {"text": words, "y": targets, "lengths.T": lengths, "rows": np.float32(n.batch)}
        feeds |= {"lr": np.float64(RATE), "step": np.int64(i), "seed": np.int64(1)}
        return float(executor.run(feeds, {"B": n.batch, "T": n.length})["loss"])

    for k in range(3):
        a, b = step(), theirs()
        assert abs(a - b) < 1e-4 * abs(b), f"step {k}: the losses are {a} and {b}"
    return {"ours": Engine(step, dict), "torch.nn.LSTM, fused Adam": Engine(theirs, dict)}


def torch_step(n: Network, weights: dict[str, NDArray[np.float32]]) -> Callable[[], float]:
    embed = nn.Embedding(n.words, n.inside, padding_idx=0)
    lstm = nn.LSTM(n.inside, n.width, num_layers=n.depth, bidirectional=n.ways == 2)
    dense = nn.Linear(n.width * n.ways, n.classes)
    ways = [("forward.", ""), ("backward.", "_reverse")] if n.ways == 2 else [("", "")]
    with torch.no_grad():
        embed.weight[:] = torch.from_numpy(weights["embed.weight"])
        dense.weight[:] = torch.from_numpy(weights["dense.weight"].T)
        dense.bias[:] = torch.from_numpy(weights["dense.bias"])
        for layer in range(n.depth):
            for way, suffix in ways:
                path = f"lstm.{f'{layer + 1}.' if n.depth > 1 else ''}{way}"
                for own, their in (("weight_x", "weight_ih"), ("weight_h", "weight_hh"), ("bias", "bias_ih")):
                    parameter = getattr(lstm, f"{their}_l{layer}{suffix}")
                    for k, gate in enumerate(GATES):
                        parameter[k * n.width : (k + 1) * n.width] = torch.from_numpy(weights[f"{path}{gate}.{own}"].T)
                # It has two biases; the one is held at zero, as ours has one.
                getattr(lstm, f"bias_hh_l{layer}{suffix}").requires_grad_(False).zero_()
    modules = nn.ModuleList((embed, lstm, dense))
    trained = [p for p in modules.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=RATE, fused=True)
    rotation: list[tuple[Tensor, Tensor]] = [
        (torch.from_numpy(a.T.copy()), torch.from_numpy(b.T.copy())) for a, b in batches(n)
    ]
    numbers = count(1)

    def step() -> float:
        words, targets = rotation[next(numbers) % len(rotation)]
        optimizer.zero_grad(set_to_none=True)
        scores = dense(lstm(embed(words))[0])
        loss = nn.functional.cross_entropy(scores.reshape(-1, n.classes), targets.reshape(-1))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
