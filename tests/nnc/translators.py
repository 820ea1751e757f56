"""Small models that write a text, for tests, with weights that nobody trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compiler.ir.types import bound_shape
from compiler.pipeline import check
from nnc.model import Model, Origin
from runtime.data import read

PAIRS = "a b c\tx y\nb\tz z (y), x\nc c a\tx\nb a c a b\ty x z z\n"
"""Source and target of a row."""

CELL = """cell attentive(x, memory) state h {
  a = attend(h, memory)
  z = sigmoid(linear(x, a, h))
  h' = z * h + (1 - z) * tanh(linear(x, a, h))
}
"""
DECODERS = {
    "last state": """
      embed 4 | lstm 3 layers=2 as reader
      decode { embed 5 ; lstm(h=reader.h, c=reader.c) 3 layers=2 ; dense softmax }""",
    "attention in the cell": """
      memory = embed 4 | gru 3 bidir
      start = last | dense 5 tanh
      decode { embed 4 ; attentive(memory, h=start) 5 ; dense softmax }""",
    "attention after the cell": """
      memory = embed 4 | lstm 5 as reader
      decode {
        h = embed 4 | lstm(h=reader.h, c=reader.c) 5
        a = h | attend(memory) general
        concat(h, a) | dense 4 tanh
        dense softmax
      }""",
    "additive, after the cell": """
      memory = embed 4 | gru 3 bidir
      decode { h = embed 4 | gru 6 ; a = attend(h, memory) ; concat(h, a) | dense softmax }""",
    "transformer": """
      memory = embed 6 scaled as emb | positions sinusoid | repeat 2 { encoder_layer heads=2 ff=8 }
      decode {
        embed 6 scaled tied=emb
        positions sinusoid
        repeat 2 { decoder_layer(memory) heads=3 ff=8 }
        dense softmax tied=emb
      }""",
    "norms before, learned positions": """
      memory = embed 6 | encoder_layer_pre heads=2 ff=8 | layernorm
      decode { embed 6 ; positions learned ; decoder_layer_pre(memory) heads=2 ff=8 ; layernorm ; dense softmax }""",
    "relative positions": """
      memory = embed 6 | attention heads=2 relative=8
      decode {
        embed 6
        repeat 2 { residual { layernorm rms ; attention heads=3 causal relative=6 } ; residual { attention(memory) } }
        dense softmax
      }""",
    "pointer": """
      memory = embed 4 as emb | gru 3 bidir
      decode {
        h = embed 4 tied=emb | gru 6
        a = h | attend(memory) as look
        both = concat(h, a)
        made = both | dense softmax
        copied = look.weights | pointer(source)
        p = both | dense 1 sigmoid
        p * made + (1 - p) * copied
      }""",
    "convolution": """
      seen = embed 4 | maxpool
      decode { embed 4 ; conv k=3 filters=5 causal relu ; dense 4 ; seen + (dense 4) ; dense softmax }""",
}
MAX = {"norms before, learned positions": "max=40", "pointer": "vocabulary=source"}
"""Of the target, where it needs something."""


def spec(body: str, options: str = "", more: str = "", sort: str = "words") -> str:
    written = f"({options})" if options else ""
    return (
        f"{CELL}model m(source: words) -> target: {sort}{written} {{\n{body}\n}}\n"
        f'data {{ train "pairs.tsv" columns=source,target }}\n{more}\n'
    )


def translator(folder: Path, text: str, seed: int = 0, pairs: str = PAIRS) -> Model:
    """With random weights that are large enough to tell one token from another."""
    (folder / "pairs.tsv").write_text(pairs)
    loose = check(text, "m.nn")
    assert loose.data is not None
    tables = read(loose.network.ports, loose.data, folder, None).tables
    experiment = check(text, "m.nn", sizes=tables.sizes())
    rng = np.random.default_rng(seed)
    weights = {
        p.name: rng.normal(size=bound_shape(p.type, {})).astype(np.float32) for p in experiment.network.parameters
    }
    return Model(experiment, tables, weights, Origin(folder=str(folder)), {})
