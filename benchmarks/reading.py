"""`python -m benchmarks.reading [--megabytes N] [--rounds N] [--json]`: a TSV file to ids, ours against pandas.

Both read the file, split each text at white space, count the words, give the frequent ones the low ids, and end with
all ids in one array, where each row starts, and the labels' numbers. Ours also checks what pandas does not (blank
lines, labels that look alike, ...). Interleaved, each in a process of its own; the figures are medians of processor
seconds, which the load of the machine changes less than the clock. pandas has to be installed.
"""

from __future__ import annotations

import importlib
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate, chain
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np

from benchmarks.arguments import parser

WORDS = 50_000


def write(path: Path, megabytes: float) -> None:
    """Rows of a label and 5 to 40 words, whose frequency falls as 1 / rank, until there are so many bytes."""
    chance = random.Random(1)
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(chance.choices(letters, k=chance.randint(1, 9))) + str(i % 7) * (i > 200) for i in range(WORDS)]
    cumulated = list(accumulate(1 / (rank + 3) for rank in range(WORDS)))
    size = 0
    with path.open("w", encoding="utf-8") as file:
        while size < megabytes * 1e6:
            drawn = chance.choices(words, cum_weights=cumulated, k=40_000)
            at = 0
            while at < len(drawn):
                length = chance.randint(5, 40)
                line = f"{chance.randrange(5)}\t{' '.join(drawn[at : at + length])}\n"
                at += length
                size += len(line)
                file.write(line)


def ours(path: Path) -> tuple[int, int, int]:
    from compiler.settings.data import DataSettings, Files
    from compiler.sorts import Class, Port, Tokens
    from dsl.source import Span
    from runtime import data
    from runtime.data.tokens import Sequences

    here = Span("spec.nn", 1, 1, 1, 1, "")
    ports = (Port("text", Tokens("words"), False, here), Port("label", Class(), True, here))
    entry = Files((path.name,), False, None, here)
    rows = data.read(ports, DataSettings(entry), path.parent, None).train
    text = rows.columns["text"]
    assert isinstance(text, Sequences)
    return check(text.ids, text.offsets, rows.columns["label"])


def theirs(path: Path) -> tuple[int, int, int]:
    import pandas

    how = {"sep": "\t", "quoting": 3, "header": None, "dtype": object, "na_filter": False}
    frame = pandas.read_csv(path, names=["label", "text"], **how)
    texts = list(frame["text"])
    # Split twice: to hold the words of all rows takes longer.
    counts = Counter(chain.from_iterable(map(str.split, texts)))
    vocabulary = sorted(counts, key=lambda word: (-counts[word], word))
    index = {word: i for i, word in enumerate(vocabulary, 4)}
    lengths: list[int] = []

    def rows() -> Iterator[list[str]]:
        for text in texts:
            words = text.split()
            lengths.append(len(words))
            yield words

    ids = np.fromiter(map(index.__getitem__, chain.from_iterable(rows())), np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    places = {label: i for i, label in enumerate(sorted(frame["label"].unique()))}
    return check(ids, offsets, np.fromiter(map(places.__getitem__, frame["label"]), np.int64))


def check(ids: np.ndarray, offsets: np.ndarray, labels: np.ndarray) -> tuple[int, int, int]:
    """The same numbers from both, in short."""
    weighted = int((ids.astype(np.int64) * (np.arange(len(ids)) % 1009)).sum())
    return len(ids), weighted, int((offsets[:-1] * (labels + 1)).sum() % (1 << 60))


def work(engine: str, path: Path) -> None:
    # What is imported is paid once a process, and not for reading.
    importlib.import_module("runtime.data" if engine == "ours" else "pandas")
    wall, cpu = perf_counter(), process_time()
    found = {"ours": ours, "pandas": theirs}[engine](path)
    print(json.dumps({"seconds": process_time() - cpu, "wall": perf_counter() - wall, "check": found}))


def main() -> None:
    asked = parser("reading", __doc__)
    asked.add_argument("--megabytes", type=float, default=100)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--engine", nargs=2)
    options = asked.parse_args()
    if options.engine:
        work(options.engine[0], Path(options.engine[1]))
        return
    seconds: dict[str, list[float]] = {"ours": [], "pandas": []}
    walls: dict[str, list[float]] = {"ours": [], "pandas": []}
    checks = set[tuple[int, ...]]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.tsv"
        write(path, options.megabytes)
        for _ in range(options.rounds):
            for engine in seconds:
                command = [sys.executable, "-m", "benchmarks.reading", "--engine", engine, str(path)]
                line = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                seconds[engine].append(line["seconds"])
                walls[engine].append(line["wall"])
                checks.add(tuple(line["check"]))
    assert len(checks) == 1, "the two do not read the same"
    found = {engine: round(median(each), 3) for engine, each in seconds.items()}
    wall = {engine: round(median(each), 3) for engine, each in walls.items()}
    times = round(found["pandas"] / found["ours"], 2)
    if options.json:
        print(json.dumps({"megabytes": options.megabytes, "processor_seconds": found, "seconds": wall, "times": times}))
        return
    print(f"{options.megabytes:g} MB of TSV into ids, {next(iter(checks))[0]:,} words; medians of {options.rounds}")
    for engine in seconds:
        print(f"{engine:8} {found[engine]:7.2f} s of processor   {wall[engine]:7.2f} s by the clock")
    print(f"ours is {times} times as fast")


if __name__ == "__main__":
    main()
