"""Texts of `subwords[n]`: what teaches the pieces, and where they stand in the rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compiler.settings.data import DataSettings, Share
from compiler.sorts import Following, Port, Tokens
from dsl.errors import DataError
from runtime import data
from runtime.data.detokenise import added, joined
from runtime.data.rows import Rows
from runtime.data.streams import LINE_END
from runtime.data.subwords import cutter
from runtime.data.tables import Tables
from runtime.data.tokens import BEGIN, END, PADDING, UNKNOWN, Sequences
from tests.runtime.data.build import LABEL, SPEC, files, port

LINES = "the cat sat\nthe dog sat\n\nthe cats sat\n"
LABELLED = "".join(f"{label}\t{line}\n" for label, line in zip("xyxy", LINES.splitlines(), strict=True))
SORT = Tokens("subwords", keep=16)
TEXT = port("text", SORT)


def pieces(rows: Rows, tables: Tables, name: str = "text") -> list[list[str]]:
    column = rows.columns[name]
    assert isinstance(column, Sequences)
    own = {PADDING: "_", UNKNOWN: "?", BEGIN: "<", END: ">"}
    found = [own.get(i) or tables.vocabularies["text"].token(i) or "" for i in column.ids.tolist()]
    return [found[a:b] for a, b in zip(column.offsets, column.offsets[1:], strict=False)]


def read(folder: Path, content: str, ports: tuple[Port, ...], **settings: Any) -> data.Dataset:
    (folder / "a.tsv").write_text(content)
    return data.read(ports, DataSettings(files("a.tsv"), **settings), folder, None)


def test_pieces_are_learnt_from_the_training_rows_alone(tmp_path: Path):
    (tmp_path / "b.tsv").write_text("x\tzoo zoo zoo the\n")
    found = read(tmp_path, LABELLED, (TEXT, LABEL), valid=files("b.tsv"))
    assert len(found.tables.vocabularies["text"].tokens) == SORT.keep
    assert pieces(found.train, found.tables)[:3] == [
        [" the", " ", "c", "at", " sat"],
        [" the", " ", "d", "o", "g", " sat"],
        ["_"],
    ]
    assert found.valid is not None
    # A character that no training row has is unknown, and stands for itself.
    assert pieces(found.valid, found.tables) == [[*[" ", "?", "o", "o"] * 3, " the"]]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"max": 2}, [" the", " "]),
        ({"max": 4, "marks": True}, ["<", " the", " ", ">"]),
        ({"reverse": True}, [" sat", "at", "c", " ", " the"]),
    ],
)
def test_options_act_on_pieces(options: dict[str, Any], wanted: list[str], tmp_path: Path):
    text = replace(TEXT, sort=replace(SORT, **options))
    found = read(tmp_path, LABELLED, (text, LABEL))
    assert pieces(found.train, found.tables)[0] == wanted
    assert [w.message.split(";")[1] for w in found.warnings] == [" 11 pieces cut off"] * ("max" in options)


def test_source_and_target_share_their_pieces(tmp_path: Path):
    target = port("target", replace(SORT, vocabulary="text"), output=True)
    found = read(tmp_path, "slow slow\tlow low\n", (TEXT, target))
    assert set(found.tables.vocabularies) == {"text"}
    assert pieces(found.train, found.tables) == [[" low", " low"]]
    assert pieces(found.train, found.tables, "target") == [[" slow", " slow", ">"]]
    assert pieces(found.train, found.tables, "target.before") == [["<", " slow", " slow"]]
    assert found.train.told == {"target": ["slow slow"]}


def test_text_that_comes_in_tokens_is_a_text(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"text": ["low", "slow"], "label": "x"}\n{"text": ["low slow"], "label": "y"}\n')
    found = data.read((TEXT, LABEL), DataSettings(files("a.jsonl")), tmp_path, None)
    first, second = pieces(found.train, found.tables)
    assert first == second


@pytest.mark.parametrize("share", [None, Share(0.34, last=True, span=SPEC)], ids=["whole", "divided"])
def test_stream_is_cut_into_pieces_wherever_it_is_divided(share: Share | None, tmp_path: Path):
    text = replace(TEXT, stream=True)
    following = replace(port("next", Following(), output=True), per="text")
    (tmp_path / "a.txt").write_text(f"{LINES}zoo\n")
    found = data.read((text, following), DataSettings(files("a.txt"), valid=share), tmp_path, None)
    told = [p for part in (found.train, found.valid) if part is not None for p in pieces(part, found.tables, "next")[0]]
    last = " zoo" if share is None else " ?oo"
    assert "".join(told) == f" the cat sat> the dog sat>> the cats sat>{last}>"


def test_pieces_are_written_as_they_are_joined():
    text = [" the", " c", "at", ",", " sat"]
    assert joined(SORT, text) == "the cat, sat"
    written = [added(SORT, before, token) for before, token in zip([LINE_END, *text], text, strict=False)]
    assert "".join(written) == "the cat, sat"


def test_pieces_behind_a_file_cut_as_before(tmp_path: Path):
    found = read(tmp_path, LABELLED, (TEXT, LABEL)).tables
    again = Tables.from_json(found.to_json(), (TEXT, LABEL))
    assert again.vocabularies == found.vocabularies
    assert cutter(SORT, again.vocabularies["text"])("the  cat") == [" the", " ", " ", "c", "at"]


def test_rows_without_any_text_are_refused(tmp_path: Path):
    with pytest.raises(DataError) as caught:
        read(tmp_path, "x\t\ny\t\n", (TEXT, LABEL))
    assert [(d.code, d.help) for d in caught.value.diagnostics] == [("NN724", "check which column holds the text")]


def test_text_whose_characters_are_all_too_rare_is_told_to_lower_min(tmp_path: Path):
    rare = replace(TEXT, sort=replace(SORT, min=100))
    with pytest.raises(DataError) as caught:
        read(tmp_path, LABELLED, (rare, LABEL))
    (found,) = caught.value.diagnostics
    assert "no character that stands there 100 times" in found.message
    assert found.help == "lower `min=`"
