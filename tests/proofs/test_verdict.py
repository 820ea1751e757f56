"""What `check` says of a spec is what training it says, and then its model opens and predicts."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from tests.proofs.random_recurrent import recurrent_sample, written
from tests.proofs.random_series import series_sample
from tests.proofs.random_specs import Sample, sample
from tests.proofs.random_translations import translation_sample
from tests.proofs.random_words import word_sample
from tests.proofs.verdict import explained

SEED = int(os.environ.get("NNC_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
COUNT = 100


def verdicts(make: Callable[[int], Sample], count: int) -> list[str]:
    """Of so many random specs, in none of which a run contradicts `check`."""
    print(f"NNC_SEED={SEED}")
    said = [explained(make(seed)) for seed in range(SEED, SEED + count)]
    wrong = [words for words, _ in said if words is not None]
    assert not wrong, "\n".join(wrong)
    return [verdict for _, verdict in said]


def test_check_says_what_a_run_says() -> None:
    # The specs are worth something: many are right, many wrong.
    assert COUNT / 4 < verdicts(sample, COUNT).count("ok") < COUNT * 3 / 4


def test_check_says_what_a_run_of_a_tagger_or_a_language_model_says() -> None:
    """Fewer: cells are slow to compile. `python -m tests.proofs.verdict` has them among the others."""
    verdicts(recurrent_sample, 12)


@pytest.mark.parametrize(("make", "count"), [(series_sample, 12), (word_sample, 20), (translation_sample, 8)])
def test_check_says_what_a_run_of_another_kind_says(make: Callable[[int], Sample], count: int) -> None:
    assert "ok" in verdicts(make, count)


def test_spec_whose_weights_grow_past_all_bounds_is_no_defect() -> None:
    spec = 'model m(x: real) -> y: real { dense 3 ; dense }\ndata { train "train.tsv" }\ntrain {\n  sgd lr=1e20\n}\n'
    one = Sample(0, spec, written("train.tsv", "1\t2\n3\t5\n" * 9), [])
    assert explained(one) == (None, "NN850")


def test_spec_that_is_not_finite_at_any_rate_is_a_defect() -> None:
    spec = 'model m(x: real) -> y: real { 1 / (x - x) | dense }\ndata { train "train.tsv" }\ntrain {\n  sgd\n}\n'
    one = Sample(0, spec, written("train.tsv", "1\t2\n3\t5\n" * 9), [])
    assert explained(one)[1] == "defect"
