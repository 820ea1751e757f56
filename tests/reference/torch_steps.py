"""The same steps in PyTorch. `python -m tests.reference.torch_steps` writes steps.json, which the tests hold to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from compiler.settings.train import Clip, TrainSettings
from tests.reference.cases import BATCH, CASES, Case, batches, class_weights, digest, weights

STEPS_FILE = Path(__file__).with_name("steps.json")


Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def loss_of(case: Case) -> Loss:
    """The cross-entropy of scores and labels."""
    experiment = case.experiment()
    weight = next((torch.tensor(w) for w in class_weights(case, experiment).values()), None)
    settings = experiment.train

    def loss(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        reduction = "sum" if settings.loss.sum else "mean"
        return torch.nn.functional.cross_entropy(
            scores, labels, weight=weight, label_smoothing=settings.smoothing, reduction=reduction
        )

    return loss


def forward(case: Case, w: dict[str, torch.Tensor], batch: dict[str, torch.Tensor], loss: Loss) -> torch.Tensor:
    """The loss of a batch, written with torch.nn.functional alone."""
    f = torch.nn.functional
    if case.network == "perceptron_xor":
        hidden = torch.tanh(batch["point"] @ w["dense.weight"] + w["dense.bias"])
        return loss(hidden @ w["dense.2.weight"] + w["dense.2.bias"], batch["odd"])
    text, label = ("sentence", "polarity") if case.network == "sentiment" else ("text", "label")
    kernels = (2, 3) if case.network == "sentiment" else (3, 4, 5)
    embedded = f.embedding(batch[text], w["embed.weight"], padding_idx=0)
    pooled = []
    for i, k in enumerate(kernels, 1):
        filters = w[f"conv.weight.{i}"]
        kernel = filters.reshape(k, embedded.shape[2], filters.shape[1]).permute(2, 1, 0)
        short = max(0, k - embedded.shape[1])
        maps = torch.relu(f.conv1d(f.pad(embedded, (0, 0, 0, short)).transpose(1, 2), kernel, w[f"conv.bias.{i}"]))
        real = torch.clamp(batch["lengths.T"] - k + 1, min=1)
        beyond = torch.arange(maps.shape[2])[None] >= real[:, None]
        pooled.append(maps.masked_fill(beyond[:, None], -torch.inf).max(2).values)
    return loss(torch.cat(pooled, 1) @ w["dense.weight"] + w["dense.bias"], batch[label])


def optimizer(settings: TrainSettings, w: list[torch.Tensor]) -> torch.optim.Optimizer:
    o, decay = settings.optimizer, settings.decay
    match o.name:
        case "sgd":
            return torch.optim.SGD(w, lr=o.lr, momentum=o.momentum, nesterov=o.nesterov, weight_decay=decay)
        case "adagrad":
            start = {"initial_accumulator_value": o.init}
            return torch.optim.Adagrad(w, lr=o.lr, weight_decay=decay, eps=o.eps, **start)
        case "adadelta":
            return torch.optim.Adadelta(w, lr=o.lr, rho=o.rho, eps=o.eps, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(w, lr=o.lr, alpha=o.rho, momentum=o.momentum, eps=o.eps, weight_decay=decay)
        case "adam":
            return torch.optim.Adam(w, lr=o.lr, betas=o.betas, eps=o.eps, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(w, lr=o.lr, betas=o.betas, eps=o.eps, weight_decay=decay)


def clip_gradients(clip: Clip, w: list[torch.Tensor]) -> None:
    if clip.value is not None:
        torch.nn.utils.clip_grad_value_(w, clip.value)
    if clip.norm is not None:
        torch.nn.utils.clip_grad_norm_(w, clip.norm)


def run(case: Case) -> tuple[list[float], dict[str, Any]]:
    """The loss of every step, and the weights after the last."""
    experiment = case.experiment()
    settings = experiment.train
    w = {name: torch.tensor(value, requires_grad=True) for name, value in weights(experiment).items()}
    heads = [p.name for p in experiment.network.parameters if p.head and p.type.rank == 2]
    step, loss_function = optimizer(settings, list(w.values())), loss_of(case)
    losses: list[float] = []
    for batch in batches(case):
        step.zero_grad()
        loss = forward(case, w, {name: torch.tensor(value) for name, value in batch.items()}, loss_function)
        loss.backward()
        clip_gradients(settings.clip, list(w.values()))
        step.step()
        if settings.clip.weights is not None:
            with torch.no_grad():
                for name in heads:
                    norm = w[name].norm(dim=0, keepdim=True)
                    w[name] *= settings.clip.weights / torch.clamp(norm, min=settings.clip.weights)
        losses.append(float(loss.detach()) / (BATCH if settings.loss.sum else 1))
    return losses, {name: value.detach().numpy() for name, value in w.items()}


def main() -> None:
    told = {}
    for case in CASES:
        losses, final = run(case)
        told[case.name] = {"losses": losses, "weights": digest({n: np.asarray(v) for n, v in final.items()})}
    STEPS_FILE.write_text(json.dumps({"torch": torch.__version__, "cases": told}, indent=0) + "\n", "utf-8")


if __name__ == "__main__":
    main()
