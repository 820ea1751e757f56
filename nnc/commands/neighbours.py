"""`nnc neighbours RUN WORD...`: the words whose vectors are nearest; `--vectors FILE` writes them all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from dsl.errors import Diagnostic, RunError
from dsl.render import columns, show
from nnc.opening import open_model
from nnc.vectors import place_of, vectors_of, write


def run(run: Path, words: Sequence[str], *, layer: str | None, top: int, vectors: Path | None, as_json: bool) -> int:
    found = vectors_of(open_model(run), layer)
    near: dict[str, list[tuple[str, float]]] = {}
    unknown: list[Diagnostic] = []
    for word in dict.fromkeys(words):
        try:
            near[word] = found.near(place_of(found, word), top)
        except RunError as error:
            unknown += error.diagnostics
    if vectors is not None:
        count = write(vectors, found)
        if not as_json:
            print(f"{count:,} vectors of {found.table.shape[1]} numbers: {show(str(vectors))}")
    if not as_json:
        _print(near)
    elif near or not unknown:
        print(json.dumps({word: dict(each) for word, each in near.items()}, ensure_ascii=False))
    if unknown:
        raise RunError(unknown)
    return 0


def _print(near: Mapping[str, list[tuple[str, float]]]) -> None:
    for word, each in near.items():
        print(show(word))
        width = max((columns(show(other)) for other, _ in each), default=0)
        for other, cosine in each:
            name = show(other)
            print(f"  {name}{' ' * (width - columns(name))}  {cosine:.3f}")
