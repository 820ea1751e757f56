from pathlib import Path

import pytest

from nnc import cli
from nnc.failure import guarded
from runtime.footprint import Footprint, in_parts

FOUND = Footprint(
    data=1_000, weights=4_000, optimizer=8_000, copies=16_000, arena=0, batches=0, programs=0, products=0, scores=0
)


def test_total_is_all_parts_and_what_is_always_there():
    assert FOUND.total > 29_000
    assert FOUND.to_come == FOUND.total - 1_000


def test_parts_are_told_without_those_that_are_nothing():
    assert in_parts(FOUND).endswith(": data 1.0 kB, weights 4.0 kB, optimizer 8.0 kB, copies 16 kB")


def test_plan_says_what_a_run_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "d.tsv").write_text("a\tone two\nb\tthree\n", "utf-8")
    spec = tmp_path / "m.nn"
    spec.write_text(
        'model m(t: words) -> y: class { embed 2 ; mean ; dense softmax }\ndata { train "d.tsv" }\n', "utf-8"
    )
    assert guarded(("inspect", str(spec), "--stage", "plan"), cli.run) == 0
    assert "a run takes at most" in capsys.readouterr().out.splitlines()[-1]
