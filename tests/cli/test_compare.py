"""``cclcc compare``: the recipes' keys first, then the scores, then a sentence."""

import json

import pytest
import typer
from typer.testing import CliRunner

from cclcc_cli.cli.compare import compare
from cclcc_cli.config import parse_recipe
from cclcc_cli.experiments.progress import TextDisplay
from cclcc_cli.experiments.run import run_cell
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
        run_cell(
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
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["optimizer.lr", "0.003", "0.1"]
    assert text.index("optimizer.lr") < text.index("test Dice") < text.index(" points of Dice.")
    assert "scores are of the checkpoint that was best on validation" in result.stderr


def test_json_holds_the_same(folders):
    found = json.loads(invoke(*(folder.path for folder in folders), "--json").stdout)
    assert found["keys"] == {"optimizer.lr": ["0.003", "0.1"]}
    first, second = (folder.read_json("result.json")["test"]["working"]["dice"]
                     for folder in folders)
    assert found["difference"]["mean"] == pytest.approx(first - second, abs=1e-12)
    assert found["difference"]["num_repetitions"] == 1
    assert (found["verdict"], found["margin"]) == ("these two trainings", 0.02)


def test_the_same_run_twice_does_not_differ(folders):
    result = invoke(folders[0].path, folders[0].path)
    assert result.stdout.startswith("the recipes do not differ\n")
    assert "these two trainings, +0.00 (0.00 to 0.00) points" in result.stdout


def test_the_margin_is_taken_in_points_and_shown(folders):
    result = invoke(*(folder.path for folder in folders), "--margin", "0.5")
    assert "the margin of ±0.5 points" in " ".join(result.stdout.split())
    assert invoke(*(folder.path for folder in folders), "--margin", "0").exit_code == 2
