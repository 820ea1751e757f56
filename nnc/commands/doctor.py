"""`nnc doctor`: what is installed, where it was loaded from, and what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
from pathlib import Path
from typing import Any

from dsl.errors import Diagnostic
from nnc import __version__
from nnc.failure import FAILED
from nnc.installed import PACKAGES, loaded_from, strangers
from runtime.memory import available_bytes, in_words
from runtime.threads import cores


def run(*, as_json: bool) -> int:
    facts = gather()
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        print("\n".join(lines(facts)))
    return 0 if facts["ok"] else FAILED


def gather() -> dict[str, Any]:
    """Everything that is told, as data."""
    libraries = {name: _version(name) for name in ("numpy", "lark", "rich", "click")}
    places = {name: str(path) if (path := loaded_from(name)) else None for name in PACKAGES}
    specs = Path(__file__).resolve().parents[2] / "specs"
    return {
        "version": __version__,
        "python": platform.python_version(),
        "libraries": libraries,
        "blas": _blas(),
        "packages": places,
        "strangers": list(strangers()),
        "cores": cores(),
        "instructions": _instructions(),
        "free_bytes": available_bytes(),
        "default_spec": (specs / "sentiment.nn").is_file() and (specs / "sentiment" / "train.tsv.gz").is_file(),
        "gpu": _gpu(),
        "ok": all(libraries.values()) and all(places.values()) and not strangers() and specs.is_dir(),
    }


def lines(facts: dict[str, Any]) -> list[str]:
    libraries = facts["libraries"]
    blas = f" ({facts['blas']})" if facts["blas"] else ""
    rows = [
        ("nnc", [facts["version"], f"python {facts['python']}", f"numpy {libraries['numpy'] or 'missing'}{blas}"]),
        ("", [f"{name} {version or 'MISSING'}" for name, version in libraries.items() if name != "numpy"]),
        ("cpu", [f"{facts['cores']} cores", *facts["instructions"], f"{in_words(facts['free_bytes'])} free"]),
        ("gpu", _gpu_parts(facts["gpu"])),
        *(
            ("loaded" if i == 0 else "", [f"{n}: {p or 'MISSING'}"])
            for i, (n, p) in enumerate(facts["packages"].items())
        ),
    ]
    result = [f"{name:<8} {', '.join(parts)}" for name, parts in rows]
    for name in facts["strangers"]:
        result.append(
            f"!!       `{name}` is another package of that name, which hides ours: remove it from this environment"
        )
    missing = [name for name, version in libraries.items() if version is None]
    if missing:
        result.append(f"missing  pip install {' '.join(missing)}")
    if not facts["default_spec"]:
        result.append("missing  the specs that ship: install nnc again")
    if facts["ok"] and facts["default_spec"]:
        result.append("everything that the default spec needs is here:  nnc train")
    return result


def _gpu() -> dict[str, Any]:
    """The one that `--device auto` takes, or why it takes none."""
    if importlib.util.find_spec("numpy") is None:
        return {"why_not": "numpy is missing", "code": None, "help": None}
    from nnc.device import gpu_or_why_not

    found = gpu_or_why_not()
    if isinstance(found, Diagnostic):
        return {"why_not": found.message, "code": found.code, "help": found.help}
    return {"name": found.name, "free_bytes": found.free_bytes, "cupy": found.cupy, "driver": found.driver}


def _gpu_parts(gpu: dict[str, Any]) -> list[str]:
    if "name" in gpu:
        return [gpu["name"], f"{in_words(gpu['free_bytes'])} free", f"cupy {gpu['cupy']}", f"driver {gpu['driver']}"]
    return [f"none: {gpu['why_not']}" + (f" (nnc explain {gpu['code']})" if gpu["code"] else "")]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _blas() -> str:
    if importlib.util.find_spec("numpy") is None:
        return ""
    import numpy as np

    config = np.show_config(mode="dicts")
    found: dict[str, Any] = config.get("Build Dependencies", {}).get("blas", {}) if isinstance(config, dict) else {}
    return str(found.get("name", "")).removeprefix("scipy-")


def _instructions() -> list[str]:
    """The widest vector instructions that the CPU names; empty where the system does not say."""
    try:
        flags = next(
            x for x in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines() if x.startswith("flags")
        )
    except (OSError, StopIteration):
        return []
    for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("avx", "AVX")):
        if flag in flags.split():
            return [name]
    return []
