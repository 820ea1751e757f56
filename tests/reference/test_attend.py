"""Attention of one query at a time, in a cell and outside of it, against its formulas in PyTorch, in float64."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference.test_attention import D, Theirs, ours

torch: Any = pytest.importorskip("torch")

MEMORY = 6
"""Its width."""
KINDS = ("additive", "general", "dot")
BOTH = "text: words, memory: words"


def embedded(theirs: Theirs) -> tuple[Any, Any]:
    tables = (theirs.leaf[f"{n}.weight"] for n in ("here", "there"))
    ids = (torch.tensor(theirs.made.fed[n]) for n in ("text", "memory"))
    return tuple(table[i] for table, i in zip(tables, ids, strict=True))  # type: ignore[return-value]


def attended(theirs: Theirs, path: str, kind: str, query: Any, memory: Any, values: Any) -> Any:
    """query: [B, T, D] or [B, D]"""
    w = {n.removeprefix(f"{path}.weight_"): leaf for n, leaf in theirs.leaf.items() if n.startswith(f"{path}.weight")}
    many = query if query.dim() == 3 else query[:, None]
    if kind == "additive":
        together = torch.tanh((many @ w["query"])[:, :, None] + (memory @ w["memory"])[:, None])
        scores = (together @ w["score"])[..., 0]
    else:
        scores = (many @ w["query"] if kind == "general" else many) @ memory.transpose(1, 2)
    weights = torch.softmax(torch.where(theirs.padding("memory")[:, None], -torch.inf, scores), -1)
    found = weights @ values
    return found if query.dim() == 3 else found[:, 0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", [False, True], ids=["memory", "values"])
def test_attend_of_a_sequence_is_the_formula(kind: str, values: bool):
    wide = D if kind == "dot" else MEMORY
    body = f"m = memory | embed {wide} as there\nv = m | dense 3 tanh as told\n" if values else ""
    body = body or f"m = memory | embed {wide} as there\n"
    theirs = Theirs(ours(f"{body}text | embed {D} as here\nattend(m{', values=v' * values}) {kind}", BOTH))
    x, m = embedded(theirs)
    v = torch.tanh(m @ theirs.leaf["told.weight"] + theirs.leaf["told.bias"]) if values else m
    theirs.agree(attended(theirs, "attend", kind, x, m, v))


@pytest.mark.parametrize("kind", KINDS)
def test_attend_in_a_cell_is_the_formula_in_every_step(kind: str):
    wide = 5 if kind == "dot" else MEMORY
    cell = f"""cell looking(x, memory) state h {{
  a = attend(h, memory) {kind}
  h' = tanh(linear(x, a, h))
}}
"""
    made = ours(f"m = memory | embed {wide} as there\ntext | embed {D} as here\nlooking(m) 5", BOTH, before=cell)
    theirs = Theirs(made)
    x, m = embedded(theirs)
    w = theirs.leaf
    h = torch.zeros(len(x), 5, dtype=torch.float64)
    steps = []
    for t in range(x.shape[1]):
        a = attended(theirs, "looking.a.attend", kind, h, m, m)
        h = torch.tanh(
            x[:, t] @ w["looking.h.weight_x"]
            + a @ w["looking.h.weight_2"]
            + h @ w["looking.h.weight_h"]
            + w["looking.h.bias"]
        )
        steps.append(h)
    theirs.agree(torch.stack(steps, 1))


def test_attend_of_a_vector_is_a_vector():
    made = ours(f"m = memory | embed {D} as there\nt = text | embed {D} as here\nt + (t | maxpool | attend(m))", BOTH)
    theirs = Theirs(made)
    x, m = embedded(theirs)
    here = ~theirs.padding("text")[..., None]
    largest = torch.where(here, x, -torch.inf).amax(1)
    theirs.agree(x + attended(theirs, "attend", "additive", largest, m, m)[:, None])
