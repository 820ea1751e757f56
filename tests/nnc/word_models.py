"""Small running texts about things of three kinds, and models of their words."""

from __future__ import annotations

import random
from pathlib import Path

from nnc import cli
from nnc.failure import guarded

THINGS = (["cat", "dog", "cow", "horse"], ["red", "green", "blue", "black"], ["one", "two", "three", "four"])
SKIPGRAM = """model m(center: word(min=2)) -> context: word(vocabulary=center) {
  embed 8 as vectors
  dense negatives=4
}
data { train "text.txt" windows=skipgram radius=3 shrink ; valid 10% ; subsample 0.2 }
train { loss sum ; sgd lr=0.05 ; batch 50 ; epochs 3 }
"""
CBOW = """model m(around: bag(word)) -> center: word(vocabulary=around) {
  embed 8 as vectors
  mean
  dense hierarchical
}
data { train "text.txt" windows=cbow radius=2 ; valid 10% }
train { loss sum ; sgd lr=0.1 ; batch 20 ; epochs 3 }
"""
SOFTMAX = SKIPGRAM.replace("negatives=4", "softmax").replace("loss sum ; sgd lr=0.05", "adam lr=0.05")
PAIRS = """model m(center: word) -> context: word(vocabulary=center) { embed 4 ; dense negatives=3 }
data { train "pairs.tsv" columns=center,context ; valid 20% }
train { adam lr=0.1 ; batch 8 ; epochs 4 }
"""


def text() -> str:
    """Lines about one kind of thing each, some words that are everywhere, and one that stands there once."""
    draw = random.Random(3)
    lines = [[draw.choice((*kind, "the")) for _ in range(draw.randint(1, 9))] for kind in THINGS * 70]
    return "\n".join(" ".join(line) for line in [*lines, ["hapax", "cat"]]) + "\n"


def write() -> None:
    """Into the working directory: the texts, and a spec of each kind."""
    Path("text.txt").write_text(text())
    for name, spec in (("skipgram", SKIPGRAM), ("cbow", CBOW), ("softmax", SOFTMAX), ("pairs", PAIRS)):
        Path(f"{name}.nn").write_text(spec)
    Path("pairs.tsv").write_text("".join(f"{a}\t{b}\n" for kind in THINGS for a in kind for b in kind))


def ran(*arguments: str) -> int:
    return guarded(arguments, cli.run)
