"""Which thread does what, and where one waits."""

from __future__ import annotations

import pytest

from compiler.emit.split import split
from compiler.emit.together import Access, Piece, apart, together

MUCH = 1e6


def reads(space: str, begin: int = 0, end: int = 100) -> Access:
    return Access(space, begin, end, False)


def writes(space: str, begin: int = 0, end: int = 100) -> Access:
    return Access(space, begin, end, True)


def halved(name: str, *accesses: Access) -> Piece:
    """Each thread has its half of the bytes."""
    shares = tuple(
        tuple(Access(a.space, a.begin + r * 50, a.begin + r * 50 + 50, a.written) for a in accesses) for r in (0, 1)
    )
    return Piece(name, MUCH, accesses, (0, 5, 10), shares)


def test_threads_that_go_on_with_their_own_rows_do_not_wait():
    found = together([halved("a", writes("x")), halved("b", reads("x"), writes("y"))], 2)
    assert found == [[("a", 0), ("b", 0)], [("a", 1), ("b", 1)]]


def test_thread_waits_for_what_another_wrote():
    whole = Piece("b", MUCH, (reads("x"), writes("y")))
    assert together([halved("a", writes("x")), whole], 2) == [[("a", 0), (1, 1), "b"], [("a", 1)]]


def test_thread_waits_until_another_has_read_what_it_writes_over():
    whole = Piece("a", MUCH, (reads("x"), writes("y")))
    assert together([whole, halved("b", writes("x"))], 2) == [["a", ("b", 0)], [(0, 1), ("b", 1)]]


def test_thread_waits_once_for_what_it_knows_to_be_done():
    parts = [Piece(name, MUCH, (reads("x"), writes(name))) for name in "bc"]
    found = together([Piece("a", MUCH, (writes("x"),)), Piece("d", MUCH, (writes("d"),)), *parts], 2)
    assert found == [["a", "b"], ["d", (0, 1), "c"]]


def test_work_that_needs_nothing_of_each_other_is_done_by_a_thread_each():
    assert together([Piece("a", MUCH, (writes("x"),)), Piece("b", MUCH, (writes("y"),))], 2) == [["a"], ["b"]]


@pytest.mark.parametrize("threads", [1, 2])
def test_small_work_is_one_thread_s(threads: int):
    piece = halved("a", writes("x"))
    small = Piece("a", 1000.0, piece.accesses, piece.cuts, piece.shares)
    assert together([small] if threads == 2 else [piece], threads) is None


def test_shares_that_touch_are_not_apart():
    assert apart([halved("a", writes("x")).shares])
    assert not apart([((writes("x", 0, 51),), (reads("x", 50, 100),))])
    assert apart([((reads("x"),), (reads("x"),))])


def test_cuts_are_at_rows_of_the_result():
    assert split(90, 0, [], 30).cuts(2) == (0, 45, 90)
    assert split(75, 0, [], 25).cuts(2) == (0, 36, 75)
    # Few and uneven rows would leave a thread without work.
    assert split(300, 0, [], 3).cuts(2) == (0, 150, 300)
    assert split(7, 0, [], 3).cuts(2) == (0, 3, 7)
