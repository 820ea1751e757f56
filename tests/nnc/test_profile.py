"""`nnc profile`: what it says of a step adds up, names every line that computes, and touches nothing."""

import json
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import pytest

from compiler import passes, pipeline
from nnc import cli
from nnc.failure import guarded
from nnc.stand_in import stand_in
from runtime.profile import OneClock, Peaks, higher, measured_peaks
from tests.runtime.native.kernels import needs_numba

TEXTS = """model m(text: words) -> label: class {
  embed 5
  conv k=2 filters=3 relu
  maxpool
  dropout 0.5
  dense softmax
}
train { adam lr=1e-3 ; batch 4 }
"""
CELL = """cell leaky(x) state h {
  g = tanh(linear(x, h))
  h' = 0.5 * h + 0.5 * g
}
model m(text: words) -> tags: class per text {
  embed 5
  leaky 4 bidir
  dense softmax
}
train { sgd lr=0.1 ; batch 3 }
"""
XOR = """model xor(point: real[2]) -> odd: class {
  dense 8 tanh
  dense softmax
}
data { train "xor.csv" columns=point,odd }
train { sgd lr=0.5 ; batch 4 ; epochs 5 }
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    # Measuring takes as long as all of these tests.
    monkeypatch.setattr("nnc.commands.profile.measured_peaks", lambda: Peaks(1e11, 1e10))
    for name, text in (("texts", TEXTS), ("cell", CELL), ("xor", XOR)):
        (tmp_path / f"{name}.nn").write_text(text)
    (tmp_path / "xor.csv").write_text("0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n")
    return tmp_path


def nnc_run(*arguments: str) -> int:
    return guarded(("profile", *arguments, "--seconds", "0.05"), cli.run)


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert nnc_run(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


SIZES = {"texts.nn": "V=20,classes=3,T=6", "cell.nn": "V=20,classes=3,T=6"}


@pytest.mark.parametrize("spec", SIZES)
def test_lines_and_kernels_add_up_to_the_step(here: Path, capsys: pytest.CaptureFixture[str], spec: str):
    told = found(capsys, spec, "--sizes", SIZES[spec])
    around = told["ms_feeding"] + told["ms_reading"]
    for rows in (told["lines"], told["kernels"]):
        assert sum(row["ms"] for row in rows) + around == pytest.approx(told["ms_with_clock"])
    for what in ("flop", "bytes", "calls", "ms_gradient"):
        assert sum(r[what] for r in told["lines"]) == pytest.approx(sum(r[what] for r in told["kernels"]))


@pytest.mark.parametrize(("spec", "lines"), [("texts.nn", {2, 3, 4, 5, 6, 8}), ("cell.nn", {2, 3, 6, 7, 8, 10})])
def test_every_line_that_computes_is_there(here: Path, capsys: pytest.CaptureFixture[str], spec: str, lines: set[int]):
    told = found(capsys, spec, "--sizes", SIZES[spec])
    assert lines <= {row["line"] for row in told["lines"]}
    assert all(row["ms"] > 0 for row in told["lines"] if row["calls"])


@needs_numba
@pytest.mark.parametrize("spec", SIZES)
@pytest.mark.parametrize("threads", [1, 2])
def test_compiled_kernels_of_all_threads_and_waiting_add_up_to_the_step(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, spec: str, threads: int
):
    monkeypatch.setattr("nnc.device.threads", lambda: threads)
    # So much that two threads share it.
    told = found(capsys, spec, "--sizes", "V=400,classes=3,T=60,B=40", "--kernels", "fast")
    assert len(told["threads"]) == threads
    waiting, kernels = (sum(r[f"ms_{of}"] for r in told["threads"]) / threads for of in ("waiting", "kernels"))
    around = told["ms_feeding"] + told["ms_reading"]
    for rows in (told["lines"], told["kernels"]):
        assert sum(row["ms"] for row in rows) == pytest.approx(kernels)
        assert kernels + waiting + around == pytest.approx(told["ms_with_clock"])
    assert all(r["ms_kernels"] > 0 for r in told["threads"])
    assert all(row["ms"] > 0 for row in told["lines"] if row["calls"])
    of_numpy = found(capsys, spec, "--sizes", "V=400,classes=3,T=60,B=40", "--kernels", "numpy")
    assert {row["line"] for row in of_numpy["lines"]} == {row["line"] for row in told["lines"]}


def test_a_line_whose_work_passes_have_moved_is_there_without_a_time(here: Path, capsys: pytest.CaptureFixture[str]):
    gates = CELL.replace("  g = tanh(linear(x, h))\n", "  f = sigmoid(linear(x, h))\n  g = tanh(linear(x, h)) * f\n")
    (here / "gates.nn").write_text(gates)
    told = found(capsys, "gates.nn", "--sizes", SIZES["cell.nn"])
    assert {2, 3, 4} <= {row["line"] for row in told["lines"]}
    assert nnc_run("gates.nn", "--sizes", SIZES["cell.nn"]) == 0


def test_a_loop_counts_each_of_its_positions(here: Path, capsys: pytest.CaptureFixture[str]):
    short, long = (found(capsys, "cell.nn", "--sizes", f"V=20,classes=3,T={t},B=3") for t in (4, 8))

    def of_cell(told: dict[str, Any], what: str) -> int:
        return next(row[what] for row in told["lines"] if row["line"] == 2)

    assert of_cell(long, "calls") - of_cell(short, "calls") > 4
    assert 1.5 < of_cell(long, "flop") / of_cell(short, "flop") <= 2


def test_forward_and_gradient_of_a_loop_are_told_apart(here: Path, capsys: pytest.CaptureFixture[str]):
    line = next(row for row in found(capsys, "cell.nn", "--sizes", SIZES["cell.nn"])["lines"] if row["line"] == 2)
    assert 0 < line["ms_gradient"] < line["ms"]


def test_flop_of_a_product_are_two_for_each_weight_and_row(here: Path, capsys: pytest.CaptureFixture[str]):
    told = found(capsys, "xor.nn")
    products = next(row for row in told["kernels"] if row["name"] == "mat_mul")
    # Forward [4, 2] @ [2, 8] and [4, 8] @ [8, 2], back through the second.
    assert products["flop"] == 2 * (4 * 2 * 8 + 4 * 8 * 2 + 4 * 2 * 8)


def test_sizes_come_from_the_data(here: Path, capsys: pytest.CaptureFixture[str]):
    told = found(capsys, "xor.nn")
    assert told["sizes"] == {"B": 4}
    assert told["ms_batch"] > 0


def test_sizes_on_the_command_line_need_no_data(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "xor.csv").unlink()
    told = found(capsys, "xor.nn", "--sizes", "classes=2,B=7")
    assert told["sizes"]["B"] == 7
    assert told["ms_batch"] is None


def test_a_spec_without_sizes_or_data_is_refused(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("texts.nn") == 1
    told = capsys.readouterr().err
    assert "error[NN869]: nnc profile needs sizes" in told
    assert "--sizes V=10000,classes=2" in told


@pytest.mark.parametrize(
    "wrong",
    [("texts.nn", "--sizes", "W=3"), ("texts.nn", "--sizes", "V"), ("texts.nn", "--kernel"), ()],
)
def test_a_wrong_command_line_exits_with_2(here: Path, wrong: tuple[str, ...]):
    assert nnc_run(*wrong) == 2


def test_a_wrong_spec_exits_with_1(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "wrong.nn").write_text(TEXTS.replace("maxpool", "maxpol"))
    assert nnc_run("wrong.nn") == 1
    assert "did you mean" in capsys.readouterr().err
    assert nnc_run("nowhere.nn") == 1


def test_a_step_that_does_not_fit_is_refused_before_it_is_run(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("texts.nn", "--sizes", "V=900000000,classes=3") == 1
    assert "error[NN852]" in capsys.readouterr().err


def test_nothing_is_written(here: Path):
    before = sorted(path.name for path in here.rglob("*"))
    assert nnc_run("xor.nn") == 0
    assert sorted(path.name for path in here.rglob("*")) == before


def test_graph_as_it_was_lowered_has_no_fused_kernel(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    # The passes run unless the command is told otherwise, also in a suite that runs without them.
    monkeypatch.setattr(pipeline, "optimize", passes.optimize)
    names = [{row["name"] for row in found(capsys, "xor.nn", *more)["kernels"]} for more in ((), ("--no-optimize",))]
    assert "fused" in names[0]
    assert "fused" not in names[1]


@pytest.mark.parametrize("columns", [20, 60, 120])
def test_page_says_the_same_on_every_width(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert nnc_run("xor.nn") == 0
    told = capsys.readouterr().out
    assert "dense 8 tanh" in told
    assert "mat_mul" in told
    assert ("roofline" in told.split("\nkernel")[0]) == (columns == 120)


def test_stand_in_ids_are_of_the_vocabulary_and_texts_are_full():
    spec = TEXTS.replace("  embed 5\n", "  embed 5\n  dropout 0.2\n")
    experiment = pipeline.check(spec, "m.nn", sizes={"V": 30, "classes": 4})
    graph = pipeline.training_step(experiment).graph
    feeds = stand_in(graph, {"B": 50, "T": 9})
    assert feeds["text"].shape == (50, 9)
    assert (feeds["text"].min(), feeds["text"].max()) == (1, 29)
    assert 2 <= feeds["label"].max() < 4
    assert (feeds["lengths.T"] == 9).all()


def test_clock_gives_each_piece_the_time_since_the_one_before():
    clock, start = OneClock(3), perf_counter_ns()
    clock.begin()
    for piece in (0, 2, 2):
        clock.lap(piece)
    (spent,) = clock.spent()
    assert spent[1] == 0
    assert 0 < sum(spent) <= perf_counter_ns() - start


def test_peaks_of_this_machine_are_above_nothing():
    peaks = measured_peaks()
    assert min(peaks.flops, peaks.bytes) > 1e6


def test_roofline_is_the_slower_of_computing_and_moving():
    peaks = higher(Peaks(100.0, 5.0), Peaks(50.0, 10.0))
    assert peaks.least_seconds(flops=200, moved=10) == 2.0
    assert peaks.least_seconds(flops=200, moved=50) == 5.0
