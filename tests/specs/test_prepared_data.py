"""Public data sets are put into the form that specs read: the same bytes each time, and no row in two parts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.specs.generators import module_of

prepare = module_of("public/prepare.py")
PAIRS = [f"Sentence {i // 3}.\t句子{i}。" for i in range(300)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, lines in {
        "mt/tatoeba_eng_cmn.tsv.gz": PAIRS,
        "sentcls/sst1.train_phrases.tsv.gz": ["0\tbad", "2\tso so", "3\tfine", "4\tgreat"],
        "sentcls/sst2.train.tsv.gz": [f"1\ttext {i}" for i in range(21)],
        "zhcls/chnsenticorp_htl.all.tsv.gz": [f"0\t酒店{i}" for i in range(30)],
    }.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress("".join(line + "\n" for line in lines).encode("utf-8")))
    return tmp_path / "data"


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_sentence_with_several_translations_is_in_one_part(data: Path, tmp_path: Path):
    prepare.prepare(data, tmp_path / "out")
    parts = [lines_of(tmp_path / "out" / "mt" / f"tatoeba.{name}.tsv") for name in ("train", "valid", "test")]
    assert sorted(line for part in parts for line in part) == sorted(PAIRS)
    sentences = [{line.split("\t")[0] for line in part} for part in parts]
    assert all(sentences)
    assert sum(map(len, sentences)) == len(set.union(*sentences)) == 100


def test_neutral_phrases_are_left_out_and_two_classes_remain(data: Path, tmp_path: Path):
    prepare.prepare(data, tmp_path / "out")
    assert lines_of(tmp_path / "out" / "sentcls" / "sst2.train_phrases.tsv") == ["0\tbad", "1\tfine", "1\tgreat"]


def test_every_tenth_line_is_kept(data: Path, tmp_path: Path):
    prepare.prepare(data, tmp_path / "out")
    assert lines_of(tmp_path / "out" / "sentcls" / "sst2.train_tenth.tsv") == ["1\ttext 0", "1\ttext 10", "1\ttext 20"]


def test_lines_without_a_split_are_parted_by_their_number(data: Path, tmp_path: Path):
    prepare.prepare(data, tmp_path / "out")
    sizes = {
        n: len(lines_of(tmp_path / "out" / "zhcls" / f"chnsenticorp_htl.{n}.tsv")) for n in ("train", "valid", "test")
    }
    assert sizes == {"train": 24, "valid": 3, "test": 3}


def test_files_that_are_not_there_are_named_and_left_out(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    prepare.prepare(data, tmp_path / "out")
    assert "sst2.dev.tsv.gz is not there: left out" in capsys.readouterr().err


def test_preparing_again_writes_the_same_bytes(data: Path, tmp_path: Path):
    first = {path.relative_to(tmp_path / "a"): path.read_bytes() for path in prepare.prepare(data, tmp_path / "a")}
    again = {path.relative_to(tmp_path / "b"): path.read_bytes() for path in prepare.prepare(data, tmp_path / "b")}
    assert first == again
