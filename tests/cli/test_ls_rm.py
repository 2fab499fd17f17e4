"""``cclcc ls`` and ``cclcc rm`` as a user types them."""

import json

import pytest

from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.plan_record import PlanRecord, write_record


@pytest.fixture
def run(tmp_path):
    def make(method, state, digest, **status):
        folder = RunFolder(tmp_path / "runs" / "scenes-32" / f"{method}-{digest}")
        folder.write_json("cell.json", {
            "digest": f"{digest}ff", "arm": "a", "split_digest": "5",
            "runtime": {"device": "cpu"},
            "recipe": {"name": f"my_{method}", "method": method, "seed": 1},
            "data": {"name": "scenes", "size": 32, "digest": "d"}, "labeled": {"count": 4}})
        folder.update_status(state=state, step=8, total_steps=12, **status)
        if state == "finished":
            folder.write_json("result.json", {"best": {"step": 8, "dice": 0.5}})
        return folder

    return make


@pytest.fixture
def three(run):
    return [run("clcc", "finished", "aaaaaaaa"), run("uamt", "failed", "bbbbbbbb", error="no room"),
            run("clcc", "running", "cccccccc")]


def listed(cclcc, *arguments):
    done = cclcc("ls", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.usefixtures("three")
def test_runs_and_their_states(cclcc):
    assert [(r["method"], r["state"], r["dice"], r["detail"]) for r in listed(cclcc)] == [
        ("clcc", "done", 0.5, ""), ("clcc", "killed", None, ""),
        ("uamt", "failed", None, "no room")]
    table = cclcc("ls").stdout
    assert "3 runs below runs" in table
    assert "50.00" in table
    assert "8/12" in table


def test_filters_narrow_together(cclcc, three, tmp_path):
    assert len(listed(cclcc, "--method", "clcc")) == 2
    assert len(listed(cclcc, "--method", "clcc", "--state", "killed")) == 1
    assert len(listed(cclcc, "--state", "done", "--state", "failed")) == 2
    assert listed(cclcc, "--name", "my_uamt")[0]["state"] == "failed"
    write_record(tmp_path / "runs", "abl", PlanRecord(), 1, [("a", three[0].path)])
    assert [r["state"] for r in listed(cclcc, "--ablation", "abl")] == ["done"]
    assert "--state lost: unknown; allowed: done," in cclcc("ls", "--state", "lost").stderr
    assert "there are: abl" in cclcc("ls", "--ablation", "other").stderr


def test_a_damaged_folder_is_listed_as_such(cclcc, three):
    (three[0].path / "status.json").write_text("{")
    (three[1].path / "cell.json").write_text("{}")
    assert sorted(r["state"] for r in listed(cclcc)) == ["damaged", "damaged", "killed"]


def test_a_damaged_folder_is_listed_whatever_is_asked_for_unless_it_says_that_it_is_not_meant(
    cclcc, three
):
    (three[0].path / "status.json").write_text("{")
    (three[1].path / "cell.json").write_text("{}")
    found = {r["folder"].rpartition("-")[2]: r for r in listed(cclcc, "--method", "clcc")}
    assert {name: r["state"] for name, r in found.items()} == {
        "aaaaaaaa": "damaged", "bbbbbbbb": "damaged", "cccccccc": "killed"}
    assert "status.json: cannot be read" in found["aaaaaaaa"]["detail"]
    assert "digest is missing" in found["bbbbbbbb"]["detail"]
    assert [r["method"] for r in listed(cclcc, "--method", "uamt")] == [""]


@pytest.mark.parametrize(("words", "meant"), [
    (("--method", "clc"), "--method clc: unknown; did you mean clcc?"),
    (("--method", "unimach"), "did you mean unimatch?"),
    (("--name", "my_uam"), "did you mean my_uamt?"), (("--state", "don"), "did you mean done?"),
])
@pytest.mark.usefixtures("three")
def test_a_name_that_nothing_has_is_refused_with_the_one_that_is_meant(cclcc, words, meant):
    done = cclcc("ls", *words)
    assert (done.returncode, meant in done.stderr) == (2, True)
    assert cclcc("ls", "--method", "unimatch").returncode == 0  # a method, of which no run is here


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("columns", ["", "80", "120"])
def test_a_pipe_is_as_wide_as_it_says_and_else_80_columns(cclcc, environment, columns):
    environment["COLUMNS"] = columns
    shown = cclcc("ls").stdout.splitlines()
    assert max(map(len, shown)) <= int(columns or 80)
    assert sum("scenes-32/clcc-aaaaaaaa" in line for line in shown) in (1, 2)


@pytest.mark.parametrize("words", [
    ("ls", "--runs"), ("report", "table", "--figures"), ("prepare", "synthetic", "--data"),
    ("prepare", "x", "--images"), ("train", "quickstart", "--runs"),
    ("prepare", "kvasir-seg", "--downloads"), ("show", "synthetic", "--out"),
    ("splits", "synthetic", "--out"), ("audit", "synthetic", "--out"),
])
def test_a_file_where_a_folder_goes_is_refused(cclcc, tmp_path, words):
    (tmp_path / "file").write_text("")
    done = cclcc(*words, "file")
    assert done.returncode == 2
    assert words[-1] in done.stderr
    assert "'file' is a file" in done.stderr


def test_rm_asks_and_then_removes(cclcc, three):
    path = three[0].path
    asked = cclcc("rm", path)
    assert asked.returncode == 2
    assert "give --yes" in asked.stderr
    assert path.exists()
    done = cclcc("rm", "--yes", path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"removed {path}\n"
    assert not path.exists()
    assert len(listed(cclcc)) == 2


def test_rm_removes_nothing_where_one_is_refused(cclcc, three, tmp_path):
    done = cclcc("rm", "--yes", three[0].path, tmp_path)
    assert done.returncode == 2
    assert "not a run folder" in done.stderr
    assert three[0].path.exists()
