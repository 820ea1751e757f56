"""What `check` says of a spec is what training it says, and then its model opens and predicts."""

from __future__ import annotations

import os
import random

from tests.proofs.random_recurrent import recurrent_sample, written
from tests.proofs.random_series import series_sample
from tests.proofs.random_specs import Sample, sample
from tests.proofs.random_translations import translation_sample
from tests.proofs.random_words import word_sample
from tests.proofs.verdict import explained

SEED = int(os.environ.get("NNC_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
COUNT = 100


def test_check_says_what_a_run_says() -> None:
    print(f"NNC_SEED={SEED}")
    said = [explained(sample(seed)) for seed in range(SEED, SEED + COUNT)]
    wrong = [words for words, _ in said if words is not None]
    assert not wrong, "\n".join(wrong)
    # The specs are worth something: many are right, many wrong.
    right = sum(verdict == "ok" for _, verdict in said)
    assert COUNT / 4 < right < COUNT * 3 / 4


def test_check_says_what_a_run_of_a_tagger_or_a_language_model_says() -> None:
    """Fewer: cells are slow to compile. `python -m tests.proofs.verdict` has them among the others."""
    print(f"NNC_SEED={SEED}")
    wrong = [words for seed in range(SEED, SEED + 12) if (words := explained(recurrent_sample(seed))[0]) is not None]
    assert not wrong, "\n".join(wrong)


def test_check_says_what_a_run_of_a_forecaster_says() -> None:
    print(f"NNC_SEED={SEED}")
    said = [explained(series_sample(seed)) for seed in range(SEED, SEED + 12)]
    wrong = [words for words, _ in said if words is not None]
    assert not wrong, "\n".join(wrong)
    assert any(verdict == "ok" for _, verdict in said)


def test_check_says_what_a_run_of_a_model_of_words_says() -> None:
    print(f"NNC_SEED={SEED}")
    said = [explained(word_sample(seed)) for seed in range(SEED, SEED + 20)]
    wrong = [words for words, _ in said if words is not None]
    assert not wrong, "\n".join(wrong)
    assert any(verdict == "ok" for _, verdict in said)


def test_spec_whose_weights_grow_past_all_bounds_is_no_defect() -> None:
    spec = 'model m(x: real) -> y: real { dense 3 ; dense }\ndata { train "train.tsv" }\ntrain {\n  sgd lr=1e20\n}\n'
    one = Sample(0, spec, written("train.tsv", "1\t2\n3\t5\n" * 9), [])
    assert explained(one) == (None, "NN850")


def test_spec_that_is_not_finite_at_any_rate_is_a_defect() -> None:
    spec = 'model m(x: real) -> y: real { 1 / (x - x) | dense }\ndata { train "train.tsv" }\ntrain {\n  sgd\n}\n'
    one = Sample(0, spec, written("train.tsv", "1\t2\n3\t5\n" * 9), [])
    assert explained(one)[1] == "defect"


def test_check_says_what_a_run_of_a_model_that_writes_says() -> None:
    print(f"NNC_SEED={SEED}")
    said = [explained(translation_sample(seed)) for seed in range(SEED, SEED + 8)]
    wrong = [words for words, _ in said if words is not None]
    assert not wrong, "\n".join(wrong)
    assert any(verdict == "ok" for _, verdict in said)
