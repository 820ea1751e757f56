"""The data that ships is what its generator says, and only the order of words tells the test's labels."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from tests.specs.generators import SPECS, module_of, text_of

FOLDER = SPECS / "sentiment"
FILES = ("train.tsv.gz", "valid.tsv.gz", "test.tsv.gz")
Row = tuple[str, str]


def rows(name: str) -> list[Row]:
    lines = text_of(FOLDER / name).splitlines()
    return [(label, sentence) for label, sentence in (line.split("\t") for line in lines)]


def tokens(sentence: str) -> list[str]:
    """As `words(punctuation)` reads it; no word here has punctuation inside or before it."""
    return re.findall(r"\w+|[^\w\s]", sentence)


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return module_of("sentiment/generate.py")


def skeleton(sentence: str, generator: ModuleType) -> str:
    """The sentence with its scenes gone and a mark for each thing and adjective: what is left is the template."""
    for topic in generator.TOPICS:
        for scene in topic.scenes:
            sentence = sentence.replace(f"{scene}. ", "").replace(f" {scene}.", "")
    words = [word for topic in generator.TOPICS for word in (*topic.praise, *topic.blame, *topic.plain)]
    things = [thing for topic in generator.TOPICS for thing in topic.things]
    adjective = rf"\b(?:{'|'.join(words)})\b"
    ways = sorted((way for way in {*generator.SAYS, *generator.DENIES} if way != "{}"), key=len, reverse=True)
    before = "|".join(way.removesuffix(" {}") for way in ways)
    return re.sub(
        rf"\b(?:{'|'.join(things)})\b", "THING", re.sub(rf"(?:\b(?:{before}) )?{adjective}", "ADJECTIVE", sentence)
    )


def test_sentiment_generator_run_as_a_script_writes_the_files_that_ship(tmp_path: Path) -> None:
    script = shutil.copy(FOLDER / "generate.py", tmp_path)
    subprocess.run([sys.executable, script], check=True)
    for name in FILES:
        assert text_of(tmp_path / name) == text_of(FOLDER / name), name


@pytest.mark.parametrize(("name", "size"), [("train.tsv.gz", 4200), ("valid.tsv.gz", 399), ("test.tsv.gz", 600)])
def test_sentiment_file_has_its_size_in_equal_classes(name: str, size: int) -> None:
    third = size // 3
    assert Counter(label for label, _ in rows(name)) == {"positive": third, "negative": third, "neutral": third}


def test_sentiment_sentences_are_all_different() -> None:
    every = [sentence for name in FILES for _, sentence in rows(name)]
    assert len(set(every)) == len(every)


def test_sentiment_sentences_are_lower_case_ascii() -> None:
    for name in FILES:
        for _, sentence in rows(name):
            assert re.fullmatch(r"[a-z]+[,.:;!?]?( [a-z]+[,.:;!?]?)*", sentence), sentence


def test_sentiment_test_lines_come_in_pairs_of_the_same_words_and_different_labels() -> None:
    test = rows("test.tsv.gz")
    for (label, sentence), (other_label, other) in zip(test[::2], test[1::2], strict=True):
        assert Counter(tokens(sentence)) == Counter(tokens(other))
        assert label != other_label


def test_sentiment_test_is_half_right_at_most_for_any_classifier_of_bags() -> None:
    bags: dict[frozenset[tuple[str, int]], Counter[str]] = {}
    for label, sentence in rows("test.tsv.gz"):
        bags.setdefault(frozenset(Counter(tokens(sentence)).items()), Counter())[label] += 1
    assert sum(max(labels.values()) for labels in bags.values()) <= 300


def test_sentiment_test_templates_are_not_in_training(generator: ModuleType) -> None:
    assert not set(generator.TRAIN_TEMPLATES) & set(generator.TEST_TEMPLATES)
    seen = {skeleton(sentence, generator) for name in ("train.tsv.gz", "valid.tsv.gz") for _, sentence in rows(name)}
    unseen = {skeleton(sentence, generator) for _, sentence in rows("test.tsv.gz")}
    assert len(unseen) >= len(generator.TEST_TEMPLATES)
    assert not seen & unseen


def test_sentiment_test_words_are_all_in_training() -> None:
    known = {token for _, sentence in rows("train.tsv.gz") for token in tokens(sentence)}
    assert {token for _, sentence in rows("test.tsv.gz") for token in tokens(sentence)} <= known
    assert len(known) >= 300
