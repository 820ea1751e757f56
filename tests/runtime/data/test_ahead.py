"""Batches that are made ahead: the same, in the same order, and nothing is lost or left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from runtime.data import ahead as module
from runtime.data.ahead import ahead


@pytest.fixture(autouse=True, params=[1, 2])
def _threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "threads", lambda: request.param)


def makers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("nnc batches")]


def test_items_are_the_same_and_nobody_is_left():
    assert list(ahead(iter(range(50)))) == list(range(50))
    assert list(ahead(iter(()))) == []
    assert makers() == []


def test_items_may_be_anything():
    assert list(ahead(iter([None, False, []]))) == [None, False, []]


def test_error_comes_after_what_was_made_before_it():
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no second one")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="no second one"):
        next(found)
    assert makers() == []


def test_who_stops_early_leaves_no_thread():
    found = ahead(iter(range(50)))
    assert next(found) == 0
    found.close()  # type: ignore[attr-defined]
    assert makers() == []
