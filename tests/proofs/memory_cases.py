"""Specs whose memory is measured: of every kind, and large enough to be told from noise."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A spec and what writes its data into a folder."""

    name: str
    spec: str
    write: Callable[[Path], None]


def texts(rows: int, words: int, shortest: int, longest: int, labels: int = 2) -> Callable[[Path], None]:
    """rows of words drawn evenly from so many, all of which occur if there is room for them."""

    def write(folder: Path) -> None:
        chance = random.Random(f"{rows} {words} {shortest} {longest}")
        left = list(range(words))
        chance.shuffle(left)
        lines: list[str] = []
        for row in range(rows):
            length = longest if row == 0 else chance.randint(shortest, longest)
            chosen = [left.pop() if left else chance.randrange(words) for _ in range(length)]
            lines.append(f"l{row % labels}\t" + " ".join(f"w{i}" for i in chosen) + "\n")
        (folder / "train.tsv").write_text("".join(lines), "utf-8")
        (folder / "valid.tsv").write_text("".join(lines[: max(rows // 10, labels)]), "utf-8")

    return write


def pairs(rows: int, words: int, shortest: int, longest: int) -> Callable[[Path], None]:
    """Two texts a row."""

    def write(folder: Path) -> None:
        texts(rows, words, shortest, longest)(folder)
        for name in ("train.tsv", "valid.tsv"):
            lines = (folder / name).read_text("utf-8").splitlines()
            second = reversed([line.partition("\t")[2] for line in lines])
            (folder / name).write_text("".join(f"{a}\t{b}\n" for a, b in zip(lines, second, strict=True)), "utf-8")

    return write


def numbers(rows: int, width: int) -> Callable[[Path], None]:
    """rows of so many numbers, and one that is to be predicted."""

    def write(folder: Path) -> None:
        chance = random.Random(f"{rows} {width}")
        lines = [",".join(f"{chance.random():.3f}" for _ in range(width + 1)) + "\n" for _ in range(rows)]
        (folder / "train.csv").write_text("".join(lines), "utf-8")

    return write


TEXT = 'data { train "train.tsv" ; valid "valid.tsv" }\n'
NUMBERS = 'data { train "train.csv" columns=y,x ; valid 10% }\n'
PLAIN = 'data { train "train.tsv" ; valid "valid.tsv" ; format text }\n'
CLASSIFY = "model m(text: words) -> label: class"
PREDICT = "model m(text: words) -> next: next(text)"


def case(
    name: str, body: str, train: str, write: Callable[[Path], None], head: str = CLASSIFY, data: str = TEXT
) -> Case:
    return Case(name, f"{head} {{\n{body}\n}}\n{data}train {{ {train} }}\n", write)


def real(name: str, width: int, body: str, train: str, rows: int) -> Case:
    return case(name, body, train, numbers(rows, width), f"model m(x: real[{width}]) -> y: real", NUMBERS)


KIM = "  embed 300\n  conv k=3,4,5 filters=100 relu\n  maxpool\n  dropout 0.5\n  dense softmax"
DEEP = "  embed 128\n  repeat 4 {\n    conv 3 filters=128 same relu\n  }\n  maxpool\n  dense softmax"
SHARED = "  embed 64\n  repeat 3 shared {\n    residual { conv 3 filters=64 same relu }\n  }\n  mean\n  dense softmax"
NORMED = "  embed 96\n  layernorm\n  conv 5 filters=96 gelu\n  layernorm\n  maxpool\n  dense 64 tanh\n  dense softmax"
TWO = "  x = a | embed 100 as e | mean\n  y = b | embed 100 tied=e | mean\n  concat(x, y) | dense 50\n  dense softmax"
BAG = "  embed 100\n  mean\n  dense softmax"

CASES: tuple[Case, ...] = (
    case("textcnn, adam", KIM, "adam lr=1e-3 ; batch 50 ; epochs 2 ; clip norm=3", texts(1500, 8000, 5, 50)),
    case("textcnn, adagrad, batch 200", KIM, "adagrad ; batch 200 ; epochs 2", texts(1600, 8000, 5, 50)),
    case("textcnn, sgd, many classes", KIM, "sgd ; batch 100 ; epochs 2", texts(1200, 5000, 5, 40, 200)),
    case("bag, wide vocabulary, sgd", BAG, "sgd ; batch 50 ; epochs 2", texts(4000, 120_000, 10, 50)),
    case("bag, wide vocabulary, adam", BAG, "adam ; batch 50 ; epochs 2", texts(3000, 80_000, 10, 50)),
    case("bag, wide vocabulary, adagrad", BAG, "adagrad ; batch 50 ; epochs 2", texts(3000, 80_000, 10, 50)),
    case("bag of counts", "  bag\n  dense softmax", "sgd ; batch 256 ; epochs 2", texts(3000, 20_000, 5, 20, 5)),
    case("embedding frozen", "  embed 200 frozen\n  conv 3 filters=100 relu\n  maxpool\n  dense softmax",
         "adam ; batch 50 ; epochs 2", texts(1500, 30_000, 10, 40)),
    case("deep stack", DEEP, "adam ; batch 64 ; epochs 2", texts(800, 3000, 10, 60)),
    case("deep stack, big batch", DEEP, "sgd momentum=0.9 ; batch 256 ; epochs 2", texts(800, 3000, 10, 60)),
    case("repeat shared", SHARED, "adam ; batch 128 ; epochs 2", texts(600, 3000, 10, 80)),
    case("layernorm and gelu", NORMED, "adamw ; batch 100 ; epochs 2", texts(800, 4000, 10, 60)),
    case("long texts, many lengths", "  embed 100\n  conv 3 filters=100 relu\n  maxpool\n  dense softmax",
         "adam ; batch 16 ; epochs 2", texts(640, 3000, 3, 700)),
    case("kmax", "  embed 100\n  conv 7 filters=60 wide tanh\n  maxpool k=4\n  flatten\n  dense softmax",
         "adagrad ; batch 100 ; epochs 2", texts(800, 5000, 10, 60)),
    case("chars", "  embed 64\n  conv k=3,5,7 filters=128 relu\n  maxpool\n  dense softmax",
         "adam ; batch 64 ; epochs 2", texts(500, 2000, 20, 40), "model m(text: chars) -> label: class"),
    case("lstm", "  embed 100\n  lstm 128 bidir\n  maxpool\n  dense softmax", "adam ; batch 50 ; epochs 2",
         texts(300, 5000, 20, 24)),
    case("language model, a stream", "  embed 100\n  lstm 100 layers=2 stateful\n  dense softmax",
         "sgd lr=1 ; batch 20 ; unroll 20 ; clip norm=5 ; epochs 1", texts(900, 8000, 10, 40), PREDICT, PLAIN),
    case("language model, lines", "  embed 100\n  lstm 100\n  dense softmax",
         "adam ; batch 20 ; epochs 1", texts(300, 4000, 10, 24), PREDICT, PLAIN),
    case("pairs of neighbours", "  concat((text | embed 64), (text | embed 64 n=2))\n  conv 3 filters=64\n  maxpool\n"
         "  dense softmax", "adam ; batch 64 ; epochs 2", texts(1500, 2000, 10, 50)),
    case("spelling, lstm", "  spelling { embed 25 ; lstm 50 bidir ; last }\n  lstm 64\n  last\n  dense softmax",
         "adam ; batch 32 ; epochs 2", texts(300, 2000, 20, 24)),
    case("spelling, conv", "  spelling { embed 30 ; conv k=2,3 filters=100 ; maxpool }\n  mean\n  dense softmax",
         "adam ; batch 64 ; epochs 2", texts(600, 3000, 10, 60)),
    case("two texts", TWO,
         "adam ; batch 64 ; epochs 2", pairs(800, 8000, 10, 60), "model m(a: words, b: words) -> label: class"),
    real("mlp", 200, "  dense 1000 relu\n  dense 1000 relu\n  dense", "adam ; batch 100 ; epochs 2", 1500),
    real("mlp, sgd", 100, "  dense 2000 tanh\n  dropout 0.5\n  dense 2000 tanh\n  dense",
         "sgd ; batch 50 ; epochs 2", 600),
    real("mlp, big batch", 50, "  dense 500 relu\n  layernorm\n  dense 500 relu\n  dense",
         "adagrad ; batch 2000 ; epochs 2", 5000),
    real("linear, much data", 400, "  dense", "sgd ; batch 64 ; epochs 2", 12_000),
)  # fmt: skip


def random_case(seed: int) -> Case:
    """A network of a random kind, of random sizes."""
    chance = random.Random(seed)
    batch = chance.choice((16, 50, 64, 128, 200))
    rule = chance.choice(("sgd", "sgd momentum=0.9", "adagrad", "adam", "adamw"))
    train = f"{rule} ; batch {batch} ; epochs {chance.choice((2, 3))}"
    if chance.random() < 0.2:
        width, units = chance.choice((20, 100, 300)), chance.choice((1200, 2000))
        layers = [f"  dense {units} {chance.choice(('relu', 'tanh', 'gelu'))}" for _ in range(chance.choice((2, 3)))]
        return real(f"{seed}: mlp", width, "\n".join([*layers, "  dense"]), train, batch * chance.choice((8, 12)))
    size, filters = chance.choice((64, 100, 300)), chance.choice((50, 100, 200))
    lines = [f"  embed {size}"]
    if chance.random() < 0.7:
        kernels = chance.choice(("3", "5", "k=2,3,4 same", "k=3,5 same"))
        lines.append(f"  conv {kernels} filters={filters} {chance.choice(('relu', 'tanh', 'gelu'))}")
    lines += chance.choice(([], ["  layernorm"], ["  dropout 0.3"]))
    if chance.random() < 0.3:
        lines.append(f"  repeat {chance.choice((2, 3))} {{ conv 3 filters={filters} same relu }}")
    lines += [f"  {chance.choice(('maxpool', 'mean', 'sum'))}", "  dense softmax"]
    longest = chance.choice((30, 60, 100))
    words = chance.choice((20_000, 50_000, 100_000))
    write = texts(batch * chance.choice((10, 20)), words, longest // 4, longest, chance.choice((2, 10)))
    return case(f"{seed}: {words} words to {longest}", "\n".join(lines), train, write)
