"""Specs of the gallery whose data ship nowhere are trained on generated rows of the same form, and predict."""

from __future__ import annotations

import gzip
import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import nnc
from tests.specs.test_gallery import GALLERY

WORDS = ("a", "film", "good", "bad", "the", "plot", "of", "it", "was", "not")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rng = random.Random(7)

    def write(name: str, lines: list[str]) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        text = "".join(line + "\n" for line in lines).encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)

    def text(most: int = 6) -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(1, most)))

    for part in ("train", "dev"):
        write(f"sentcls/sst2.{part}.tsv.gz", [f"{rng.randint(0, 1)}\t{text()}" for _ in range(40)])
    write("reviews/train.tsv", [f"{rng.randint(1, 3)}\t{text()}" for _ in range(40)])
    return folder


@dataclass(frozen=True)
class Trained:
    """smaller: widths that are written for real data, and what they are here"""

    spec: str
    example: str
    smaller: Mapping[str, str]

    def text(self) -> str:
        return re.sub(r"\b\d+\b", lambda found: self.smaller.get(found[0], found[0]), self.written())

    def written(self) -> str:
        return (GALLERY / f"{self.spec}.nn").read_text("utf-8")


TRAINED = (
    Trained("attention_text", "a good film", {"100": "8", "128": "6", "64": "5"}),
    Trained("selfattentive", "it was not good", {"300": "8", "350": "7", "30": "3", "2000": "9"}),
)


@pytest.mark.slow
@pytest.mark.parametrize("case", TRAINED, ids=lambda case: case.spec)
def test_gallery_spec_is_trained_and_predicts(case: Trained, data: Path, tmp_path: Path):
    history = nnc.train(case.text(), out=tmp_path / "run", data_root=data, set=["train.steps=2"])
    assert all(math.isfinite(epoch["loss"]) for epoch in history.epochs)
    alone = nnc.load(tmp_path / "run").predict_proba([case.example])
    together = nnc.load(tmp_path / "run").predict_proba(["it", case.example])
    assert sum(alone[0].values()) == pytest.approx(1)
    assert together[1] == pytest.approx(alone[0], abs=1e-5)
