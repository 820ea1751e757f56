"""Specs of language models that nobody chose: layers that look behind only, in any order."""

from __future__ import annotations

import random

WIDTH = 4
USERS_CELL = """cell memory(x) rate=0.5 state a, b[3] {
  gate = sigmoid(linear(x, a))
  b' = linear(rate * tanh(a), b) 3
  seen = tanh(linear(x, b'))
  a' = gate * a + (1 - gate) * seen
}
"""
CELLS = (
    "elman", "srn", "leaky", "leaky_deep", "gru", "gru_after", "lstm", "lstm_1997", "lstm_peephole", "lstm_coupled",
    "memory", "memory rate=2",
)  # fmt: skip


def random_language_model(seed: int) -> str:
    """One output, `next`, of a text that nothing cuts."""
    rng = random.Random(seed)
    lines = [f"embed {WIDTH} as emb", *(_line(rng) for _ in range(rng.randint(1, 4)))]
    lines.append(rng.choice(("dense softmax", "dense softmax tied=emb")))
    body = "".join(f"  {line}\n" for line in lines)
    return f"{USERS_CELL}model m(text: words) -> next: next(text) {{\n{body}}}\n"


def _line(rng: random.Random) -> str:
    cell = rng.choice(CELLS)
    deep = rng.choice(("layers=1", "layers=2", "layers=2 dropout=0.3"))
    conv = f"conv k={rng.randint(1, 3)} filters={WIDTH} causal dilation={rng.randint(1, 2)}"
    return rng.choice((
        f"{cell} size={WIDTH} {deep}",
        f"{conv} {rng.choice(('relu', 'tanh'))}",
        f"residual {{ {conv} tanh ; layernorm }}",
        f"residual {{ layernorm ; {cell} size={WIDTH} }}",
        f"parallel {{ {cell} size={WIDTH} ; {conv} }} ; dense {WIDTH} tanh",
        f"repeat 2 {{ dense {WIDTH} tanh ; dropout 0.2 }}",
        "dropout 0.5",
    ))  # fmt: skip
