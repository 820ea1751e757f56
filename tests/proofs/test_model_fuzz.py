"""Damaged and edited model files, in a process with little memory: only errors of nnc, or a model that predicts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_no_file_does_more_than_be_refused_or_predict() -> None:
    """For seconds of time, not for a count; NNC_FUZZ_SECONDS and NNC_SEED set both."""
    options = ["--seconds", os.environ.get("NNC_FUZZ_SECONDS", "20")]
    if "NNC_SEED" in os.environ:
        options += ["--seed", os.environ["NNC_SEED"]]
    done = subprocess.run(
        [sys.executable, "-m", "tests.proofs.model_fuzz", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=7200, check=False,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
