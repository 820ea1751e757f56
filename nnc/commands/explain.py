"""`nnc explain CODE|WORD`: what an error means, what a word of the language does."""

from __future__ import annotations

import re

from compiler import words
from dsl.errors import Diagnostic, RunError
from dsl.explain import codes, page
from dsl.nearest import nearest
from dsl.render import show


def run(topic: str) -> int:
    text = page(topic) if re.fullmatch(r"[Nn]{2}\d{3}", topic, re.ASCII) else words.describe(topic)
    if text is None:
        raise RunError(_unknown(topic))
    print(text, end="" if text.endswith("\n") else "\n")
    return 0


def _unknown(topic: str) -> Diagnostic:
    if re.fullmatch(r"[Nn]{2}\d*", topic, re.ASCII):
        near = nearest(topic.upper(), codes())
        hint = f"did you mean {near}?" if near else "an error shows its code: error[NN204]"
        return Diagnostic("NN868", f"there is no error code {show(topic)}", help=hint)
    near = nearest(topic, words.words())
    hint = f"did you mean `{near}`?" if near else "nnc explain takes a layer (conv), an entry (adam) or a code (NN204)"
    return Diagnostic("NN868", f"the language has no word `{show(topic)}`", help=hint)
