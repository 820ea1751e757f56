"""Small language models for tests, with weights that nobody trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compiler.ir.types import bound_shape
from compiler.pipeline import check
from nnc.model import Model, Origin
from runtime.data import read

LINES = "the cat sat on the mat .\n\nthe dog sat , and the cat ran (away) .\na dog\n"


def language_model(
    folder: Path, body: str, sort: str = "words", more: str = "", text: str = LINES, seed: int = 0
) -> Model:
    """body: the lines below the input, of which the last one is a head; its vocabulary is that of the text."""
    (folder / "text.txt").write_text(text)
    lines = "".join(f"  {line.strip()}\n" for line in body.split(";"))
    spec = f'model lm(text: {sort}) -> next: next(text) {{\n{lines}}}\ndata {{ train "text.txt" }}\n{more}\n'
    loose = check(spec, "lm.nn")
    assert loose.data is not None
    tables = read(loose.network.ports, loose.data, folder, None).tables
    experiment = check(spec, "lm.nn", sizes=tables.sizes())
    rng = np.random.default_rng(seed)
    weights = {
        p.name: rng.normal(size=bound_shape(p.type, {})).astype(np.float32) for p in experiment.network.parameters
    }
    return Model(experiment, tables, weights, Origin(folder=str(folder)), {})
