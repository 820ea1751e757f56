"""The log of a run, and what others may do to its file."""

import json
import os
from pathlib import Path

import pytest

from dsl.errors import RunError
from nnc.run_log import RunLog, note_time


def test_a_log_that_somebody_deletes_goes_on_without_a_hole(tmp_path: Path):
    log = RunLog(tmp_path / "log.jsonl")
    log.add({"epoch": 1})
    log.flush()
    (tmp_path / "log.jsonl").unlink()
    log.add({"epoch": 2})
    log.flush()
    assert json.loads((tmp_path / "log.jsonl").read_text()) == {"epoch": 2}
    assert log.length == len((tmp_path / "log.jsonl").read_bytes())


def test_a_pipe_in_the_place_of_a_log_does_not_wait_for_a_reader(tmp_path: Path):
    os.mkfifo(tmp_path / "log.jsonl")
    log = RunLog(tmp_path / "log.jsonl")
    log.add({"epoch": 1})
    note_time(tmp_path / "log.jsonl", {"epoch": 1})
    with pytest.raises(RunError, match="NN805"):
        log.flush()


def test_times_are_added_line_by_line(tmp_path: Path):
    for epoch in (1, 2):
        note_time(tmp_path / "times.jsonl", {"epoch": epoch})
    assert (tmp_path / "times.jsonl").read_text() == '{"epoch": 1}\n{"epoch": 2}\n'
