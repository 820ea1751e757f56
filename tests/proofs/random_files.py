"""The rows of a random spec as files."""

from __future__ import annotations

import json
from pathlib import Path

Row = dict[str, object]


def flat(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list) else [str(value)]


def titles(port: str, row: Row) -> list[str]:
    value = row[port]
    return [f"{port}_{i}" for i in range(len(value))] if isinstance(value, list) else [port]


def write_tsv(folder: Path, ports: list[str], rows: list[Row], header: bool) -> None:
    lines = ["\t".join(field for port in ports for field in flat(row[port])) for row in rows]
    (folder / "train.tsv").write_text("\n".join(lines) + "\n", "utf-8")


def write_csv(folder: Path, ports: list[str], rows: list[Row], header: bool) -> None:
    lines = [",".join(field for port in ports for field in flat(row[port])) for row in rows]
    if header:
        lines.insert(0, ",".join(title for port in ports for title in titles(port, rows[0])))
    (folder / "train.csv").write_text("\n".join(lines) + "\n", "utf-8")


def write_jsonl(folder: Path, ports: list[str], rows: list[Row], header: bool) -> None:
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


FORMATS = {"tsv": write_tsv, "csv": write_csv, "jsonl": write_jsonl}
