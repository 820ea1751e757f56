"""What every word of the language does, in text: `nnc explain WORD`, and the reference page. Made from the tables that
the checks are made from, so neither can say what is not so.

python -m compiler.words > docs/reference.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from compiler import library
from compiler.layers import LAYERS, STRUCTURES, LayerWord
from compiler.lower.cell_words import EVERY_CELL, STATES, signature_of
from compiler.lower.spelling import SPELLING
from compiler.lower.structures import REPEAT
from compiler.ports.table import INPUTS, OUTPUTS, SORTS
from compiler.sections.data_entries import DATA
from compiler.sections.other import SWEEP, TRIALS
from compiler.sections.predict import PREDICT
from compiler.sections.reading import SECTIONS
from compiler.sections.train_entries import TRAIN
from compiler.signature import WANTED, Setting, Signature, bounds
from dsl import ast

SYNTAX = {
    "model": ("model NAME(input: sort) -> output: sort { ... }", "a network, line by line"),
    "block": ("block NAME(x, y) setting default=1 { ... }", "layers with a name, used like a layer"),
    "cell": (
        "cell NAME(x) state h { h' = ... }",
        "a recurrent network by its equations: h is its state, h' the next one",
    ),
    "state": (
        "cell NAME(x) width state h[width], c { ... }",
        "what a cell carries from step to step, the first is its output; as wide as the cell, or as the brackets say",
    ),
    "each": (
        "cell NAME(x, y each, k) state h { ... }",
        "y comes position by position, as x does; k comes whole, the same in all steps",
    ),
    "@": ("W @ x", "a matrix times a vector, in a cell or outside: W = param[size, dim(x)]"),
    "let": ("let NAME = 100", "a constant, whose name stands for its value"),
    "use": ('use "file.nn"', "brings another file's blocks, cells and constants"),
    "as": ("LAYER ... as NAME", "a label, by which tied= and NAME.part refer to the layer"),
    "dim": ("dim(x)", "the width of a value, as a number for a setting: dense dim(x)"),
}
"""Words that are syntax."""

COMMANDS = {
    "generate": (
        'nnc generate RUN --prompt "the cat"',
        "a language model, one with an output next(text), goes on writing; the section predict says how",
    ),
}
"""Commands that belong to words of the language."""

SECTION_SENTENCES = {
    "data": "which files to learn from, to choose by and to test on",
    "train": "how the weights are found",
    "predict": "how a text is written",
    "sweep": "settings to try; checked, though train trains one setting only",
}

EXAMPLES = {
    "embed": "embed 50 ; mean",
    "onehot": "onehot ; mean",
    "bag": "bag",
    "conv": "embed 50 ; conv k=2,3 filters=100 relu ; maxpool",
    "maxpool": "embed 50 ; maxpool k=3 ; flatten",
    "avgpool": "embed 50 ; avgpool window=2 ; avgpool",
    "mean": "embed 50 ; mean",
    "sum": "embed 50 ; sum",
    "last": "embed 50 ; last",
    "first": "embed 50 ; first",
    "weighted": "h = embed 50 ; scores = dense 20 tanh | dense 1 ; weighted(h, scores)",
    "dense": "embed 50 ; mean ; dense 100 relu",
    "dropout": "embed 50 ; dropout 0.3 words ; mean ; dropout 0.5",
    "corrupt": "embed 50 ; mean ; corrupt 30% ; dense 20 relu",
    "layernorm": "embed 50 ; layernorm ; mean",
    "concat": "x = embed 50 ; concat((x | mean), (x | maxpool))",
    "mix": "x = embed 50 ; y = x | dense 50 tanh ; mix(x, y) ; mean",
    "max": "x = embed 50 | mean ; max(x, (x | dense 50))",
    "min": "x = embed 50 | mean ; min(x, (x | dense 50))",
    "dot": "x = embed 50 | mean ; dot(x, (x | dense 50))",
    "cosine": "x = embed 50 | mean ; cosine(x, (x | dense 50))",
    "flatten": "embed 50 ; maxpool k=3 ; flatten",
    "residual": "embed 50 ; residual { dense 50 relu } ; mean",
    "repeat": "embed 50 ; repeat n=64,128 { dense n relu } ; mean",
    "parallel": "embed 50 ; parallel { mean ; maxpool }",
    "spelling": "spelling { embed 25 ; lstm 25 bidir ; last } ; lstm 64 ; last",
    "shared": "shared encoder { dense 50 relu } ; embed 50 ; encoder ; encoder ; mean",
    "attention": "embed 64 ; positions sinusoid ; attention heads=4 ; mean",
    "positions": "embed 64 ; positions sinusoid ; attention heads=4 ; mean",
    "attend": "memory = embed 50 | gru 50 bidir ; query = memory | mean ; attend(query, memory)",
    "batchnorm": "embed 50 ; mean ; dense 100 ; batchnorm ; relu",
    "linear": "x = embed 50 ; linear((x | mean), (x | maxpool)) 100 ; relu",
}
"""Lines that a head may follow: `dense softmax`."""

EXAMPLES_OF_PICTURES = {
    "conv2d": "conv2d 5 filters=6 relu ; maxpool2d 2 ; flatten",
    "maxpool2d": "conv2d 3 filters=16 same relu ; maxpool2d window=2,1 ; flatten",
    "avgpool2d": "conv2d 3 filters=16 same relu ; avgpool2d",
    "upsample2d": "maxpool2d 2 ; upsample2d 2 ; flatten",
}
EXAMPLES_OF_TEXTS = {
    "decode": "memory = embed 50 | gru 50 bidir ; decode { h = embed 50 | gru 50 ; concat(h, attend(h, memory))",
}
"""Up to the head of `decode`: `dense softmax }`."""

ENTRIES: Mapping[str, Mapping[str, Signature]] = {
    "data": DATA,
    "train": TRAIN,
    "predict": PREDICT,
    "sweep": {"PATH": SWEEP, "trials": TRIALS},
}

TOPICS = ("layers", "sorts", "entries")


def describe(word: str) -> str | None:
    """Everything that a word means, each meaning a paragraph; `layers`, `sorts` and `entries` list all. None for no
    word of the language."""
    if word in TOPICS:
        return _listed(word)
    meanings = list(_meanings(word))
    return "\n\n".join(meanings) + "\n" if meanings else None


def words() -> tuple[str, ...]:
    """Every word that `describe` knows."""
    entries = (word for table in ENTRIES.values() for word in table)
    known = {
        *TOPICS,
        *LAYERS,
        *STRUCTURES,
        *library.names(),
        *SORTS,
        *entries,
        *SECTIONS,
        *SYNTAX,
        *COMMANDS,
    }
    for _, signature in _signatures():
        for setting in signature.settings:
            known.update((setting.name, *setting.choices))
    return tuple(sorted(known))


def _meanings(word: str) -> Iterator[str]:
    for forms in (SYNTAX, COMMANDS):
        if word in forms:
            yield ": ".join(forms[word])
    if word in LAYERS:
        yield _layer(LAYERS[word])
    if word in STRUCTURES:
        signature = {"repeat": REPEAT, "spelling": SPELLING}.get(word)
        settings = _settings(signature) if signature is not None else []
        yield "\n".join([f"{word} {{ ... }}: {STRUCTURES[word]}", *settings, *_example(word)])
    if word in library.names():
        binding = library.find(word)
        cell = binding.block if binding is not None else None
        own = [*_settings(signature_of(cell)), *_states(cell)] if isinstance(cell, ast.Cell) else []
        yield "\n".join([f"{word}: {_of_library(word)}", *own])
    if word in SORTS:
        yield "\n".join([f"{word}, a sort: {SORTS[word].sentence}", *_settings(SORTS[word])])
    if word in SECTIONS:
        entries = ", ".join(_entries_of(word))
        yield f"{word} {{ ... }}, a section: {SECTION_SENTENCES[word]}\n  entries: {entries}"
    for section, table in ENTRIES.items():
        if word in table:
            signature = table[word]
            yield "\n".join([f"{word}, an entry of {section}: {signature.sentence}", *_settings(signature)])
    yield from _as_setting(word)


def _states(cell: ast.Cell) -> list[str]:
    """First and last states, under the names of the cell and its states."""
    name, state = cell.name.id, cell.states[0].name.id
    first, last = (line.replace("NAME(h=", f"{name}({state}=").replace("NAME.h", f"NAME.{state}") for line in STATES)
    return [f"  {line.replace('the state h', f'the state {state}')}" for line in (first, last)]


def _as_setting(word: str) -> Iterator[str]:
    """What a word means behind a layer or entry: a setting, or one of its values."""
    found: dict[str, list[str]] = {}
    for _, signature in _signatures():
        for setting in signature.settings:
            if setting.name == word:
                found.setdefault(f"a setting, {setting.sentence}", []).append(signature.word)
            elif word in setting.choices:
                found.setdefault(f"short for {setting.name}={word}", []).append(signature.word)
    for sentence, owners in found.items():
        yield f"{word}, in {', '.join(dict.fromkeys(owners))}: {sentence}"


def _signatures() -> Iterator[tuple[str, Signature]]:
    """Every table row, with what kind of word it is."""
    for layer in LAYERS.values():
        yield "layer", layer.signature
    yield "structure", REPEAT
    yield "cell", EVERY_CELL
    yield "structure", SPELLING
    for signature in SORTS.values():
        yield "sort", signature
    for table in ENTRIES.values():
        for signature in table.values():
            yield "entry", signature


def _layer(layer: LayerWord) -> str:
    operands = f"({', '.join(layer.operands)}{', ...' if layer.any else ''})" if len(layer.operands) > 1 else ""
    lines = [f"{layer.word}{operands}: {layer.signature.sentence}", *_settings(layer.signature)]
    if layer.weights:
        lines.append("  as NAME: a label; by it tied= and NAME.weight refer to this layer")
    return "\n".join([*lines, *_example(layer.word)])


def _example(word: str) -> list[str]:
    if word in EXAMPLES_OF_TEXTS:
        return [f"  for example: {EXAMPLES_OF_TEXTS[word]} ; dense softmax }}"]
    line = {**EXAMPLES, **EXAMPLES_OF_PICTURES}.get(word)
    return [f"  for example: {line} ; dense softmax"] if line is not None else []


def _settings(signature: Signature) -> list[str]:
    return [f"  {_shown(s, signature)}: {s.sentence}{_limits(s)}" for s in signature.settings]


def _shown(setting: Setting, signature: Signature) -> str:
    if setting.kind == "flag":
        return setting.name
    if setting.choices:
        return f"{setting.name}={'|'.join(setting.choices)}"
    several = ",..." if setting.many else ""
    single = "a single one " if setting.many and setting.kind in ("count", "number") else ""
    place = f" ({single}also by position)" if setting.name in signature.positional else ""
    return f"{setting.name}={several}{place}"


def _limits(setting: Setting) -> str:
    if setting.kind == "flag":
        return ""
    parts: list[str] = []
    if setting.required:
        parts.append("needed")
    elif setting.default is not None:
        default = setting.default if isinstance(setting.default, tuple) else (setting.default,)
        parts.append(f"{','.join(map(str, default))} if left out")
    if not setting.choices:
        parts.append(WANTED[setting.kind])
        if setting.low is not None or setting.high is not None:
            parts.append(bounds(setting).removeprefix("must be "))
    return f" ({'; '.join(parts)})" if parts else ""


def _of_library(word: str) -> str:
    binding = library.find(word)
    assert binding is not None
    kind = type(binding.block).__name__.lower()
    heading = binding.block.span.snippet.partition(" {")[0]
    return f"a {kind} of the library ({binding.span.file}): {heading}"


def _entries_of(section: str) -> list[str]:
    return list(ENTRIES.get(section, {}))


def _listed(topic: str) -> str:
    match topic:
        case "layers":
            rows = {w: layer.signature.sentence for w, layer in LAYERS.items()} | STRUCTURES
            rows |= {w: _of_library(w) for w in library.names()}
        case "sorts":
            rows = {w: s.sentence for w, s in SORTS.items()}
        case _:
            rows = {f"{section} {w}": s.sentence for section, table in ENTRIES.items() for w, s in table.items()}
    return "\n".join([f"{topic}:", *(f"  {word}: {sentence}" for word, sentence in rows.items()), ""])


def missing_page() -> str:
    """The lists of the page of NN350."""
    return "\n".join(
        (
            f"layers: {', '.join(LAYERS)}",
            f"structures: {', '.join(STRUCTURES)}",
            f"sorts of inputs: {', '.join(INPUTS)}; of outputs: {', '.join(OUTPUTS)}",
            f"entries of data: {', '.join(DATA)}",
            f"entries of train: {', '.join(TRAIN)}",
            f"entries of predict: {', '.join(PREDICT)}",
        )
    )


def reference() -> str:
    """The reference page, as Markdown."""
    parts = ["# Reference: what the words do\n\nMade from the tables that the compiler checks with:"]
    parts[0] += " `python -m compiler.words > docs/reference.md`. `nnc explain WORD` shows any part of it."
    parts.append("## Syntax\n\n" + "\n".join(f"- `{form}`: {sentence}" for form, sentence in SYNTAX.values()))
    layers = [_section(_layer(layer)) for layer in LAYERS.values()]
    structures = [_section(next(_meanings(word))) for word in STRUCTURES]
    parts.append("## Layers and functions\n\n" + "\n\n".join(layers))
    parts.append("## Words with a body\n\n" + "\n\n".join(structures))
    own = [f"- {_code(f'{w}: {_of_library(w)}')}" for w in library.names()]
    every = _section("\n".join([f"NAME: {EVERY_CELL.sentence}", *_settings(EVERY_CELL), *(f"  {s}" for s in STATES)]))
    parts.append("## The library\n\n" + "\n".join(own) + "\n\nEvery cell, of the library or a spec's own:\n\n" + every)
    sorts = [_section(next(m for m in _meanings(w) if "a sort" in m)) for w in SORTS]
    parts.append("## Sorts\n\n" + "\n\n".join(sorts))
    for section, table in ENTRIES.items():
        rows = [_section("\n".join([f"{w}: {s.sentence}", *_settings(s)])) for w, s in table.items()]
        parts.append(f"## Entries of `{section}`: {SECTION_SENTENCES[section]}\n\n" + "\n\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _section(text: str) -> str:
    """A description as Markdown: its first line, then a list."""
    first, *rest = text.split("\n")
    return "\n".join([_code(first), *([""] if rest else []), *(f"- {_code(line.strip())}" for line in rest)])


def _code(line: str) -> str:
    """`word`: sentence"""
    head, colon, tail = line.partition(": ")
    if head in ("for example", "not there yet"):
        return f"{head}: `{tail}`"
    return f"`{head}`{colon}{tail}"


if __name__ == "__main__":
    print(reference(), end="")
