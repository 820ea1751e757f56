"""The classifier and the regressor of scikit-learn: its own checks, cross-validation, grid search."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import nnc
from nnc import NncClassifier, NncRegressor

TEXTS = [
    f"{who} film was {how}" for who in ("the", "this", "my", "your") for how in ("good", "fine", "bad", "dull")
] * 3
GOOD = [text.split()[-1] in ("good", "fine") for text in TEXTS]
X = np.random.Generator(np.random.Philox(7)).normal(size=(60, 3))
Y = X @ [1.0, -2.0, 0.5] + 3
NUMBERS = "model m(x: real[3]) -> y: class { dense 8 relu ; dense softmax }\ntrain { adam lr=0.02 ; batch 16 }\n"


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [NncClassifier(epochs=20), NncRegressor()], ids=lambda e: type(e).__name__)
def test_estimator_keeps_scikit_learns_rules(estimator: Any):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(estimator, on_fail=None, on_skip=None)
    assert [(f["check_name"], f["exception"]) for f in found if f["status"] == "failed"] == []
    assert sum(f["status"] == "passed" for f in found) >= 40


def test_texts_are_cross_validated():
    assert cross_val_score(NncClassifier(epochs=6), TEXTS, GOOD, cv=2).min() > 0.9


def test_numbers_are_searched_over_a_grid():
    grid = {"hidden": [(), (8,)], "set": [None, {"train.batch": 8}]}
    search = GridSearchCV(NncClassifier(NUMBERS, epochs=3), grid, cv=2).fit(X, Y > 3)
    assert search.best_score_ > 0.6
    assert set(search.best_params_) == {"hidden", "set"}


def test_estimators_are_what_scikit_learn_takes_them_for():
    assert is_classifier(NncClassifier())
    assert is_regressor(NncRegressor())


def test_clone_has_the_same_settings():
    estimator = clone(NncClassifier(NUMBERS, epochs=3, seed=5, set={"train.batch": 4}))
    assert estimator.get_params() == {
        "spec": NUMBERS, "epochs": 3, "seed": 5, "set": {"train.batch": 4}, "hidden": (64,)
    }  # fmt: skip


@pytest.mark.parametrize("labels", [[0, 1], [False, True], ["a", "b"], [-1.0, 2.0], ["", " "], [10, 9]], ids=str)
def test_labels_come_back_as_they_were(labels: list[Any]):
    y = np.array([labels[int(v > 3)] for v in Y])
    fitted = NncClassifier(epochs=15, hidden=(8,)).fit(X, y)
    assert fitted.classes_.tolist() == sorted(labels)
    assert fitted.predict(X).dtype == y.dtype
    assert fitted.score(X, y) > 0.8


def test_probabilities_stand_in_the_order_of_the_classes():
    fitted = NncClassifier(epochs=3).fit(X, np.where(Y > 3, 9, 10))
    found = fitted.predict_proba(X)
    assert found.shape == (60, 2)
    np.testing.assert_array_equal(fitted.classes_[found.argmax(axis=1)], fitted.predict(X))
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_regressor_learns_a_line_and_several():
    assert NncRegressor(epochs=60).fit(X, Y).score(X, Y) > 0.9
    both = np.stack([Y, -Y], axis=1)
    fitted = NncRegressor(epochs=60).fit(X, both)
    assert fitted.predict(X).shape == (60, 2)
    assert fitted.score(X, both) > 0.9


def test_regressor_reads_texts():
    scores = [float(good) for good in GOOD]
    assert NncRegressor(epochs=15).fit(TEXTS, scores).score(TEXTS, scores) > 0.5


def test_spec_of_several_inputs_takes_rows():
    spec = (
        "model m(text: words, x: real[3]) -> y: class {\n  t = text | embed 8 | mean\n"
        "  concat(t, x)\n  dense softmax\n}\ntrain { adam lr=0.02 ; epochs 10 }\n"
    )
    rows = [{"text": text, "x": x} for text, x in zip(TEXTS, X, strict=False)]
    assert NncClassifier(spec).fit(rows, GOOD).score(rows, GOOD) > 0.8
    tuples = list(zip(TEXTS, X, strict=False))
    assert NncClassifier(spec).fit(tuples, GOOD).score(tuples, GOOD) > 0.8


def test_table_of_another_width_is_refused_with_both_widths():
    with pytest.raises(ValueError, match="X has 3 columns, but the spec reads 2 numbers"):
        NncClassifier(NUMBERS.replace("real[3]", "real[2]")).fit(X, Y > 3)


def test_width_may_come_from_a_let():
    spec = "let n = 2\n" + NUMBERS.replace("real[3]", "real[n]")
    assert NncClassifier(spec, epochs=1, set={"n": 3}).fit(X, Y > 3).n_features_in_ == 3


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("model m(t: words) -> y: class { embed 3 ; mean ; dense softmax }", "the spec reads texts: t"),
        ("model m(x: real[3]) -> y: real { dense 1 }", "needs a spec with one output, of the sort class"),
        (NUMBERS + 'data { train "x.tsv" ; folds 2 }\n', "the spec has `folds`"),
    ],
)
def test_spec_that_does_not_fit_is_refused(spec: str, message: str):
    with pytest.raises(ValueError, match=message):
        NncClassifier(spec, epochs=1).fit(X, Y > 3)


def test_wrong_spec_says_its_line():
    with pytest.raises(nnc.SpecError, match=r"spec\.nn:1:43"):
        NncClassifier("model m(x: real[3]) -> y: class { dense 8 rellu ; dense softmax }").fit(X, Y > 3)


def test_unfitted_estimator_says_so():
    with pytest.raises(NotFittedError):
        NncClassifier().predict(X)
    with pytest.raises(NotFittedError):
        NncRegressor().predict(X)


def test_fitted_estimator_is_sent_to_other_processes():
    fitted = NncClassifier(epochs=2).fit(X, Y > 3)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X))


def test_estimator_stands_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), NncClassifier(NUMBERS, epochs=10))
    assert pipeline.fit(X, Y > 3).score(X, Y > 3) > 0.7
