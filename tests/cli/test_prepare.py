"""``cclcc prepare`` as it is typed: a summary on stdout, the rest on stderr, one clear error."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from cclcc_cli.cli.app import app
from cclcc_cli.config.load import parse_recipe
from cclcc_cli.data.store import load_store
from cclcc_cli.errors import DataError

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in an empty folder; a CclccError comes out as it is."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Result:
        result = CliRunner().invoke(app, ["prepare", *words])
        if isinstance(result.exception, Exception):
            raise result.exception
        return result

    return call


@pytest.fixture
def polyps(tmp_path: Path) -> Path:
    """Folders images/ and masks/ of 20 pairs, the first image grey."""
    rng = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for index in range(20):
        mask = np.zeros((24, 32), np.uint8)
        mask[6:18, 8:24] = 255
        shape = (24, 32, 3) if index else (24, 32)
        image = rng.integers(0, 100, shape, dtype=np.uint8)
        image[6:18, 8:24] += 120
        cv2.imwrite(str(tmp_path / "images" / f"p{index:02d}.png"), image)
        cv2.imwrite(str(tmp_path / "masks" / f"p{index:02d}_mask.png"), mask)
    return tmp_path


OWN = ("my-polyps", "--images", "images", "--masks", "masks", "--size", "32")


@pytest.mark.usefixtures("polyps")
def test_own_images_become_a_store_and_a_summary(run: Run) -> None:
    result = run(*OWN, "--license", "CC0")
    store = load_store(Path("runs/data/my-polyps/32"))
    assert result.stdout.splitlines() == [
        "files       images 20 PNG; masks 20 PNG",
        "pixels      19 RGB, 1 grey; 32x24",
        "pairs       20 by names with a word such as _mask",
        "mask values 0 background (75.0%); 255 object (25.0%)",
        "store       runs/data/my-polyps/32",
        "images      20 (16 train, 2 val, 2 test), 32x32 pixels",
        "splits      train, val, test cut by seed 0, stratified by foreground, groups whole",
        "foreground  25.0% of an image on average",
        "labels      5%: 1, 10%: 2, 20%: 3, 50%: 8",
        "audit       0 pairs of the same, 21 odd images or masks (cclcc audit my-polyps)",
        f"digest      {store.info.digest[:12]} (splits {store.info.split_digest[:12]})",
        "licence     CC0",
    ]
    assert result.stderr == "note: 1 grey image\n"


@pytest.mark.usefixtures("polyps")
def test_the_same_again_says_so_and_succeeds(run: Run) -> None:
    first = run(*OWN)
    again = run(*OWN)
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    assert again.stderr == "already prepared, nothing changed (--force prepares it again)\n"


@pytest.mark.usefixtures("polyps")
def test_json_is_the_content_of_dataset_json(run: Run) -> None:
    result = run(*OWN, "--json", "--data", "elsewhere")
    written = Path("elsewhere/my-polyps/32/dataset.json").read_text()
    assert json.loads(result.stdout) == json.loads(written)


def test_published_lists_are_taken(run: Run, polyps: Path) -> None:
    (polyps / "lists").mkdir()
    (polyps / "lists" / "train.txt").write_text("\n".join(f"p{i:02d}" for i in range(10)))
    (polyps / "lists" / "val.txt").write_text("p10.png\np11.png\n")
    result = run(*OWN, "--splits", "lists")
    assert "images      12 (10 train, 2 val, 0 test), 32x32 pixels" in result.stdout
    assert "note: 8 images are in no list and were left out\n" in result.stderr
    assert "note: there is no test split: no test.txt and no --test-share" in result.stderr


def test_the_public_data_sets_are_listed_by_a_command_of_their_own(run: Run) -> None:
    old = run("--list", "--json")
    new = CliRunner().invoke(app, ["datasets", "--json"])
    assert old.stdout == new.stdout
    assert set(json.loads(new.stdout)["public"]) >= {"kvasir-seg", "isic2018"}
    assert old.stderr == ("note: this is now 'cclcc datasets'; the old spelling will be removed "
                          "in the next version\n")


def test_images_without_masks_are_kept_and_added_on_request(run: Run, polyps: Path) -> None:
    (polyps / "masks" / "p03_mask.png").rename(polyps / "later.png")
    with pytest.raises(DataError, match=r"images/p03.png: this image has no mask in masks; --unp"):
        run(*OWN)
    kept = run(*OWN, "--unpaired", "unlabeled", "--json")
    assert json.loads(kept.stdout)["counts"] == {"train": 15, "val": 2, "test": 2, "unlabeled": 1}
    (polyps / "labels").mkdir()
    (polyps / "later.png").rename(polyps / "labels" / "p03_mask.png")
    added = run("my-polyps", "--add-labels", "labels", "--json")
    assert json.loads(added.stdout)["counts"] == {"train": 16, "val": 2, "test": 2}
    assert "0 images and 1 mask added: digest" in added.stderr
    listed = CliRunner().invoke(app, ["datasets", "--json"])
    (one,) = json.loads(listed.stdout)["prepared"]
    assert (one["name"], one["size"], one["labels"]) == ("my-polyps", 32, 16)
    assert one["path"].endswith("32-v2")
    with pytest.raises(DataError, match="only --pair, --drop-leaks and how files are read go"):
        run("my-polyps", "--add-labels", "labels", "--folds", "3")


def test_a_wrong_place_for_data_is_told_where_data_are(run: Run, polyps: Path) -> None:
    run(*OWN)
    asked = CliRunner().invoke(app, ["audit", "my-polyps", "--data", str(polyps)])
    assert f"stores are under {polyps}/runs/data (my-polyps): give --data" in str(asked.exception)


@pytest.mark.usefixtures("polyps")
def test_a_set_for_tests_alone_is_not_split(run: Run) -> None:
    assert json.loads(run(*OWN, "--test-only", "--json").stdout)["counts"] == {
        "train": 0, "val": 0, "test": 20}
    for command in ("audit", "show", "splits --out lists"):
        result = CliRunner().invoke(app, [*command.split(), "my-polyps"])
        assert (result.exit_code, result.exception) == (0, None)


def test_synthetic_needs_nothing_else(run: Run) -> None:
    result = run("synthetic", "--count", "10", "--seed", "1", "--quiet")
    assert "store       runs/data/synthetic/128" in result.stdout
    assert "images      10 (8 train, 1 val, 1 test), 128x128 pixels" in result.stdout
    said = [line for line in result.stderr.splitlines() if not line.startswith("images: ")]
    assert said == []  # but for progress, on a slow machine


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "no folders": (
        ("polyps",),
        "polyps: --images and --masks missing; for example: cclcc prepare polyps "
        "--images polyps/images --masks polyps/masks (public data sets: cclcc datasets; "
        "without any data: cclcc prepare synthetic)"),
    "no name": ((), "NAME is missing: a data set of cclcc datasets, 'synthetic', or a name"),
    "one that a person must get": (
        ("cvc-clinicdb",), "cvc-clinicdb: cannot be downloaded without a person: a RAR file"),
    "too little of a public data set": (
        ("kvasir-seg", "--archive", "."), ".: nothing of kvasir-seg was found; looked for images"),
    "an archive that is not there": (
        ("kvasir-seg", "--archive", "kvasir.zip"), "kvasir.zip: no such file or folder"),
    "an archive for own images": (
        ("x", "--archive", "images"), "--archive: does not apply to x: only for the public data"),
    "an archive and folders": (
        ("kvasir-seg", *OWN[1:], "--archive", "."), "--archive: does not apply to kvasir-seg: --i"),
    "no folds": ((*OWN, "--folds", "1"), "--folds 1: must lie from 2 to 100"),
    "more folds than images": ((*OWN, "--folds", "21"), "--folds 21: there are only 20 images"),
    "no label seeds": ((*OWN, "--label-seeds", "0"), "--label-seeds 0: must lie from 1 to 100"),
    "no official split": ((*OWN, "--ignore-official"), "--ignore-official does not apply"),
    "no such groups": ((*OWN, "--groups", "g.csv"), "g.csv: cannot be read (No such file"),
    "no masks": (("x", "--images", "images"), "x: --masks missing; for example: "),
    "a count for a folder": (
        (*OWN, "--count", "5"),
        "--count: does not apply to my-polyps: only synthetic scenes are drawn; leave it out"),
    "folders for synthetic": (
        ("synthetic", "--images", "images", "--license", "MIT"),
        "--images, --license: does not apply to synthetic: its scenes are drawn, not read"),
    "lists for synthetic": (("synthetic", "--splits", "x"), "--splits: does not apply to synth"),
    "a size no network takes": (
        (*OWN[:-1], "100"), "--size 100: must be a multiple of 16, such as 96 or 112"),
    "size 0": ((*OWN[:-1], "0"), "--size 0: must be a multiple of 16, such as 16 or 32"),
    "a name with a slash": (("a/b", *OWN[1:]), "'a/b' cannot be a name: use up to 64 letters"),
    "a name that climbs": (("..", *OWN[1:]), "'..' cannot be a name"),
    "no such folder": (
        ("x", "--images", "nowhere", "--masks", "masks"),
        "nowhere: no such folder; give --images a folder of image files"),
    "one folder for both": (
        ("x", "--images", "images", "--masks", "images"), "images: --images and --masks are the"),
    "folders exchanged": (
        ("x", "--images", "masks", "--masks", "images"), "images and masks: 20 problems, nothing"),
    "names that do not pair": (
        (*OWN, "--pair", "{stem}_seg"), "images and masks: no image has a mask by its name: "),
    "a pattern without a place": ((*OWN, "--pair", "seg"), "--pair seg: write {stem} where a mask"),
    "a value that no mask has": (
        (*OWN, "--foreground", "7"), "images and masks: 1 problem, nothing was written\n  "
        "--foreground 7: no mask has that value; there are 0 (75.0%), 255 (25.0%)"),
    "a value that is none": ((*OWN, "--ignore-value", "rim"), "--ignore-value rim: give values su"),
    "a window of nothing": ((*OWN, "--window", "9,9"), "--window 9,9: give two greys from 0 to"),
    "a window for 8 bits": (
        (*OWN, "--window", "0,9"), "images and masks: 1 problem, nothing was written\n  --window "
        "does not apply: no image has 16 bits"),
    "turns that are not there": (
        (*OWN, "--exif", "turn"), "images and masks: 1 problem, nothing was written\n  --exif turn "
        "does not apply: no image has an EXIF turn"),
    "a pattern for scenes": (("synthetic", "--pair", "{stem}"), "--pair: does not apply to synthe"),
    "coding for scenes": (
        ("synthetic", "--foreground", "1", "--invert"), "--foreground, --invert: does not apply"),
    "no such lists": ((*OWN, "--splits", "nowhere"), "nowhere: no such folder; give --splits"),
    "lists elsewhere": ((*OWN, "--splits", "images"), "images: has no train.txt"),
    "no validation": ((*OWN, "--val-share", "0"), "--val-share 0: must lie between 0 and 1"),
    "too much": ((*OWN, "--val-share", "0.6", "--test-share", "0.4"),
                 "20 images with a validation share of 0.6 and a test share of 0.4 leave none"),
    "one scene": (("synthetic", "--count", "1", "--size", "32"), "1 images with a validation"),
}


@pytest.mark.usefixtures("polyps")
@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(run: Run, name: str) -> None:
    words, message = BAD[name]
    with pytest.raises(DataError) as caught:
        run(*words)
    assert str(caught.value).startswith(message)
    assert not Path("runs").exists()


@pytest.mark.parametrize("word", ["a", "A.b_c-1", "-a", "", "a b", "é", "x" * 64, "x" * 65, ".a"])
def test_a_name_is_accepted_where_a_recipe_accepts_it(word: str) -> None:
    from cclcc_cli.data.choose import choose_size
    from cclcc_cli.errors import RecipeError

    def accepted(check: Callable[[], object]) -> bool:
        try:
            check()
        except (DataError, RecipeError):
            return False
        return True

    recipe = {"method": "supervised", "name": "x", "budget": {"steps": 5},
              "data": {"name": word, "size": 32, "labeled": 1}}
    assert accepted(lambda: choose_size(word, 32)) == accepted(
        lambda: parse_recipe(recipe, "test"))


def test_help_loads_nothing_heavy() -> None:
    code = ("import sys, cclcc_cli.cli.prepare\n"
            "print(*{'numpy', 'cv2', 'pydantic', 'rich', 'filelock'} & set(sys.modules))")
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            check=True, cwd=Path(__file__).parents[2])
    assert loaded.stdout == "\n"
