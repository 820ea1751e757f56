"""What `data` may say of a time series, whose rows belong together in their order."""

from __future__ import annotations

from compiler.sections.reading import Found, Reading
from compiler.sorts import Port, Series


def of_series(found: Found, ports: tuple[Port, ...], reading: Reading) -> bool:
    """False after an error: a split that draws rows here and there, `missing last` without a series."""
    if not any(isinstance(port.sort, Series) for port in ports):
        if "missing" in found and found["missing"][1]["rows"] == "last":
            message = "missing last goes on with the last number of a series, and the model reads none"
            reading.error("NN605", message, found["missing"][0].span, "write missing skip, which leaves such rows out")
            return False
        return True
    good = True
    if "folds" in found:
        message = "folds draws rows here and there, and those of a series belong together in their order"
        reading.error("NN612", message, found["folds"][0].span, "write test 20% last")
        good = False
    for word in ("valid", "test"):
        if word not in found:
            continue
        entry, settings = found[word]
        share = settings["share"]
        if isinstance(share, (int, float)) and settings["last"] is not True:
            message = f"{word} {share:.0%} draws rows here and there, and those of a series belong together"
            reading.error("NN612", message, entry.span, f"write {word} {share:.0%} last, which takes its end")
            good = False
    return good
