"""The examples in docstrings run, and print what is shown."""

from __future__ import annotations

import doctest

import pytest

import nnc


def test_examples_of_the_package_run():
    found = doctest.testmod(nnc)
    assert found.failed == 0
    assert found.attempted >= 8


def test_examples_of_the_estimators_run():
    pytest.importorskip("sklearn")
    import nnc.estimator

    found = doctest.testmod(nnc.estimator)
    assert found.failed == 0
    assert found.attempted >= 6
