"""scikit-learn's classifier and regressor: a spec that is fitted, in pipelines, cross-validation and grid search.

This page imports scikit-learn; `import nnc` does not.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from compiler.sorts import Class, Port, Real, Tokens
from nnc.compiled import compiled
from nnc.given import Sets, Spec
from nnc.history import History, trained_history
from nnc.model import BATCH, Model
from runtime.backend import Array
from runtime.evaluate import in_own_units, require_room, run_rows
from runtime.predict import probabilities

NUMBERS = """model network(x: real[{width}](standard)) -> y: {output} {{
{hidden}  {head}
}}
train {{ adam lr=1e-2 ; batch 32 ; epochs 40 }}
"""
TEXTS = """model network(text: words(lower)) -> y: {output} {{
  embed 64
  mean
{hidden}  {head}
}}
train {{ adam lr=1e-2 ; batch 32 ; epochs 20 }}
"""


class _Estimator(BaseEstimator):
    """What both have in common.

    spec: as for `nnc.train`; its data section may say `valid 10%`, files that it names are not read. Without one: of
        numbers a perceptron with hidden layers, of texts the mean of their words' embeddings before it.
    epochs, seed, set: as for `nnc.train`
    hidden: widths of the hidden layers, where no spec is given
    """

    model_: Model
    history_: History

    def __init__(
        self,
        spec: Spec | None = None,
        *,
        epochs: int | None = None,
        seed: int = 1,
        set: Sets | None = None,
        hidden: tuple[int, ...] = (64,),
    ) -> None:
        self.spec = spec
        self.epochs = epochs
        self.seed = seed
        self.set = set
        self.hidden = hidden

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.target_tags.required = True
        tags.non_deterministic = False
        return tags

    def _examples(self, X: Any, *, fitting: bool) -> Any:
        """X as columns or rows of the model's inputs: texts and rows as they are, numbers checked by scikit-learn."""
        if _is_rows(X):
            return X if isinstance(X, np.ndarray) else list(X)
        return validate_data(self, X, reset=fitting, dtype=np.float64)

    def _fit(self, examples: Any, targets: Any, output: str, head: str) -> None:
        spec = self.spec if self.spec is not None else self._default(examples, output, head)
        ports = compiled(spec, set=self.set or ()).experiment.network.ports
        inputs, (target, *others) = [p for p in ports if not p.output], [p for p in ports if p.output]
        wanted = Class if isinstance(self, ClassifierMixin) else Real
        if others or not isinstance(target.sort, wanted):
            raise ValueError(
                f"{type(self).__name__} needs a spec with one output, of the sort {wanted.__name__.lower()}"
            )
        _check_width(inputs, examples)
        columns = {**_columns(inputs, examples), target.name: targets}
        self.history_ = trained_history(
            spec, columns, set=self.set or (), seed=self.seed, epochs=self.epochs, interruptible=False
        )
        if self.history_.model is None:
            raise ValueError("the spec has `folds`: scikit-learn's cross_val_score divides the rows instead")
        self.model_ = self.history_.model

    def _default(self, examples: Any, output: str, head: str) -> str:
        hidden = "".join(f"  dense {width} relu\n" for width in self.hidden)
        if isinstance(examples, np.ndarray) and examples.ndim == 2:
            return NUMBERS.format(width=examples.shape[1], output=output, hidden=hidden, head=head)
        if not isinstance(examples[0], str):
            raise ValueError("without a spec, X is a list of texts or a table of numbers")
        return TEXTS.format(output=output, hidden=hidden, head=head)

    def _scores(self, X: Any) -> Array:
        """What the output's head gives for each row."""
        check_is_fitted(self, "model_")
        examples = self._examples(X, fitting=False)
        ports = self.model_.ports
        rows = self.model_.rows(_columns([p for p in ports if not p.output], examples))
        executor = self.model_.executor(self.model_.experiment.network.prediction)
        require_room(executor, rows, BATCH)
        return run_rows(executor, rows, BATCH, self.model_.tables)[f"{self._output.name}.scores"]

    @property
    def _output(self) -> Port:
        return self.model_.experiment.network.outputs[0]


class NncClassifier(ClassifierMixin, _Estimator):
    """A network that tells labels, as scikit-learn has it.

    X: a list of texts, a table of numbers, or rows (tuples, dictionaries) of what the spec's inputs ask for
    y: labels: texts, numbers or booleans; predict gives back what it was given

    >>> from nnc import NncClassifier
    >>> texts = ["a fine film", "a dull film", "fine", "dull"] * 10
    >>> NncClassifier(seed=1).fit(texts, [1, 0, 1, 0] * 10).predict(["so dull"]).tolist()
    [0]
    """

    classes_: np.ndarray[Any, Any]

    def fit(self, X: Any, y: Any) -> NncClassifier:
        examples = self._examples(X, fitting=True)
        if y is None:
            raise ValueError("NncClassifier requires y to be passed, but the target y is None")
        check_consistent_length(examples, y)
        check_classification_targets(y)
        classes, which = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"NncClassifier needs two classes at least, but y has {len(classes)} class")
        self.classes_ = classes
        names = _names(classes)
        self._fit(examples, [names[i] for i in which.tolist()], "class", "dense softmax")
        return self

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """The label of each row, as y had it."""
        scores = self._scores(X)
        network = self.model_.experiment.network
        found = probabilities(network.heads[0], scores)
        chosen = (scores[:, 0] > 0).astype(np.int64) if found is None else found.argmax(axis=1)
        return self.classes_[self._places()[chosen]]

    def predict_proba(self, X: Any) -> np.ndarray[Any, Any]:
        """f64[rows, classes], the classes in the order of `classes_`."""
        found = probabilities(self.model_.experiment.network.heads[0], self._scores(X)) if self._fitted() else None
        if found is None:
            raise ValueError("this network gives a sign and no probabilities")
        result = np.zeros((len(found), len(self.classes_)))
        result[:, self._places()] = found / found.sum(axis=1, keepdims=True)
        return result

    def _fitted(self) -> bool:
        check_is_fitted(self, "model_")
        return True

    def _places(self) -> np.ndarray[Any, Any]:
        """For each label of the model, in its order, where it stands in `classes_`."""
        places = {name: i for i, name in enumerate(_names(self.classes_))}
        return np.array([places[label] for label in self.model_.tables.labels[self._output.name]])


class NncRegressor(RegressorMixin, _Estimator):
    """A network that tells a number, or several.

    X: as for NncClassifier; y: numbers, or a table of several a row

    >>> from nnc import NncRegressor
    >>> X = [[x / 10] for x in range(40)]
    >>> round(NncRegressor(seed=1).fit(X, [3 * x[0] + 1 for x in X]).score(X, [3 * x[0] + 1 for x in X]), 1)
    1.0
    """

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> NncRegressor:
        if y is None:
            raise ValueError("NncRegressor requires y to be passed, but the target y is None")
        if _is_rows(X):
            examples, targets = self._examples(X, fitting=True), np.asarray(y, np.float64)
            check_consistent_length(examples, targets)
        else:
            examples, targets = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        targets = np.asarray(targets, np.float64)
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = column_or_1d(targets, warn=True)
        width = 1 if targets.ndim == 1 else targets.shape[1]
        sort = "real(standard)" if width == 1 else f"real[{width}](standard)"
        self._fit(examples, targets, sort, f"dense {width}")
        return self

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """f64[rows], of several outputs f64[rows, outputs]"""
        values = in_own_units(self._name_of(X), self._scores(X), self.model_.tables)
        return values[:, 0] if values.shape[1] == 1 else values

    def _name_of(self, X: Any) -> str:
        check_is_fitted(self, "model_")
        return self._output.name


def _is_rows(X: Any) -> bool:
    """Whether X is texts, or rows that are no table of numbers."""
    if hasattr(X, "toarray") or hasattr(X, "columns") or getattr(X, "ndim", 1) > 1:
        return False
    try:
        first = next(iter(X))
    except (TypeError, StopIteration):
        return False
    if isinstance(first, tuple | list):
        return any(isinstance(value, str | tuple | list | np.ndarray) for value in cast("list[Any]", first))
    return isinstance(first, str | dict)


def _names(classes: np.ndarray[Any, Any]) -> list[str]:
    """What the model calls each class: as it prints; by number where two print alike, or one prints as nothing."""
    names = [str(label) for label in classes.tolist()]
    usable = len(set(names)) == len(names) and all(name and not name.isspace() for name in names)
    return names if usable else [str(i) for i in range(len(names))]


def _columns(inputs: list[Port], examples: Any) -> dict[str, Any]:
    """The examples by input. A table of numbers goes to the inputs in order, as many columns as each takes."""
    if isinstance(examples, np.ndarray) and examples.ndim == 2:
        if len(inputs) == 1 and not isinstance(inputs[0].sort, Real):
            return {inputs[0].name: examples}
        columns: dict[str, Any] = {}
        at = 0
        for port in inputs:
            width = port.sort.width if isinstance(port.sort, Real) else 1
            columns[port.name] = examples[:, at : at + width]
            at += width
        return columns
    if len(inputs) == 1 and not isinstance(examples[0], dict):
        return {inputs[0].name: examples}
    rows = [row if isinstance(row, dict) else dict(zip((p.name for p in inputs), row, strict=True)) for row in examples]
    return {port.name: [row[port.name] for row in rows] for port in inputs}


def _check_width(inputs: list[Port], examples: Any) -> None:
    """Raises ValueError where a table has another number of columns than the spec's numbers take."""
    if not isinstance(examples, np.ndarray) or examples.ndim != 2:
        return
    named = ", ".join(p.name for p in inputs)
    if any(isinstance(p.sort, Tokens) for p in inputs):
        raise ValueError(f"X is a table of numbers, but the spec reads texts: {named}")
    if all(isinstance(p.sort, Real) for p in inputs):
        width = sum(p.sort.width for p in inputs if isinstance(p.sort, Real))
        if examples.shape[1] != width:
            raise ValueError(
                f"X has {examples.shape[1]} columns, but the spec reads {width} numbers a row ({named}): "
                f"write real[{examples.shape[1]}], or `let n = {width}`, real[n] and set={{'n': {examples.shape[1]}}}"
            )
