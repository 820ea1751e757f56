"""Each workload's loss in JAX: loops by `lax.scan`, convolutions by `lax.conv_general_dilated`.

A loss takes the weights in the layout of `benchmarks.layouts`, a batch, whether dropout is on, and a key for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.workloads import TIME_FIRST, Workload

Array = jax.Array
Weights = dict[str, Array]
Loss = Callable[[Weights, tuple[Array, ...], bool, Array], Array]


def linear(p: Weights, name: str, x: Array) -> Array:
    return x @ p[f"{name}.w"].T + p[f"{name}.b"]


def cross_entropy(scores: Array, truth: Array) -> Array:
    return -jnp.take_along_axis(jax.nn.log_softmax(scores, -1), truth[..., None], -1).mean()


def logistic(score: Array, truth: Array) -> Array:
    return jax.nn.softplus(score) - truth * score


def dropped(x: Array, p: float, key: Array) -> Array:
    return jnp.where(jax.random.bernoulli(key, 1 - p, x.shape), x / (1 - p), 0)


def convolved(p: Weights, kernels: tuple[int, ...], x: Array) -> Array:
    """The largest of each map. x: [B, T, D]"""
    largest: list[Array] = []
    for k in kernels:
        maps = lax.conv_general_dilated(
            x, p[f"conv{k}.w"].transpose(2, 1, 0), (1,), "VALID", dimension_numbers=("NWC", "WIO", "NWC")
        )
        largest.append(jax.nn.relu(maps + p[f"conv{k}.b"]).max(1))
    return jnp.concatenate(largest, 1)


def textcnn(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    text, label = batch
    x = convolved(p, (3, 4, 5), p["E"][text])
    return cross_entropy(linear(p, "head", dropped(x, 0.5, key) if dropout else x), label)


def lstm(p: Weights, name: str, x: Array, reverse: bool = False) -> Array:
    """x: [T, B, D]"""
    zeros = jnp.zeros((x.shape[1], p[f"{name}.h"].shape[1]))

    def step(state: tuple[Array, Array], of_x: Array) -> tuple[tuple[Array, Array], Array]:
        h, c = state
        i, f, g, o = jnp.split(of_x + h @ p[f"{name}.h"].T, 4, 1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return lax.scan(step, (zeros, zeros), x @ p[f"{name}.x"].T + p[f"{name}.b"], reverse=reverse)[1]


def tagger(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    text, tags = batch
    x = p["E"][text]
    both = jnp.concatenate((lstm(p, "forward", x), lstm(p, "backward", x, reverse=True)), 2)
    return cross_entropy(linear(p, "head", both), tags)


def lm(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    text, following = batch
    return cross_entropy(linear(p, "head", lstm(p, "2", lstm(p, "1", p["E"][text]))), following)


def norm(p: Weights, name: str, x: Array) -> Array:
    from_mean = x - x.mean(-1, keepdims=True)
    scale = lax.rsqrt((from_mean**2).mean(-1, keepdims=True) + 1e-5)
    return from_mean * scale * p[f"{name}.w"] + p[f"{name}.b"]


def transformer(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    text, label = batch
    x = p["E"][text] + p["positions"]
    b, t, d = x.shape
    for i in (1, 2):
        q, k, v = linear(p, f"qkv{i}", x).reshape(b, t, 3, 4, d // 4).transpose(2, 0, 3, 1, 4)
        weights = jax.nn.softmax(jnp.einsum("bhqd,bhkd->bhqk", q, k) * (d // 4) ** -0.5, -1)
        attended = jnp.einsum("bhqk,bhkd->bqhd", weights, v).reshape(b, t, d)
        x = norm(p, f"norm{i}a", x + linear(p, f"out{i}", attended))
        x = norm(p, f"norm{i}b", x + linear(p, f"down{i}", jax.nn.relu(linear(p, f"up{i}", x))))
    return cross_entropy(linear(p, "head", x.mean(1)), label)


def mlp(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    x, digit = batch
    return cross_entropy(linear(p, "head", jax.nn.relu(linear(p, "hidden", x))), digit)


def skipgram(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    """context: [B, 1 + 5], the word itself first, then those that it is told from."""
    center, _, context, _ = batch
    scores = jnp.einsum("bd,bkd->bk", p["E"][center], p["out"][context])
    truth = jnp.zeros_like(scores).at[:, 0].set(1)
    return logistic(scores, truth).sum() / len(center)


def lenet(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    picture, digit = batch

    def maps(name: str, x: Array, padding: str) -> Array:
        w = p[f"{name}.w"].transpose(2, 3, 1, 0)
        x = lax.conv_general_dilated(x, w, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + p[f"{name}.b"])
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    x = maps("conv2", maps("conv1", picture, "SAME"), "VALID").transpose(0, 3, 1, 2)
    x = jax.nn.relu(linear(p, "dense1", x.reshape(len(x), -1)))
    return cross_entropy(linear(p, "head", jax.nn.relu(linear(p, "dense2", x))), digit)


def xor(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    point, odd = batch
    score = linear(p, "head", jnp.tanh(linear(p, "hidden", point)))
    return logistic(score[:, 0], odd).mean()


def own_cell(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    text, label = batch
    x = p["E"][text]
    of_f, of_c = (x @ p[f"{g}.x"].T + p[f"{g}.b"] for g in ("f", "c"))

    def step(h: Array, of_x: tuple[Array, Array]) -> tuple[Array, None]:
        f = jax.nn.sigmoid(of_x[0] + h @ p["f.h"].T)
        return (1 - f) * h + f * jnp.tanh(of_x[1] + (f * h) @ p["c.h"].T), None

    h, _ = lax.scan(step, jnp.zeros((x.shape[1], p["f.h"].shape[0])), (of_f, of_c))
    return cross_entropy(linear(p, "head", h), label)


def two_inputs(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    a, b, same = batch
    u, v = jnp.split(convolved(p, (2, 3), p["E"][jnp.concatenate((a, b))]), 2)
    x = jnp.concatenate((u, v, jnp.abs(u - v), u * v), 1)
    return cross_entropy(linear(p, "head", jax.nn.relu(linear(p, "hidden", x))), same)


def deep(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    row, label = batch
    x = linear(p, "first", row)
    for i in range(1, 13):
        x = x + linear(p, f"down{i}", jax.nn.relu(linear(p, f"up{i}", norm(p, f"norm{i}", x))))
    return cross_entropy(linear(p, "head", x), label)


def averaging(p: Weights, batch: tuple[Array, ...], dropout: bool, key: Array) -> Array:
    text, label = batch
    x = p["E"][text].mean(1)
    x = dropped(x, 0.3, key) if dropout else x
    x = jax.nn.relu(linear(p, "hidden2", jax.nn.relu(linear(p, "hidden1", x))))
    return cross_entropy(linear(p, "head", x), label)


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


def arranged(w: Workload, column: Any) -> Any:
    return column.T if w.name in TIME_FIRST and column.ndim == 2 else column
