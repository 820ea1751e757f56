"""The `data` of a model whose outputs are made from running text: sentences in files, and nothing beside them."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.sections.reading import Found, Reading
from compiler.sorts import Port


def is_running_text(found: Found, pair: Port, ports: Sequence[Port], reading: Reading) -> bool:
    """Whether the entries name files of sentences; what stands there beside them has been reported."""
    of_text = f"{pair.name} is running text, a sentence a line"
    good = True
    for word in ("train", "valid", "test"):
        if word not in found:
            continue
        entry, settings = found[word]
        for key in ("columns", "header"):
            if settings.get(key) not in (None, False):
                reading.error("NN611", f"{of_text}, which has no {key}", entry.span, "leave it out")
                good = False
        if any(settings.get(port.name) is not None for port in ports):
            reading.error("NN611", f"{of_text}, not files side by side", entry.span, f'write {word} "text.txt"')
            good = False
    for word in ("columns", "missing"):
        if word in found:
            reading.error("NN611", f"{of_text}, and no table", found[word][0].span, f"leave {word} out")
            good = False
    if "format" in found and found["format"][1]["kind"] != "text":
        reading.error("NN611", f"{of_text}, and its format is text", found["format"][0].span, "leave format out")
        good = False
    return good
