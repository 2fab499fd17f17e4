"""``cclcc compare``: the recipes' keys first, then the scores, then a sentence."""

import json

import pytest
import typer
from typer.testing import CliRunner

from cclcc_cli.cli.compare import compare
from cclcc_cli.config import parse_recipe
from cclcc_cli.runs.progress import TextDisplay
from cclcc_cli.runs.run import train_run
from cclcc_cli.training.runtime import Runtime


def invoke(*arguments):
    app = typer.Typer()
    app.command()(compare)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folders(tiny_data, tmp_path_factory):
    """Two really trained runs that differ by their learning rate, for two steps."""
    root = tmp_path_factory.mktemp("compare") / "runs"
    return [
        train_run(
            parse_recipe({
                "name": "tiny", "method": "supervised",
                "data": {"name": "synthetic", "size": 32, "labeled": 4},
                "model": {"widths": [4, 8, 8, 8, 8]}, "budget": {"steps": 2},
                "validation": {"every": 2}, "optimizer": {"lr": lr}, "batch": {"labeled": 2},
            }, "test"),
            data_root=tiny_data, runs_root=root, runtime=Runtime("cpu", "fp32"),
            display=TextDisplay(lambda _line: None),
        ).folder for lr in (0.003, 0.1)
    ]


def test_keys_come_first_then_scores_then_words(folders):
    result = invoke(*(folder.path for folder in folders))
    assert result.exit_code == 0
    text = result.stdout
    (row,) = [line for line in text.splitlines() if "optimizer.lr" in line]
    assert [run.strip() for run in row.strip("│").split("│")] == ["optimizer.lr", "0.003", "0.1"]
    assert text.index("optimizer.lr") < text.index("test Dice") < text.index(" points of Dice.")
    assert "scores are of the checkpoint that was best on validation" in result.stderr


def test_json_holds_the_same(folders):
    found = json.loads(invoke(*(folder.path for folder in folders), "--json").stdout)
    assert found["keys"] == {"optimizer.lr": ["0.003", "0.1"]}
    first, second = (folder.result.test.working["dice"]
                     for folder in folders)
    assert found["difference"]["mean"] == pytest.approx(first - second, abs=1e-12)
    assert found["difference"]["num_repetitions"] == 1
    assert (found["verdict"], found["margin"]) == ("these two trainings", 0.02)


def test_folders_can_be_named_below_the_runs_folder(folders):
    root = folders[0].path.parent.parent
    below = [folder.path.relative_to(root) for folder in folders]
    result = invoke(*below, "--runs", root)
    assert result.exit_code == 0
    assert f"{below[0]} against {below[1]}: these two trainings" in result.stdout


def test_the_same_run_twice_does_not_differ(folders):
    result = invoke(folders[0].path, folders[0].path)
    assert result.stdout.startswith("the recipes do not differ\n")
    assert "these two trainings, +0.00 (0.00 to 0.00) points" in result.stdout


def test_another_score_can_be_judged_and_an_unknown_one_is_refused(folders):
    paths = [folder.path for folder in folders]
    text = invoke(*paths, "--metric", "nsd_original").stdout
    assert "test NSD@1% (original size)" in text
    assert " points of NSD@1% (original size)." in text
    error = invoke(*paths, "--metric", "own_nsd").exception
    assert str(error).startswith("--metric own_nsd: unknown score; there are: dice, ")


def test_the_margin_is_taken_in_the_scores_unit_and_shown(folders):
    paths = [folder.path for folder in folders]

    def said(*options):
        return " ".join(invoke(*paths, *options).stdout.split())

    assert "the margin of ±0.5 points" in said("--margin", "0.5")
    assert "Less HD95 is better." in said("--metric", "hd95")
    assert "the margin of ±2 px" in said("--metric", "hd95")
    assert "the margin of ±150 px" in said("--metric", "hd95", "--margin", "150")
    assert invoke(*paths, "--margin", "0").exit_code == 2
    assert str(invoke(*paths, "--margin", "150").exception) == (
        "--margin 150: Dice cannot differ by more than 100 points; give less")
