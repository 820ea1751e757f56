"""LSTM layers as somebody writes them who knows NumPy and the LSTM: what the compiled program is measured against.

Time comes first; gates stand as input, forget, output, candidate, so that the three sigmoids are one part of a row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def empty(*shape: int) -> Array:
    return np.empty(shape, np.float32)


class Core:
    """`ways` LSTMs side by side over projected inputs `z` [T, ways, B, 4 H]; back leaves the gradient of z in z."""

    def __init__(self, length: int, ways: int, batch: int, width: int) -> None:
        shape = (ways, batch, width)
        self.width = width
        self.z = empty(length, ways, batch, 4 * width)
        self.c, self.h = (np.zeros((length + 1, *shape), np.float32) for _ in "ch")
        self.tanh_c = empty(length, *shape)
        self.wide, self.part, self.dc, self.dh = empty(ways, batch, 4 * width), *(empty(*shape) for _ in "pcd")
        z, n = self.z, width
        self.steps = [
            (z[t], z[t, ..., : 3 * n], *(z[t, ..., k * n : k * n + n] for k in range(4)),
             self.c[t], self.c[t + 1], self.tanh_c[t], self.h[t], self.h[t + 1])
            for t in range(length)
        ]  # fmt: skip

    def forward(self, weight: Array) -> None:
        """weight: [ways, H, 4 H]"""
        wide, part = self.wide, self.part
        half = np.float32(0.5)
        for z, gates, i, f, o, g, c, c_next, tanh_c, h, h_next in self.steps:
            np.matmul(h, weight, out=wide)
            np.add(wide, z, out=z)
            np.multiply(gates, half, out=gates)
            np.tanh(z, out=z)
            np.multiply(gates, half, out=gates)
            np.add(gates, half, out=gates)
            np.multiply(f, c, out=c_next)
            np.multiply(i, g, out=part)
            np.add(c_next, part, out=c_next)
            np.tanh(c_next, out=tanh_c)
            np.multiply(o, tanh_c, out=h_next)

    def back(self, weight: Array, d_out: Array) -> None:
        """d_out: [T, ways, B, H]"""
        dc, dh, part, wide, n = self.dc, self.dh, self.part, self.wide, self.width
        dc.fill(0)
        turned = np.ascontiguousarray(weight.swapaxes(-1, -2))
        d_gates, d_i, d_f, d_o, d_g = wide[..., : 3 * n], *(wide[..., k * n : k * n + n] for k in range(4))
        one = np.float32(1)
        for t in reversed(range(len(self.steps))):
            z, gates, i, f, o, g, c, _, tanh_c, _, _ = self.steps[t]
            if t == len(self.steps) - 1:
                np.copyto(dh, d_out[t])
            else:
                np.add(dh, d_out[t], out=dh)
            np.multiply(tanh_c, tanh_c, out=part)
            np.subtract(one, part, out=part)
            np.multiply(part, o, out=part)
            np.multiply(part, dh, out=part)
            np.add(dc, part, out=dc)
            np.multiply(z, z, out=wide)
            np.subtract(gates, d_gates, out=d_gates)
            np.subtract(one, d_g, out=d_g)
            np.multiply(d_g, i, out=d_g)
            np.multiply(d_i, g, out=d_i)
            np.multiply(d_f, c, out=d_f)
            np.multiply(d_o, tanh_c, out=d_o)
            np.multiply(dc, f, out=part)
            np.multiply(d_i, dc, out=i)
            np.multiply(d_f, dc, out=f)
            np.multiply(d_o, dh, out=o)
            np.multiply(d_g, dc, out=g)
            dc, part = part, dc
            if t:
                np.matmul(z, turned, out=dh)


class Layer:
    """One layer in one direction, with what stands around its loop."""

    def __init__(self, length: int, batch: int, inside: int, width: int) -> None:
        self.core = Core(length, 1, batch, width)
        rows = length * batch
        self.w_x, self.w_h, self.bias = empty(inside, 4 * width), empty(width, 4 * width), empty(4 * width)
        self.g_x, self.g_h, self.g_b = (np.empty_like(w) for w in (self.w_x, self.w_h, self.bias))
        self.z, self.h = self.core.z.reshape(rows, -1), self.core.h[1:].reshape(rows, width)
        self.before = self.core.h[:-1].reshape(rows, width)
        self.d_x, self.ones = empty(rows, inside), np.ones(rows, np.float32)

    def forward(self, x: Array) -> None:
        np.matmul(x, self.w_x, out=self.z)
        np.add(self.z, self.bias, out=self.z)
        self.core.forward(self.w_h[None])

    def back(self, x: Array, d_out: Array) -> None:
        self.core.back(self.w_h[None], d_out)
        np.matmul(self.before.T, self.z, out=self.g_h)
        np.matmul(x.T, self.z, out=self.g_x)
        np.dot(self.ones, self.z, out=self.g_b)
        np.matmul(self.z, self.w_x.T, out=self.d_x)


class Stack:
    """Layers one above the other. x: [T, B, D], d_out: [T, B, H]; filled by who measures."""

    def __init__(self, length: int, batch: int, inside: int, width: int, layers: int) -> None:
        self.x, self.d_out = empty(length, batch, inside), empty(length, 1, batch, width)
        self.layers = [Layer(length, batch, inside if k == 0 else width, width) for k in range(layers)]

    def step(self) -> None:
        below = [self.x.reshape(-1, self.x.shape[-1])]
        for layer in self.layers:
            layer.forward(below[-1])
            below.append(layer.h)
        d_out = self.d_out
        for x, layer in zip(below[-2::-1], self.layers[::-1], strict=True):
            layer.back(x, d_out)
            d_out = layer.d_x.reshape(*d_out.shape[:-1], -1)
        self.d_x = self.layers[0].d_x


class Both:
    """Two directions, as one loop or one after the other. x: [T, B, D], d_out: [T, B, 2 H]"""

    def __init__(self, length: int, batch: int, inside: int, width: int, at_once: bool) -> None:
        self.at_once = at_once
        self.x, self.d_out = empty(length, batch, inside), empty(length, batch, 2 * width)
        self.layers = [Layer(length, batch, inside, width) for _ in range(2)]
        self.core = Core(length, 2, batch, width)
        self.w_h = empty(2, width, 4 * width)
        self.out, self.flipped = empty(length, batch, 2 * width), empty(length, batch, 4 * width)
        self.d_ways, self.before = empty(length, 2, batch, width), empty(length, batch, width)
        self.d_way = empty(length, 1, batch, width)

    def step(self) -> None:
        self._at_once() if self.at_once else self._one_by_one()
        first, second = (layer.d_x for layer in self.layers)
        self.d_x = np.add(first, second, out=first)

    def _at_once(self) -> None:
        core, width = self.core, self.core.width
        rows = self.flipped.reshape(-1, 4 * width)
        x = self.x.reshape(len(rows), -1)
        for way, layer in enumerate(self.layers):
            np.matmul(x, layer.w_x, out=rows)
            np.add(self.flipped[::-1] if way else self.flipped, layer.bias, out=core.z[:, way])
            np.copyto(self.w_h[way], layer.w_h)
        core.forward(self.w_h)
        np.copyto(self.out[..., :width], core.h[1:, 0])
        np.copyto(self.out[..., width:], core.h[:0:-1, 1])
        np.copyto(self.d_ways[:, 0], self.d_out[..., :width])
        np.copyto(self.d_ways[:, 1], self.d_out[::-1, :, width:])
        core.back(self.w_h, self.d_ways)
        for way, layer in enumerate(self.layers):
            np.copyto(self.flipped, core.z[:, way])
            np.copyto(self.before, core.h[:-1, way])
            np.matmul(self.before.reshape(len(rows), -1).T, rows, out=layer.g_h)
            if way:
                np.copyto(self.flipped, core.z[::-1, way])
            np.matmul(x.T, rows, out=layer.g_x)
            np.dot(layer.ones, rows, out=layer.g_b)
            np.matmul(rows, layer.w_x.T, out=layer.d_x)

    def _one_by_one(self) -> None:
        rows = self.flipped.reshape(-1, self.flipped.shape[-1])
        x = self.x.reshape(len(rows), -1)
        for way, layer in enumerate(self.layers):
            core, width = layer.core, layer.core.width
            np.matmul(x, layer.w_x, out=rows)
            np.add(self.flipped[::-1] if way else self.flipped, layer.bias, out=core.z[:, 0])
            core.forward(layer.w_h[None])
            np.copyto(self.out[::-1, :, width:] if way else self.out[..., :width], core.h[1:, 0])
        for way, layer in enumerate(self.layers):
            core, width = layer.core, layer.core.width
            np.copyto(self.d_way[:, 0], self.d_out[::-1, :, width:] if way else self.d_out[..., :width])
            core.back(layer.w_h[None], self.d_way)
            np.matmul(layer.before.T, layer.z, out=layer.g_h)
            np.dot(layer.ones, layer.z, out=layer.g_b)
            np.copyto(self.flipped, core.z[::-1, 0] if way else core.z[:, 0])
            np.matmul(x.T, rows, out=layer.g_x)
            np.matmul(rows, layer.w_x.T, out=layer.d_x)
