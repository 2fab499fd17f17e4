"""Preparing: whole or not at all, the same again changes nothing, everything wrong is listed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from filelock import FileLock

from cclcc_cli.data.catalog import CATALOG
from cclcc_cli.data.prepare import Prepared, prepare
from cclcc_cli.data.sources import CatalogSource, FolderSource, SyntheticSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.data.store_versions import current_version
from cclcc_cli.data.store_writer import About
from cclcc_cli.data.synthetic import synthetic_scene
from cclcc_cli.errors import DataError
from tests.data.test_image_file import BAD_IMAGES, BAD_MASKS
from tests.data.test_zip_archive import NOT_OPENED

Write = Callable[[Path, Any], None]
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SIZE = 16
BLACK = np.zeros((20, 30), np.uint8)
NO_ABOUT = About()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return store_path(tmp_path / "data", "polyps", SIZE)


def prepare_folders(path: Path, folders: Any, **options: Any) -> Prepared:
    rule = options.pop("rule", SplitRule())
    about = options.pop("about", NO_ABOUT)
    return prepare(path, FolderSource(folders.images, folders.masks, about), rule, **options)


def content(path: Path) -> dict[str, bytes]:
    """Of the store's current version."""
    path = current_version(path)
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


class TestFolders:
    """A person's own images."""

    def test_mixed_sizes_and_formats_become_one_store(self, folders: Any, path: Path) -> None:
        masks = {f"s{i}": folders.add(f"s{i}", 20 + i, 40 - i, (".png", ".bmp", ".tif")[i % 3])
                 for i in range(10)}
        done = prepare_folders(path, folders)
        store = load_store(path)
        assert (done.store.info, done.changed, done.notes) == (store.info, True, ())
        assert store.info.counts == {"train": 8, "val": 1, "test": 1}
        assert done.labeled == {0.05: 1, 0.1: 1, 0.2: 2, 0.5: 4}
        for position, (stem, mask) in enumerate(masks.items()):
            assert store.rows[position].stem == stem
            np.testing.assert_array_equal(store.original_mask(position), mask)

    def test_digests_stay_what_they_were(self, folders: Any, path: Path) -> None:
        """Runs are found again by these, so what is read by default is read as ever."""
        for index in range(10):
            folders.add(f"s{index}", 20 + index, 40 - index, (".png", ".bmp", ".tif")[index % 3],
                        None if index % 2 else f"s{index}_segmentation.png")
        store = prepare_folders(path, folders).store
        assert store.info.digest == (
            "6697495013c200f561e435dce571b800cf8ff5c259740e0db64c29c0d7a543f2")
        assert store.info.split_digest == (
            "7e0df97a8838d714a2a99869cd360d9b1a1e5ae03e9dcb937ea1a172198e7537")
        assert (int(store.masks[:].sum()), int(store.images[:].sum())) == (338, 981318)

    def test_the_same_again_changes_nothing(self, folders: Any, path: Path) -> None:
        for index in range(4):
            folders.add(f"s{index}")
        first = prepare_folders(path, folders, about=About(license="CC0"))
        times = {p: p.stat().st_mtime_ns for p in path.rglob("*")}
        again = prepare_folders(path, folders)
        assert (again.changed, again.store.info, again.labeled) == (
            False, first.store.info, first.labeled)
        assert {p: p.stat().st_mtime_ns for p in path.rglob("*")} == times
        assert [p.name for p in path.parent.iterdir()] == [str(SIZE)]

    @pytest.mark.parametrize(
        ("change", "difference"),
        [
            (lambda f: f.add("s9"), "1 image added, other splits"),
            (lambda f: f.add("s1", height=33), "differs: 1 image changed;"),
            (lambda f: [(f.images / "s2.png").unlink(), (f.masks / "s2.png").unlink()],
             "1 image removed, other splits"),
        ],
    )
    def test_other_content_is_refused_and_force_replaces_it(
        self, folders: Any, path: Path, change: Callable[[Any], object], difference: str
    ) -> None:
        for index in range(4):
            folders.add(f"s{index}")
        prepare_folders(path, folders)
        before = content(path)
        change(folders)
        with pytest.raises(DataError, match=difference) as caught:
            prepare_folders(path, folders)
        assert "--force replaces it" in str(caught.value)
        assert content(path) == before
        assert prepare_folders(path, folders, force=True).changed
        assert not prepare_folders(path, folders).changed

    def test_other_splits_and_another_licence_are_refused(self, folders: Any, path: Path) -> None:
        for index in range(9):
            folders.add(f"s{index}")
        prepare_folders(path, folders, about=About(license="CC0"))
        with pytest.raises(DataError, match="differs: other splits, another license;"):
            prepare_folders(path, folders, rule=SplitRule(seed=7), about=About(license="MIT"))

    def test_images_in_no_list_are_left_out_and_counted(
        self, folders: Any, path: Path, tmp_path: Path
    ) -> None:
        for stem in "abcde":
            folders.add(stem)
        (tmp_path / "train.txt").write_text("a\nb.png\n")
        (tmp_path / "val.txt").write_text("c\n")
        done = prepare_folders(path, folders, rule=SplitRule(tmp_path))
        assert done.notes == (
            "2 images are in no list and were left out",
            "there is no test split: no test.txt and no --test-share was given",
        )
        assert [row.stem for row in load_store(path).rows] == ["a", "b", "c"]

    def test_conversions_and_ignored_files_are_counted(
        self, folders: Any, path: Path, write_image: Write
    ) -> None:
        for stem in "abc":
            folders.add(stem)
        write_image(folders.images / "b.png", BLACK)
        write_image(folders.masks / "b.png", BLACK)
        (folders.images / "notes.docx").write_bytes(b"x")
        assert prepare_folders(path, folders).notes[:3] == (
            f"not read (1): {folders.images}/notes.docx",
            "1 empty mask", "1 grey image",
        )

    def test_progress_reaches_the_end(self, folders: Any, path: Path) -> None:
        for stem in "abc":
            folders.add(stem)
        told: list[tuple[str, int, int]] = []
        prepare_folders(path, folders, progress=lambda *count: told.append(count))
        assert told == [("images", 1, 3), ("images", 2, 3), ("images", 3, 3)]

    def test_everything_wrong_is_listed_at_once_and_nothing_is_written(
        self, folders: Any, path: Path, write_image: Write
    ) -> None:
        for stem in ("good", "other", "third"):
            folders.add(stem)
        folders.add("broken")
        (folders.images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        folders.add("grey_mask")
        write_image(folders.masks / "grey_mask.png", np.full((20, 30), 130, np.uint8))
        folders.add("size")
        write_image(folders.masks / "size.png", BLACK[:10])
        write_image(folders.images / "alone.png", BLACK)
        with pytest.raises(DataError) as caught:
            prepare_folders(path, folders)
        lines = str(caught.value).split("\n")
        assert lines[0] == "images and masks: 4 problems, nothing was written"
        for line, start in zip(lines[1:], ("images/alone.png: this image has no mask",
                                           "images/broken.png: is damaged",
                                           "masks/size.png: the mask is 30x10",
                                           "130 is in 1 of 5 masks: "), strict=True):
            assert start in line
        assert not path.parent.exists()

    def test_problems_found_while_writing_leave_nothing(self, folders: Any, path: Path) -> None:
        for index in range(30):
            folders.add(f"s{index:02d}")
            if index >= 5:
                (folders.masks / f"s{index:02d}.png").write_bytes(b"")
        with pytest.raises(DataError) as caught:
            prepare_folders(path, folders)
        lines = str(caught.value).split("\n")
        assert (len(lines), lines[-1]) == (22, "  ... and 5 more")
        assert not path.parent.exists()

    def test_a_folder_that_is_no_store_is_never_replaced(self, folders: Any, path: Path) -> None:
        for stem in "abc":
            folders.add(stem)
        path.mkdir(parents=True)
        (path / "thesis.tex").write_text("dear to me")
        for force in (False, True):
            with pytest.raises(DataError, match="is not a store"):
                prepare_folders(path, folders, force=force)
        assert (path / "thesis.tex").read_text() == "dear to me"

    def test_a_damaged_store_is_refused_and_force_mends_it(self, folders: Any, path: Path) -> None:
        for stem in "abc":
            folders.add(stem)
        prepare_folders(path, folders)
        before = content(path)
        (path / "images.npy").write_bytes(b"")
        with pytest.raises(DataError, match=r"is damaged \(images.npy .*--force"):
            prepare_folders(path, folders)
        prepare_folders(path, folders, force=True)
        assert content(path) == before

    def test_another_process_at_work_is_refused(self, folders: Any, path: Path) -> None:
        for stem in "abc":
            folders.add(stem)
        path.parent.mkdir(parents=True)
        with (FileLock(path.parent / f".{SIZE}.lock"),
              pytest.raises(DataError, match="another process is preparing this store")):
            prepare_folders(path, folders)
        assert prepare_folders(path, folders).changed

    def test_a_place_that_cannot_be_written_is_refused(self, folders: Any, tmp_path: Path) -> None:
        for stem in "abc":
            folders.add(stem)
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(DataError, match=r"cannot be written \(Not a directory\)"):
            prepare_folders(store_path(tmp_path / "file", "polyps", SIZE), folders)


class TestSynthetic:
    """Scenes drawn by this program."""

    def test_scenes_are_stored_as_they_are_drawn(self, tmp_path: Path) -> None:
        path = store_path(tmp_path, "synthetic", 32)
        done = prepare(path, SyntheticSource(12, seed=3), SplitRule())
        store = load_store(path)
        assert store.info.counts == {"train": 10, "val": 1, "test": 1}
        assert store.info.source == "drawn by cclcc: 12 scenes of seed 3"
        for position in (0, 11):
            image, mask = synthetic_scene(3, position, 32)
            np.testing.assert_array_equal(store.images[position], image)
            np.testing.assert_array_equal(store.masks[position], mask)
            np.testing.assert_array_equal(store.original_mask(position), mask)
        again = prepare(path, SyntheticSource(12, seed=3), SplitRule())
        assert (again.changed, again.store.info) == (False, done.store.info)
        with pytest.raises(DataError, match="12 images changed, another source;"):
            prepare(path, SyntheticSource(12, seed=4), SplitRule())


class TestMalformed:
    """Every bad archive and image that is known here: one clear error, nothing left behind."""

    @pytest.mark.parametrize("name", [n for n in NOT_OPENED if not n.startswith("too large a")])
    def test_an_archive(self, tmp_path: Path, path: Path, name: str) -> None:
        archive = tmp_path / "a.zip"
        archive.write_bytes(NOT_OPENED[name][0])
        source = CatalogSource(CATALOG["kvasir-seg"], tmp_path / "none", (archive,))
        with pytest.raises(DataError) as caught:
            prepare(path, source, SplitRule())
        assert str(caught.value).startswith(f"{archive}: ")
        assert "\n" not in str(caught.value)
        assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]

    @pytest.mark.parametrize("name", [*BAD_IMAGES, *(f"mask: {name}" for name in BAD_MASKS)])
    def test_an_image_or_mask(self, folders: Any, path: Path, name: str) -> None:
        for stem in ("a", "b", "c"):
            folders.add(stem, 24, 40)
        if name in BAD_IMAGES:
            bad, (make, message) = folders.images / "b.png", BAD_IMAGES[name]
            bad.write_bytes(make(np.full((24, 40, 3), 90, np.uint8)))
        else:
            bad, (make, message) = folders.masks / "b.png", BAD_MASKS[name.removeprefix("mask: ")]
            bad.write_bytes(make(np.eye(24, 40, dtype=np.uint8)))
        with pytest.raises(DataError, match=message) as caught:
            prepare_folders(path, folders)
        head, line = str(caught.value).split("\n")
        assert head == "images and masks: 1 problem, nothing was written"
        assert line.startswith(f"  {bad}: ") if name in BAD_IMAGES else str(bad) in line
        assert not path.parent.exists()


PEAK_IN_A_PROCESS = """
import sys
from pathlib import Path
from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sources import FolderSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store_versions import current_version
from cclcc_cli.data.store_writer import About

path, images, masks = map(Path, sys.argv[1:])
prepare(path, FolderSource(images, masks, About()), SplitRule())
# Not ru_maxrss, which begins with what the process had that started this one.
status = Path("/proc/self/status").read_text().splitlines()
print(int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024)
"""


@pytest.mark.more
def test_originals_of_6700_pixels_pass_below_1_gib(
    folders: Any, path: Path, write_image: Write
) -> None:
    rng = np.random.default_rng(0)
    for index in range(8):
        small = rng.integers(0, 256, (45, 67, 3), dtype=np.uint8)
        image = cv2.resize(small, (6700, 4500), interpolation=cv2.INTER_CUBIC)
        write_image(folders.images / f"s{index}.jpg", image)
        write_image(folders.masks / f"s{index}.png", (image[..., 0] > 128).astype(np.uint8) * 255)
    done = subprocess.run(
        [sys.executable, "-c", PEAK_IN_A_PROCESS, path, folders.images, folders.masks],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert load_store(path).info.num_images == 8
    assert float(done.stdout) < 1024


@pytest.mark.more
@pytest.mark.realdata
class TestRealData:
    """The data sets import as they are."""

    @pytest.fixture(autouse=True)
    def _present(self) -> None:
        if not SHARED.is_dir():
            pytest.skip("../shared/data is not here")

    @pytest.mark.parametrize(
        ("name", "counts"),
        [
            ("kvasir-seg", {"train": 800, "val": 100, "test": 100}),
            ("isic2017", {"train": 2000, "val": 150, "test": 0}),
        ],
    )
    def test_with_their_published_lists(
        self, tmp_path: Path, name: str, counts: dict[str, int]
    ) -> None:
        home = SHARED / name
        path = store_path(tmp_path, name, 32)
        source = FolderSource(home / "images", home / "masks", NO_ABOUT)
        prepare(path, source, SplitRule(home / "splits"))
        store = load_store(path)
        assert store.info.counts == counts
        assert 0.1 < store.info.foreground_share < 0.25
        assert np.abs(store.masks.mean() - store.info.foreground_share) < 0.005

    def test_the_originals_of_kvasir(self, tmp_path: Path) -> None:
        home = SHARED / "kvasir-seg" / "original_sample"
        path = store_path(tmp_path, "kvasir", 320)
        prepare(path, FolderSource(home / "images", home / "masks", NO_ABOUT), SplitRule())
        store = load_store(path)
        assert store.info.num_images == 5
        assert len({(row.height, row.width) for row in store.rows}) > 1
