"""Tagged sentences, for specs/wide_features.nn: praise, blame or neither? Made with a fixed seed.

`python specs/tagged/generate.py` writes train.jsonl.gz, valid.jsonl.gz and test.jsonl.gz beside this file, always the
same text. A line is an object with `words` and `tags`, two lists of one length, and `polarity`.

What a sentence says hangs on one word that English has twice: "fine" is praise as an adjective and blame as a noun (one
is fined), "like" is praise as a verb and says nothing as a preposition. The words around it are the same for both, so
that only its tag tells. Other words stand before and after it, as many as the dice say.
"""

from __future__ import annotations

import json
import random
from gzip import compress
from pathlib import Path

SEED = 2014
TRAIN, VALID, TEST = 1500, 300, 600
PRAISE, BLAME, NEITHER = "praise", "blame", "neither"
TWICE = {
    "fine": {"ADJ": PRAISE, "NOUN": BLAME},
    "like": {"VERB": PRAISE, "ADP": NEITHER},
    "well": {"ADV": PRAISE, "NOUN": NEITHER},
    "kind": {"ADJ": PRAISE, "NOUN": NEITHER},
    "mean": {"ADJ": BLAME, "VERB": NEITHER},
    "waste": {"VERB": BLAME, "ADJ": NEITHER},
    "sound": {"ADJ": PRAISE, "NOUN": NEITHER},
    "lie": {"NOUN": BLAME, "VERB": NEITHER},
    "mess": {"NOUN": BLAME, "PROPN": NEITHER},
}
"""word -> tag -> what the sentence then says"""
PLAIN = {
    "DET": ["the", "a", "this", "that"],
    "PRON": ["we", "they", "it", "you"],
    "PROPN": ["anna", "paul", "rome"],
    "ADV": ["there", "then", "here", "soon"],
    "PART": ["to"],
    "AUX": ["is", "was", "were"],
    "NUM": ["two", "three", "ten"],
}


def generate() -> dict[str, list[dict[str, object]]]:
    """The rows of each file, by its name."""
    dice = random.Random(SEED)
    plain = [(word, tag) for tag, words in PLAIN.items() for word in words]
    cases = [(word, tag, says) for word, tags in TWICE.items() for tag, says in tags.items()]

    seen: set[tuple[str, ...]] = set()

    def row() -> dict[str, object]:
        """A sentence that was not made before, so that none is learnt and tested."""
        label = dice.choice((PRAISE, BLAME, NEITHER))
        word, tag, _ = dice.choice([case for case in cases if case[2] == label])
        while True:
            before, after = (dice.choices(plain, k=dice.randint(0, 6)) for _ in range(2))
            words, tags = zip(*before, (word, tag), *after, strict=True)
            if words not in seen:
                seen.add(words)
                return {"words": words, "tags": tags, "polarity": label}

    counts = (("train", TRAIN), ("valid", VALID), ("test", TEST))
    return {f"{name}.jsonl": [row() for _ in range(n)] for name, n in counts}


def main() -> None:
    for name, rows in generate().items():
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        Path(__file__).with_name(name + ".gz").write_bytes(compress(data, mtime=0))


if __name__ == "__main__":
    main()
