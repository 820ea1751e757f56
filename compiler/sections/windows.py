"""`windows=` of a running text, with what belongs to it, and whether the model is made for it."""

from __future__ import annotations

from compiler.sections.reading import Found, Reading
from compiler.settings.data import RADIUS, WINDOW_KINDS, WindowKind, Windows
from compiler.sorts import Port, Tokens, Word, owner

SHAPES = {
    "skipgram": "model m(center: word) -> context: word(vocabulary=center)",
    "cbow": "model m(context: bag(word)) -> center: word(vocabulary=context)",
}


def windows_of(found: Found, ports: tuple[Port, ...], reading: Reading) -> tuple[Windows | None, bool]:
    """None where rows are read as they stand; False after an error."""
    entry, settings = found["train"]
    kind: WindowKind | None = next((known for known in WINDOW_KINDS if known == settings.get("windows")), None)
    if kind is None:
        return None, _nothing_without(found, reading)
    of_text = f"windows={kind} reads a running text"
    for key in ("columns", "header"):
        if settings.get(key) not in (None, False):
            reading.error("NN592", f"{of_text}, which has no {key}", entry.span, "leave it out")
            return None, False
    for word in ("columns", "format", "missing"):
        if word in found:
            reading.error("NN592", f"{of_text}, and no table", found[word][0].span, f"leave {word} out")
            return None, False
    if any(settings.get(port.name) is not None for port in ports):
        reading.error("NN592", f"{of_text}, not files side by side", entry.span, 'write train "text.txt"')
        return None, False
    if not _fits(kind, ports):
        reading.error("NN592", f"windows={kind} is for another model", entry.span, f"its form is {SHAPES[kind]}")
        return None, False
    radius, share = settings.get("radius"), found["subsample"][1]["t"] if "subsample" in found else None
    return (
        Windows(
            kind,
            radius if isinstance(radius, int) else RADIUS,
            settings.get("shrink") is True,
            float(share) if isinstance(share, (int, float)) else None,
            entry.span,
        ),
        True,
    )


def _fits(kind: WindowKind, ports: tuple[Port, ...]) -> bool:
    """Whether the model has one input and one output of these sorts, with one vocabulary."""
    if [p.output for p in ports] != [False, True] or owner_of(ports[0]) is None:
        return False
    given, asked = ports
    of_bag = isinstance(given.sort, Tokens) and given.sort.unit == "bag"
    right = of_bag if kind == "cbow" else isinstance(given.sort, Word)
    return right and isinstance(asked.sort, Word) and owner_of(asked) == owner_of(given)


def owner_of(port: Port) -> str | None:
    return owner(port) if isinstance(port.sort, Tokens | Word) else None


def _nothing_without(found: Found, reading: Reading) -> bool:
    """Whether nothing stands there that only means something beside `windows=`."""
    entry, settings = found["train"]
    for key in ("radius", "shrink"):
        if settings.get(key) not in (None, False):
            reading.error("NN592", f"{key} belongs to windows=, which is not there", entry.span, "windows=skipgram")
            return False
    if "subsample" in found:
        message = "subsample belongs to windows=, which is not there"
        reading.error("NN592", message, found["subsample"][0].span, 'write train "text.txt" windows=skipgram')
        return False
    return True
