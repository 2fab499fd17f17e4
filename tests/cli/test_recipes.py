"""``cclcc recipes``: what there is, a copy, and a name in place of a path."""

import json

from typer.testing import CliRunner

from cclcc_cli.cli.app import app


def invoke(*words):
    return CliRunner().invoke(app, [*words], env={"COLUMNS": "80"})


def test_they_are_listed_by_the_command_that_takes_them():
    text = invoke("recipes").stdout
    assert max(map(len, text.splitlines())) <= 80
    heads = [line for line in text.splitlines() if not line.startswith(" ")]
    assert [head.partition(", for cclcc ")[2] for head in heads] == [
        "train NAME:", "ablate NAME:", "search NAME:", "report --quoted NAME:"]
    assert "\n  quickstart\n      CLCC on the built-in synthetic scenes" in text
    assert "Takes 4 minutes on two CPU cores." in text
    listed = {one["name"]: one for one in json.loads(invoke("recipes", "--json").stdout)}
    assert (listed["ablations/demo"]["kind"], listed["ablations/demo"]["time"]) == (
        "ablation", "4 minutes on two CPU cores")


def test_a_copy_is_a_file_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert invoke("recipes", "copy", "kvasir").stdout == "written: kvasir.yaml\n"
    assert invoke("recipes", "copy", "kvasir", "--to", "mine.yaml").exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"kvasir.yaml", "mine.yaml"}


def test_a_name_trains_what_its_file_says(tmp_path, monkeypatch, tiny_data):
    monkeypatch.chdir(tmp_path)
    done = invoke("train", "quickstart_supervised", "--set", "data.size=32", "--set",
                  "budget={steps: 2}", "--set", "validation.every=2", "--set", "schedule.warmup=0",
                  "--set", "model.widths=[4, 8, 8, 8, 8]", "--data", str(tiny_data),
                  "--no-mlflow", "--quiet", "--device", "cpu", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["steps"] == 2
