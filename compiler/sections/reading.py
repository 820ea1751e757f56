"""How a section is read: each entry met with its row of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from compiler.signature import Evaluate, Report, Resolved, Signature, Value, resolve
from dsl import ast
from dsl.errors import Diagnostic, Note
from dsl.nearest import nearest
from dsl.source import Span

SECTIONS = ("data", "train", "predict", "sweep")

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
        several: Sequence[str] = (),
    ) -> Found:
        """The section's entries, each at most once; of those that may come several times, the first."""
        found: Found = {}
        for entry in section.entries:
            word = entry.path[0].id
            if not self._known(section, entry, table):
                continue
            if word in found and word not in several:
                note = Note(found[word][0].span, "given here")
                self.error("NN603", f"{word} is given twice", entry.path[0].span, "leave one out", (note,))
                continue
            signature = table[word]
            settings = {} if word == "columns" else self.settings(signature, entry)
            if settings is not None:
                if word in found:
                    files = [s.name for s in signature.settings if s.kind == "text" and s.many]
                    found[word] = self._joined(found[word], (entry, settings), files)
                else:
                    found[word] = entry, settings
        return found

    def _known(self, section: ast.Section, entry: ast.Entry, table: Mapping[str, Signature]) -> bool:
        word, kind = entry.path[0], section.kind.id
        if len(entry.path) > 1:
            path = ".".join(n.id for n in entry.path)
            self.error("NN602", f"{kind} has no entry {path}", entry.span, "paths with dots belong in sweep and --set")
        elif word.id not in table:
            near = nearest(word.id, list(table))
            help = _as_setting(word.id, table) or f"its entries are {', '.join(table)}"
            help = f"did you mean {near}?" if near else help
            self.report(Diagnostic("NN602", f"{kind} has no entry {word.id}", word.span, "not known here", help=help))
        else:
            return True
        return False

    def _joined(
        self,
        first: tuple[ast.Entry, dict[str, Resolved]],
        again: tuple[ast.Entry, dict[str, Resolved]],
        files: Sequence[str],
    ) -> tuple[ast.Entry, dict[str, Resolved]]:
        """Several `train` lines are several files, read in the same way. files: the settings that name some."""
        (entry, old), (other, new) = first, again
        paths: dict[str, Resolved] = {}
        for key in files:
            before, behind = old.get(key), new.get(key)
            if isinstance(before, tuple) or isinstance(behind, tuple):
                paths[key] = (
                    *(before if isinstance(before, tuple) else ()),
                    *(behind if isinstance(behind, tuple) else ()),
                )
        if not any(isinstance(old.get(key), tuple) for key in files) or not any(new.get(key) for key in files):
            note = Note(entry.span, "given here")
            self.error("NN603", f"{other.path[0].id} is given twice", other.path[0].span, "leave one out", (note,))
            return first
        for key, value in new.items():
            if key not in files and value not in (None, False) and value != old[key]:
                note = Note(entry.span, "the first line")
                message = f"the {entry.path[0].id} lines differ in {key}"
                self.error("NN605", message, other.span, f"give {key} once, on the first line", (note,))
        return entry, {**old, **paths}


def _as_setting(word: str, table: Mapping[str, Signature]) -> str:
    """Where the word belongs if it is no entry but a setting: `lr 0.1` for `adam lr=0.1`."""
    owners = [owner for owner, signature in table.items() if signature.setting(word) is not None]
    if not owners:
        return ""
    owner = "adam" if "adam" in owners else owners[0]
    setting = table[owner].setting(word)
    value = "" if setting is not None and setting.kind == "flag" else "=..."
    return f"it is a setting of {', '.join(owners)}: {owner} {word}{value}"
