"""Decisions with three features each, for specs/maxent.nn: what is "that" in this place? Made with a fixed seed.

`python specs/decisions/generate.py` writes train.tsv.gz, valid.tsv.gz and test.tsv.gz beside this file, always the same
text.
A line is `label<TAB>before<TAB>after<TAB>tag`: the word before "that", the word after it, and the tag of that word.

The label (conjunction, relative or determiner) is drawn from a log-linear model over the three features, the one that
`score` writes down. So maximum entropy is the right model, nothing can decide better than that distribution does, and
`best` tells how often it is right: what a trained model can be held against.
"""

from __future__ import annotations

import math
import random
from gzip import compress
from pathlib import Path

SEED = 1996
TRAIN, VALID, TEST = 3000, 400, 2000
LABELS = ("conjunction", "relative", "determiner")
BEFORE = {
    "conjunction": ["say", "think", "know", "believe", "hope", "see", "feel", "hear", "fear"],
    "relative": ["man", "book", "house", "story", "song", "car", "thing", "woman"],
    "determiner": ["with", "from", "of", "buy", "near", "under", "read"],
}
AFTER = {
    "conjunction": {"he": "pronoun", "they": "pronoun", "it": "pronoun", "the": "article", "we": "pronoun"},
    "relative": {"was": "verb", "came": "verb", "stood": "verb", "I": "pronoun", "you": "pronoun"},
    "determiner": {"old": "adjective", "year": "noun", "road": "noun", "big": "adjective", "house": "noun"},
}
TAGS = ("pronoun", "article", "verb", "adjective", "noun")
OWN, TAG = 1.6, {("pronoun", 0): 0.8, ("article", 0): 1.2, ("verb", 1): 1.4, ("adjective", 2): 1.0, ("noun", 2): 1.5}
Decision = tuple[str, str, str]


def score(decision: Decision, label: int) -> float:
    """The logarithm of how likely the label is, up to what all three have in common."""
    before, after, tag = decision
    name = LABELS[label]
    return OWN * (before in BEFORE[name]) + OWN * (after in AFTER[name]) + TAG.get((tag, label), 0.0)


def probabilities(decision: Decision) -> list[float]:
    weights = [math.exp(score(decision, label)) for label in range(len(LABELS))]
    return [weight / sum(weights) for weight in weights]


def best(rows: list[tuple[str, ...]]) -> float:
    """The share of these rows whose label is the one that the distribution itself finds likeliest."""
    right = 0
    for label, before, after, tag in rows:
        chances = probabilities((before, after, tag))
        right += LABELS[chances.index(max(chances))] == label
    return right / len(rows)


def generate() -> dict[str, list[tuple[str, ...]]]:
    """The rows of each file, by its name."""
    dice = random.Random(SEED)
    words = [word for group in BEFORE.values() for word in group]
    tags = {word: tag for group in AFTER.values() for word, tag in group.items()}

    def row() -> tuple[str, ...]:
        after = dice.choice(sorted(tags))
        # A tagger errs now and then.
        tag = tags[after] if dice.random() < 0.9 else dice.choice(TAGS)
        decision = dice.choice(words), after, tag
        return (*dice.choices(LABELS, probabilities(decision)), *decision)

    return {
        name: [row() for _ in range(n)] for name, n in (("train.tsv", TRAIN), ("valid.tsv", VALID), ("test.tsv", TEST))
    }


def main() -> None:
    for name, rows in generate().items():
        data = "".join("\t".join(row) + "\n" for row in rows).encode()
        Path(__file__).with_name(name + ".gz").write_bytes(compress(data, mtime=0))


if __name__ == "__main__":
    main()
