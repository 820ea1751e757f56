from pathlib import Path

import pytest

from dsl.errors import RunError
from nnc.run_folder import begin, discard, fold_folder, model_path, new_run, resumed_run


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made_run(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("model.safetensors", "log.jsonl", "spec.nn"):
        (folder / name).write_text(name)
    return folder


def refused(out: Path, overwrite: bool = False) -> str:
    with pytest.raises(RunError) as caught:
        new_run(out, "m", overwrite)
    return caught.value.diagnostics[0].code


def test_a_run_without_a_name_gets_the_next_free_one():
    assert [str(new_run(None, "m", False)) for _ in range(3)] == ["runs/m", "runs/m-2", "runs/m-3"]


def test_a_new_or_empty_folder_is_taken(here: Path):
    (here / "empty").mkdir()
    assert new_run(Path("empty"), "m", False).is_dir()
    assert new_run(Path("deep/er"), "m", False).is_dir()


def test_a_folder_with_a_run_needs_overwrite(here: Path):
    run = made_run(here / "run")
    assert refused(run) == "NN861"
    assert (run / "model.safetensors").is_file()


def test_overwrite_deletes_the_runs_own_files_only(here: Path):
    run = made_run(here / "run")
    made_run(run / "fold-1")
    made_run(run / "fold-2")
    (run / "fold-2" / "notes.txt").write_text("mine")
    (run / "notes.txt").write_text("mine")
    before = sorted(run.rglob("*"))
    folder = new_run(run, "m", True)
    assert sorted(run.rglob("*")) == before
    begin(folder, None, "new")
    assert (run / "spec.nn").read_text() == "new"
    assert (run / "log.jsonl").read_text() == ""
    (run / "spec.nn").unlink()
    (run / "log.jsonl").unlink()
    left = sorted(str(p.relative_to(run)) for p in run.rglob("*") if p.is_file())
    assert left == ["fold-2/notes.txt", "notes.txt"]


def test_overwrite_does_not_follow_a_link(here: Path):
    other = made_run(here / "other")
    run = made_run(here / "run")
    (run / "fold-1").symlink_to(other)
    begin(new_run(run, "m", True), None, "new")
    assert (other / "model.safetensors").is_file()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_holds_anything_else_is_refused(here: Path, overwrite: bool):
    (here / "docs").mkdir()
    (here / "docs" / "thesis.txt").write_text("years")
    assert refused(Path("docs"), overwrite) == "NN861"
    assert (here / "docs" / "thesis.txt").read_text() == "years"


def test_a_file_is_no_folder_for_a_run(here: Path):
    (here / "file").write_text("")
    assert refused(Path("file"), True) == "NN861"
    assert refused(Path("file/below"), True) == "NN805"


def test_a_folder_in_which_nothing_was_written_is_taken_back():
    run = new_run(None, "m", False)
    discard(run)
    assert not run.exists()
    kept = new_run(None, "m", False)
    (kept / "log.jsonl").write_text("")
    discard(kept)
    assert kept.exists()


def test_run_means_its_model_file(here: Path):
    run = made_run(here / "runs" / "m")
    assert model_path(run) == run / "model.safetensors"
    assert model_path(run / "model.safetensors") == run / "model.safetensors"


def test_a_run_with_folds_asks_for_one(here: Path):
    made_run(here / "run" / "fold-1")
    made_run(here / "run" / "fold-10")
    with pytest.raises(RunError) as caught:
        model_path(Path("run"))
    assert "run/fold-1" in caught.value.diagnostics[0].help


def test_a_run_that_is_not_there_names_those_that_are(here: Path):
    made_run(here / "runs" / "mine")
    with pytest.raises(RunError) as caught:
        model_path(Path("runs/yours"))
    assert "runs/mine" in caught.value.diagnostics[0].help


def test_only_the_first_fold_replaces_the_run_before(here: Path):
    run = made_run(here / "run")
    for fold in range(3):
        begin(fold_folder(run, fold), fold, "new")
    assert sorted(str(p.relative_to(run)) for p in run.rglob("*") if p.is_file()) == [
        *(f"fold-{n}/spec.nn" for n in (1, 2, 3)),
        "log.jsonl",
    ]


@pytest.mark.parametrize("fold", [None, 0])
def test_a_run_that_was_killed_in_its_first_epoch_can_be_replaced(here: Path, fold: int | None):
    run = new_run(Path("run"), "m", False)
    begin(run if fold is None else fold_folder(run, fold), fold, "new")
    assert refused(run) == "NN861"
    assert new_run(run, "m", True).is_dir()


def test_folders_that_others_made_are_not_taken_back(here: Path):
    (here / "empty").mkdir()
    (here / "link").symlink_to(here / "empty")
    (here / "empty" / "fold-x").mkdir()
    discard(here / "empty", whole=False)
    assert (here / "empty" / "fold-x").is_dir()
    (here / "empty" / "fold-x").rmdir()
    discard(here / "link")
    discard(here / "empty", whole=False)
    assert (here / "empty").is_dir()


def test_a_killed_run_without_a_name_is_found_again(here: Path):
    assert resumed_run(None, "m") == Path("runs/m")
    made_run(here / "runs" / "m-2")
    made_run(here / "runs" / "m-large")
    assert resumed_run(None, "m") == Path("runs/m-2")
    made_run(here / "runs" / "m")
    with pytest.raises(RunError) as caught:
        resumed_run(None, "m")
    assert caught.value.diagnostics[0].code == "NN815"
    assert "runs/m, runs/m-2" in caught.value.diagnostics[0].message


def test_what_killed_processes_left_is_no_reason_to_refuse_a_folder(here: Path):
    (here / "run" / "fold-1").mkdir(parents=True)
    (here / "run" / ".model.safetensors.0123456789abcdef.nnc-tmp").write_text("half")
    assert new_run(Path("run"), "m", False).is_dir()
    assert resumed_run(Path("run"), "m") == Path("run")


def test_a_folder_of_anything_else_is_not_gone_on_with(here: Path):
    (here / "docs").mkdir()
    (here / "docs" / "thesis.txt").write_text("years")
    with pytest.raises(RunError) as caught:
        resumed_run(Path("docs"), "m")
    assert caught.value.diagnostics[0].code == "NN861"


def test_a_run_that_has_not_ended_says_how_to_go_on(here: Path):
    run = made_run(here / "run")
    (run / "model.safetensors").rename(run / "checkpoint.safetensors")
    with pytest.raises(RunError) as caught:
        model_path(Path("run"))
    assert "--resume" in caught.value.diagnostics[0].help
