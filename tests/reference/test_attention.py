"""Attention and the layers of the Transformer against PyTorch's modules with the same weights, in float64."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compiler import pipeline
from compiler.autodiff import gradients
from compiler.ir.graph import Graph, Input, Output, apply
from compiler.ops.lookup import Dense
from tests import chosen

Array = NDArray[np.float64]
torch: Any = pytest.importorskip("torch")

V, D, FF, HEADS = 9, 8, 12, 4
LENGTHS, OTHER = np.array([5, 1, 3, 4]), np.array([2, 6, 1, 3])
SIZES = {"B": 4, "T.text": 6, "T.memory": 7, "T": 6}
"""One position more than the longest text has."""


def ours(body: str, inputs: str = "text: words", seed: int = 0, before: str = "") -> SimpleNamespace:
    """Of a model whose weights are random: the loss and its gradients, and what was fed."""
    spec = f"{before}model m({inputs}) -> y: real[2] {{\n{body}\nmean\ndense\n}}\n"
    known = {"V": V, "V.text": V, "V.memory": V}
    graph = pipeline.check(spec, "m.nn", sizes=known, dtype="f64").network.training
    rng = np.random.default_rng(seed)
    nodes = [n for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"]
    weights: dict[str, Array] = {n.op.name: rng.normal(size=n.type.shape) / 2 for n in nodes}  # type: ignore[attr-defined]
    lengths = {n.op.name[8:]: n for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "lengths"}
    loss = next(o.node for o in graph.outputs if o.name == "loss")
    outputs = [
        Output(name, apply(Dense(), g) if g.type.rows is not None else g)
        for name, g in zip(weights, gradients(loss, nodes, lengths), strict=True)
        if g is not None
    ]
    graph = pipeline.optimize(Graph(graph.inputs, (Output("loss", loss), *outputs)))
    given = {"text": LENGTHS, "memory": OTHER} if "memory" in inputs else {"text": LENGTHS}
    fed: dict[str, Any] = {"y": rng.normal(size=(4, 2)), "rows": np.array(4.0), "seed": 1, "step": 1}
    for name, counts in given.items():
        symbol = f"T.{name}" if len(given) > 1 else "T"
        here = np.arange(SIZES[symbol]) < counts[:, None]
        fed |= {name: np.where(here, rng.integers(1, V, here.shape), 0), f"lengths.{symbol}": counts}
        weights[f"{name}.here"] = here
    store = {name: weights[name] for name in (n.op.name for n in nodes)}  # type: ignore[attr-defined]
    found = chosen.executor(graph, dict(store)).run(fed, SIZES)
    here = {name: weights[f"{name}.here"] for name in given}
    return SimpleNamespace(loss=float(found["loss"]), gradients=found, weights=store, fed=fed, here=here)


class Theirs:
    """The same weights as leaves of PyTorch."""

    def __init__(self, made: SimpleNamespace) -> None:
        self.made = made
        self.leaf = {n: torch.tensor(w, requires_grad=True) for n, w in made.weights.items()}

    def embedded(self, name: str, embed: str) -> Any:
        return self.leaf[f"{embed}.weight"][torch.tensor(self.made.fed[name])]

    def padding(self, name: str) -> Any:
        return torch.tensor(~self.made.here[name])

    def attention(self, path: str, query: Any, memory: Any, padding: Any, causal: bool = False) -> Any:
        w = {n.removeprefix(path + "."): leaf for n, leaf in self.leaf.items() if n.startswith(path + ".")}
        hidden = torch.triu(torch.ones(query.shape[1], memory.shape[1], dtype=torch.bool), 1) if causal else None
        found, _ = torch.nn.functional.multi_head_attention_forward(
            query.transpose(0, 1), memory.transpose(0, 1), memory.transpose(0, 1), query.shape[2], HEADS,
            torch.cat([w[f"weight_{n}"].T for n in ("query", "key", "value")]) if query.shape == memory.shape else None,
            torch.cat([w[f"bias_{n}"] for n in ("query", "key", "value")]),
            None, None, False, 0.0, w["weight_out"].T, w["bias_out"], key_padding_mask=padding, attn_mask=hidden,
            use_separate_proj_weight=query.shape != memory.shape, q_proj_weight=w["weight_query"].T,
            k_proj_weight=w["weight_key"].T, v_proj_weight=w["weight_value"].T,
        )  # fmt: skip
        return found.transpose(0, 1)

    def agree(self, x: Any) -> None:
        """x: the positions that are pooled, [B, T, D]."""
        here = torch.tensor(self.made.here["text"])[..., None]
        mean = torch.where(here, x, 0.0).sum(1) / here.sum(1)
        scores = mean @ self.leaf["dense.weight"] + self.leaf["dense.bias"]
        loss = ((scores - torch.tensor(self.made.fed["y"])) ** 2).sum() / 2 / 4
        assert abs(self.made.loss - float(loss.detach())) < 1e-9
        loss.backward()
        for name, leaf in self.leaf.items():
            wanted = leaf.grad.numpy().copy()
            if name.startswith("embed"):
                wanted[0] = 0
            np.testing.assert_allclose(self.made.gradients[name], wanted, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])
def test_attention_of_a_text_on_itself_is_that_of_torch(causal: bool):
    made = ours(f"embed {D} ; attention heads={HEADS}{' causal' * causal}")
    theirs = Theirs(made)
    x = theirs.embedded("text", "embed")
    theirs.agree(theirs.attention("attention", x, x, theirs.padding("text"), causal))


def bucket_of_t5(ahead: Any, both: bool, count: int) -> Any:
    """As the published T5 computes it, in 32 bits."""
    side = count // 2 if both else count
    distance = ahead.abs() if both else (-ahead).clamp(min=0)
    each = side // 2
    far = each + (torch.log(distance.clamp(min=1).float() / each) / np.log(128 / each) * (side - each)).long()
    bucket = torch.where(distance < each, distance, far.clamp(max=side - 1))
    return bucket + side * (ahead > 0).long() if both else bucket


@pytest.mark.parametrize(("causal", "buckets"), [(False, 8), (True, 4)], ids=["both ways", "causal"])
def test_relative_positions_are_those_of_t5(causal: bool, buckets: int):
    made = ours(f"embed {D} ; attention heads={HEADS} relative={buckets}{' causal' * causal}")
    theirs = Theirs(made)
    x, w = theirs.embedded("text", "embed"), {n.removeprefix("attention."): leaf for n, leaf in theirs.leaf.items()}
    q, k, v = (
        (x @ w[f"weight_{n}"] + w[f"bias_{n}"]).unflatten(2, (HEADS, -1)).transpose(1, 2)
        for n in ("query", "key", "value")
    )
    place = torch.arange(SIZES["T"])
    bias = w["weight_relative"][bucket_of_t5(place - place[:, None], not causal, buckets)].permute(2, 0, 1)
    hidden = theirs.padding("text")[:, None, None, :]
    hidden = hidden | (place > place[:, None]) if causal else hidden
    weights = (q @ k.transpose(2, 3) / (D // HEADS) ** 0.5 + bias).masked_fill(hidden, -torch.inf).softmax(-1)
    theirs.agree((weights @ v).transpose(1, 2).flatten(2) @ w["weight_out"] + w["bias_out"])


def test_attention_on_another_text_of_another_width_is_that_of_torch():
    body = f"m = memory | embed 6 as there\ntext | embed {D} as here\nattention(m) heads={HEADS}"
    theirs = Theirs(ours(body, "text: words, memory: words"))
    x, m = (
        theirs.leaf[f"{n}.weight"][torch.tensor(theirs.made.fed[t])] for n, t in (("here", "text"), ("there", "memory"))
    )
    theirs.agree(theirs.attention("attention", x, m, theirs.padding("memory")))


def layer_of(theirs: Theirs, path: str, norm_first: bool, activation: str) -> Any:
    """PyTorch's encoder layer with the leaves as its weights, as a function of its input and padding."""
    module = torch.nn.TransformerEncoderLayer(
        D, HEADS, FF, dropout=0.0, activation=activation, norm_first=norm_first, batch_first=True
    ).double()
    leaf = {n.removeprefix(path): w for n, w in theirs.leaf.items()}
    a, f = "attention", "feed_forward"
    names = ("query", "key", "value")
    given = {
        "self_attn.in_proj_weight": torch.cat([leaf[f"{a}.weight_{n}"].T for n in names]),
        "self_attn.in_proj_bias": torch.cat([leaf[f"{a}.bias_{n}"] for n in names]),
        "self_attn.out_proj.weight": leaf[f"{a}.weight_out"].T,
        "self_attn.out_proj.bias": leaf[f"{a}.bias_out"],
        "linear1.weight": leaf[f"{f}.dense.weight"].T,
        "linear1.bias": leaf[f"{f}.dense.bias"],
        "linear2.weight": leaf[f"{f}.dense.2.weight"].T,
        "linear2.bias": leaf[f"{f}.dense.2.bias"],
        "norm1.weight": leaf["layernorm.weight"],
        "norm1.bias": leaf["layernorm.bias"],
        "norm2.weight": leaf["layernorm.2.weight"],
        "norm2.bias": leaf["layernorm.2.bias"],
    }
    assert set(given) == {n for n, _ in module.named_parameters()}
    return lambda x, **masks: torch.func.functional_call(module, given, (x,), masks)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("word", ["encoder_layer", "encoder_layer_pre", "causal_layer"])
def test_layer_of_the_library_is_that_of_torch(word: str, activation: str):
    use = f'{word} heads={HEADS} ff={FF} p=0 activation="{activation}"'
    theirs = Theirs(ours(f"embed {D} ; positions sinusoid ; {use} ; {use}", seed=3))
    x = theirs.embedded("text", "embed")
    t, column = np.arange(SIZES["T"])[:, None], np.arange(D)
    angle = t / 10000 ** ((column - column % 2) / D)
    x = x + torch.tensor(np.where(column % 2, np.cos(angle), np.sin(angle)))
    masks = {"src_key_padding_mask": theirs.padding("text")}
    if word == "causal_layer":
        masks["src_mask"] = torch.triu(torch.ones(SIZES["T"], SIZES["T"], dtype=torch.bool), 1)
    for path in (f"{word}.", f"{word}.2."):
        x = layer_of(theirs, path, word != "encoder_layer", activation)(x, **masks)
    theirs.agree(x)


def test_learned_positions_are_a_table_that_is_added():
    theirs = Theirs(ours(f"embed {D} ; positions learned ; tanh", "text: words(max=5)"))
    table = theirs.leaf["positions.weight"]
    assert tuple(table.shape) == (5, D)
    # The batch is padded to more positions than a text may have.
    theirs.agree(torch.tanh(theirs.embedded("text", "embed") + torch.nn.functional.pad(table, (0, 0, 0, 1))))
