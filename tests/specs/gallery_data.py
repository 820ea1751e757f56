"""Generated rows under the names of the files that specs of the gallery read: seeded, small, and of the same form."""

from __future__ import annotations

import gzip
import json
import math
import random
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

WORDS = ("a", "film", "good", "bad", "the", "plot", "of", "it", "was", "not")
LOADS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
HOURS = 460


class Rows:
    """Writes files into a folder, gzip where their name says so."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.dice = random.Random(seed)

    def write(self, name: str, lines: Sequence[str]) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(line + "\n" for line in lines).encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)

    def words(self, most: int = 6) -> list[str]:
        return self.dice.choices(WORDS, k=self.dice.randint(1, most))

    def text(self, most: int = 6) -> str:
        return " ".join(self.words(most))

    def review(self) -> str:
        return " ".join(f"{self.text()}{self.dice.choice('.!?')}" for _ in range(self.dice.randint(1, 4)))


def write_texts(folder: Path) -> None:
    """Sentences, reviews, pairs, tagged words, texts and their translations."""
    rows = Rows(folder, 7)
    choice, text = rows.dice.choice, rows.text
    for part in ("train", "dev"):
        rows.write(f"sentcls/sst2.{part}.tsv.gz", [f"{choice('01')}\t{text()}" for _ in range(40)])
    rows.write("sentcls/mr.all.tsv.gz", [f"{choice('01')}\t{text()}" for _ in range(400)])
    rows.write("reviews/train.tsv", [f"{choice('123')}\t{text()}" for _ in range(40)])
    rows.write("pairs.tsv", [f"{choice(('no', 'yes'))}\t{text()}\t{text()}" for _ in range(40)])
    for part in ("train", "valid", "test"):
        rows.write(f"sentiment/{part}.tsv", [f"{choice('01')}\t{text()}" for _ in range(40)])
    for part in ("train", "valid"):
        rows.write(f"lm/ptb.{part}.txt.gz", [text(3) for _ in range(20)])
    for part in ("train", "dev"):
        rows.write(f"pos/ud_ewt.{part}.tsv.gz", [_tagged(rows.words(3), "ND") for _ in range(20)])
        rows.write(f"shapes/{part}.tsv", [_tagged(rows.words(3), "xX", "ND") for _ in range(20)])
    rows.write("yelp/train.tsv", [f"{choice('123')}\t{rows.review()}" for _ in range(60)])
    for name in ("news.tsv", "sounds.tsv", "tasks.tsv"):
        rows.write(name, [f"{line}\t{' '.join(line.split()[::-1])}" for line in (text() for _ in range(40))])
    for part in ("train", "val"):
        for language in ("en", "de"):
            rows.write(f"mt/multi30k.{part}.{language}.gz", [text() for _ in range(40)])


def _tagged(words: Sequence[str], *tags: str) -> str:
    """A sentence, a line a word, each with one of two tags of every kind: whether it is short."""
    return "\n".join([*("\t".join([word, *(of[len(word) <= 2] for of in tags)]) for word in words), ""])


def write_json(folder: Path) -> None:
    """Rows of words with their tags, pairs of sentences, and vectors of words."""
    rows = Rows(folder, 8)
    choice = rows.dice.choice
    for part in ("train", "valid"):
        sentences = [rows.words() for _ in range(40)]
        found = [{"words": s, "tags": [w[:1] for w in s], "polarity": choice(("no", "yes"))} for s in sentences]
        rows.write(f"tagged/{part}.jsonl", [json.dumps(row) for row in found])
    for part in ("train", "dev", "test"):
        found = [{"premise": rows.text(), "hypothesis": rows.text(), "relation": choice("abc")} for _ in range(40)]
        rows.write(f"snli/{part}.jsonl", [json.dumps(row) for row in found])
    for width in (200, 300):
        vectors = [[f"{rows.dice.gauss(0, 1):.3f}" for _ in range(width)] for _ in WORDS]
        rows.write(f"glove.6B.{width}d.txt", [" ".join([word, *v]) for word, v in zip(WORDS, vectors, strict=True)])


def write_tables(folder: Path) -> None:
    """Numbers and categories."""
    rows = Rows(folder, 9)
    dice = rows.dice
    rows.write("xor.csv", ["0,0,0", "0,1,1", "1,0,1", "1,1,0"])
    curve = [dice.uniform(-3, 3) for _ in range(200)]
    rows.write("sine.csv", ["x,y", *(f"{x},{math.sin(x)}" for x in curve)])
    rows.write(
        "decisions.tsv", ["\t".join(dice.choice(of) for of in (("n", "y"), "ab", "cd", "ef")) for _ in range(80)]
    )
    stars = [f"u{dice.randrange(20)},i{dice.randrange(30)},{dice.randint(1, 5)}" for _ in range(400)]
    rows.write("movies/ratings.csv", ["user,item,stars", *stars])
    numbers, kinds = ("age", "weight", "gain", "loss", "hours"), ("workclass", "education", "native-country")
    for part in ("train", "test"):
        people: list[list[str]] = []
        for _ in range(400):
            counted = [str(dice.randint(1, 90)) for _ in numbers]
            people.append([*counted, *(dice.choice("abc") for _ in kinds), dice.choice(("no", "yes"))])
        rows.write(f"census/{part}.csv", [",".join(row) for row in [[*numbers, *kinds, "income"], *people]])


def write_series(folder: Path) -> None:
    """Waves, a row an hour."""
    rows = Rows(folder, 5)
    day = [f"d{i // 24 % 7}" for i in range(HOURS)]
    of = {name: [math.sin(i / (3 + k)) + rows.dice.gauss(0, 0.1) for i in range(HOURS)] for k, name in enumerate(LOADS)}
    files = {
        "timeseries/monthly_sunspots.csv": {"Month": day, "Sunspots": of["OT"]},
        "timeseries/daily_min_temperatures.csv": {"Date": day, "Temp": of["HULL"]},
        "timeseries/ETTh1.csv.gz": {"date": day, **of},
        "load/hourly.csv": {"weekday": day, **of},
    }
    for name, columns in files.items():
        values = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
        rows.write(name, [",".join(columns), *values])


def write_pictures(folder: Path) -> None:
    """Digits without a label, and cells with their masks."""
    digits = folder / "images/mnist/train-images-idx3-ubyte.gz"
    digits.parent.mkdir(parents=True, exist_ok=True)
    digits.write_bytes(gzip.compress(struct.pack(">4I", 0x803, 30, 28, 28) + random.Random(7).randbytes(30 * 28 * 28)))
    pixels = np.random.default_rng(1)
    for i in range(12):
        there = pixels.integers(0, 2, (8, 8), np.uint8)
        for name, picture in (("photos", np.stack([there * 200, there * 20, 90 - there], -1)), ("masks", there)):
            _save(picture, folder / "cells" / name / f"{i}.png")


def write_photos(folder: Path) -> None:
    """Folders of photos, a folder a class."""
    pixels = np.random.default_rng(2)
    for name, size in (("cifar/train", 32), ("cifar/test", 32), ("photos/train", 224), ("photos/valid", 224)):
        for i in range(8):
            _save(pixels.integers(0, 256, (size, size, 3), np.uint8), folder / name / "ab"[i % 2] / f"{i}.png")


def _save(picture: np.ndarray, path: Path) -> None:
    from PIL import Image  # an extra

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
