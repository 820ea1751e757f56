import resource
from pathlib import Path

import pytest

from dsl.errors import RunError
from runtime import memory
from runtime.memory import available_bytes, in_words, require_memory


def test_the_machine_has_some_memory():
    assert available_bytes() > 10 << 20


def test_the_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("2000000\n")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert available_bytes() == 3_000_000


def test_a_container_without_a_limit_has_the_machines_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("2000000\n")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert available_bytes() > 10 << 20


def test_what_fits_is_allowed_and_what_does_not_is_refused():
    require_memory(100, 100)
    with pytest.raises(RunError) as caught:
        require_memory(3_000_000_000, 14_000_000)
    found = caught.value.diagnostics[0]
    assert found.code == "NN852"
    assert "3.0 GB" in found.message
    assert "14 MB" in found.message


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (189_000, "189 kB"), (5_400_000, "5.4 MB"), (22e9, "22 GB")]
)
def test_memory_is_told_in_two_digits(count: int, text: str):
    assert in_words(count) == text


def test_a_limit_of_the_process_counts(monkeypatch: pytest.MonkeyPatch):
    held = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (held + (100 << 20), resource.RLIM_INFINITY))
    assert 0 < available_bytes() <= 101 << 20
