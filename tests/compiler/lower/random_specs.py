"""Specs that nobody wrote: every layer, setting and structure in any order, mostly sensible and sometimes not."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from compiler import library
from compiler.layers import LAYERS
from compiler.lower.cell_words import EVERY_CELL
from compiler.signature import Setting, Signature
from dsl import ast

CELLS = [name for name in library.names() if isinstance(library.find(name).block, ast.Cell)]  # type: ignore[union-attr]
STEPS = (
    "tanh(linear(x, h))",
    "linear(x, m) * sigmoid(linear(x, c, h)) + c",
    "h + c",
    "concat | linear",
    "tanh(linear(x, c'))",
    "param[size, size] @ h",
    "linear(x, h) | dropout 0.3",
    "diagonal(h) + tanh(linear(m | mean))",
    "m | gru 3 | last | linear",
    "m * h | maxpool | linear",
    "max(h, c)",
    "1 / linear(x, h)",
    "exp(h) * param[size]",
    "x | dense 3 relu | layernorm | linear",
)
NAMES = ("a", "b", "c", "d", "e", "label", "text", "x", "n", "w", "blk", "sh", "relu", "lstm", "mean")
ODD_NUMBERS = ("0", "1", "2.5", "-1", "1e30", "9223372036854775807", "10%", "0.0", "10000000")


@dataclass
class Writer:
    """Writes one spec. odd: the chance that a thing is not as it should be."""

    rng: random.Random
    odd: float
    lines: int = 0
    names: list[str] = field(default_factory=list[str])
    labels: list[str] = field(default_factory=list[str])

    def strange(self) -> bool:
        return self.rng.random() < self.odd

    def name(self) -> str:
        return self.rng.choice(self.names) if self.names and not self.strange() else self.rng.choice(NAMES)

    def number(self, setting: Setting) -> str:
        if self.strange():
            return self.rng.choice((*ODD_NUMBERS, "n", "dim(x)", f"dim({self.name()})", "n*2", "4*dim(x)", '"s"'))
        if setting.kind in ("count", "width"):
            return str(self.rng.choice((1, 2, 3, 3, 4, 4, 5)))
        return self.rng.choice(("0.1", "0.5", "10%", "0.25"))

    def value(self, setting: Setting) -> str:
        if setting.kind == "choice":
            return self.rng.choice(setting.choices) if not self.strange() else self.name()
        if setting.kind == "name":
            return self.rng.choice(self.labels) if self.labels and not self.strange() else self.rng.choice(NAMES)
        if setting.many and self.rng.random() < 0.4:
            return ",".join(self.number(setting) for _ in range(self.rng.randint(1, 3)))
        return self.number(setting)

    def settings(self, signature: Signature) -> str:
        parts: list[str] = []
        for setting in signature.settings:
            wanted = setting.required or self.rng.random() < 0.12
            if setting.name == "size" or setting.name == "k":
                wanted = wanted or self.rng.random() < 0.7
            if not wanted or (setting.required and self.strange() and self.rng.random() < 0.3):
                continue
            if setting.kind == "flag":
                parts.append(setting.name)
            elif setting.name in signature.positional and self.rng.random() < 0.5 and not setting.many:
                parts.append(self.number(setting))
            else:
                parts.append(f"{setting.name}={self.value(setting)}")
        if self.strange():
            parts.append(self.rng.choice(("relu", "size=3", "foo", "k=2", "7", "n", "same", "as q")))
        return "".join(f" {part}" for part in parts)

    def layer(self, depth: int) -> str:
        roll = self.rng.random()
        if depth < 4 and roll < 0.16:
            return self.structure(depth)
        if roll < 0.22:
            return self.rng.choice(("blk 3", "blk n=2 p=0.5", "feed_forward 4", "sh", "two(e)", "blk 3 frozen"))
        if roll < 0.27:
            return self.cell()
        word = self.rng.choice(list(LAYERS))
        if self.rng.random() < 0.45:
            word = self.rng.choice(("dense", "conv", "maxpool", "mean", "embed", "dropout", "relu", "dense"))
        layer = LAYERS[word]
        if len(layer.operands) > 1 or layer.any:
            return f"{word}({', '.join(self.expression(depth + 2) for _ in range(self.rng.randint(1, 2)))})"
        label = ""
        if layer.weights and self.rng.random() < 0.15:
            self.labels.append(f"l{len(self.labels)}")
            label = f" as {self.labels[-1]}"
        return f"{word}{self.settings(layer.signature)}{label}"

    def cell(self) -> str:
        """The use of a cell, of the library or of this spec."""
        word = self.rng.choice((*CELLS, "own"))
        first = f"h={self.name()}" if self.rng.random() < 0.2 else ""
        operands = ", ".join([*([self.name(), self.name()] if word == "own" else []), *([first] if first else [])])
        settings = self.settings(EVERY_CELL) + (" width=3" if word == "lstm_projected" else "")
        self.labels += [f"l{len(self.labels)}"] if self.rng.random() < 0.3 else []
        label = f" as {self.labels[-1]}" if self.labels and self.rng.random() < 0.3 else ""
        return f"{word}{f'({operands})' if operands else ''}{settings}{label}"

    def own_cell(self) -> str:
        """A cell whose equations nobody wrote."""
        kept, self.names = self.names, ["x", "m", "h", "c"]
        each = " each" if self.rng.random() < 0.3 else ""
        lines = [self.line(1) for _ in range(self.rng.randint(0, 2))]
        lines += [f"c' = {self.rng.choice(STEPS)}", f"h' = {self.rng.choice(STEPS)}"]
        self.names = kept
        return "\n".join((f"cell own(x, m{each}) state h, c {{", *lines, "}", ""))

    def structure(self, depth: int) -> str:
        word = self.rng.choice(("residual", "parallel", "repeat 2", "repeat n=2,3", "repeat 2 shared", "repeat m=3,4"))
        kept, labels = list(self.names), list(self.labels)
        inner = " ; ".join(self.line(depth + 1) for _ in range(self.rng.randint(1, 3)))
        self.names, self.labels = kept, labels
        return f"{word} {{ {inner} }}"

    def expression(self, depth: int) -> str:
        roll = self.rng.random()
        if depth > 5 or roll < 0.35:
            return self.name()
        if roll < 0.55:
            return f"({self.expression(depth + 1)} | {self.layer(depth + 1)})"
        if roll < 0.75:
            operator = self.rng.choice(("+", "-", "*", "/", "+", "@" if self.strange() else "*"))
            return f"{self.expression(depth + 1)} {operator} {self.expression(depth + 1)}"
        if roll < 0.8:
            return f"-{self.name()}"
        if roll < 0.85 and self.labels:
            return f"{self.rng.choice(self.labels)}.{self.rng.choice(('weight', 'bias', 'y', 'q'))}"
        if roll < 0.9:
            return self.rng.choice(("2", "0.5", "n", "mean", "relu"))
        return f"{self.rng.choice(('concat', 'abs', 'max', 'dot', 'cosine'))}({self.name()}, {self.name()})"

    def line(self, depth: int = 0) -> str:
        self.lines += 1
        body = self.layer(depth) if self.rng.random() < 0.7 else self.expression(depth)
        if self.rng.random() < 0.2:
            body = f"{body} | {self.layer(depth + 1)}"
        if self.rng.random() < 0.35:
            name = f"v{self.lines}" if not self.strange() else self.rng.choice(NAMES)
            self.names.append(name)
            return f"{name} = {body}"
        return body


BLOCKS = """let n = 3
block blk(x) n_ p=0.1 {
  y = x | dense n_ relu
  dropout p
}
block two(x, other) { concat(x, other) }
"""
INPUTS = (
    "text: words",
    "text: words(max=9), e: chars",
    "text: real[3]",
    "text: words, e: real",
    "text: words, e: words",
)
OUTPUTS = ("label: class", "label: real[2]", "label: class, x: class")
OPTIMIZERS = ("adam", "sgd lr=0.1 momentum=0.5", "adagrad", "adamw ; decay 0.01", "sgd ; clip norm=1 value=1 weights=3")


def random_spec(seed: int) -> str:
    """The spec of a seed: half of them written with care, so that some are right."""
    rng = random.Random(seed)
    careful = rng.random() < 0.6
    writer = Writer(rng, 0.0 if careful else rng.choice((0.02, 0.1, 0.4)), names=["text"])
    signature = INPUTS[0] if careful else rng.choice(INPUTS)
    output = rng.choice(OUTPUTS[:2]) if careful else rng.choice(OUTPUTS)
    lines = ["shared sh { dense 4 }"] if rng.random() < 0.2 else []
    if careful:
        size = rng.randint(1, 5)
        lines.append(rng.choice((f"embed {size}", f"e0 = embed {size} as l", "onehot", f"embed {size} scaled")))
        lines += _sensible(writer, rng)
    lines += [writer.line() for _ in range(int(rng.random() < 0.2) if careful else rng.randint(0, 7))]
    head = "label = dense softmax" if output.startswith("label: class") else "label = dense"
    if careful:
        lines.append(rng.choice((head, head.removeprefix("label = "), f"{head.split()[0]} = dense sigmoid")))
    body = "\n".join(f"  {line}" for line in lines)
    cell = writer.own_cell() if " own" in body or "(own" in body else ""
    return f"{BLOCKS}{cell}model m({signature}) -> {output} {{\n{body}\n}}\ntrain {{ {rng.choice(OPTIMIZERS)} }}\n"


SEQUENCE = (
    "conv {k} filters={n}", "conv k=2,3 filters={n} same relu", "conv {k} filters={n} dilation=2 causal", "dense {n}",
    "residual {{ relu }}", "residual {{ dense dim(q{i}) }}", "layernorm", "dropout 0.5", "dropout 0.5 words", "relu",
    "parallel {{ dense {n} ; relu ; mean }}", "repeat 2 {{ dense {n} tanh }}", "blk n_={n}", "maxpool window=2",
    "avgpool window={k} stride=1", "conv {k} filters={n} stride=2 wide", "repeat 2 shared {{ residual {{ gelu }} }}",
    "lstm {n} bidir", "gru {n} layers=2 dropout=0.2", "lstm_peephole {n} reverse dropout=0.3 variational",
    "lstm {n} bidir layers=2 as c{i}\n  lstm(h=c{i}.h, c=c{i}.c) {n} bidir layers=2", "elman {n} as t{i}\n  srn {n}",
    "own(q{i}, q{i}) {n}", "s{i} = q{i} | gru {n} as g{i}\n  q{i} | gru {n} tied=g{i} reverse\n  concat * s{i}",
    "parallel {{ srn {n} ; leaky {n} reverse }} | tanh", "repeat 2 {{ lstm_coupled {n} }}", "gru(h=param[{n}]) {n}",
    "feed_forward {n}", "tanh | sigmoid", "softmax", "layernorm rms", "repeat m{i}=2,3 {{ dense m{i} }}",
)  # fmt: skip
POOLS = (
    "maxpool", "mean", "sum", "last", "first", "maxpool k=2 | flatten", "conv k=2,3,4 filters={n} relu | maxpool",
    "conv k=2,3 filters={n},2 | dropout 0.5 | avgpool", "parallel {{ maxpool ; mean ; last }}",
)  # fmt: skip
VECTOR = (
    "dense {n} relu", "residual {{ dense {n} ; dense dim(q{i}) }}", "layernorm", "dropout 0.3", "blk {n}", "tanh",
    "p{i} = dense {n} sigmoid\n  p{i} * p{i} - 1 / 2", "parallel {{ dense {n} ; abs }}", "softmax",
    "r{i} = relu\n  concat(r{i}, max(r{i}, (r{i} | dense 1)), cosine(r{i}, r{i}))",
    "dense {n} as k{i}\n  concat * k{i}.bias",
)  # fmt: skip


def _sensible(writer: Writer, rng: random.Random) -> list[str]:
    lines: list[str] = []
    for i in range(rng.randint(0, 4)):
        lines += _one(rng, SEQUENCE, i)
    lines.append(rng.choice(POOLS).format(n=rng.randint(1, 4)))
    for i in range(rng.randint(0, 3)):
        lines += _one(rng, VECTOR, i + 10)
    return lines


def _one(rng: random.Random, templates: tuple[str, ...], i: int) -> list[str]:
    line = rng.choice(templates).format(n=rng.randint(1, 4), k=rng.randint(1, 4), i=i)
    return [f"q{i} = concat", line] if f"q{i}" in line else [line]
