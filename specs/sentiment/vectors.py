"""Word vectors for specs/textcnn_channels.nn, counted from the sentences of train.tsv.gz: no labels are read.

`python specs/sentiment/vectors.py` writes vectors.txt.gz beside this file, always the same numbers, in word2vec's text
format: a line `words width`, then a line a word.

Random indexing: each word has a fixed sparse vector of a few 1 and -1; a word's meaning is the sum of those of its
neighbours, each weighted by its positive pointwise mutual information, scaled to length 1.
Source: Kanerva, Kristofersson and Holst 2000, Random indexing of text samples for latent semantic analysis.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from gzip import compress, decompress
from pathlib import Path

SEED = 2000
WIDTH, ONES, RADIUS = 32, 8, 2
FOLDER = Path(__file__).parent


def sentences() -> list[list[str]]:
    """The training sentences in the tokens of `words(punctuation)`."""
    lines = decompress((FOLDER / "train.tsv.gz").read_bytes()).decode().splitlines()
    return [re.findall(r"\w+|[^\w\s]", line.split("\t")[1]) for line in lines]


def information(texts: list[list[str]]) -> dict[str, dict[str, float]]:
    """For each word, the pointwise mutual information of its neighbours, log p(a, b) / (p(a) p(b)), at least 0."""
    together: Counter[tuple[str, str]] = Counter()
    for text in texts:
        for i, word in enumerate(text):
            together.update((word, other) for other in text[max(i - RADIUS, 0) : i] + text[i + 1 : i + 1 + RADIUS])
    alone: Counter[str] = Counter()
    for (word, _), count in together.items():
        alone[word] += count
    total = together.total()
    found: dict[str, dict[str, float]] = {word: {} for word in sorted(alone)}
    for (word, other), count in sorted(together.items()):
        found[word][other] = max(math.log(count * total / (alone[word] * alone[other])), 0.0)
    return found


def vectors() -> dict[str, list[float]]:
    found = information(sentences())
    dice = random.Random(SEED)
    index: dict[str, list[tuple[int, int]]] = {}
    for word in found:
        index[word] = [(place, dice.choice((-1, 1))) for place in dice.sample(range(WIDTH), ONES)]
    result: dict[str, list[float]] = {}
    for word, neighbours in found.items():
        vector = [0.0] * WIDTH
        for other, weight in neighbours.items():
            for place, sign in index[other]:
                vector[place] += sign * weight
        length = math.sqrt(sum(x * x for x in vector)) or 1.0
        result[word] = [x / length for x in vector]
    return result


def main() -> None:
    found = vectors()
    lines = [f"{len(found)} {WIDTH}", *(" ".join([word, *(f"{x:.2f}" for x in v)]) for word, v in found.items())]
    text = "".join(line + "\n" for line in lines)
    (FOLDER / "vectors.txt.gz").write_bytes(compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
