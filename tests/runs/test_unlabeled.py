"""Images without masks: every semi-supervised method draws from them, and nothing else changes."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from cclcc_cli.config import METHODS, parse_recipe
from cclcc_cli.config.recipes import example_of
from cclcc_cli.data.extend import Additions, extend
from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sources import FolderSource
from cclcc_cli.data.split_export import export_splits
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.data.store_writer import About
from cclcc_cli.errors import DataError, RunError
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.runs.progress import TextDisplay
from cclcc_cli.runs.run import train_run
from cclcc_cli.training.runtime import Runtime

CPU = Runtime("cpu", "fp32")
NUM_UNLABELED = 200
TWO_STREAM = [name for name in METHODS if name != "supervised"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """20 images with masks, 200 without, of 32 pixels; and masks for three of the latter."""
    root = tmp_path_factory.mktemp("files")
    for name in ("images", "masks", "unlabeled", "labels"):
        (root / name).mkdir()
    rng = np.random.default_rng(0)
    for index in range(20 + NUM_UNLABELED):
        image = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        mask = np.zeros((32, 32), np.uint8)
        top, left = rng.integers(0, 16, 2)
        mask[top:top + 12, left:left + 12] = 255
        without = index >= 20
        name = f"free{index}.png" if without else f"im{index:02d}.png"
        cv2.imwrite(str(root / ("unlabeled" if without else "images") / name), image)
        if index < 23:
            cv2.imwrite(str(root / ("labels" if without else "masks") / name), mask)
    return root


def make(folders, root, rule=SplitRule(), unlabeled=True):  # noqa: B008
    source = FolderSource(folders / "images", folders / "masks", About(),
                          unlabeled=folders / "unlabeled" if unlabeled else ())
    return prepare(store_path(root, "mine", 32), source, rule).store


@pytest.fixture(scope="module")
def data(folders, tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    make(folders, root)
    return root


def recipe_of(method, **keys):
    data = {"name": "mine", "size": 32, "labeled": 4, **keys.pop("data", {})}
    return parse_recipe(example_of(METHODS[method], data=data, budget={"steps": 2},
                                   validation={"every": 2}, **keys), "test")


def spec(data, method="mean_teacher", **keys):
    return RunSpec(recipe_of(method, data=keys), load_store(store_path(data, "mine", 32)), CPU)


@pytest.mark.parametrize("method", TWO_STREAM)
def test_every_method_trains_on_images_without_masks(data, tmp_path, method):
    recipe = recipe_of(method, data={"unlabeled": "pool"})
    seen = []
    done = train_run(recipe, data_root=data, runs_root=tmp_path, runtime=CPU,
                     display=TextDisplay(seen.append))
    assert done.result.steps == 2
    assert done.folder.run.splits.counts == {"train": 16, "val": 2, "test": 2,
                                             "unlabeled": NUM_UNLABELED}
    assert done.folder.run.labeled.of == 16


def test_the_streams_are_what_the_recipe_says(data):
    store = load_store(store_path(data, "mine", 32))
    train, pool = {*store.splits.train}, {*store.splits.pool}
    labeled = {*spec(data).labeled}
    assert len(pool) == NUM_UNLABELED
    assert {*spec(data).unlabeled} == train - labeled
    assert {*spec(data, unlabeled="pool").unlabeled} == pool
    assert {*spec(data, unlabeled="rest+pool").unlabeled} == train - labeled | pool
    assert {*spec(data, unlabeled="all").unlabeled} == train | pool
    assert {*spec(data, labeled=1.0, unlabeled="rest+pool").unlabeled} == pool
    with pytest.raises(RunError, match="set data.unlabeled=pool to use the images without"):
        _ = spec(data, labeled=1.0).unlabeled
    with pytest.raises(DataError, match="asks for 17 labelled images, but the training split has"):
        _ = spec(data, labeled=17).labeled


def test_splits_and_labels_are_those_of_the_images_with_masks(data, folders, tmp_path):
    with_pool, without = load_store(store_path(data, "mine", 32)), make(folders, tmp_path,
                                                                         unlabeled=False)
    for name in ("train", "val", "test", "label_orders"):
        assert getattr(with_pool.splits, name) == getattr(without.splits, name)
    assert with_pool.info.foreground_share == without.info.foreground_share
    assert with_pool.info.digest != without.info.digest
    assert with_pool.info.split_digest != without.info.split_digest
    assert with_pool.audit.findings == without.audit.findings
    with pytest.raises(RunError, match="every image of mine has a mask"):
        _ = spec(tmp_path, unlabeled="pool").unlabeled


def test_what_is_added_later_makes_the_version_that_it_would_have_made_at_once(
    data, folders, tmp_path
):
    first = make(folders, tmp_path, unlabeled=False).info
    done = extend(store_path(tmp_path, "mine", 32), Additions(unlabeled=(folders / "unlabeled",)))
    info, notes = done.store.info, done.notes
    del done  # which reads this version
    at_once = load_store(store_path(data, "mine", 32)).info
    assert (info.digest, info.split_digest, info.sums["masks.npy"]) == (
        at_once.digest, at_once.split_digest, at_once.sums["masks.npy"])
    assert f"200 images and 0 masks added: digest {first.digest[:12]} became" in notes[0]
    with pytest.raises(DataError, match="has an image called free100 already"):
        extend(store_path(tmp_path, "mine", 32), Additions(unlabeled=(folders / "unlabeled",)))
    labels = Additions(labels=(folders / "labels",))
    labeled = extend(store_path(tmp_path, "mine", 32), labels).store
    former = load_store(store_path(data, "mine", 32)).splits
    new = {"free20", "free21", "free22"}
    assert {*labeled.splits.train} == {*former.train} | new
    assert {*labeled.splits.pool} == {*former.pool} - new
    assert (labeled.splits.val, labeled.splits.test) == (former.val, former.test)
    for seed, order in former.label_orders.items():
        assert labeled.splits.label_orders[seed][:16] == order
    (position,) = labeled.positions(["free21"])
    assert labeled.original_mask(position).sum() == 144
    assert labeled.rows[position].foreground == pytest.approx(144 / 32**2)
    with pytest.raises(DataError, match="no image without a mask is called like this mask"):
        extend(store_path(tmp_path, "mine", 32), labels)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["32-v3"]


def test_a_twin_of_a_test_image_among_them_is_told_and_dropped(data, folders, tmp_path):
    test = load_store(store_path(data, "mine", 32)).splits.test[0]
    free = tmp_path / "free"
    free.mkdir()
    shutil.copy(folders / "images" / f"{test}.png", free / "twin.png")
    shutil.copy(folders / "unlabeled" / "free30.png", free / "free30.png")
    source = FolderSource(folders / "images", folders / "masks", About(), unlabeled=free)
    root = tmp_path / "data"
    kept = prepare(store_path(root, "mine", 32), source, SplitRule())
    assert any("1 across test and train" in note for note in kept.notes)
    (pair,) = kept.store.audit.pairs
    assert ({pair.first, pair.second}, pair.contradicts) == ({test, "twin"}, False)
    assert spec(root, unlabeled="pool").leaked["test"] == (test,)
    assert spec(root).leaked["test"] == ()
    dropped = prepare(store_path(root, "mine", 32), source, SplitRule(drop_leaks=True), force=True)
    assert dropped.store.splits.pool == ("free30",)
    assert dropped.store.splits.dropped == ("twin",)
    assert dropped.store.splits.train == kept.store.splits.train
    export_splits(dropped.store, tmp_path / "lists", (2,))
    again = prepare(store_path(tmp_path, "mine", 32), source, SplitRule(tmp_path / "lists"))
    assert again.store.splits == dropped.store.splits


def test_a_store_for_tests_alone_is_not_trained_on(folders, tmp_path):
    make(folders, tmp_path, SplitRule(only="test"))
    with pytest.raises(RunError, match="has no image to train on, it is for tests"):
        spec(tmp_path).check_data()


class Replacing(TextDisplay):
    """Prepares the data anew, with all masks inverted, while a run trains on them."""

    def __init__(self, root: Path, folders: Path, spoiled: Path) -> None:
        super().__init__(lambda _line: None)
        self._paths = root, folders, spoiled

    def recorded(self, record):  # noqa: ARG002
        root, folders, spoiled = self._paths
        if not spoiled.exists():
            shutil.copytree(folders, spoiled)
            for mask in (spoiled / "masks").iterdir():
                cv2.imwrite(str(mask), 255 - cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE))
            source = FolderSource(spoiled / "images", spoiled / "masks", About())
            prepare(store_path(root, "mine", 32), source, SplitRule(), force=True)


def test_a_run_keeps_the_data_that_it_began_with(folders, tmp_path):
    root, recipe = tmp_path / "data", recipe_of("supervised")
    make(folders, root, unlabeled=False)
    alone = train_run(recipe, data_root=root, runs_root=tmp_path / "a", runtime=CPU,
                      display=TextDisplay(lambda _line: None))
    disturbed = train_run(recipe, data_root=root, runs_root=tmp_path / "b", runtime=CPU,
                          display=Replacing(root, folders, tmp_path / "spoiled"))
    assert disturbed.result == alone.result
    assert load_store(store_path(root, "mine", 32)).path.name == "32-v2"


def test_masks_that_were_inverted_on_disk_are_found_before_a_step_is_taken(folders, tmp_path):
    store = make(folders, tmp_path / "data", unlabeled=False)
    masks = np.load(store.path / "masks.npy")
    np.save(store.path / "masks.npy", 1 - masks)
    with pytest.raises(DataError, match="masks.npy changed after it was made"):
        train_run(recipe_of("supervised"), data_root=tmp_path / "data",
                  runs_root=tmp_path / "runs", runtime=CPU, display=TextDisplay(print))
    with pytest.raises(DataError, match="masks.npy changed after it was made"):
        make(folders, tmp_path / "data", unlabeled=False)
