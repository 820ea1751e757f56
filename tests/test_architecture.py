"""How the house is built, read off the syntax trees: who imports whom, how long files are, what none may call."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("dsl", "compiler", "runtime", "nnc")
FOLDERS = (*PACKAGES, "specs", "tests", "benchmarks", "docs")
LONGEST = 400

MAY_IMPORT = {
    "dsl": ("dsl", "lark"),
    "compiler": ("compiler", "dsl"),
    "runtime": (
        "runtime",
        "numpy",
        *(
            f"compiler.{part}"
            for part in ("ir", "ops", "plan", "sorts", "views", "settings", "experiment", "metric_names")
        ),
        *(f"dsl.{part}" for part in ("errors", "source", "render", "nearest")),
    ),
    "nnc": ("nnc", "runtime", "compiler", "dsl", "numpy", "rich", "click"),
}
"""Beside the standard library."""

NOT_OF_THE_LIBRARY = {"pickle", "_pickle", "marshal", "shelve", "dill", "copyreg", "runpy", "code", "codeop"}
"""Modules that turn bytes or text into something that runs."""

CUPY = Path("runtime/cuda_backend.py")
SKLEARN = Path("nnc/estimator.py")
PILLOW = Path("runtime/data/pictures.py")
SACREBLEU = Path("nnc/bleu.py")
ALONE = {CUPY: ("cupy",), SKLEARN: ("sklearn",), PILLOW: ("PIL",), SACREBLEU: ("sacrebleu",)}
"""What one file alone may import."""
NATIVE = Path("runtime/native")
EXECUTORS = (Path("runtime/execute.py"), NATIVE / "compiling.py")
"""What runs texts that the compiler has written: its programs, and their kernels."""


def sources(*folders: str) -> list[Path]:
    return sorted(path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))


def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, wherever in it: `from a import b` as `a.b`."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: an import begins with the package"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(path: Path) -> Iterator[tuple[str, int]]:
    """What a file calls by name, `eval` or `importlib.import_module`, and in which line."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield ast.unparse(node.func), node.lineno


def within(module: str, allowed: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


each_of_ours = pytest.mark.parametrize("path", sources(*PACKAGES), ids=str)


@each_of_ours
def test_module_imports_only_what_its_folder_may(path: Path):
    alone = ALONE.get(path, ()) + (("numba", "llvmlite") if path.parent == NATIVE else ())
    allowed = MAY_IMPORT[path.parts[0]] + alone
    wrong = [m for m in imported(path) if m.partition(".")[0] not in sys.stdlib_module_names and not within(m, allowed)]
    assert wrong == []


@each_of_ours
def test_module_imports_nothing_that_makes_data_run(path: Path):
    assert [m for m in imported(path) if m.partition(".")[0] in NOT_OF_THE_LIBRARY] == []


@each_of_ours
def test_module_calls_nothing_that_makes_data_run(path: Path):
    forbidden = {"eval", "__import__", "importlib.import_module", "import_module", "importlib.__import__"}
    if path not in EXECUTORS:
        forbidden |= {"exec", "compile", "builtins.exec", "builtins.compile"}
    assert [f"{path}:{line}: {name}" for name, line in called(path) if name in forbidden] == []


@each_of_ours
def test_lark_is_used_without_its_cache(path: Path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Lark":
            assert "cache" not in {keyword.arg for keyword in node.keywords}


@each_of_ours
def test_importing_a_module_does_nothing(path: Path):
    """Only definitions, names for values and imports at the top: no call on its own, no loop."""
    effects = ast.For | ast.While | ast.With | ast.Try | ast.Delete
    top = [node for node in tree_of(path).body if path.name != "__main__.py"]
    wrong = [
        node.lineno for node in top if isinstance(node, effects) or (isinstance(node, ast.Expr) and not _is_text(node))
    ]
    assert wrong == []


def _is_text(node: ast.Expr) -> bool:
    return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@pytest.mark.parametrize("path", sources(*FOLDERS), ids=str)
def test_file_is_short_enough_to_read(path: Path):
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", sources(*FOLDERS), ids=str)
def test_file_is_named_after_what_is_in_it(path: Path):
    assert path.stem not in {"utils", "util", "helpers", "helper", "misc", "common"}


def test_rules_are_read_off_real_files():
    """Were a folder renamed, the tests above would pass on nothing."""
    assert {path.parts[0] for path in sources(*PACKAGES)} == set(PACKAGES)
    assert "compiler.ir.graph.Graph" in set(imported(Path("runtime/interpret.py")))
    for path in EXECUTORS:
        assert {"exec", "compile"} <= {name for name, _ in called(path)}
