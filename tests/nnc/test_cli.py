import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nnc
from nnc import cli
from nnc.failure import guarded

ROOT = Path(__file__).resolve().parents[2]
SPEC = """model m(text: words) -> label: class {
  embed 5
  maxpool
  dense softmax
}
"""
BROKEN = SPEC.replace("maxpool", "maxpol")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.nn").write_text(SPEC)
    (tmp_path / "broken.nn").write_text(BROKEN)
    return tmp_path


def nnc_run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


def test_help_lists_every_command_and_loads_nothing_heavy():
    program = (
        "import sys\nfrom nnc import cli\nfrom nnc.failure import guarded\n"
        "guarded(['--help'], cli.run)\n"
        "assert not {'numpy', 'lark', 'compiler'} & set(sys.modules), sorted(sys.modules)"
    )
    done = _python("-c", program)
    assert done.returncode == 0, done.stderr
    for name in ("new", "check", "fmt", "train", "eval", "predict", "inspect", "profile", "explain", "doctor"):
        assert f" {name} " in done.stdout


def test_check_loads_no_numpy(here: Path):
    program = (
        "import sys\nfrom nnc import cli\nfrom nnc.failure import guarded\n"
        "code = guarded(['check', 'good.nn'], cli.run)\n"
        "assert 'numpy' not in sys.modules and code == 0"
    )
    done = _python("-c", program)
    assert done.returncode == 0, done.stderr


def test_python_m_nnc_is_the_same_program():
    done = _python("-m", "nnc", "--version")
    assert done.stdout == f"nnc {nnc.__version__}\n"
    assert done.returncode == 0


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trian"], "Did you mean 'train'?"),
        (["train", "--overwrit"], "--overwrite"),
        (["train", "--epochs", "3"], "--set train.epochs=..."),
        (["train", "--device", "gpu"], "--device is auto"),
        (["train", "--seed", "-1"], "--seed"),
        (["check"], "SPEC"),
        (["inspect", "x.nn", "--stage", "soup"], "--stage"),
        (["inspect", "x.nn", "--sizes", "V=many"], "V=10000"),
        (["predict", "run", "text", "--file", "f"], "not both"),
    ],
)
def test_a_wrong_command_line_exits_2_and_says_what_is_right(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    assert nnc_run(*arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_a_wrong_spec_exits_1_with_its_place(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("check", "broken.nn") == 1
    assert "--> broken.nn:3:3" in capsys.readouterr().err


def test_check_says_what_the_network_is(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("check", "good.nn") == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("good.nn  ok    3 layers, 5 weights a word + 6 a class, ")
    assert "text: words [T]  ->  label: class, by cross-entropy" in captured.out
    assert captured.err == ""


def test_check_goes_on_to_the_next_spec(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("check", "broken.nn", "good.nn") == 1
    captured = capsys.readouterr()
    assert "good.nn  ok" in captured.out


def test_check_as_json_has_every_diagnostic(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("check", "--json", "broken.nn", "good.nn") == 1
    broken, good = json.loads(capsys.readouterr().out)["specs"]
    assert broken["ok"] is False
    assert broken["diagnostics"][0]["line"] == 3
    assert good["ok"] is True
    assert good["weights"] == {"V": 5, "classes": 6}


def test_a_spec_that_is_not_there_is_met_with_the_nearest(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("check", "god.nn") == 1
    captured = capsys.readouterr().err
    assert "NN860" in captured
    assert "did you mean good.nn?" in captured


@pytest.mark.parametrize("path", [".", "/dev/null/x.nn", "a\nb.nn"])
def test_a_path_that_is_no_spec_is_refused(here: Path, path: str, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("check", path) == 1
    assert "NN860" in capsys.readouterr().err


def test_train_without_a_data_section_is_refused(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("train", "good.nn") == 1
    assert "NN650" in capsys.readouterr().err
    assert not (here / "runs").exists()


def test_an_error_of_ours_is_short_and_written_down(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tempfile.tempdir", str(here))

    def wrong(arguments: object) -> int:
        raise ZeroDivisionError("oh")

    assert guarded([], wrong) == 1
    told = capsys.readouterr().err
    assert "NN901" in told
    assert "Traceback" not in told
    (written,) = here.glob("nnc-*.txt")
    assert "ZeroDivisionError: oh" in written.read_text()


def test_nnc_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NNC_DEBUG", "1")

    def wrong(arguments: object) -> int:
        raise ZeroDivisionError("oh")

    assert guarded([], wrong) == 1
    assert "Traceback" in capsys.readouterr().err


def test_errors_are_data_with_json(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("train", "broken.nn", "--json") == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["errors"][0]["line"] == 3
    assert captured.err == ""


def test_output_that_nobody_reads_ends_quietly(here: Path):
    done = subprocess.run(
        f"{sys.executable} -m nnc explain NN805 | true; {sys.executable} -m nnc check good.nn | true",
        shell=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stderr == ""


def test_new_writes_a_spec_that_checks(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("new", "mine") == 0
    assert nnc_run("check", "mine.nn") == 0


def test_new_never_overwrites(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("new", "good.nn") == 1
    assert "NN863" in capsys.readouterr().err
    assert (here / "good.nn").read_text() == SPEC


def test_new_copies_a_spec_that_ships(here: Path):
    assert nnc_run("new", "mine.nn", "--from", "textcnn") == 0
    assert "model textcnn" in (here / "mine.nn").read_text()
    assert nnc_run("check", "mine.nn") == 0


def test_new_from_an_unknown_spec_names_the_nearest(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("new", "mine.nn", "--from", "textcn") == 1
    assert "textcnn.nn" in capsys.readouterr().err


def test_fmt_changes_a_file_and_then_leaves_it(here: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("dsl.format")
    (here / "odd.nn").write_text(SPEC.replace("  embed 5", "      embed   5"))
    assert nnc_run("fmt", "--check", "odd.nn") == 1
    assert nnc_run("fmt", "odd.nn") == 0
    assert (here / "odd.nn").read_text() == SPEC
    assert nnc_run("fmt", "--check", "odd.nn") == 0


def test_fmt_leaves_a_spec_with_errors_as_it_is(here: Path):
    pytest.importorskip("dsl.format")
    (here / "wrong.nn").write_text("model {")
    assert nnc_run("fmt", "wrong.nn") == 1
    assert (here / "wrong.nn").read_text() == "model {"


def test_explain_shows_a_page(capsys: pytest.CaptureFixture[str]):
    assert nnc_run("explain", "nn805") == 0
    assert capsys.readouterr().out.startswith("# NN805")


def test_explain_of_an_unknown_code_exits_1(capsys: pytest.CaptureFixture[str]):
    assert nnc_run("explain", "NN999") == 1
    assert "NN868" in capsys.readouterr().err


def test_doctor_says_that_all_is_there(capsys: pytest.CaptureFixture[str]):
    assert nnc_run("doctor") == 0
    told = capsys.readouterr().out
    assert "everything that the default spec needs is here" in told
    assert str(ROOT / "runtime") in told


def test_a_strange_package_of_our_name_is_refused(here: Path):
    (here / "compiler").mkdir()
    (here / "compiler" / "__init__.py").write_text("")
    environment = {**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-m", "nnc", "check", "good.nn"], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 1
    assert "NN864" in done.stderr


def test_inspect_shows_the_table_of_layers(here: Path, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("inspect", "good.nn") == 0
    told = capsys.readouterr().out
    assert "line  layer" in told
    assert "V x 5" in told


@pytest.mark.parametrize("stage", ["ast", "graph", "gradients", "optimized"])
def test_inspect_shows_every_stage(here: Path, stage: str, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("inspect", "good.nn", "--stage", stage) == 0
    assert "embed" in capsys.readouterr().out


@pytest.mark.parametrize("stage", ["plan", "code"])
def test_inspect_of_the_program_needs_sizes(here: Path, stage: str, capsys: pytest.CaptureFixture[str]):
    assert nnc_run("inspect", "good.nn", "--stage", stage) == 1
    assert "--sizes V=10000,classes=2" in capsys.readouterr().err
    assert nnc_run("inspect", "good.nn", "--stage", stage, "--sizes", "V=100,classes=3,T=8,B=4") == 0
    assert "embed" in capsys.readouterr().out


def test_a_spec_does_not_wait_for_a_pipe(here: Path, capsys: pytest.CaptureFixture[str]):
    os.mkfifo(here / "pipe.nn")
    (here / "uses.nn").write_text('use "pipe.nn"\n' + SPEC)
    assert nnc_run("check", "uses.nn") == 1
    assert "error[NN607]" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("predict", "RUN", "x"), ("eval", "RUN"), ("new", "a.nn", "--from", "RUN")])
def test_a_name_that_is_too_long_is_refused_in_words(
    here: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
):
    assert nnc_run(*("x" * 300 if word == "RUN" else word for word in command)) == 1
    assert "error[NN86" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "."])
def test_new_refuses_a_folder(here: Path, capsys: pytest.CaptureFixture[str], name: str):
    assert nnc_run("new", name) == 1
    assert "error[NN805]: . is a folder" in capsys.readouterr().err


def test_new_leaves_no_half_file_on_a_full_disk(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("nnc.commands.new.os.fdopen", full)
    assert nnc_run("new", "mine") == 1
    assert "error[NN805]: mine.nn cannot be written: No space left" in capsys.readouterr().err
    assert not (here / "mine.nn").exists()
