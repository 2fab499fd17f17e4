"""Records: older ones are read, what is written again is the same bytes, damage is named."""

import json

import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.records import to_json
from cclcc_cli.runs import records
from cclcc_cli.runs.folder import RunFolder, find_runs
from cclcc_cli.runs.plan_record import PlanRecord
from cclcc_cli.runs.unbundle import open_bundles
from tests.services import ROOT

KINDS = {
    "cell.json": records.RunRecord, "status.json": records.StatusRecord,
    "result.json": records.ResultRecord, "costs.json": records.CostsRecord,
    "environment.json": records.EnvironmentRecord, "search.json": records.TrialRecord,
}
RUN = {
    "digest": "d" * 64, "arm": "a" * 64,
    "recipe": {"seed": 1, "name": "n", "own": {"key": 2}, "method": "clcc"},
    "data": {"name": "polyps", "size": 64, "digest": "e" * 64}, "split_digest": "5" * 64,
    "runtime": {"device": "cuda", "precision": "bf16", "threads": None},
    "labeled": {"count": 8, "share": 0.1, "of": 80},
}


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def test_records_of_a_published_study_are_read_and_written_to_the_same_bytes():
    with open_bundles([ROOT / "recipes/studies/results.tar.xz"]) as opened:
        folders = find_runs(opened.root)
        assert folders
        for folder in folders:
            for name, kind in KINDS.items():
                if (folder.path / name).exists():
                    record = folder.read_record(name, kind)
                    assert to_json(record.plain()) == (folder.path / name).read_bytes()
            lines = [json.dumps(record.plain()) for record in folder.records()]
            assert lines == (folder.path / "metrics.jsonl").read_text().splitlines()


def test_a_record_keeps_the_keys_of_the_disk_and_of_other_versions():
    run = records.RunRecord.model_validate_json(json.dumps({**RUN, "newer": [1]}))
    assert json.dumps(run.plain()["recipe"]) == json.dumps(RUN["recipe"])
    assert run.plain() == {**RUN, "newer": [1]}
    assert (run.group, run.recipe.seed, run.recipe.values["own"]) == ("a" * 64, 1, {"key": 2})
    costs = records.CostsRecord(images_per_step=records.ImagesRecord(forward_only=2.5))
    assert costs.plain() == {"images_per_step": {"judging": 2.5}}
    trial = records.TrialRecord(search="s", number=3, setting={"lr": "0.1"})
    assert trial.plain() == {"name": "s", "trial": 3, "params": {"lr": "0.1"}}
    assert PlanRecord(threads=1, folders={"a": ["d/r"]}, definition=None).plain() == {
        "threads": 1, "places": {"a": ["d/r"]}, "definition": None}


def test_what_an_older_run_lacks_is_none(folder):
    folder.write_json("cell.json", RUN)
    assert (folder.run.leaked, folder.run.splits, folder.run.start) == (None, None, None)
    folder.write_json("result.json", {"best": {"step": 8, "dice": 0.5},
                                      "val": {"working": {"dice": 0.5}}})
    assert (folder.result.test, folder.result.val.own) == (None, None)
    folder.write_text("metrics.jsonl", '{"step": 4, "val": {"dice": 0.5}}\n')
    (record,) = folder.records()
    assert (record.images_per_second, record.val.get("nsd")) == (None, None)
    assert folder.costs is folder.environment is folder.trial is folder.ablation is None


@pytest.mark.parametrize(("content", "problem"), [
    ("{", "invalid JSON"), ("[]", "should be an object"), ("{}", "digest is missing"),
    (json.dumps({**RUN, "data": {"name": "polyps", "size": "big", "digest": "e"}}),
     "data.size = 'big': input should be a valid integer"),
    (json.dumps({**RUN, "arm": None}), "group = None: "),
    (json.dumps({**RUN, "recipe": {"name": "n", "seed": 1}}), "recipe.method is missing"),
    (json.dumps({**RUN, "recipe": 3}), "recipe = 3: "), ("\udcff", "invalid JSON"),
])
def test_damage_is_one_line_that_names_file_key_and_problem(folder, content, problem):
    (folder.path / "cell.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunError) as caught:
        _ = folder.run
    line = str(caught.value)
    assert line.startswith(f"{folder.path / 'cell.json'}: cannot be read (")
    assert problem in line
    assert "--fresh" in line
    assert "\n" not in line


def test_a_damaged_validation_is_named_by_its_line(folder):
    folder.write_text("metrics.jsonl", '{"step": 4}\n{"step": "8"}\n')
    with pytest.raises(RunError, match=r"metrics.jsonl: line 2 cannot be read \(step = '8'"):
        folder.records()


def test_dropping_validations_keeps_the_bytes_of_the_others(folder):
    lines = ['{"step": 4, "newer": {"b": 1, "a": NaN}, "epoch": 1.0}', '{"step": 8}', '{"st']
    folder.write_text("metrics.jsonl", "\n".join(lines))
    folder.keep_records(4)
    assert (folder.path / "metrics.jsonl").read_text() == f"{lines[0]}\n"


def test_a_damaged_status_does_not_keep_a_run_from_starting_afresh(folder):
    folder.write_text("status.json", "{")
    folder.clear()
    assert folder.state == "to do"
