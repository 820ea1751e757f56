"""Windows of a running text, against the loops that they are written as in textbooks."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import numpy as np
import pytest

from compiler.settings.data import Windows
from dsl.source import Span
from runtime.data.tokens import Sequences
from runtime.data.windows import Pairs, RunningText

HERE = Span("spec.nn", 1, 1, 1, 1, "")
LINES = ([4, 5, 6, 7, 5], [8], [9, 4], [], [6, 6, 5, 9, 8, 7, 4])


def text_of(
    kind: Literal["skipgram", "cbow"] = "skipgram",
    radius: int = 2,
    *,
    shrink: bool = False,
    kept: list[float] | None = None,
    lines: tuple[list[int], ...] = LINES,
) -> RunningText:
    ids = np.array([i for line in lines for i in line], np.int32)
    rows = Sequences(ids, np.concatenate([[0], np.cumsum([len(line) for line in lines])]))
    stays = None if kept is None else np.array(kept)
    return RunningText(rows, Windows(kind, radius, shrink, None, HERE), "given", "asked", stays)


def neighbours(line: list[int], at: int, radius: int) -> list[int]:
    return line[max(at - radius, 0) : at] + line[at + 1 : at + 1 + radius]


def examples(pairs: Pairs) -> list[tuple[int, tuple[int, ...]]]:
    around = pairs.around
    if isinstance(around, Sequences):
        ends = zip(pairs.centers.tolist(), around.offsets[:-1], around.offsets[1:], strict=True)
        return [(center, tuple(around.ids[begin:end].tolist())) for center, begin, end in ends]
    return [(c, (o,)) for c, o in zip(pairs.centers.tolist(), around.tolist(), strict=True)]


@pytest.mark.parametrize("radius", [1, 2, 4, 9])
def test_skipgram_pairs_each_word_with_each_of_its_neighbours_in_the_line(radius: int):
    wanted = [(line[i], (o,)) for line in LINES for i in range(len(line)) for o in neighbours(line, i, radius)]
    assert Counter(examples(text_of(radius=radius).everything())) == Counter(wanted)


@pytest.mark.parametrize("radius", [1, 3, 9])
def test_cbow_gives_each_word_all_its_neighbours_in_their_order(radius: int):
    wanted = [(line[i], tuple(neighbours(line, i, radius))) for line in LINES for i in range(len(line))]
    assert Counter(examples(text_of("cbow", radius).everything())) == Counter(w for w in wanted if w[1])


@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
def test_an_epoch_has_every_window_once(kind: Literal["skipgram", "cbow"], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("runtime.data.windows.TOGETHER", 4)
    text = text_of(kind)
    found = Counter(example for pairs in text.epoch(1, 0) for example in examples(pairs))
    assert found == Counter(examples(text.everything()))


@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
def test_batches_are_full_but_for_the_last_and_go_on_where_a_run_stopped(
    kind: Literal["skipgram", "cbow"], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("runtime.data.windows.TOGETHER", 4)
    text = text_of(kind, shrink=True, kept=[0, 0, 0, 0, 0.5, 0.9, 0.9, 0.9, 1, 1])
    whole = [examples(pairs) for pairs in text.batches(3, 1, 2, 0)]
    assert {len(each) for each in whole[:-1]} == {3}
    assert sum(map(len, whole)) == text.count(1, 2) > 3
    for start in (1, 2, len(whole) - 1):
        assert [examples(pairs) for pairs in text.batches(3, 1, 2, start)] == whole[start:]


def test_every_epoch_and_every_seed_has_an_order_of_its_own():
    text = text_of(lines=([4, 5, 6, 7, 8, 9] * 4,))
    orders = [[e for pairs in text.epoch(*key) for e in examples(pairs)] for key in ((1, 0), (1, 1), (2, 0))]
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_shrink_draws_every_radius_equally_often():
    # In a long line of words that differ, a word's neighbours tell its radius.
    text = text_of("cbow", 3, shrink=True, lines=(list(range(4, 30_004)),))
    sizes = Counter(len(around) for pairs in text.epoch(1, 0) for _, around in examples(pairs) if len(around) % 2 == 0)
    assert set(sizes) == {2, 4, 6}
    assert all(abs(count - 10_000) < 300 for count in sizes.values())


def test_words_are_left_out_as_often_as_their_share_says_and_others_close_up():
    text = text_of(radius=1, kept=[0, 0, 0, 0, 0.25, 1.0], lines=([4, 5] * 10_000,))
    found = Counter(e for pairs in text.epoch(1, 0) for e in examples(pairs))
    words = Counter(center for center, _ in found.elements())
    assert abs(words[4] - 2 * 2500) < 200
    # Without the word between them two words are neighbours.
    assert found[5, (5,)] > 10_000


def test_a_line_of_one_word_has_no_window():
    assert len(text_of(lines=([4], [], [5])).everything()) == 0
    assert len(text_of("cbow", lines=([4], [], [5])).everything()) == 0
