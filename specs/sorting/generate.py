"""Lists of numbers, and the same in order: data for specs/sorting.nn. Made with a fixed seed.

`python specs/sorting/generate.py` writes train.tsv.gz, valid.tsv.gz and test.tsv.gz beside this file, always the same
text: a row a list of 2 to 6 different numbers below 60, `31 7 12` and `7 12 31`. No list stands in two files, whatever
its order.
"""

from __future__ import annotations

import random
from gzip import compress
from pathlib import Path

SEED = 1945
ROWS = {"train": 3000, "valid": 300, "test": 500}
LARGEST, LONGEST = 59, 6


def generate() -> dict[str, list[tuple[str, str]]]:
    """Of each file its rows, source and target."""
    dice = random.Random(SEED)
    known: set[tuple[int, ...]] = set()
    found: dict[str, list[tuple[str, str]]] = {}
    for name, count in ROWS.items():
        rows = found[name] = []
        while len(rows) < count:
            numbers = dice.sample(range(LARGEST + 1), dice.randint(2, LONGEST))
            ordered = tuple(sorted(numbers))
            if ordered not in known:
                known.add(ordered)
                rows.append((" ".join(map(str, numbers)), " ".join(map(str, ordered))))
    return found


def main() -> None:
    for name, rows in generate().items():
        text = "".join(f"{source}\t{target}\n" for source, target in rows)
        Path(__file__).with_name(f"{name}.tsv.gz").write_bytes(compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
