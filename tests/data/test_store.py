"""The store: what is written comes back, and whatever was damaged since is refused."""

import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from cclcc_cli.data.audit import Audit, Finding, SamePair
from cclcc_cli.data.class_map import IGNORED
from cclcc_cli.data.cutting import Item, LabelRule, build_splits
from cclcc_cli.data.mask_shift import Shift
from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sources import FolderSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.split_set import SplitSet
from cclcc_cli.data.splits import Splits
from cclcc_cli.data.store import load_store, open_store, store_path
from cclcc_cli.data.store_check import CHECKED
from cclcc_cli.data.store_index import IndexRow, content_digest
from cclcc_cli.data.store_writer import (
    About,
    Contents,
    Pair,
    Sample,
    fit_pair,
    remove_stale,
    write_store,
)
from cclcc_cli.errors import DataError
from tests.data.conftest import Folders
from tests.data.conftest import write as write_image

SIZE = 16
STEMS = ("a,1", 'b"2', "c é", "d")
ITEMS = [Item(stem, stem, 0.5) for stem in STEMS]
ABOUT = About("CC0", "A. Author", "a camera")
FILES = {"polyps.zip": "5ha"}
AUDIT = Audit((SamePair("a,1", "c é", "near", 0.5, "mirrored", 0.9),),
              (Finding("d", "speck", "0.01% foreground"),), Shift(0.1, -0.2, 3.0), False)


def split(train: slice, val: slice, test: slice) -> Splits:
    parts = {"train": STEMS[train], "val": STEMS[val], "test": STEMS[test]}
    return build_splits(ITEMS, parts, LabelRule())


SPLITS = split(slice(2), slice(2, 3), slice(3, 4))
FOLD = split(slice(2, 4), slice(1), slice(1, 2))


def pair(stem: str) -> Pair:
    rng = np.random.default_rng(list(stem.encode()))
    height, width = int(rng.integers(17, 40)), int(rng.integers(17, 40))
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = np.zeros((height, width), np.uint8)
    mask[:height // 2, 1:] = 1
    return Pair(stem, image, mask, f"image {stem}", f"mask {stem}")


def samples(stems: tuple[str, ...] = STEMS) -> Iterator[Sample]:
    return (fit_pair(pair(stem), SIZE) for stem in stems)


def write(path: Path, given: Iterable[Sample], splits: Splits = SPLITS) -> None:
    """A store with one fold, whose first two images are of one group."""
    write_store(path, given, len(STEMS), ABOUT, FILES, lambda rows, *_maps: Contents(
        (replace(rows[0], group="g"), replace(rows[1], group="g"), *rows[2:]),
        SplitSet(splits, (FOLD,), "by hand"), AUDIT))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A written store."""
    path = store_path(tmp_path / "data", "polyps", SIZE)
    write(path, samples())
    return path


def test_what_is_written_comes_back(path: Path) -> None:
    store = load_store(path)
    assert (store.splits, store.folds) == (SPLITS, (FOLD,))
    assert store.audit == AUDIT
    assert [row.stem for row in store.rows] == list(STEMS)
    assert store.images.shape == (4, SIZE, SIZE, 3)
    assert store.images.dtype == np.uint8
    for position, sample in enumerate(samples()):
        group = "g" if position < 2 else sample.row.stem
        assert store.rows[position] == replace(sample.row, group=group)
        np.testing.assert_array_equal(store.images[position], sample.image)
        np.testing.assert_array_equal(store.masks[position], sample.mask)
        np.testing.assert_array_equal(store.original_mask(position), pair(STEMS[position]).mask)
    info = store.info
    assert (info.name, info.size, info.num_images) == ("polyps", SIZE, 4)
    assert info.counts == {"train": 2, "val": 1, "test": 1}
    assert info.foreground_share == pytest.approx(np.mean([r.foreground for r in store.rows]))
    assert (info.license, info.citation, info.source) == ("CC0", "A. Author", "a camera")
    assert (info.split_digest, info.fold_digests) == (SPLITS.digest(), (FOLD.digest(),))
    assert (info.files, info.split_rule) == (FILES, "by hand")


def test_positions_follow_the_stems_asked_for(path: Path) -> None:
    store = load_store(path)
    assert store.positions(["d", "a,1"]) == [3, 0]
    assert store.positions(()) == []


def test_arrays_are_maps_that_cannot_be_written(path: Path) -> None:
    store = load_store(path)
    assert isinstance(store.images, np.memmap)
    assert isinstance(store.masks, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        store.masks[0] = 1


def test_a_store_travels_to_a_worker_as_its_path(path: Path) -> None:
    store = load_store(path)
    parcel = pickle.dumps(store)
    assert len(parcel) < 1500
    np.testing.assert_array_equal(pickle.loads(parcel).images, store.images)


OTHER = split(slice(1, 3), slice(1), slice(3, 4))


def test_a_new_version_gets_a_new_folder_and_readers_keep_theirs(path: Path) -> None:
    store, parcel = load_store(path), pickle.dumps(load_store(path))
    write(path, (replace(one, mask=1 - one.mask, original_mask=next(samples()).original_mask)
                 for one in samples()), OTHER)
    current = load_store(path)
    assert (current.path.name, current.splits) == ("16-v2", OTHER)
    for reader in (store, pickle.loads(parcel)):
        assert (reader.path, reader.splits) == (path, SPLITS)
        for position, stem in enumerate(STEMS):
            np.testing.assert_array_equal(reader.original_mask(position), pair(stem).mask)
            assert not (reader.masks[position] == current.masks[position]).any()
    assert open_store(path.parent.parent, "polyps", None).path == current.path


def test_a_version_is_removed_when_nobody_reads_it_any_more(path: Path) -> None:
    store = load_store(path)
    write(path, samples(), OTHER)
    remove_stale(path)
    assert sorted(p.name for p in path.parent.iterdir()) == ["16", "16-v2"]
    del store
    remove_stale(path)
    assert [p.name for p in path.parent.iterdir()] == ["16-v2"]
    write(path, samples())
    assert [p.name for p in path.parent.iterdir()] == ["16-v3"]
    assert load_store(path).splits == SPLITS


def test_a_reader_in_another_process_keeps_its_version(path: Path) -> None:
    code = ("import sys; from pathlib import Path; from cclcc_cli.data.store import load_store; "
            "store = load_store(Path(sys.argv[1])); print('open', flush=True); input(); "
            "print(store.original_mask(0).sum(), flush=True)")
    with subprocess.Popen([sys.executable, "-c", code, path], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        write(path, samples(), OTHER)
        out, _ = reader.communicate("\n")
    assert int(out) == pair(STEMS[0]).mask.sum()
    remove_stale(path)
    assert [p.name for p in path.parent.iterdir()] == ["16-v2"]


@pytest.mark.parametrize("name", CHECKED)
def test_files_that_were_changed_are_found_by_their_content(path: Path, name: str) -> None:
    load_store(path).check_content()
    content = bytearray((path / name).read_bytes())
    content[-2] ^= 1
    store = load_store(path)
    (path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"damaged .{name} changed after it was made.; make it"):
        store.check_content()


def test_a_store_of_the_former_format_opens_with_what_it_had(path: Path) -> None:
    info = json.loads((path / "dataset.json").read_text())
    for key in ("coding", "num_classes", "sums"):
        del info[key]
    (path / "dataset.json").write_text(json.dumps({**info, "format": 2}))
    rows = [line.rpartition(",")[0] for line in (path / "index.csv").read_text().splitlines()]
    (path / "index.csv").write_text("\n".join(rows) + "\n")
    store = load_store(path)
    store.check_content()
    assert [row.ignored for row in store.rows] == [0.0] * 4
    assert (store.has_ignored, store.info.num_classes, store.splits) == (False, 1, SPLITS)


def test_a_store_of_the_same_content_is_the_same_in_every_byte(path: Path, tmp_path: Path) -> None:
    other = store_path(tmp_path / "again", "polyps", SIZE)
    write(other, samples())
    names = sorted(p.relative_to(path) for p in path.rglob("*") if p.is_file())
    assert len(names) == 7 + 2 * 8
    assert all((path / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_the_digest_sees_files_and_size_but_not_the_order_of_rows() -> None:
    rows = [IndexRow("a", 3, 4, "x", "y", 0.5, "a"), IndexRow("b", 3, 4, "z", "w", 0.5, "b")]
    digest = content_digest(rows, 16)
    assert content_digest(rows[::-1], 16) == digest
    changed = [
        content_digest(rows, 32),
        content_digest([replace(rows[0], stem="q"), rows[1]], 16),
        content_digest([replace(rows[0], image_sha256="q"), rows[1]], 16),
        content_digest([replace(rows[0], mask_sha256="q"), rows[1]], 16),
        content_digest(rows[:1], 16),
    ]
    assert len({digest, *changed}) == 6


def test_digests_of_stores_are_what_they_were_before_masks_could_ignore(
    folders: Folders, tmp_path: Path
) -> None:
    for index in range(12):
        y, x, channel = np.mgrid[:20, :30, :3]
        image = ((y * 7 + x * 3 + channel * 50 + index * 11) % 256).astype(np.uint8)
        mask = np.zeros((20, 30), np.uint8)
        mask[index:index + 6, 5:5 + 2 * index + 1] = 255
        write_image(folders.images / f"s{index}.bmp", image)
        write_image(folders.masks / f"s{index}.bmp", mask)
    source = FolderSource(folders.images, folders.masks, About())
    info = prepare(store_path(tmp_path, "mine", 16), source, SplitRule()).store.info
    assert info.digest == "59985c71621b3935006a9c0a7f57984449cf781da2f64670c4ae26e22f6c2165"
    assert info.split_digest == "6593a88f915a7474a8c5a14e11a2423bb622efd639caf2827e2743a5b1198e85"


def test_a_failure_while_samples_come_leaves_nothing(tmp_path: Path) -> None:
    def breaking() -> Iterator[Sample]:
        yield from samples(STEMS[:2])
        raise DataError("the third is bad")

    path = store_path(tmp_path, "polyps", SIZE)
    with pytest.raises(DataError, match="the third is bad"):
        write(path, breaking())
    assert list(path.parent.iterdir()) == []


def test_a_failure_leaves_the_old_store_as_it_was(path: Path) -> None:
    before = load_store(path).info
    with pytest.raises(DataError):
        write(path, _raising())
    assert load_store(path).info == before
    assert [p.name for p in path.parent.iterdir()] == [str(SIZE)]


def _raising() -> Iterator[Sample]:
    raise DataError("no samples")
    yield


def test_only_this_stores_leftovers_are_removed(path: Path) -> None:
    keep = [path.parent / name for name in (".160.ab.tmp", "notes.tmp", "32")]
    for folder in (*keep, path.parent / ".16.x_y.tmp"):
        folder.mkdir()
    remove_stale(path)
    assert sorted(path.parent.iterdir()) == sorted((path, *keep))


RIM = np.array([[0, 1, 1, 255], [0, 1, 255, 255]], np.uint8).repeat(8, 0).repeat(4, 1)
"""A class map of 16 x 16 pixels: a quarter background, three eighths object, the rest ignored."""


def test_ignored_pixels_and_several_classes_come_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    maps = {"a": RIM, "b": rng.integers(0, 4, (20, 24), dtype=np.uint8), "c": None}
    image = np.zeros((16, 16, 3), np.uint8)
    given = [fit_pair(Pair(stem, image if mask is None else np.zeros((*mask.shape, 3), np.uint8),
                           mask, stem, "" if mask is None else stem), SIZE)
             for stem, mask in maps.items()]
    items = [Item(stem, stem, 0.5) for stem in maps]
    path = store_path(tmp_path, "rims", SIZE)
    write_store(path, given, 3, ABOUT, FILES, lambda rows, *_maps: Contents(
        tuple(rows), SplitSet(build_splits(items, {"train": maps}, LabelRule()), (), ""),
        Audit((), (), None, False)), coding="1 is foreground, 255 ignored")
    store = load_store(path)
    np.testing.assert_array_equal(store.masks[0], RIM)
    for position in (0, 1):
        np.testing.assert_array_equal(store.original_mask(position), maps["ab"[position]])
    assert (store.masks[2] == IGNORED).all()
    assert [row.has_mask for row in store.rows] == [True, True, False]
    assert [row.ignored for row in store.rows] == [0.375, 0.0, 1.0]
    assert store.rows[0].foreground == 0.375
    assert (store.has_ignored, store.info.num_classes) == (True, 3)
    assert store.info.foreground_share == pytest.approx((0.375 + (maps["b"] > 0).mean()) / 2)
    others = {content_digest(store.rows, SIZE, coding) for coding in ("", "another")}
    assert store.info.digest not in others


class TestFit:
    """How a pair comes to the store's size."""

    def test_the_same_size_changes_nothing(self) -> None:
        image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        mask = (image[..., 0] > 100).astype(np.uint8)
        sample = fit_pair(Pair("a", image, mask, "", ""), SIZE)
        np.testing.assert_array_equal(sample.image, image)
        np.testing.assert_array_equal(sample.mask, mask)

    def test_shrinking_averages_and_half_covered_is_foreground(self) -> None:
        image = np.zeros((2 * SIZE, 2 * SIZE, 3), np.uint8)
        mask = np.zeros((2 * SIZE, 2 * SIZE), np.uint8)
        image[0, :2] = 100  # half of the first 2x2 block
        mask[0, :2] = 1
        mask[2, 2] = 1  # a quarter of the block at (1, 1)
        sample = fit_pair(Pair("a", image, mask, "", ""), SIZE)
        assert sample.image[0, 0].tolist() == [50, 50, 50]
        assert (sample.mask[0, 0], sample.mask[1, 1], sample.mask.sum()) == (1, 0, 1)
        assert sample.row.foreground == pytest.approx(3 / (2 * SIZE) ** 2)

    def test_ignored_pixels_take_no_side(self) -> None:
        mask = np.zeros((2 * SIZE, 2 * SIZE), np.uint8)
        mask[:2, :2] = [[1, 255], [1, 0]]  # of three pixels that count two are object
        mask[:2, 2:4] = [[1, 255], [255, 0]]  # half is ignored
        mask[:2, 4:6] = [[1, 255], [0, 0]]
        sample = fit_pair(Pair("a", np.zeros((*mask.shape, 3), np.uint8), mask, "", "m"), SIZE)
        assert sample.mask[0, :4].tolist() == [1, IGNORED, 0, 0]

    def test_enlarging_and_other_aspects_keep_the_mask_where_it_was(self) -> None:
        mask = np.zeros((4, 40), np.uint8)
        mask[:, :20] = 1
        image = np.dstack([mask * 200] * 3)
        sample = fit_pair(Pair("a", image, mask, "", ""), SIZE)
        assert (sample.mask == np.repeat([1, 0], SIZE // 2)).all()
        assert (sample.row.height, sample.row.width) == (4, 40)


def test_a_missing_store_is_refused_with_the_command_that_makes_it(path: Path) -> None:
    root = path.parent.parent
    with pytest.raises(DataError) as caught:
        load_store(store_path(root, "polyps", 320))
    assert str(caught.value) == (
        f"no store for polyps at 320 pixels under {root} (there are: 16 pixels); make it with: "
        f"cclcc prepare polyps --size 320 --images DIR --masks DIR --data {root}"
    )
    with pytest.raises(DataError) as caught:
        load_store(store_path(Path("runs/data"), "synthetic", 48))
    assert str(caught.value) == (
        "no store for synthetic at 48 pixels under runs/data; make it with: "
        "cclcc prepare synthetic --size 48"
    )


def _truncate(name: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        data = (path / name).read_bytes()
        (path / name).write_bytes(data[:-5])

    return damage


def _remove(name: str) -> Callable[[Path], None]:
    return lambda path: (path / name).unlink()


def _edit_info(**values: object) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        info = json.loads((path / "dataset.json").read_text())
        (path / "dataset.json").write_text(json.dumps({**info, **values}))

    return damage


def _append(name: str, text: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with (path / name).open("a", encoding="utf-8") as file:
            file.write(text)

    return damage


def _other_array(path: Path) -> None:
    np.save(path / "masks.npy", np.zeros((4, 8, 8), np.uint8))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "images cut short": (_truncate("images.npy"), "images.npy is missing or cut short"),
    "images gone": (_remove("images.npy"), "images.npy is missing or cut short"),
    "masks of another size": (_other_array, r"masks.npy holds uint8 \(4, 8, 8\), not"),
    "masks emptied": (lambda p: (p / "masks.npy").write_bytes(b""), "masks.npy is missing or cut"),
    "index cut short": (_truncate("index.csv"), "index.csv"),
    "index gone": (_remove("index.csv"), "index.csv cannot be read"),
    "index with a row more": (_append("index.csv", "z,3,3,x,y,0.5,z,0.0\n"), "does not match"),
    "json cut short": (_truncate("dataset.json"), "dataset.json: invalid JSON"),
    "json without a key": (_edit_info(extra=1), "dataset.json: extra = 1: unexpected"),
    "json with a wrong value": (_edit_info(counts=[1]), "dataset.json: counts: input should be"),
    "json of another store": (_edit_info(name="other"), "belongs to another folder"),
    "another digest": (_edit_info(digest="0" * 64), "index.csv does not match dataset.json"),
    "another format": (_edit_info(format=99), "has format 99, this version reads up to 3; make"),
    "not json's object": (lambda p: (p / "dataset.json").write_text("[]"), "should be an object"),
    "no json": (_remove("dataset.json"), r"is not a store \(it has no dataset.json\); move it aw"),
    "original masks cut": (_truncate("original_masks.bin"), "is not as long as its offsets say"),
    "original masks gone": (_remove("original_masks.bin"), "original_masks.bin is missing"),
    "offsets cut": (_truncate("original_masks_offsets.npy"), "offsets.npy is missing or cut"),
    "split edited": (_append("splits/val.txt", "extra\n"), "lists in splits/ were changed"),
    "split gone": (_remove("splits/test.txt"), r"test.txt: is missing"),
    "order edited": (_append("splits/labeled_seed3.txt", "d\n"), "that are not in train"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_store_is_refused_in_one_line_with_the_way_out(path: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    damage(path)
    with pytest.raises(DataError, match=message) as caught:
        load_store(path)
    assert "\n" not in str(caught.value)
    assert "cclcc prepare polyps --size 16 --images DIR --masks DIR" in str(caught.value)


def test_original_masks_that_were_damaged_later_are_refused_when_read(path: Path) -> None:
    store = load_store(path)
    data = (path / "original_masks.bin").read_bytes()
    (path / "original_masks.bin").write_bytes(b"\0" * len(data))
    with pytest.raises(DataError, match="the original mask of d cannot be read"):
        store.original_mask(3)


def test_dataset_json_is_what_the_store_says_of_itself(path: Path) -> None:
    info = asdict(load_store(path).info)
    assert json.loads((path / "dataset.json").read_text()) == {
        **info, "fold_digests": list(info["fold_digests"])}
    assert "aspect not kept" in load_store(path).info.resize


def test_splits_are_found_whole(path: Path) -> None:
    assert isinstance(load_store(path).splits, Splits)
    names = [*(f"labeled_seed{seed}.txt" for seed in range(5)), "test.txt", "train.txt", "val.txt"]
    assert sorted(p.name for p in (path / "splits").iterdir()) == ["fold0", *names]
    assert sorted(p.name for p in (path / "splits" / "fold0").iterdir()) == names


def test_a_fold_is_found_by_its_number(path: Path) -> None:
    store = load_store(path)
    assert (store.fold(None), store.fold(0)) == (SPLITS, FOLD)
    with pytest.raises(DataError, match="has no fold 1; there are: 0 to 0"):
        store.fold(1)
