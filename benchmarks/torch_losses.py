"""Each workload's loss in PyTorch, written as one would for speed there: its own functions, time first in its LSTM.

A loss takes the weights in the layout of `benchmarks.layouts`, a batch and whether dropout is on.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.workloads import TIME_FIRST, Workload

Weights = dict[str, Tensor]
Loss = Callable[[Weights, tuple[Tensor, ...], bool], Tensor]


def linear(p: Weights, name: str, x: Tensor) -> Tensor:
    return F.linear(x, p[f"{name}.w"], p[f"{name}.b"])


def convolved(p: Weights, kernels: tuple[int, ...], x: Tensor) -> Tensor:
    """The largest of each map. x: [B, T, D]"""
    x = x.transpose(1, 2)
    maps = (F.conv1d(x, p[f"conv{k}.w"], p[f"conv{k}.b"]) for k in kernels)
    return torch.cat([torch.relu(m).amax(2) for m in maps], 1)


def textcnn(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    text, label = batch
    x = convolved(p, (3, 4, 5), F.embedding(text, p["E"]))
    return F.cross_entropy(linear(p, "head", F.dropout(x, 0.5, dropout)), label)


def lstm(p: Weights, names: tuple[str, ...], x: Tensor, layers: int, both_ways: bool) -> Tensor:
    """What `nn.LSTM` calls. x: [T, B, D]. It has a second bias, which is held at zero, as ours has one."""
    width = p[f"{names[0]}.h"].shape[1]
    zeros = x.new_zeros(len(names), x.shape[1], width)
    spare = x.new_zeros(4 * width)
    flat = [w for n in names for w in (p[f"{n}.x"], p[f"{n}.h"], p[f"{n}.b"], spare)]
    # The module behind `nn.LSTM` adds nothing to it but the weights' names.
    return torch._VF.lstm(x, (zeros, zeros), flat, True, layers, 0.0, True, both_ways, False)[0]


def tagger(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    text, tags = batch
    x = lstm(p, ("forward", "backward"), F.embedding(text, p["E"]), 1, True)
    return F.cross_entropy(linear(p, "head", x).flatten(0, 1), tags.flatten())


def lm(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    text, following = batch
    x = lstm(p, ("1", "2"), F.embedding(text, p["E"]), 2, False)
    return F.cross_entropy(linear(p, "head", x).flatten(0, 1), following.flatten())


def transformer(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    text, label = batch
    x = F.embedding(text, p["E"]) + p["positions"]
    b, t, d = x.shape
    for i in (1, 2):
        q, k, v = linear(p, f"qkv{i}", x).view(b, t, 3, 4, d // 4).permute(2, 0, 3, 1, 4).unbind(0)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, d)
        x = norm(p, f"norm{i}a", x + linear(p, f"out{i}", attended))
        x = norm(p, f"norm{i}b", x + linear(p, f"down{i}", torch.relu(linear(p, f"up{i}", x))))
    return F.cross_entropy(linear(p, "head", x.mean(1)), label)


def norm(p: Weights, name: str, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], p[f"{name}.w"], p[f"{name}.b"])


def mlp(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    x, digit = batch
    return F.cross_entropy(linear(p, "head", torch.relu(linear(p, "hidden", x))), digit)


def skipgram(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    """context: [B, 1 + 5], the word itself first, then those that it is told from."""
    center, _, context, _ = batch
    scores = torch.bmm(F.embedding(context, p["out"]), F.embedding(center, p["E"]).unsqueeze(2)).squeeze(2)
    truth = torch.zeros_like(scores)
    truth[:, 0] = 1
    return F.binary_cross_entropy_with_logits(scores, truth, reduction="sum") / len(center)


def lenet(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    picture, digit = batch
    x = F.max_pool2d(torch.relu(F.conv2d(picture, p["conv1.w"], p["conv1.b"], padding=2)), 2)
    x = F.max_pool2d(torch.relu(F.conv2d(x, p["conv2.w"], p["conv2.b"])), 2).flatten(1)
    x = torch.relu(linear(p, "dense2", torch.relu(linear(p, "dense1", x))))
    return F.cross_entropy(linear(p, "head", x), digit)


def xor(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    point, odd = batch
    score = linear(p, "head", torch.tanh(linear(p, "hidden", point)))
    return F.binary_cross_entropy_with_logits(score.squeeze(1), odd.to(score.dtype))


def own_cell(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    text, label = batch
    x = F.embedding(text, p["E"])
    # What does not hang on the state, for all positions at once.
    of_f, of_c = (F.linear(x, p[f"{g}.x"], p[f"{g}.b"]) for g in ("f", "c"))
    h = x.new_zeros(x.shape[1], p["f.h"].shape[0])
    for at_f, at_c in zip(of_f, of_c, strict=True):
        f = torch.sigmoid(at_f + F.linear(h, p["f.h"]))
        h = (1 - f) * h + f * torch.tanh(at_c + F.linear(f * h, p["c.h"]))
    return F.cross_entropy(linear(p, "head", h), label)


def two_inputs(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    a, b, same = batch
    # Both texts at once, as they are equally long here.
    u, v = convolved(p, (2, 3), F.embedding(torch.cat((a, b)), p["E"])).chunk(2)
    x = torch.cat((u, v, (u - v).abs(), u * v), 1)
    return F.cross_entropy(linear(p, "head", torch.relu(linear(p, "hidden", x))), same)


def deep(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    row, label = batch
    x = linear(p, "first", row)
    for i in range(1, 13):
        x = x + linear(p, f"down{i}", torch.relu(linear(p, f"up{i}", norm(p, f"norm{i}", x))))
    return F.cross_entropy(linear(p, "head", x), label)


def averaging(p: Weights, batch: tuple[Tensor, ...], dropout: bool) -> Tensor:
    text, label = batch
    x = F.dropout(F.embedding(text, p["E"]).mean(1), 0.3, dropout)
    x = torch.relu(linear(p, "hidden2", torch.relu(linear(p, "hidden1", x))))
    return F.cross_entropy(linear(p, "head", x), label)


LOSSES: dict[str, Loss] = {
    "textcnn": textcnn,
    "tagger": tagger,
    "lm": lm,
    "transformer": transformer,
    "mlp": mlp,
    "skipgram": skipgram,
    "lenet": lenet,
    "xor": xor,
    "own_cell": own_cell,
    "two_inputs": two_inputs,
    "deep": deep,
    "averaging": averaging,
}


def arranged(w: Workload, column: Tensor) -> Tensor:
    """Pictures have their channels first here."""
    if column.ndim == 4:
        return column.permute(0, 3, 1, 2).contiguous()
    return column.T.contiguous() if w.name in TIME_FIRST and column.ndim == 2 else column
