"""A finished run segments images as it was tested."""

import csv

import cv2
import numpy as np
import pytest

from cclcc_cli.config import parse_recipe
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.errors import DataError, RunError
from cclcc_cli.inference.predictor import load_predictor
from cclcc_cli.methods import build_method
from cclcc_cli.metrics.scores import SCORES, file_column
from cclcc_cli.models.build import build_network
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.masks import read_masks
from cclcc_cli.runs.progress import TextDisplay
from cclcc_cli.runs.run import train_run
from cclcc_cli.training.runtime import resolve_runtime


@pytest.fixture(scope="module")
def folder(tiny_data, tmp_path_factory):
    """A finished run whose threshold is of logits."""
    recipe = parse_recipe({
        "name": "tiny", "method": "supervised", "budget": {"steps": 6}, "validation": {"every": 3},
        "data": {"name": "synthetic", "size": 32, "labeled": 4}, "batch": {"labeled": 2},
        "model": {"widths": [4, 8, 8, 8, 8]}, "evaluation": {"test_on": "logits"},
        "optimizer": {"lr": 0.003},
    }, "test")
    return train_run(
        recipe, data_root=tiny_data, runs_root=tmp_path_factory.mktemp("runs"),
        runtime=resolve_runtime("cpu", "fp32"), display=TextDisplay(lambda _line: None),
    ).folder.path


@pytest.fixture(scope="module")
def predictor(folder):
    return load_predictor(folder, "cpu", "fp32")


@pytest.fixture(scope="module")
def store(tiny_data):
    return load_store(store_path(tiny_data, "synthetic", 32))


def test_masks_of_the_test_images_are_those_of_the_run(folder, predictor, store):
    masks = read_masks(RunFolder(folder))
    for row, mask in zip(store.positions(masks.stems), masks.of(masks.stems), strict=True):
        found = predictor(store.images[row])
        assert found.probs.dtype == np.float32
        assert np.array_equal(found.mask, mask)
        assert np.array_equal(found.mask, found.probs > predictor.threshold)
    assert predictor.threshold == pytest.approx(0.622, abs=1e-3)


def test_scores_of_the_test_images_are_those_of_the_run(folder, predictor, store):
    with (folder / "test_images.csv").open() as file:
        kept = list(csv.DictReader(file))
    scores = predictor.evaluate(store)
    assert [image.stem for image in scores] == [row["stem"] for row in kept]
    for image, row in zip(scores, kept, strict=True):
        for size, found in (("working", image.working), ("own", image.own)):
            assert set(found) == set(SCORES)
            for key in SCORES:
                assert found[key] == pytest.approx(float(row[file_column((size, key))]), rel=1e-5)


@pytest.mark.parametrize("shape", [(45, 70), (32, 32), (20, 31), (300, 17)])
def test_a_prediction_has_the_image_s_own_size(predictor, store, shape):
    image = cv2.resize(store.images[0], shape[::-1])
    probs, mask = predictor(image)
    assert probs.shape == mask.shape == shape
    assert 0 <= probs.min() < probs.max() <= 1
    how = cv2.INTER_AREA if min(shape) >= 32 else cv2.INTER_LINEAR  # the store's rule
    small = predictor(cv2.resize(image, (32, 32), interpolation=how)).probs
    if max(shape) < 100:  # OpenCV's bilinear weights are rounded, the more so the larger
        assert np.allclose(cv2.resize(small, shape[::-1]), probs, atol=1e-3)


@pytest.mark.parametrize("bad", [
    np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3), np.float32),
    np.zeros((0, 8, 3), np.uint8),
], ids=["grey", "alpha", "float", "empty"])
def test_other_arrays_are_refused(predictor, bad):
    with pytest.raises(DataError, match=r"must be RGB, uint8, \(H, W, 3\)"):
        predictor(bad)


def test_what_is_no_trained_run_is_refused(tmp_path, folder):
    with pytest.raises(RunError, match="is no run folder"):
        load_predictor(tmp_path)
    (tmp_path / "cell.json").write_text((folder / "cell.json").read_text())
    with pytest.raises(RunError, match="this run is to do; finish its training first"):
        load_predictor(tmp_path)


def test_a_store_of_another_size_is_refused(predictor, tmp_path):
    import cclcc_cli as cclcc

    other = cclcc.prepare("synthetic", count=10, size=48, data=tmp_path)
    with pytest.raises(DataError, match="prepare the data with --size 32"):
        predictor.evaluate(other)


@pytest.mark.parametrize(("method", "section"), [
    ("clcc", {"grid": 2, "projector_widths": [8, 8, 8], "target_ema_decay": 0.9}),
    ("mean_teacher", {"predictor": "teacher"}), ("cps", {}), ("unimatch", {}),
    ("urpc", {"perturbed": True}), ("bcp", {"predictor": "teacher"}),
    ("point_contrast", {"num_points": 64, "projector_widths": [8, 8, 8]}),
])
def test_what_a_method_keeps_fits_the_recipe_s_network(tiny_recipe, method, section):
    recipe = parse_recipe(tiny_recipe(method, **{method: section}), "test")
    kept = build_method(recipe).predictor.state_dict()
    build_network(recipe.model).load_state_dict(kept)
