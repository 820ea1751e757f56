"""Files that a command line names."""

from __future__ import annotations

import pytest

from compiler.settings.data import Beside, DataSettings
from dsl.errors import DataError
from runtime.data.other_files import command_line, other_files
from tests.runtime.data.build import LABEL, TEXT, files

PORTS = (TEXT, LABEL)
DATA = DataSettings(files("a.csv", header=True, columns=("label=stars", "text=text")))


def test_files_are_laid_out_as_those_of_training():
    found = other_files(DATA, PORTS, ["b.csv", "c=d.csv"], outputs_optional=False)
    assert (found.paths, found.header, found.columns) == (("b.csv", "c=d.csv"), True, DATA.train.columns)
    assert found.free


def test_what_is_wrong_with_a_file_is_not_laid_on_the_spec():
    """The layout is the spec's: a row of another width is told where it says it."""
    found = other_files(DATA, PORTS, ["b.png"], outputs_optional=False)
    assert (found.place.file, found.place.snippet) == ("command line", "b.png")
    assert found.span == DATA.train.span


def test_each_input_may_have_its_own_file():
    found = other_files(DATA, PORTS, ["label=b.txt", "text=a=1.txt"], outputs_optional=False)
    place = command_line(["label=b.txt", "text=a=1.txt"])
    assert found.beside == (Beside("label", ("b.txt",), place), Beside("text", ("a=1.txt",), place))


def test_outputs_need_no_file_when_they_are_predicted():
    assert len(other_files(None, PORTS, ["text=a.txt"], outputs_optional=True).beside) == 1


@pytest.mark.parametrize("written", [["text=a.txt"], ["text=a", "label=b", "c"], ["text=a", "text=b", "label=c"]])
def test_files_that_do_not_stand_side_by_side_are_refused(written):
    with pytest.raises(DataError) as caught:
        other_files(None, PORTS, written, outputs_optional=False)
    assert caught.value.diagnostics[0].code == "NN606"
