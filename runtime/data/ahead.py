"""Batches that are made while the ones before them are used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from runtime.data.rows import Rows
from runtime.threads import threads

Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items; each is made by a thread of its own while the one before it is used, where there may be two."""
    if threads() < 2:
        yield from items
        return
    with ThreadPoolExecutor(1, "nnc batches") as other:
        coming = other.submit(_next, items)
        while found := coming.result():
            coming = other.submit(_next, items)
            yield found[0]


def _next(items: Iterator[Item]) -> list[Item]:
    """The next one, if there is one."""
    return list(islice(items, 1))


def threads_of_steps(rows: Rows, count: int) -> int:
    """Of so many threads those that compute steps: windows of a running text are made by one of them."""
    return count - 1 if rows.text is not None and count > 1 else count
