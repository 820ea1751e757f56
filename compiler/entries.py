"""The entries of the sections: what each takes, and how a section is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from compiler.layers.later import LATER_ENTRIES
from compiler.signature import LATER_HELP, LATER_LABEL, Evaluate, Report, Resolved, Setting, Signature, Value, resolve
from dsl import ast
from dsl.errors import Diagnostic, Note
from dsl.nearest import nearest
from dsl.source import Span

LR = "the learning rate"
LEAST_EPS = 1e-30
"""What float32 can tell from 0: without it a weight that never had a gradient, such as padding's, becomes 0 / 0."""
OPTIMIZERS = (
    Signature(
        "sgd",
        "w - lr g, with momentum if it is given; PyTorch's",
        (
            Setting("lr", "number", LR, 0.01, low=0),
            Setting("momentum", "number", "how much of the last move stays", 0.0, low=0, high=1, below=True),
        ),
        later=("nesterov",),
    ),
    Signature(
        "adagrad",
        "a rate for each weight, over the root of its summed squared gradients; PyTorch's",
        (
            Setting("lr", "number", LR, 0.01, low=0),
            Setting("init", "number", "where the sum starts", 0.0, low=0),
            Setting("eps", "number", "added to the root", 1e-10, low=LEAST_EPS),
        ),
    ),
    *(
        Signature(
            word,
            sentence,
            (
                Setting("lr", "number", LR, 1e-3, low=0),
                Setting(
                    "betas",
                    "number",
                    "how much of the two means stays",
                    (0.9, 0.999),
                    many=True,
                    low=0,
                    high=1,
                    below=True,
                ),
                Setting("eps", "number", "added to the root", 1e-8, low=LEAST_EPS),
            ),
        )
        for word, sentence in (
            ("adam", "steps by the running mean of the gradient over the root of that of its square; PyTorch's"),
            ("adamw", "adam with the decay apart from the gradient; PyTorch's"),
        )
    ),
)

TRAIN = {
    s.word: s
    for s in (
        *OPTIMIZERS,
        Signature(
            "decay",
            "L2: so much of each weight is added to its gradient; apart from it in adamw",
            (Setting("x", "number", "how much", required=True, low=0),),
            ("x",),
        ),
        Signature(
            "batch",
            "examples a step",
            (Setting("size", "count", "how many", required=True, low=1, high=1_000_000),),
            ("size",),
            ("tokens",),
        ),
        Signature(
            "epochs",
            "passes over the training rows",
            (Setting("n", "count", "how many", required=True, low=1, high=1_000_000),),
            ("n",),
        ),
        Signature(
            "clip",
            "bounds the gradient, or a head's weights",
            (
                Setting("norm", "number", "of the whole gradient", low=0),
                Setting("value", "number", "of each number of the gradient", low=0),
                Setting("weights", "number", "of each unit's weights of a head, after the update", low=1e-6),
            ),
        ),
        Signature(
            "loss",
            "another loss than the head asks for",
            (Setting("kind", "choice", "which", required=True, choices=("perceptron",)),),
            ("kind",),
            ("sum", "huber", "delta", "contrastive", "margin", "of"),
        ),
        Signature(
            "stop",
            "ends when so many epochs brought nothing better",
            (
                Setting("patience", "count", "how many epochs", 3, low=1),
                Setting("metric", "name", "by what"),
            ),
        ),
        Signature(
            "seed",
            "of everything that is drawn",
            (Setting("n", "count", "a number", required=True, low=0, high=2**31 - 1),),
            ("n",),
        ),
    )
}
"""The entries of `train`."""

FILE_SETTINGS = (
    Setting("paths", "text", "files, relative to the spec's folder", required=True, many=True),
    Setting("columns", "name", "what each column of a row is, `_` for none", many=True),
    Setting("header", "flag", "the first row has headings"),
)
SPLIT_SETTINGS = (
    *FILE_SETTINGS[1:],
    Setting("share", "number", "10%", low=0),
    Setting("paths", "text", "files", many=True),
    Setting("last", "flag", "the end"),
)
DATA = {
    s.word: s
    for s in (
        Signature("train", "the rows to learn from", FILE_SETTINGS, ("paths",), ("windows", "radius", "shrink")),
        Signature(
            "valid",
            "the rows to choose by: a file, or a share of train",
            SPLIT_SETTINGS,
            ("share", "paths"),
        ),
        Signature(
            "test",
            "the rows to report: a file, or a share of train",
            SPLIT_SETTINGS,
            ("share", "paths"),
        ),
        Signature(
            "folds",
            "cross-validation: as many runs",
            (Setting("n", "count", "how many", required=True, low=2, high=1000),),
            ("n",),
        ),
        Signature(
            "format",
            "how the files are read, whatever their ending",
            (Setting("kind", "choice", "which", required=True, choices=("tsv", "csv")),),
            ("kind",),
            ("jsonl", "idx", "npz", "folder", "text"),
        ),
        Signature(
            "seed", "of the splits", (Setting("n", "count", "a number", required=True, low=0, high=2**31 - 1),), ("n",)
        ),
        Signature("columns", "what each column is, by its heading", ()),
    )
}
"""The entries of `data`."""

SECTIONS = ("data", "train", "predict", "sweep")


SWEEP = Signature(
    "sweep",
    "an entry of sweep: a constant, an entry or a labelled layer's setting, and the values that are tried for it",
    (
        Setting("choice", "constant", "one of these", many=True),
        Setting("log", "number", "between the two, on a logarithmic scale", many=True, low=1e-300),
    ),
)
TRIALS = Signature("trials", "how many runs", (Setting("n", "count", "how many", required=True, low=1),), ("n",))


Found = dict[str, tuple[ast.Entry, dict[str, Resolved]]]
"""The entries of a section by word, with their settings."""


@dataclass
class Reading:
    """What is needed to read entries."""

    evaluate: Evaluate
    constant: Callable[[str], Value]
    report: Report

    def error(self, code: str, message: str, span: Span, help: str = "", notes: tuple[Note, ...] = ()) -> None:
        self.report(Diagnostic(code, message, span, notes=notes, help=help))

    def settings(self, signature: Signature, entry: ast.Entry) -> dict[str, Resolved] | None:
        place = entry.path[0].span
        return resolve(signature, entry.arguments, place, self.evaluate, self.constant, self.report)

    def entries(
        self,
        section: ast.Section,
        table: Mapping[str, Signature],
        later: Sequence[str] = (),
        several: Sequence[str] = (),
    ) -> Found:
        """The section's entries, each at most once; of those that may come several times, the first.

        later: keys that any entry may have in the language, and none has yet: an input's or output's name
        """
        found: Found = {}
        for entry in section.entries:
            word = entry.path[0].id
            if not self._known(section, entry, table):
                continue
            if word in found and word not in several:
                note = Note(found[word][0].span, "given here")
                self.error("NN603", f"{word} is given twice", entry.path[0].span, "leave one out", (note,))
                continue
            signature = replace(table[word], later=(*table[word].later, *later))
            settings = {} if word == "columns" else self.settings(signature, entry)
            if settings is not None:
                found[word] = self._joined(found[word], (entry, settings)) if word in found else (entry, settings)
        return found

    def _known(self, section: ast.Section, entry: ast.Entry, table: Mapping[str, Signature]) -> bool:
        word, kind = entry.path[0], section.kind.id
        later = LATER_ENTRIES.get(kind, ())
        if len(entry.path) > 1:
            path = ".".join(n.id for n in entry.path)
            self.error("NN602", f"{kind} has no entry {path}", entry.span, "paths with dots belong in sweep and --set")
        elif word.id in later:
            message = f"{word.id} in {kind} is not there yet"
            self.report(Diagnostic("NN350", message, word.span, LATER_LABEL, help=LATER_HELP))
        elif word.id not in table:
            near = nearest(word.id, [*table, *later])
            help = f"did you mean {near}?" if near else f"its entries are {', '.join([*table, *later])}"
            self.report(Diagnostic("NN602", f"{kind} has no entry {word.id}", word.span, "not known here", help=help))
        else:
            return True
        return False

    def _joined(
        self, first: tuple[ast.Entry, dict[str, Resolved]], again: tuple[ast.Entry, dict[str, Resolved]]
    ) -> tuple[ast.Entry, dict[str, Resolved]]:
        """Several `train` lines are several files, read in the same way."""
        (entry, old), (other, new) = first, again
        files, more = old.get("paths"), new.get("paths")
        if not isinstance(files, tuple) or not isinstance(more, tuple):
            note = Note(entry.span, "given here")
            self.error("NN603", f"{other.path[0].id} is given twice", other.path[0].span, "leave one out", (note,))
            return first
        for key, value in new.items():
            if key != "paths" and value not in (None, False) and value != old[key]:
                note = Note(entry.span, "the first line")
                message = f"the {entry.path[0].id} lines differ in {key}"
                self.error("NN605", message, other.span, f"give {key} once, on the first line", (note,))
        return entry, {**old, "paths": (*files, *more)}
