"""From images to a folder of masks."""

import json
import shutil

import cv2
import numpy as np
import pytest

from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.errors import DataError, DiskError, RunError
from cclcc_cli.inference.cleaning import Cleaning
from cclcc_cli.inference.ensemble import load_ensemble
from cclcc_cli.inference.inputs import find_inputs, split_words
from cclcc_cli.inference.outputs import read_rows
from cclcc_cli.inference.predict import Options, predict_images
from cclcc_cli.inference.predictor import load_predictor


@pytest.fixture(scope="module")
def threshold(run_folders, tiny_data):
    """By which masks of networks that have hardly been trained are neither empty nor full."""
    image = load_store(store_path(tiny_data, "synthetic", 32)).images[0]
    return round(float(np.median(load_predictor(run_folders[0], "cpu")(image).probs)), 3)


@pytest.fixture(scope="module")
def ensemble(run_folders, threshold):
    return load_ensemble(run_folders, flips=True, device="cpu", threshold=threshold)


@pytest.fixture(scope="module")
def single(run_folders, threshold):
    return load_ensemble(run_folders[:1], device="cpu", threshold=threshold)


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*")
            if path.is_file()}


def test_masks_have_each_image_s_size_and_follow_the_predictor(
    single, run_folders, photos, tmp_path
):
    predictor = load_predictor(run_folders[0], "cpu")
    done = predict_images(single, find_inputs([str(photos)], tmp_path, 32), tmp_path / "out",
                          Options(probabilities="png"))
    assert len(done.rows) == 11
    for row, path in zip(done.rows, sorted(photos.iterdir()), strict=True):
        image = cv2.imread(str(path))[..., ::-1]
        probs = predictor(image).probs
        mask = probs > single.threshold
        found = cv2.imread(str(tmp_path / "out" / "masks" / f"{path.stem}.png"), -1)
        kept = cv2.imread(str(tmp_path / "out" / "probabilities" / f"{path.stem}.png"), -1)
        assert (row.image, row.height, row.width) == (path.stem, *image.shape[:2])
        assert set(np.unique(found)) <= {0, 255}
        assert np.abs(kept / 65535 - probs).max() < 1e-4
        assert np.mean((found > 0) != mask) < 0.001  # a batch of one rounds otherwise
        assert row.area == (found > 0).sum()
        assert row.share == pytest.approx(mask.mean(), abs=0.001)
        assert row.confidence == pytest.approx(probs[found > 0].mean(), rel=1e-4)
    assert any(0.1 < row.share < 0.9 for row in done.rows)
    assert read_rows(tmp_path / "out")[3].image == done.rows[3].image


@pytest.mark.parametrize("tile", [None, 32])
def test_the_same_bytes_for_any_batch_size_and_number_of_threads(ensemble, photos, tmp_path, tile):
    inputs = find_inputs([str(photos)], tmp_path, 32)
    for name, batch, threads in (("a", 1, 1), ("b", 8, 3)):
        predict_images(ensemble, inputs, tmp_path / name, Options(
            Cleaning(True, 3, True), tile, "npz", True, True, batch, threads))
    first, second = content(tmp_path / "a"), content(tmp_path / "b")
    assert len(first) == 2 + 4 * 11
    assert first == second


def test_a_bad_image_is_listed_and_stops_nothing(single, photos, tmp_path):
    (photos / "scene03.png").write_bytes(b"no image")
    (photos / "notes.txt").write_text("not an image")
    inputs = find_inputs([str(photos)], tmp_path, 32)
    assert inputs.ignored == ("notes.txt",)
    out = tmp_path / "out"
    done = predict_images(single, inputs, out, Options(batch_size=4))
    assert len(done.rows) == 10
    assert [name for name, _ in done.failures] == ["scene03"]
    assert "scene03.png: is not a JPEG, PNG, BMP" in (out / "failed.csv").read_text()
    shutil.copy(photos / "scene06.png", photos / "scene03.png")
    done = predict_images(single, inputs, out)
    assert (len(done.rows), done.kept, done.failures) == (11, 10, ())
    assert not (out / "failed.csv").exists()


def test_what_is_done_is_kept_and_what_changed_is_done_again(single, photos, tmp_path):
    out, inputs = tmp_path / "out", find_inputs([str(photos)], tmp_path, 32)
    predict_images(single, inputs, out)
    whole = content(out)
    table = out / "predictions.csv"
    table.write_text(table.read_text()[:-20])  # killed while it wrote the last row
    (out / "masks" / "scene04.png").unlink()
    stamps = {path: path.stat().st_mtime_ns for path in (out / "masks").iterdir()}
    assert predict_images(single, inputs, out).kept == 9
    assert content(out) == whole
    assert sum(path.stat().st_mtime_ns != stamp for path, stamp in stamps.items()) == 1
    cv2.imwrite(str(photos / "scene00.png"), np.zeros((50, 60, 3), np.uint8))
    assert predict_images(single, inputs, out).kept == 10
    assert predict_images(single, inputs, out, Options(overlays=True)).kept == 0


def test_another_folder_s_files_are_left_alone(single, ensemble, photos, tmp_path):
    inputs = find_inputs([str(photos)], tmp_path, 32)
    with pytest.raises(RunError, match="holds files that are no predictions"):
        predict_images(single, inputs, photos)
    assert len(list(photos.iterdir())) == 11
    predict_images(single, inputs, tmp_path / "out")
    with pytest.raises(RunError, match="made in another way .*flips: False there, True here"):
        predict_images(ensemble, inputs, tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="is a file; give a folder"):
        predict_images(single, inputs, tmp_path / "file")
    with pytest.raises(DiskError):
        predict_images(single, inputs, tmp_path / "file" / "inside")


def test_a_store_s_images_get_masks_of_their_own_size(single, tiny_data, tmp_path):
    store = load_store(store_path(tiny_data, "synthetic", 32))
    for word in ("synthetic", str(store.path)):
        inputs = find_inputs([word], tiny_data, 32)
        assert [image.name for image in inputs.images] == [row.stem for row in store.rows]
    done = predict_images(single, inputs, tmp_path / "out", Options(overlays=True))
    assert {(row.height, row.width) for row in done.rows} == {(32, 32)}
    assert [row.sha256 for row in done.rows] == [row.image_sha256 for row in store.rows]
    with pytest.raises(DataError, match="prepare the data with --size 64"):
        find_inputs([str(store.path)], tiny_data, 64)
    with pytest.raises(RunError, match="--tile: .* give the folder of the original files"):
        predict_images(single, inputs, tmp_path / "other", Options(tile=32))


def test_names_follow_the_folder_and_never_collide(photos, tmp_path):
    inner = photos / "more"
    inner.mkdir()
    shutil.copy(photos / "scene00.png", inner / "scene00.png")
    shutil.copy(photos / "scene00.png", photos / "scene01.png")
    found = find_inputs([f"{photos}/**/scene0[01].*"], tmp_path, 32).images
    assert [image.name for image in found] == [
        "more/scene00", "scene00", "scene01.jpg", "scene01.png"]
    assert len(find_inputs([str(photos / "scene00.png"), str(inner / "scene00.png")],
                           tmp_path, 32).images) == 2


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(("word", "message"), [
    ("absent", "no such image, folder or prepared data set"), ("*.gif", "matches no jpg"),
    (".", "holds no jpg, png, bmp or tif files; it has folders inside: photos"),
])
def test_where_there_is_no_image_it_is_said(tmp_path, monkeypatch, word, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        find_inputs([word], tmp_path / "data", 32)


def test_words_are_runs_first_and_images_last():
    assert split_words(["a", "b", "images"]) == (["a", "b"], ["images"])
    assert split_words(["a", "x.png", "y.JPG"]) == (["a"], ["x.png", "y.JPG"])
    for words in (["x.png"], ["x.png", "y.png"], ["a"]):
        with pytest.raises(DataError, match="give a run first"):
            split_words(words)


def test_the_record_names_what_masks_follow_from(ensemble, photos, tmp_path):
    predict_images(ensemble, find_inputs([str(photos / "scene00.png")], tmp_path, 32),
                   tmp_path / "out", Options(Cleaning(min_area=7)))
    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert len(record["runs"]) == 2
    assert (record["flips"], record["min_area"], record["precision"]) == (True, 7, "fp32")
