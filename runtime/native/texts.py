"""The kernels that a program brings along."""

from __future__ import annotations


def kernel_texts(source: str) -> dict[str, str]:
    """The kernels that stand before `bind`, by name; without comments, each as `kernel`."""
    head = "\n" + source.partition("\ndef bind(")[0]
    found: dict[str, str] = {}
    for part in head.split("\ndef ")[1:]:
        name = part.partition("(")[0]
        lines = [line for line in f"def kernel{part[len(name) :]}".splitlines() if line and not line.startswith("#")]
        found[name] = "\n".join(lines) + "\n"
    return found
