"""The small data that ships beside the specs is what its generators say, and is what they promise."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.specs.generators import SPECS, module_of, text_of

GENERATORS = {
    "pairs/generate.py": ("train.tsv.gz", "valid.tsv.gz", "test.tsv.gz"),
    "decisions/generate.py": ("train.tsv.gz", "valid.tsv.gz", "test.tsv.gz"),
    "dates/generate.py": ("train.tsv.gz", "valid.tsv.gz", "test.tsv.gz"),
    "sorting/generate.py": ("train.tsv.gz", "valid.tsv.gz", "test.tsv.gz"),
    "tides/generate.py": ("levels.csv.gz",),
    "census/generate.py": ("train.csv.gz", "test.csv.gz"),
    "tagged/generate.py": ("train.jsonl.gz", "valid.jsonl.gz", "test.jsonl.gz"),
}


def rows(path: str) -> list[tuple[str, ...]]:
    return [tuple(line.split("\t")) for line in text_of(SPECS / path).splitlines()]


@pytest.mark.parametrize("script", GENERATORS)
def test_generator_run_as_a_script_writes_the_files_that_ship(script: str, tmp_path: Path) -> None:
    copy = shutil.copy(SPECS / script, tmp_path)
    subprocess.run([sys.executable, copy], check=True)
    for name in GENERATORS[script]:
        assert text_of(tmp_path / name) == text_of((SPECS / script).with_name(name)), name


def test_vectors_run_as_a_script_are_those_that_ship(tmp_path: Path) -> None:
    for name in ("vectors.py", "train.tsv.gz"):
        shutil.copy(SPECS / "sentiment" / name, tmp_path)
    subprocess.run([sys.executable, tmp_path / "vectors.py"], check=True)
    assert text_of(tmp_path / "vectors.txt.gz") == text_of(SPECS / "sentiment" / "vectors.txt.gz")


def test_pairs_are_half_the_same_and_no_event_of_the_test_is_learnt() -> None:
    generate = module_of("pairs/generate.py")

    def couples(sentences: list[str]) -> set[tuple[str, ...]]:
        """Whom and what a sentence names, in whatever order."""
        verbs = {"seen": "saw"}
        names = {*generate.WHO, *generate.DID, *verbs}
        return {tuple(sorted(verbs.get(w, w) for w in s.split() if w in names)) for s in sentences}

    learnt = [s for name in ("train", "valid") for _, a, b in rows(f"pairs/{name}.tsv.gz") for s in (a, b)]
    tested = rows("pairs/test.tsv.gz")
    assert couples(learnt).isdisjoint(couples([s for _, a, b in tested for s in (a, b)]))
    assert sum(same == "yes" for same, _, _ in tested) * 2 == len(tested)


def test_half_of_the_pairs_that_differ_have_the_same_words_but_for_their_form() -> None:
    generate = module_of("pairs/generate.py")
    names = {*generate.WHO, "seen", *generate.DID}

    def named(sentence: str) -> list[str]:
        return sorted({"seen": "saw"}.get(w, w) for w in sentence.split() if w in names)

    differ = [(a, b) for same, a, b in rows("pairs/train.tsv.gz") if same == "no"]
    share = sum(named(a) == named(b) for a, b in differ) / len(differ)
    assert 0.45 < share < 0.65


def test_no_decision_is_decided_better_than_its_distribution_allows() -> None:
    best = module_of("decisions/generate.py").best
    assert 0.7 < best(rows("decisions/test.tsv.gz")) < 0.9


def test_one_in_four_of_the_census_is_rich() -> None:
    with gzip.open(SPECS / "census" / "train.csv.gz", "rt", encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    assert 0.2 < sum(p["rich"] == "yes" for p in people) / len(people) < 0.3


def test_only_its_tag_tells_what_a_tagged_sentence_says() -> None:
    generate = module_of("tagged/generate.py")
    lines = text_of(SPECS / "tagged" / "test.jsonl.gz").splitlines()
    for sentence in map(json.loads, lines):
        (place,) = [i for i, word in enumerate(sentence["words"]) if word in generate.TWICE]
        assert generate.TWICE[sentence["words"][place]][sentence["tags"][place]] == sentence["polarity"]
    assert all(len(set(says.values())) == 2 for says in generate.TWICE.values())
