"""``cclcc show`` as it is typed: a table and where the files are on stdout, one clear error."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cclcc_cli.cli.show import show
from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sources import SyntheticSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store import store_path
from cclcc_cli.errors import DataError

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in a folder that holds the tiny store; a CclccError comes out as it is."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_data, "runs/data")
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command()(show)

    def call(*words: str) -> Result:
        result = CliRunner().invoke(app, list(words))
        if isinstance(result.exception, Exception):
            raise result.exception
        return result

    return call


def test_a_prepared_set_is_shown_by_its_name_alone(run: Run) -> None:
    result = run("synthetic")
    lines = result.stdout.splitlines()
    assert lines[0] == "synthetic at 32 pixels"
    assert lines[-2:] == [
        "page   runs/show/synthetic-32/index.html",
        "sheet  runs/show/synthetic-32/contact_sheet.png",
    ]
    table = [[run.strip() for run in line.split("│")[1:-1]] for line in lines if "│" in line]
    assert [row[:3] for row in table] == [
        ["train", "24", "32x32"], ["val", "3", "32x32"], ["test", "3", "32x32"],
        ["all", "30", "32x32"]]
    assert all(Path(line.split()[1]).stat().st_size > 1000 for line in lines[-2:])
    assert result.stderr == ""


def test_what_is_worth_knowing_goes_to_stderr(run: Run) -> None:
    prepare(store_path(Path("runs/data"), "synthetic", 48), SyntheticSource(count=10, seed=0),
            SplitRule(test_share=0))
    assert "note: There is no test split.\n" in run("synthetic", "--size", "48").stderr


def test_options_say_what_is_shown_and_where(run: Run) -> None:
    result = run("synthetic", "--size", "32", "--out", "here", "--count", "2", "--split", "test",
                 "--seed", "3")
    assert "page   here/index.html" in result.stdout
    page = Path("here/index.html").read_text()
    assert page.count("<img") == 2
    assert "cclcc show synthetic --size 32 --split test --count 2 --seed 3" in page


def test_json_holds_the_statistics_for_a_script(run: Run) -> None:
    found = json.loads(run("synthetic", "--json", "--count", "1").stdout)
    assert (found["page"], found["sheet"]) == (
        "runs/show/synthetic-32/index.html", "runs/show/synthetic-32/contact_sheet.png")
    assert list(found["groups"]) == ["train", "val", "test", "all"]
    assert len(found["groups"]["train"]["rgb_mean"]) == 3
    assert found["subsets"][1]["means"].keys() == set("01234")


@pytest.mark.parametrize(("words", "message"), [
    (("nothing",), "no store for nothing at 320 pixels under runs/data; make it with: cclcc prep"),
    (("synthetic", "--size", "64"), "no store for synthetic at 64 pixels under runs/data (there "
                                    "are: 32 pixels); make it with: cclcc prepare synthetic"),
    (("../data/synthetic",), "'../data/synthetic': is no data set's name; give the name it"),
    (("x" * 300,), "'xxx"),
    (("synthetic", "--count", "0"), "--count 0: must be 1 or more"),
])
def test_what_cannot_be_shown_is_refused_and_nothing_is_written(
    run: Run, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        run(*words)
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == 2
    assert not Path("runs/show").exists()


def test_of_several_sizes_one_must_be_named(run: Run) -> None:
    prepare(store_path(Path("runs/data"), "synthetic", 48), SyntheticSource(count=10, seed=0),
            SplitRule())
    with pytest.raises(DataError) as caught:
        run("synthetic")
    assert str(caught.value) == (
        "synthetic: stored at 32, 48 pixels under runs/data; say which with --size")
    assert "synthetic at 48 pixels" in run("synthetic", "--size", "48", "--count", "1").stdout


def test_help_loads_nothing_heavy() -> None:
    code = ("import sys, cclcc_cli.cli.show\n"
            "print(*{'numpy', 'cv2', 'PIL', 'jinja2', 'pydantic', 'rich'} & set(sys.modules))")
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            check=True, cwd=Path(__file__).parents[2])
    assert loaded.stdout == "\n"
