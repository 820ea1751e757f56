"""A Transformer in PyTorch with our weights, and beam search over it: keys and values cached, the beams of a batch side
by side, sentences that are done leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

BEGIN, END = 2, 3


@dataclass
class Cache:
    """Of each layer its keys and values of the text so far, and those of the memory: [rows, heads, positions, n]."""

    own: list[tuple[Tensor, Tensor]]
    memory: list[tuple[Tensor, Tensor]]
    hidden: Tensor

    def take(self, rows: Tensor) -> Cache:
        """These rows, in this order. What comes of the memory is the same in all rows of a sentence."""
        return replace(self, own=[(k[rows], v[rows]) for k, v in self.own])

    def keep(self, rows: Tensor) -> Cache:
        memory = [(k[rows], v[rows]) for k, v in self.memory]
        return Cache([(k[rows], v[rows]) for k, v in self.own], memory, self.hidden[rows])


@dataclass
class Translator:
    """specs/translate_transformer.nn. weights: by our names"""

    weights: Mapping[str, NDArray[np.float32]]
    layers: int = 3
    heads: int = 4
    tensors: dict[str, Tensor] = field(default_factory=dict[str, Tensor])

    def __post_init__(self) -> None:
        self.tensors = {name: torch.from_numpy(np.array(w)) for name, w in self.weights.items()}
        self.width = self.tensors["embed.weight"].shape[1]
        self.table = self.tensors["decode.out.weight"]
        at, column = np.arange(512)[:, None], np.arange(self.width)[None, :]
        angle = at / 10000 ** (2 * (column // 2) / self.width)
        self.positions = torch.from_numpy(np.where(column % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32))

    def _norm(self, path: str, x: Tensor) -> Tensor:
        return functional.layer_norm(x, (self.width,), self.tensors[f"{path}.weight"], self.tensors[f"{path}.bias"])

    def _part(self, path: str, what: str, x: Tensor) -> Tensor:
        """[rows, positions, D] -> [rows, heads, positions, n]"""
        y = torch.addmm(
            self.tensors[f"{path}.bias_{what}"], x.reshape(-1, self.width), self.tensors[f"{path}.weight_{what}"]
        )
        return y.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def _look(self, path: str, x: Tensor, keys: Tensor, values: Tensor, hidden: Tensor | None) -> Tensor:
        asked = self._part(path, "query", x)
        seen = functional.scaled_dot_product_attention(asked, keys, values, attn_mask=hidden)
        flat = seen.transpose(1, 2).reshape(-1, self.width)
        return torch.addmm(self.tensors[f"{path}.bias_out"], flat, self.tensors[f"{path}.weight_out"]).view(x.shape)

    def _forward(self, path: str, x: Tensor) -> Tensor:
        w = self.tensors
        inside = torch.addmm(w[f"{path}.dense.bias"], x.reshape(-1, self.width), w[f"{path}.dense.weight"]).relu_()
        return torch.addmm(w[f"{path}.dense.2.bias"], inside, w[f"{path}.dense.2.weight"]).view(x.shape)

    def begin(self, ids: Tensor, lengths: Tensor, copies: int) -> Cache:
        """The memory of sentences [N, T], each so many times."""
        x = functional.embedding(ids, self.tensors["embed.weight"]) * sqrt(self.width) + self.positions[: ids.shape[1]]
        hidden = (torch.arange(ids.shape[1]) < lengths[:, None])[:, None, None, :]
        for layer in range(1, self.layers + 1):
            path = f"repeat.{layer}.encoder_layer_pre"
            y = self._norm(f"{path}.layernorm", x)
            of = f"{path}.attention"
            x = x + self._look(of, y, self._part(of, "key", y), self._part(of, "value", y), hidden)
            x = x + self._forward(f"{path}.feed_forward", self._norm(f"{path}.layernorm.2", x))
        x = self._norm("layernorm", x)
        memory: list[tuple[Tensor, Tensor]] = []
        for layer in range(1, self.layers + 1):
            of = f"decode.repeat.{layer}.decoder_layer_pre.attention.2"
            found = (self._part(of, what, x).repeat_interleave(copies, 0) for what in ("key", "value"))
            memory.append(tuple(found))  # type: ignore[arg-type]
        empty = torch.zeros(len(ids) * copies, self.heads, 0, self.width // self.heads)
        return Cache([(empty, empty)] * self.layers, memory, hidden.repeat_interleave(copies, 0))

    def step(self, cache: Cache, ids: Tensor, at: int) -> Tensor:
        """log p of the next id, [rows, V]"""
        x = (functional.embedding(ids, self.table) * sqrt(self.width) + self.positions[at])[:, None]
        for layer in range(self.layers):
            path = f"decode.repeat.{layer + 1}.decoder_layer_pre"
            y, of = self._norm(f"{path}.layernorm", x), f"{path}.attention"
            keys, values = cache.own[layer]
            keys = torch.cat([keys, self._part(of, "key", y)], 2)
            values = torch.cat([values, self._part(of, "value", y)], 2)
            cache.own[layer] = keys, values
            x = x + self._look(of, y, keys, values, None)
            y = self._norm(f"{path}.layernorm.2", x)
            x = x + self._look(f"{of}.2", y, *cache.memory[layer], cache.hidden)
            x = x + self._forward(f"{path}.feed_forward", self._norm(f"{path}.layernorm.3", x))
        x = self._norm("decode.layernorm", x)[:, 0]
        return torch.addmm(self.tensors["decode.dense.bias"], x, self.table.T).log_softmax(1)


@torch.inference_mode()
def beam_search(
    model: Translator, ids: NDArray[np.int64], lengths: NDArray[np.int64], beam: int, power: float, most: int
) -> list[list[int]]:
    """As runtime.search tells it: those that end among the best `beam` are laid aside; a sentence is done when so many
    have, or when none that goes on can become better."""
    count = len(ids)
    cache = model.begin(torch.from_numpy(ids), torch.from_numpy(lengths), beam)
    going = list(range(count))
    ended: list[list[tuple[float, list[int]]]] = [[] for _ in range(count)]
    left: list[list[int]] = [[] for _ in range(count)]
    scores = torch.full((count, beam), -torch.inf)
    scores[:, 0] = 0
    texts = torch.zeros(count, beam, most, dtype=torch.int64)
    last = torch.full((count * beam,), BEGIN)
    for at in range(most):
        logs = model.step(cache, last, at)
        logs[:, :END] = -torch.inf
        total = scores[:, :, None] + logs.view(len(going), beam, -1)
        total, order = total.view(len(going), -1).topk(2 * beam, 1)
        parents, tokens = order // logs.shape[1], order % logs.shape[1]
        ends = tokens == END
        for i, rank in (ends[:, :beam] & total[:, :beam].isfinite()).nonzero().tolist():
            score = float(total[i, rank]) / ((5 + at + 1) / 6) ** power
            ended[going[i]].append((score, texts[i, parents[i, rank], :at].tolist()))
        kept = ends.to(torch.int8).argsort(dim=1, stable=True)[:, :beam]
        scores = total.gather(1, kept).masked_fill(ends.gather(1, kept), -torch.inf)
        parents, last = parents.gather(1, kept), tokens.gather(1, kept)
        texts = texts.gather(1, parents[:, :, None].expand(-1, -1, most))
        texts[:, :, at] = last
        bounds = (scores.max(1).values / ((5 + most) / 6) ** power).tolist()
        open_: list[int] = []
        for i, sentence in enumerate(going):
            done = ended[sentence]
            best = max((score for score, _ in done), default=-np.inf)
            left[sentence] = [i] if not done else []
            if len(done) < beam and bounds[i] > best:
                open_.append(i)
        for sentence, at_row in ((s, each[0]) for s, each in enumerate(left) if each):
            if at_row not in open_ or at + 1 == most:
                left[sentence] = texts[at_row, int(scores[at_row].argmax())].tolist()
        if not open_ or at + 1 == most:
            break
        rows = (torch.arange(len(going))[:, None] * beam + parents).view(-1)
        cache = cache.take(rows)
        if len(open_) < len(going):
            chosen = torch.tensor(open_)
            of_rows = (chosen[:, None] * beam + torch.arange(beam)).view(-1)
            cache, scores, texts = cache.keep(of_rows), scores[chosen], texts[chosen]
            last, going = last[chosen], [going[i] for i in open_]
        last = last.reshape(-1)
    return [max(done, key=lambda each: each[0])[1] if done else left[s] for s, done in enumerate(ended)]
