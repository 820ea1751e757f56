"""The table of training steps: what is in it, and what may not be left out of it."""

import json

import pytest

from benchmarks.steps import Figure, Row, as_json, figures, table

NAMES = ("nnc", "torch", "jax")
ROW = Row("mlp", "zipf", {n: Figure(ms, ms, ms, 5, 9) for n, ms in (("nnc", 2.0), ("torch", 5.0), ("jax", 3.0))})


def test_ratio_is_the_best_peer_over_ours():
    assert ROW.best_peer() == "jax"
    assert ROW.ratio("nnc") == pytest.approx(1.5)


def test_row_without_peers_has_no_ratio():
    alone = Row("mlp", "zipf", {"nnc": ROW.figures["nnc"]})
    assert alone.ratio("nnc") is None
    assert alone.best_peer() is None


def test_figures_are_of_clean_samples():
    found = figures({"nnc": [(1.0, True), (2.0, True), (3.0, True), (90.0, False)]})
    assert (found["nnc"].ms, found["nnc"].clean, found["nnc"].samples) == (2.0, 3, 4)


def test_figures_are_of_all_samples_where_one_engine_has_too_few_clean_ones():
    clean, waiting = [(1.0, True)] * 3 + [(9.0, False)] * 6, [(2.0, False)] * 9
    found = figures({"nnc": clean, "torch": waiting})
    assert (found["nnc"].ms, found["torch"].ms) == (9.0, 2.0)


def test_figures_of_a_single_sample_have_no_spread():
    found = figures({"nnc": [(4.0, False)]})
    assert (found["nnc"].p10, found["nnc"].ms, found["nnc"].p90) == (4.0, 4.0, 4.0)


def test_table_names_a_workload_whose_spec_is_not_there_yet():
    lines = list(table([Row("lenet", "zipf", missing="conv2d is not there yet")], NAMES))
    assert lines[-1].startswith("| lenet |")
    assert "conv2d is not there yet" in lines[-1]
    assert len({line.count("|") for line in lines}) == 1


def test_table_says_why_a_peer_has_no_figure():
    row = Row("mlp", "zipf", {"nnc": ROW.figures["nnc"]}, {"torch": "refused: the gradient differs"})
    assert "refused: the gradient differs" in list(table([row], NAMES))[-1]


def test_json_has_a_row_for_each_workload_and_tier():
    missing = Row("lenet", "zipf", missing="conv2d is not there yet")
    found = json.loads(json.dumps(as_json([ROW, missing], NAMES)))["rows"]
    assert [(r["workload"], r["tier"], r["ratio"]) for r in found] == [("mlp", "numpy", 1.5), ("lenet", "numpy", None)]
    assert found[0]["ours"]["ms"] == 2.0
    assert found[0]["peers"]["torch"]["ms"] == 5.0
    assert found[1]["ours"] is None
    assert found[1]["missing"] == "conv2d is not there yet"


def test_spread_of_few_samples_stays_within_them():
    found = figures({"nnc": [(1.0, False), (100.0, False), (101.0, False)]})
    assert 1.0 <= found["nnc"].p10 <= found["nnc"].p90 <= 101.0
