"""What a run is said to need of memory, against what it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs.memory import MOST, measured
from tests.proofs.memory_cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_estimate_is_not_below_the_peak_and_not_far_above(case: Case, tmp_path: Path) -> None:
    case.write(tmp_path)
    found = measured(case.name, case.spec, tmp_path)
    print(f"{found.ratio:.2f} = {found.estimate:,} / {found.peak:,}")
    assert 1 <= found.ratio <= MOST, found
