"""Cells that nobody thought of: random equations over states, gates and the input, as text."""

from __future__ import annotations

import random
import re

ACTIVATIONS = ("sigmoid", "sigmoid", "tanh", "tanh", "relu")


def random_cell(seed: int, *, attends: bool = False) -> str:
    """A cell `c`; its values stay small, whatever the weights. attends: it looks at a second operand, too."""
    rng = random.Random(seed)
    states = [f"s{i}" for i in range(rng.randint(1, 3))]
    values = list(states)
    lines: list[str] = []
    if attends:
        query = rng.choice((states[0], "linear(x)", f"linear(x, {states[-1]})"))
        lines.append(f"a = linear((attend({query}, memory) {rng.choice(('additive', 'general'))}))")
        values.append("a")
    for i in range(rng.randint(1, 6)):
        lines.append(f"g{i} = {_gate(rng, values)}")
        values.append(f"g{i}")
    for state in states:
        lines.append(f"{state}' = {_next(rng, state, values)}")
        values.append(f"{state}'")
        if rng.random() < 0.3 and state != states[-1]:
            lines.append(f"after_{state} = {_gate(rng, values)}")
            values.append(f"after_{state}")
    # Nothing may be left that reaches no next state.
    read = set(re.findall(r"\w+'?", " ".join(line.split(" = ")[1] for line in lines)))
    rest = [v for v in values if v not in read and f"{v}'" not in values and v.rstrip("'") not in states]
    rest += [] if "x" in read else ["linear(x)"]
    lines[-1] = f"{lines[-1].replace(' = ', ' = tanh(')}{''.join(f' + {v}' for v in rest)})" if rest else lines[-1]
    body = "\n".join(f"  {line}" for line in lines)
    return f"cell c(x{', memory' if attends else ''}) state {', '.join(states)} {{\n{body}\n}}\n"


def _gate(rng: random.Random, values: list[str]) -> str:
    """What is squashed, mostly."""
    kind, some = rng.random(), lambda: rng.choice(values)
    inner = f"linear({', '.join(_operands(rng, values))})"
    if kind < 0.2:
        inner += f" + diagonal({some()})"
    elif kind < 0.35:
        inner = f"linear(x) + {some()} * linear({some()})"
    elif kind < 0.45:
        inner = f"{some()} * {some()}"
    elif kind < 0.5:
        return f"1 - {some()}"
    squashed = f"{rng.choice(ACTIVATIONS)}({inner})"
    # Not bounded as far as types know, and so anything at all in the padding.
    return squashed if rng.random() < 0.85 else rng.choice((f"exp(-{squashed})", f"{some()} / (1 + exp({squashed}))"))


def _operands(rng: random.Random, values: list[str]) -> list[str]:
    """Mostly the input and a state, as in the cells that people write."""
    if rng.random() < 0.6:
        return ["x", rng.choice(values[:2])]
    chosen = rng.sample(["x", *values], k=min(rng.randint(1, 3), 1 + len(values)))
    return [f"{v} * {rng.choice(values)}" if v != "x" and rng.random() < 0.2 else v for v in chosen]


def _next(rng: random.Random, state: str, values: list[str]) -> str:
    a, b = rng.choice(values), rng.choice(values)
    return rng.choice((
        f"tanh({state} + {a})",
        f"sigmoid({a}) * {state} + (1 - sigmoid({a})) * tanh({b})",
        f"tanh({a}) * tanh({b})",
        f"sigmoid({a}) * tanh(linear(x, {b}))",
        f"tanh({a} - {b}) * 0.5",
    ))  # fmt: skip


def random_use(seed: int, *, attends: bool = False) -> str:
    """How it is used: `c 3 bidir`, say."""
    more = random.Random(seed).choice(("", "", " reverse", " bidir", " layers=2", " bidir layers=2"))
    return f"e = dense 3\nc(e) 3{more}" if attends else f"c 3{more}"
