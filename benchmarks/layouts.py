"""Our weights, and gradients of them, in the layout that PyTorch's functions take: [out, in], a cell's gates together.

Every change is linear, so what turns a weight turns its gradient too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.reference import Reference

Array = NDArray[np.float32]
Arrays = dict[str, Array]
Ours = Mapping[str, Array]

GATES = "ifgo"
"""PyTorch's order."""


def dense(ours: Ours, path: str, name: str) -> Arrays:
    return {f"{name}.w": ours[f"{path}.weight"].T, f"{name}.b": ours[f"{path}.bias"]}


def norm(ours: Ours, path: str, name: str) -> Arrays:
    return {f"{name}.w": ours[f"{path}.weight"], f"{name}.b": ours[f"{path}.bias"]}


def conv(ours: Ours, path: str, name: str, kernels: tuple[int, ...]) -> Arrays:
    """[k D, F] of ours is [F, D, k]."""
    found: Arrays = {}
    for i, k in enumerate(kernels, 1):
        weight = ours[f"{path}.weight.{i}"]
        found[f"{name}{k}.w"] = weight.reshape(k, -1, weight.shape[1]).transpose(2, 1, 0)
        found[f"{name}{k}.b"] = ours[f"{path}.bias.{i}"]
    return found


def conv2d(ours: Ours, path: str, name: str, k: int) -> Arrays:
    """[k k C, F] of ours is [F, C, k, k]."""
    weight = ours[f"{path}.weight"]
    return {
        f"{name}.w": weight.reshape(k, k, -1, weight.shape[1]).transpose(3, 2, 0, 1),
        f"{name}.b": ours[f"{path}.bias"],
    }


def lstm(ours: Ours, path: str, name: str) -> Arrays:
    def together(part: str) -> Array:
        return np.concatenate([ours[f"{path}.{gate}.{part}"].T for gate in GATES])

    return {f"{name}.x": together("weight_x"), f"{name}.h": together("weight_h"), f"{name}.b": together("bias")}


def textcnn(ours: Ours) -> Arrays:
    return {"E": ours["embed.weight"], **conv(ours, "conv", "conv", (3, 4, 5)), **dense(ours, "dense", "head")}


def tagger(ours: Ours) -> Arrays:
    ways = lstm(ours, "lstm.forward", "forward") | lstm(ours, "lstm.backward", "backward")
    return {"E": ours["embed.weight"], **ways, **dense(ours, "dense", "head")}


def lm(ours: Ours) -> Arrays:
    layers = lstm(ours, "lstm.1", "1") | lstm(ours, "lstm.2", "2")
    return {"E": ours["embed.weight"], **layers, **dense(ours, "dense", "head")}


def transformer(ours: Ours) -> Arrays:
    found = {"E": ours["embed.weight"], "positions": ours["positions.weight"], **dense(ours, "dense", "head")}
    for i in (1, 2):
        path = f"repeat.{i}"
        parts = [f"{path}.attention.{{}}_{part}" for part in ("query", "key", "value")]
        found[f"qkv{i}.w"] = np.concatenate([ours[part.format("weight")].T for part in parts])
        found[f"qkv{i}.b"] = np.concatenate([ours[part.format("bias")] for part in parts])
        found[f"out{i}.w"] = ours[f"{path}.attention.weight_out"].T
        found[f"out{i}.b"] = ours[f"{path}.attention.bias_out"]
        found |= norm(ours, f"{path}.layernorm", f"norm{i}a") | norm(ours, f"{path}.layernorm.2", f"norm{i}b")
        layers = f"{path}.feed_forward.dense"
        found |= dense(ours, layers, f"up{i}") | dense(ours, f"{layers}.2", f"down{i}")
    return found


def skipgram(ours: Ours) -> Arrays:
    return {"E": ours["embed.weight"], "out": ours["dense.weight"]}


def mlp(ours: Ours) -> Arrays:
    return dense(ours, "dense", "hidden") | dense(ours, "dense.2", "head")


def lenet(ours: Ours) -> Arrays:
    maps = conv2d(ours, "conv2d", "conv1", 5) | conv2d(ours, "conv2d.2", "conv2", 5)
    found = maps | dense(ours, "dense", "dense1") | dense(ours, "dense.2", "dense2") | dense(ours, "dense.3", "head")
    # Ours flattens pictures with their channels last.
    found["dense1.w"] = found["dense1.w"].reshape(120, 5, 5, 16).transpose(0, 3, 1, 2).reshape(120, 400)
    return found


def own_cell(ours: Ours) -> Arrays:
    found = {"E": ours["embed.weight"], **dense(ours, "dense", "head")}
    for gate, of_state in (("f", "weight_h"), ("c", "weight_2")):
        for name, part in (("x", "weight_x"), ("h", of_state), ("b", "bias")):
            found[f"{gate}.{name}"] = ours[f"minimal.{gate}.{part}"].T
    return found


def two_inputs(ours: Ours) -> Arrays:
    encoder = {"E": ours["encoder.embed.weight"], **conv(ours, "encoder.conv", "conv", (2, 3))}
    return encoder | dense(ours, "dense", "hidden") | dense(ours, "dense.2", "head")


def deep(ours: Ours) -> Arrays:
    found = dense(ours, "dense", "first") | dense(ours, "dense.2", "head")
    for i in range(1, 13):
        path = f"repeat.{i}.unit"
        found |= norm(ours, f"{path}.layernorm", f"norm{i}")
        found |= dense(ours, f"{path}.dense", f"up{i}") | dense(ours, f"{path}.dense.2", f"down{i}")
    return found


def averaging(ours: Ours) -> Arrays:
    layers = dense(ours, "repeat.1.dense", "hidden1") | dense(ours, "repeat.2.dense", "hidden2")
    return {"E": ours["embed.weight"], **layers, **dense(ours, "dense", "head")}


LAYOUTS: dict[str, Callable[[Ours], Arrays]] = {
    "textcnn": textcnn,
    "tagger": tagger,
    "lm": lm,
    "transformer": transformer,
    "skipgram": skipgram,
    "mlp": mlp,
    "lenet": lenet,
    "xor": mlp,
    "own_cell": own_cell,
    "two_inputs": two_inputs,
    "deep": deep,
    "averaging": averaging,
}


def reference_of(name: str, folder: Path) -> Reference:
    """The reference in the folder, as the peers lay it out."""
    ours = Reference.read(folder)
    return Reference(
        in_peers_layout(name, ours.weights), [in_peers_layout(name, g) for g in ours.gradients], ours.losses
    )


def in_peers_layout(name: str, ours: Ours) -> Arrays:
    return {key: np.ascontiguousarray(value) for key, value in LAYOUTS[name](ours).items()}
