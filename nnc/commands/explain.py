"""`nnc explain CODE|WORD`: what an error means, what a word of the language does."""

from __future__ import annotations

import re

from compiler import library, words
from dsl.errors import Diagnostic, RunError
from dsl.explain import codes, page
from dsl.nearest import nearest
from dsl.render import show
from nnc.course import WORDS, sections_of


def run(topic: str) -> int:
    code = re.fullmatch(r"[Nn]{2}\d{3}", topic, re.ASCII)
    word = topic if words.describe(topic) is not None else topic.lower()
    text = words.describe(word) if code is None else page(topic)
    parts = [*([] if text is None else [text.rstrip("\n")]), *_beside(word)]
    if not parts:
        raise RunError(_unknown(topic))
    print("\n\n".join(parts))
    return 0


def _beside(word: str) -> list[str]:
    """How a block or cell is written, and where the documentation is about the word."""
    written, sections = library.written(word), sections_of(word)
    found = [written] if written is not None else []
    return found + ["\n".join(f"see {section}" for section in sections)] * bool(sections)


def _unknown(topic: str) -> Diagnostic:
    if re.fullmatch(r"[Nn]{2}\d*", topic, re.ASCII):
        near = nearest(topic.upper(), codes())
        hint = f"did you mean {near}?" if near else "an error shows its code: error[NN204]"
        return Diagnostic("NN868", f"there is no error code {show(topic)}", help=hint)
    near = nearest(topic, [*words.words(), *WORDS])
    hint = f"did you mean `{near}`?" if near else "nnc explain takes a layer (conv), an entry (adam) or a code (NN204)"
    return Diagnostic("NN868", f"the language has no word `{show(topic)}`", help=hint)
