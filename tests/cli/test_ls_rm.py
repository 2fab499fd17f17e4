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
