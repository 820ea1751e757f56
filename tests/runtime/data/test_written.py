from __future__ import annotations

from pathlib import Path

from compiler.pipeline import check
from runtime.data import Rows, batches, read
from runtime.data.tokens import BEGIN, END, Sequences

SPEC = """model m(source: words) -> target: {} {{
  memory = embed 4
  decode {{ embed 4 ; attend(memory) dot ; dense softmax }}
}}
data {{ train "pairs.tsv" columns=source,target }}
"""


def rows_of(folder: Path, sort: str = "words", text: str = "a b\tx y z\nc\tz\n") -> Rows:
    (folder / "pairs.tsv").write_text(text)
    experiment = check(SPEC.format(sort), "m.nn")
    assert experiment.data is not None
    return read(experiment.network.ports, experiment.data, folder, None).train


def texts(rows: Rows, name: str) -> list[list[int]]:
    column = rows.columns[name]
    assert isinstance(column, Sequences)
    return [
        part.tolist() for part in (column.ids[a:b] for a, b in zip(column.offsets, column.offsets[1:], strict=False))
    ]


def test_text_is_fed_from_its_begin_and_told_to_its_end(tmp_path: Path):
    rows = rows_of(tmp_path)
    fed, told = texts(rows, "target.before"), texts(rows, "target")
    assert [row[0] for row in fed] == [BEGIN, BEGIN]
    assert [row[-1] for row in told] == [END, END]
    assert [row[1:] for row in fed] == [row[:-1] for row in told]
    assert [len(row) for row in told] == [4, 2]


def test_batch_has_the_lengths_of_both_texts(tmp_path: Path):
    (batch,) = batches(rows_of(tmp_path), 2, order="plain")
    assert batch.arrays["lengths.T"].tolist() == [1, 2]
    assert batch.arrays["lengths.T.target"].tolist() == [2, 4]
    assert batch.arrays["target"].shape == batch.arrays["target.before"].shape == (2, batch.sizes["T.target"])


def test_longest_text_is_cut_behind_so_many_tokens_and_ends_there(tmp_path: Path):
    rows = rows_of(tmp_path, "words(max=2)")
    assert [len(row) for row in texts(rows, "target")] == [3, 2]
    assert rows.limits["T.target"] == 3


def test_empty_text_is_its_end_alone(tmp_path: Path):
    assert texts(rows_of(tmp_path, text="a\tx\nb\t\n"), "target")[1] == [END]
