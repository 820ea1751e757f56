"""Ports and entries as a checked spec gives them, in short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compiler.settings.data import DataSettings
from dsl.errors import Diagnostic, NncError
from runtime import data
from tests.fresh import fresh
from tests.runtime.data.build import LABEL, TEXT, files


@pytest.fixture
def read_bytes(tmp_path: Path) -> Callable[..., data.Dataset]:
    """Reads a file of these bytes as training rows."""

    def read(content: bytes, ports=(TEXT, LABEL), name="a.tsv", **settings) -> data.Dataset:
        fresh(tmp_path / name, content)
        header, columns = settings.pop("header", False), settings.pop("columns", None)
        entry = files(name, header=header, columns=columns)
        return data.read(ports, DataSettings(entry, **settings), tmp_path, None)

    return read


@pytest.fixture
def errors_of(read_bytes) -> Callable[..., tuple[Diagnostic, ...]]:
    """The errors that a file of these bytes gives; none is a failure."""

    def errors(content: bytes, **how) -> tuple[Diagnostic, ...]:
        with pytest.raises(NncError) as caught:
            read_bytes(content, **how)
        return caught.value.diagnostics

    return errors
