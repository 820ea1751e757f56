"""Did you mean."""

from __future__ import annotations

import pytest

from dsl.nearest import distance, nearest

LAYERS = ("avgpool", "conv", "conv2d", "dense", "dropout", "embed", "gru", "lstm", "maxpool", "mean", "sum")


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("maxpol", "maxpool"),
        ("desne", "dense"),
        ("Dense", "dense"),
        ("con", "conv"),
        ("drop_out", "dropout"),
        ("ltsm", "lstm"),
        ("embedd", "embed"),
        ("embedding", "embed"),
        ("dense_layer", "dense"),
        ("max_pooling", "maxpool"),
        ("conv2d_layer", "conv2d"),
        ("summary", None),
        ("transformer", None),
        ("x", None),
        ("", None),
        ("dense", None),
        ("x" * 1000, None),
    ],
)
def test_nearest_name(word: str, found: str | None) -> None:
    assert nearest(word, LAYERS) == found


def test_nearest_of_equally_near_names_is_the_first_in_the_alphabet() -> None:
    assert nearest("bat", ("cat", "bad", "bar")) == "bad"


@pytest.mark.parametrize(
    ("a", "b", "slips"), [("", "abc", 3), ("abc", "acb", 1), ("abc", "abc", 0), ("kitten", "sitting", 3)]
)
def test_distance_counts_slips(a: str, b: str, slips: int) -> None:
    assert distance(a, b) == distance(b, a) == slips
