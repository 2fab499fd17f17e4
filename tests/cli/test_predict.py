"""``cclcc predict`` as it is typed."""

import json
import shutil

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    """The folder of a finished run below ``runs/``."""
    import cclcc_cli as cclcc

    root = tmp_path_factory.mktemp("trained")
    recipe = root / "tiny.yaml"
    recipe.write_text(json.dumps({
        "name": "tiny", "method": "supervised", "budget": {"steps": 2}, "batch": {"labeled": 2},
        "data": {"name": "synthetic", "size": 32, "labeled": 4},
        "model": {"widths": [4, 8, 8, 8, 8]}}))
    done = cclcc.train(cclcc.load_recipe(recipe), device="cpu", precision="fp32", quiet=True,
                       data=tiny_data, runs=root / "runs")
    return done.folder.path


def test_a_folder_of_images_becomes_masks_a_table_and_a_sheet(run, cclcc, tmp_path):
    shutil.copytree(run.parent.parent, tmp_path / "runs")
    (tmp_path / "scans").mkdir()
    for name in ("a", "<b>"):
        cv2.imwrite(str(tmp_path / "scans" / f"{name}.png"), np.full((70, 50, 3), 90, np.uint8))
    (tmp_path / "scans" / "c.png").write_bytes(b"\x89PNG")
    done = cclcc("predict", run.name[:20], "scans", "--out", "masks", "--overlay", "--sheet",
                 "--tta", "flips", "--device", "cpu")
    assert done.returncode == 3, done.stderr
    assert done.stdout == ("masks: 2 masks, by 1 run at 32 pixels; contact sheet "
                           "masks/index.html\n")
    assert done.stderr.splitlines()[-1].startswith(
        "error: masks/failed.csv: 1 image could not be segmented, the first is c: ")
    assert cv2.imread(str(tmp_path / "masks/masks/a.png"), -1).shape == (70, 50)
    assert cv2.imread(str(tmp_path / "masks/overlays/a.jpg"), -1).shape == (70, 50, 3)
    page = (tmp_path / "masks/index.html").read_text()
    assert page.count("<img") == 2
    assert "&lt;b&gt;" in page
    assert "greatest disagreement first" in page
    (tmp_path / "scans" / "c.png").unlink()
    again = cclcc("predict", str(run), "scans/a.png", "scans/<b>.png", "--out", "masks", "--tta",
                  "flips", "--device", "cpu", "--json")
    assert again.returncode == 0, again.stderr
    record = json.loads(again.stdout)
    assert (record["kept"], len(record["rows"]), record["failures"]) == (2, 2, [])


@pytest.mark.parametrize(("words", "message"), [
    (("nothing", "x"), "error: nothing: no run folder, and no run or group below runs has this"),
    (("RUN", "x"), "error: x: no such image, folder or prepared data set"),
    (("RUN",), "give a run first, then images"),
    (("RUN", ".", "--tile", "8"), "error: --tile 8: must be 16 pixels or more"),
])
def test_what_cannot_be_done_is_one_line(run, cclcc, tmp_path, words, message):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 20, 3), np.uint8))
    done = cclcc("predict", *(str(run) if word == "RUN" else word for word in words),
                 "--out", "masks", "--device", "cpu")
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "masks").exists()
