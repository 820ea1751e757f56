"""Puts public data sets into the form that some specs here read; the rest is read as it is.

`python specs/public/prepare.py DATA OUT` reads what it finds of these below DATA and writes below OUT, always the same
bytes:

- sst2.nn: `sentcls/sst1.train_phrases.tsv.gz`, every phrase of the Stanford Sentiment Treebank with 0 to 4, becomes
  `sentcls/sst2.train_phrases.tsv` without the neutral ones, 0 and 1 as 0, 3 and 4 as 1; dev and test are copied
- bert_sst2.nn, sst2_encoder.nn: every tenth line of `sentcls/sst2.train.tsv.gz`, the first one among them, becomes
  `sentcls/sst2.train_tenth.tsv`
- chnsenticorp.nn: `zhcls/chnsenticorp_htl.all.tsv.gz` has no official split: of the lines, counted from 0, those at
  10 n are test, at 10 n + 1 valid, the others train

Then: `nnc train specs/sst2.nn --data-root OUT`.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

TWO_CLASSES = {"0": "0", "1": "0", "3": "1", "4": "1"}
PHRASES = "sentcls/sst1.train_phrases.tsv.gz"
HOTELS = "zhcls/chnsenticorp_htl.all.tsv.gz"


def phrases(lines: list[str]) -> dict[str, list[str]]:
    """The phrases that are not neutral."""
    pairs = [line.split("\t", 1) for line in lines]
    return {"sentcls/sst2.train_phrases.tsv": [f"{TWO_CLASSES[y]}\t{text}" for y, text in pairs if y in TWO_CLASSES]}


def as_it_is(name: str) -> Callable[[list[str]], dict[str, list[str]]]:
    return lambda lines: {name.removesuffix(".gz"): lines}


def tenth(lines: list[str]) -> dict[str, list[str]]:
    """So few that what was learnt of other text shows."""
    return {"sentcls/sst2.train_tenth.tsv": lines[0::10]}


def by_line(lines: list[str]) -> dict[str, list[str]]:
    """A tenth for the test, a tenth to choose by."""
    parts = {"test": lines[0::10], "valid": lines[1::10], "train": [x for i, x in enumerate(lines) if i % 10 > 1]}
    return {f"zhcls/chnsenticorp_htl.{name}.tsv": part for name, part in parts.items()}


def by_sentence(lines: list[str]) -> dict[str, list[str]]:
    """No English sentence in two parts."""
    parts: dict[str, list[str]] = {"test": [], "valid": [], "train": []}
    for line in lines:
        draw = zlib.crc32(line.split("\t")[0].encode("utf-8")) % 20
        parts[{0: "test", 1: "valid"}.get(draw, "train")].append(line)
    return {f"mt/tatoeba.{name}.tsv": part for name, part in parts.items()}


PREPARED = {
    PHRASES: phrases,
    "sentcls/sst2.dev.tsv.gz": as_it_is("sentcls/sst2.dev.tsv.gz"),
    "sentcls/sst2.test.tsv.gz": as_it_is("sentcls/sst2.test.tsv.gz"),
    "sentcls/sst2.train.tsv.gz": tenth,
    HOTELS: by_line,
    "mt/tatoeba_eng_cmn.tsv.gz": by_sentence,
}


def prepare(data: Path, out: Path) -> list[Path]:
    """The files that were written."""
    written: list[Path] = []
    for name, convert in PREPARED.items():
        if not (data / name).is_file():
            print(f"{data / name} is not there: left out", file=sys.stderr)
            continue
        lines = gzip.decompress((data / name).read_bytes()).decode("utf-8").removesuffix("\n").split("\n")
        for target, rows in convert(lines).items():
            path = out / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes("".join(row + "\n" for row in rows).encode("utf-8"))
            written.append(path)
    return written


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: python specs/public/prepare.py DATA OUT")
    for path in prepare(Path(sys.argv[1]), Path(sys.argv[2])):
        print(path)


if __name__ == "__main__":
    main()
