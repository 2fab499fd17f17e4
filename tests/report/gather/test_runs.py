"""Which run folders reach a table, and what is said of the others."""

import json

import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import SCORES
from cclcc_cli.report.gather.finished import Costs, Leak, RunUsage
from cclcc_cli.report.gather.runs import gather_runs, read_run
from cclcc_cli.runs.folder import RunFolder


@pytest.fixture
def write_run(tmp_path):
    """Writes the parts of a run folder that a table reads; returns the folder."""

    def write(name="run", state="finished", seed=0, group="a" * 64, test=True):
        folder = RunFolder(tmp_path / "polyps-64" / name)
        folder.write_json("cell.json", {
            "digest": "e" * 64, "arm": group, "recipe": {
                "name": "kvasir", "method": "clcc", "seed": seed, "data": {"fold": None}},
            "data": {"name": "polyps", "size": 64, "digest": "d" * 64}, "split_digest": "5" * 64,
            "runtime": {"device": "cpu", "precision": "bf16", "threads": 2},
            "labeled": {"count": 8, "share": 0.1, "of": 80},
            "splits": {"rule": "cut", "counts": {"train": 80, "val": 10, "test": 10}},
            "leaked": {"val": [], "test": []},
        })
        if state:
            folder.update_status(state=state, test_reads=1)
        scores = {size: {score: factor * place for place, score in enumerate(SCORES, 1)}
                  for size, factor in (("working", 0.01), ("own", 0.02))}
        folder.write_json("result.json", {
            "steps": 400, "rules": {"threshold": "t"}, "validation_rules": {"threshold": "v"},
            "val": scores, "test": scores if test else None,
        })
        return folder

    return write


def change(folder, name, *keys, value):
    """One value in a JSON file of a run."""
    content = inner = json.loads((folder.path / name).read_text())
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    folder.write_json(name, content)


def test_costs_are_read_where_they_were_kept(write_run, tmp_path):
    write_run("old", seed=0)
    write_run("new", seed=1).write_json("costs.json", {
        "parameters": {"predictor": 10, "training": 25},
        "images_per_step": {"batch": 8, "learning": 8.0, "judging": 36.0},
        "images_per_second": 70.5, "peak_memory": {"bytes": 2**30, "of": "process"},
    })
    old, new = sorted(gather_runs(tmp_path).runs, key=lambda run: run.seed)
    assert old.costs is None
    assert new.costs == Costs(10, 25, 8.0, 36.0, 70.5, 2**30)


def test_what_a_run_used_up_is_read_where_it_says(write_run, tmp_path):
    write_run("old", seed=0)
    new = write_run("new", seed=1)
    change(new, "cell.json", "recipe", "batch", value={"labeled": 4, "unlabeled": 2})
    new.update_status(seconds=60.5, elapsed=90.25, host="here")
    change(new, "result.json", "best", value={"step": 300, "dice": 0.5})
    old, new = sorted(gather_runs(tmp_path).runs, key=lambda run: run.seed)
    assert (old.spent, old.best_step) == (RunUsage(), None)
    assert (new.spent, new.best_step) == (RunUsage(2400, 60.5, 90.25, "here"), 300)


def test_only_some_folders_can_be_asked_for(write_run, tmp_path):
    one = write_run("one", seed=0)
    write_run("two", seed=1)
    lost = RunFolder(tmp_path / "polyps-64" / "lost")
    lost.write_text("status.json", "{}")
    gathered = gather_runs(tmp_path, only={one.path})
    assert [run.path for run in gathered.runs] == [one.path]
    assert gathered.notes == ()


def test_a_finished_run_is_read(write_run, tmp_path):
    folder = write_run(seed=3)

    gathered = gather_runs(tmp_path)

    (run,) = gathered.runs
    assert gathered.notes == ()
    assert (run.path, run.group, run.data) == (folder.path, "a" * 64, "polyps-64")
    assert (run.method, run.name, run.seed) == ("clcc", "kvasir", 3)
    assert (run.labeled, run.train_images, run.steps, run.test_reads) == (8, 80, 400, 1)
    assert run.scores["test"]["working", "dice"] == 0.01
    assert run.scores["val"]["own", "iou"] == 0.04
    assert run.rules == {"test": {"threshold": "t"}, "val": {"threshold": "v"}}
    assert run.conditions == {
        "data digest": "dddddddd", "split digest": "55555555",
        "device and precision": "cpu bf16 2 threads",
    }


def test_a_fold_is_a_data_set_of_its_own(write_run, tmp_path):
    change(write_run(), "cell.json", "recipe", "data", "fold", value=3)
    (run,) = gather_runs(tmp_path).runs
    assert run.data == "polyps-64 fold 3"


def in_fold(folder, fold, **changes):
    """Make a run one of a fold, whose splits are its own."""
    change(folder, "cell.json", "recipe", "data", "fold", value=fold)
    change(folder, "cell.json", "split_digest", value=f"{fold}" * 64)
    for key, value in changes.items():
        change(folder, "cell.json", key, value=value)


def test_folds_of_a_group_are_one_group_of_one_data_set(write_run, tmp_path):
    for fold in (0, 1):
        for seed in (0, 1):
            in_fold(write_run(f"{fold}{seed}", seed=seed), fold, arm=f"{fold}" * 64)
    lone = write_run("lone", seed=0)
    in_fold(lone, 0, arm="c" * 64)
    change(lone, "cell.json", "recipe", "method", value="uamt")
    write_run("main", seed=0)
    runs = {run.path.name: run for run in gather_runs(tmp_path).runs}
    assert {runs[name].data for name in ("00", "01", "10", "11", "lone")} == {"polyps-64 folds"}
    assert len({runs[name].group for name in ("00", "01", "10", "11")}) == 1
    assert runs["lone"].group != runs["00"].group
    assert (runs["main"].data, runs["main"].group) == ("polyps-64", "a" * 64)
    assert [runs[name].fold for name in ("10", "main")] == [1, None]


def test_runs_of_a_fold_with_other_splits_stay_apart(write_run, tmp_path):
    """The store was prepared again in between: fold 0 is not what it was."""
    in_fold(write_run("old", seed=0), 0, arm="c" * 64)
    in_fold(write_run("one", seed=0), 1, arm="e" * 64)
    new = write_run("new", seed=1)
    in_fold(new, 0, arm="f" * 64)
    change(new, "cell.json", "split_digest", value="9" * 64)
    assert sorted(run.data for run in gather_runs(tmp_path).runs) == [
        "polyps-64 fold 0", "polyps-64 fold 0", "polyps-64 fold 1"]


@pytest.mark.parametrize(("selection", "told", "groups"), [
    ([{"kind": "nested", "seed": 3}, {"kind": "nested", "seed": 4}], [3, 4], 1),
    ([{"kind": "nested", "seed": "run"}] * 2, ["run", "run"], 1),
    ([{"kind": "contiguous", "start": 0}, {"kind": "nested", "seed": 0}], ["contiguous", 0], 2),
])
def test_labelled_subsets_of_a_group_are_one_group(
    write_run, tmp_path, selection, told, groups
):
    for number, chosen in enumerate(selection):
        folder = write_run(str(number), seed=number)
        change(folder, "cell.json", "recipe", "data", value={"fold": None, "selection": chosen})
        change(folder, "cell.json", "arm", value=json.dumps(chosen).encode().hex())
    runs = sorted(gather_runs(tmp_path).runs, key=lambda run: run.seed)
    assert [run.label_seed for run in runs] == told
    assert len({run.group for run in runs}) == groups


def test_leaked_images_are_counted_and_the_score_without_them_is_read(write_run, tmp_path):
    folder = write_run()
    change(folder, "cell.json", "leaked", "test", value=["a", "b"])
    change(folder, "result.json", "test", "without_leaked", value={"dice": 0.4})
    (run,) = gather_runs(tmp_path).runs
    assert run.leaks == {"test": Leak(2, 10, 0.4)}


def test_a_gpu_run_states_no_threads(write_run, tmp_path):
    change(write_run(), "cell.json", "runtime",
           value={"device": "cuda", "precision": "bf16", "threads": None})
    (run,) = gather_runs(tmp_path).runs
    assert run.conditions["device and precision"] == "cuda bf16"


def test_a_run_without_test_images_has_validation_scores_alone(write_run, tmp_path):
    write_run(test=False)
    (run,) = gather_runs(tmp_path).runs
    assert set(run.scores) == {"val"}


def test_unfinished_runs_are_counted_by_state_and_named(write_run, tmp_path):
    done = write_run("done")
    killed, stopped = write_run("killed", "running"), write_run("stopped", "stopped")
    failed, failed2 = write_run("failed", "failed"), write_run("failed2", "failed")
    waiting = write_run("waiting", state=None)

    gathered = gather_runs(tmp_path)

    assert [run.path for run in gathered.runs] == [done.path]
    assert gathered.notes == (
        f"left out, 2 failed: {failed.path}, {failed2.path}",
        f"left out, 1 not started: {waiting.path}",
        f"left out, 1 running or killed: {killed.path}",
        f"left out, 1 stopped: {stopped.path}",
    )


@pytest.mark.parametrize("name", ["cell.json", "status.json", "result.json"])
def test_a_torn_file_is_named_and_the_rest_is_read(write_run, tmp_path, name):
    write_run("whole")
    torn = write_run("torn", seed=1).path / name
    torn.write_text('{"arm": "a')

    gathered = gather_runs(tmp_path)

    assert [run.path.name for run in gathered.runs] == ["whole"]
    (note,) = gathered.notes
    assert note.startswith(f"left out: {torn}: cannot be read (")


BROKEN = [
    ("cell.json", ("arm",), None, "cannot be read (group = None: input should be a valid string)"),
    ("cell.json", ("recipe", "seed"), "one",
     "cannot be read (recipe.seed = 'one': input should be a valid integer)"),
    ("cell.json", ("data",), {}, "cannot be read (data.name is missing)"),
    ("cell.json", ("labeled", "of"), 0,
     "cannot be read (labeled.of = 0: input should be greater than 0)"),
    ("cell.json", ("labeled", "of"), None, "labeled.of is missing"),
    ("status.json", ("test_reads",), "once",
     "cannot be read (test_reads = 'once': input should be a valid integer)"),
    ("status.json", ("test_reads",), None, "test_reads is missing"),
    ("result.json", ("steps",), 0, "cannot be read (steps = 0: input should be greater than 0)"),
    ("result.json", ("rules",), "none",
     "cannot be read (rules = 'none': input should be an object)"),
    ("result.json", ("test",), {}, "cannot be read (test.working is missing)"),
    ("result.json", ("test", "working"), {}, "test.working.dice is missing"),
    ("result.json", ("test", "own", "assd"), float("nan"),
     "test.own.assd is nan, not a finite number"),
    ("result.json", ("val", "working", "iou"), "0.5",
     "cannot be read (val.working.iou = '0.5': input should be a valid number)"),
]


@pytest.mark.parametrize(("name", "keys", "value", "reason"), BROKEN)
def test_a_value_that_cannot_be_used_is_named(write_run, tmp_path, name, keys, value, reason):
    write_run("whole")
    broken = write_run("broken", seed=1)
    change(broken, name, *keys, value=value)

    gathered = gather_runs(tmp_path)

    assert [run.path.name for run in gathered.runs] == ["whole"]
    assert gathered.notes == (
        f"left out: {broken.path / name}: {reason}; cclcc train --fresh trains it again",
    )


def test_a_finished_run_without_its_result_is_named(write_run, tmp_path):
    write_run("whole")
    lost = write_run("lost", seed=1).path / "result.json"
    lost.unlink()
    (note,) = gather_runs(tmp_path).notes
    assert note.startswith(f"left out: {lost}: is missing")


@pytest.mark.parametrize("kept", ["recipe.yaml", "status.json", "result.json"])
def test_a_folder_that_lost_its_cell_is_named(write_run, tmp_path, kept):
    write_run("whole")
    lost = RunFolder(tmp_path / "polyps-64" / "lost")
    lost.write_text(kept, "{}")
    assert gather_runs(tmp_path).notes == (f"left out: {lost.path} has no cell.json",)


def test_other_folders_are_no_runs(write_run, tmp_path):
    write_run()
    RunFolder(tmp_path / "data" / "polyps-64").write_text("dataset.json", "{}")
    assert gather_runs(tmp_path).notes == ()


def test_a_copy_of_a_run_is_not_a_second_seed(write_run, tmp_path):
    first, copy = write_run("run"), write_run("run-copy")
    write_run("run-other-group", group="b" * 64)
    alone = write_run("run-threads")
    cell = json.loads((alone.path / "cell.json").read_text())
    alone.write_json("cell.json", {**cell, "runtime": {**cell["runtime"], "threads": 7}})

    gathered = gather_runs(tmp_path)

    assert [run.path.name for run in gathered.runs] == ["run", "run-other-group"]
    assert gathered.notes == (
        f"left out: {copy.path} has the same group and seed as {first.path}, which counts",
        f"left out: {alone.path} has the same group and seed as {first.path}, which counts "
        "(cpu bf16 7 threads here, cpu bf16 2 threads there)")


def test_a_missing_root_is_refused_by_name(tmp_path):
    with pytest.raises(RunError, match="nowhere: no such folder; train a recipe first"):
        gather_runs(tmp_path / "nowhere")


def test_an_empty_root_says_where_runs_are_looked_for(tmp_path):
    with pytest.raises(RunError, match="no run in it .*DATA/RUN/cell.json.*cclcc train RECIPE"):
        gather_runs(tmp_path)


def test_a_root_without_a_finished_run_says_what_it_holds(write_run, tmp_path):
    write_run("one", "stopped")
    write_run("two", "stopped", seed=1)
    torn = write_run("torn").path / "status.json"
    torn.write_text("{")

    with pytest.raises(RunError) as caught:
        gather_runs(tmp_path)

    text = str(caught.value)
    assert text.startswith(
        f"{tmp_path}: no finished run in it, but 2 stopped, 1 unreadable, the first is "
    )
    assert str(torn) in text
    assert text.endswith("the same cclcc train command resumes it")
    assert "\n" not in text


def test_trials_of_a_search_are_not_said_to_be_resumed(write_run, tmp_path):
    trial = write_run("trial", "validated")
    with pytest.raises(RunError, match="1 validated; it belongs to a search"):
        gather_runs(tmp_path)
    with pytest.raises(RunError, match="validated, not finished; it belongs to a search") as caught:
        read_run(trial)
    assert "resumes" not in str(caught.value)


def test_reading_changes_no_file(write_run, tmp_path):
    write_run("done")
    write_run("stopped", "stopped")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    gather_runs(tmp_path)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before
    assert all(json.loads(content) for content in before.values())


@pytest.mark.parametrize("gone", ["removed", "null"])
def test_a_score_that_an_older_run_lacks_is_none_and_refuses_nothing(write_run, tmp_path, gone):
    old = write_run("old")
    result = json.loads((old.path / "result.json").read_text())
    for size in ("working", "own"):
        if gone == "null":
            result["test"][size]["nsd"] = None
        else:
            del result["test"][size]["nsd"]
    old.write_json("result.json", result)
    (run,) = gather_runs(tmp_path).runs
    assert run.scores["test"]["own", "nsd"] is None
    assert run.scores["test"]["own", "assd"] == pytest.approx(0.18)
    assert run.scores["val"]["working", "nsd"] == pytest.approx(0.10)


def test_what_an_older_run_does_not_say_is_no_damage(write_run, tmp_path):
    folder = write_run()
    cell = json.loads((folder.path / "cell.json").read_text())
    del cell["recipe"]["data"]["fold"], cell["runtime"]["threads"], cell["leaked"]
    folder.write_json("cell.json", cell)
    (run,) = gather_runs(tmp_path).runs
    assert (run.data, run.fold, run.leaks, run.costs, run.best_step) == (
        "polyps-64", None, {}, None, None)
    assert run.conditions["device and precision"] == "cpu bf16"
