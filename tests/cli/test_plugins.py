"""A plug-in as a user meets it: checked, trained by workers, reported where its file is gone."""

import json
import re
import shutil
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "recipes" / "plugins"
TINY = ("data.size=32", "data.labeled=4", "model.widths=[4,8,8,8,8]", "budget.steps=8",
        "validation.every=4", "batch={labeled: 2, unlabeled: 2}")
"""The example's recipe, eight steps long."""

SCORE = '''
from cclcc_cli.metrics.scores import Score


def half(probs, mask, target):
    return torch.full((len(probs),), 0.5, dtype=torch.float64)


PLUGIN = Plugin(methods=PLUGIN.methods, scores={Score("half", "Half"): half})
'''
"""Of the same value for every image."""


@pytest.fixture
def example(tmp_path):
    """A copy of the example, which may be changed."""
    shutil.copytree(EXAMPLE, tmp_path / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "plugins"


@pytest.fixture
def places(tiny_data):
    return ("--data", tiny_data, "--runs", "runs", "--device", "cpu", "--precision", "fp32",
            "--no-mlflow")


def test_two_workers_train_the_example_and_it_is_reported_without_its_file(
    cclcc, example, places, tmp_path
):
    ablation = example / "small.yaml"
    ablation.write_text(json.dumps({
        "name": "small", "base": "sharpen.yaml", "threads": 1, "axes": {"seed": [0, 1]},
        "variants": {"plain": {"method": "supervised"}, "sharpen": {}},
    }))
    changes = [word for change in TINY for word in ("--set", change)]
    done = cclcc("ablate", ablation, "--workers", 2, *places, *changes)
    assert done.returncode == 0, done.stderr
    plain, sharp = (sorted((tmp_path / "runs").glob(f"*/{method}-*/"))
                    for method in ("supervised", "sharpen"))
    assert (len(plain), len(sharp)) == (2, 2)
    for path in plain:
        assert "plugins" not in json.loads((path / "cell.json").read_text())["recipe"]
    (source,) = json.loads((sharp[0] / "cell.json").read_text())["recipe"]["plugins"]
    assert source["source"] == str(example / "sharpen.py")
    kept = sharp[0] / f"plugin-{source['sha256'][:8]}.py"
    assert kept.read_bytes() == (EXAMPLE / "sharpen.py").read_bytes()

    (example / "sharpen.py").write_text((EXAMPLE / "sharpen.py").read_text() + "# more\n")
    refused = cclcc("train", sharp[0] / "recipe.yaml", *places)
    assert refused.returncode == 2
    assert "sharpen.py: has changed" in refused.stderr
    assert len(refused.stderr.strip().split("\n")) <= 4  # one message, wrapped by the terminal
    (example / "sharpen.py").unlink()
    for words in (("report",), ("report", "--out", "page.html"), ("ls",),
                  ("bundle", "--out", "all.tar.xz")):
        again = cclcc(*words, "--runs", "runs")
        assert again.returncode == 0, again.stderr
    assert "sharpen" in cclcc("report", "--runs", "runs").stdout


def test_a_run_of_the_recipe_is_another_where_the_file_is_another(cclcc, example, places, tmp_path):
    """And the scores that it adds are those of every image, at both sizes."""
    changes = [word for change in TINY for word in ("--set", change)]
    for text in ("", SCORE):
        (example / "sharpen.py").write_text((EXAMPLE / "sharpen.py").read_text() + text)
        done = cclcc("train", example / "sharpen.yaml", *places, *changes)
        assert done.returncode == 0, done.stderr
    results = [(path, json.loads(path.read_text()))
               for path in (tmp_path / "runs").glob("*/sharpen-*/result.json")]
    (path, scored), (_, plain) = sorted(results, key=lambda one: "half" not in one[1]["val"]["own"])
    assert scored["test"]["working"]["half"] == scored["test"]["own"]["half"] == 0.5
    assert scored["val"]["working"]["dice"] == plain["val"]["working"]["dice"]
    assert "half" not in plain["test"]["working"]
    header = (path.parent / "test_images.csv").read_text().splitlines()[0].split(",")
    assert {"half", "own_half"} <= set(header)
    (row,) = json.loads((path.parent / "cell.json").read_text())["scores"]
    assert (row["key"], row["title"], row["unit"]) == ("half", "Half", "%")
    assert cclcc("report", "--runs", "runs").returncode == 0


def test_methods_shows_what_a_plugin_or_a_recipe_adds(cclcc):
    assert "sharpen " in cclcc("methods", "--plugin", EXAMPLE / "sharpen.py").stdout
    shown = cclcc("methods", "sharpen", "--recipe", EXAMPLE / "sharpen.yaml", "--json")
    assert "sharpen.temperature" in {key["name"] for key in json.loads(shown.stdout)}


def test_one_command_checks_a_plugin_and_says_what_is_broken(cclcc, example):
    path = example / "sharpen.py"
    path.write_text(path.read_text().replace("unlabeled.detach()", "unlabeled").replace(
        "supervised + weight * sharp,", "supervised + weight * sharp / 0,"))
    done = cclcc("check-plugin", path)
    assert done.returncode == 3
    assert "  FAILED  The loss is finite" in done.stdout
    assert "the loss is " in done.stdout
    assert "checks failed" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 110


@pytest.mark.parametrize(("old", "new", "where", "what"), [
    ("return Loss(supervised + weight * sharp,", "raise KeyError('lost')\n        return (sharp,",
     r"sharpen\.py:\d+: ", "KeyError: 'lost'"),
    ("        return Loss(supervised + weight * sharp,", "        return (supervised,",
     r"with \S+sharpen\.py: ", "has no attribute 'total'"),
    ("SharpenRecipe: Sharpen}", "SharpenRecipe: dict}", r"sharpen\.py: ",
     "gives a dict for SharpenRecipe; it must give a Method"),
])
def test_what_a_plugin_raises_is_one_line_and_its_traceback_is_in_the_log(
    cclcc, example, places, tmp_path, old, new, where, what
):
    path = example / "sharpen.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    changes = [word for change in TINY for word in ("--set", change)]
    done = cclcc("train", example / "sharpen.yaml", *places, "--quiet", *changes)
    assert done.returncode == 2
    assert re.search(f"error: .*{where}.*{what}", done.stderr)
    assert (done.stderr.count("\n"), "Traceback" in done.stderr) == (1, False)
    (folder,) = (tmp_path / "runs").glob("*/sharpen-*")
    status = json.loads((folder / "status.json").read_text())
    assert (status["state"], what in status["error"]) == ("failed", True)
    assert "Traceback" in (folder / "train.log").read_text()


@pytest.mark.parametrize(("old", "new", "what"), [
    ("def loss(", "def losses(", "abstract"),
    ("self.pass_streams(", "self.pass_all(", r"sharpen.py:\d+: AttributeError: .*pass_all"),
    ("        return Loss(supervised + weight * sharp,", "        return (supervised,",
     "gives a tuple; it must give a Loss"),
    ("SharpenRecipe: Sharpen}", "SharpenRecipe: dict}", "gives a dict .* must give a Method"),
])
def test_an_error_inside_what_a_plugin_offers_is_told_once(cclcc, example, old, new, what):
    path = example / "sharpen.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    done = cclcc("check-plugin", path)
    assert done.returncode == 3
    assert sum(bool(re.search(what, line)) for line in done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("old", "what"), [
    ('    source: ClassVar[str] = "this example; sharpening as in MixMatch, arXiv:1905.02249"\n',
     "SharpenRecipe: source is missing"),
    ('    """Predictions on unlabelled images are pulled to sharpened copies of themselves."""\n',
     "SharpenRecipe: has no docstring"),
])
def test_what_every_method_says_of_itself_is_asked_for(cclcc, example, old, what):
    path = example / "sharpen.py"
    path.write_text(path.read_text().replace(old, ""))
    for words in (("check-plugin", path), ("methods", "--plugin", path)):
        done = cclcc(*words)
        assert (done.returncode, what in done.stderr) == (2, True)
        assert "Traceback" not in done.stderr
