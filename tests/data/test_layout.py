"""The pairs of a public data set, found in small archives and folders shaped like the originals."""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.data.archive import open_members
from cclcc_cli.data.catalog import CATALOG, CatalogEntry
from cclcc_cli.data.layout import FoundPair, find_pairs
from cclcc_cli.data.members import Root
from cclcc_cli.errors import DataError

Files = Mapping[str, bytes]


def small(name: str, *counts: int) -> CatalogEntry:
    """An entry of the catalogue that expects so many pairs of each part."""
    entry = CATALOG[name]
    parts = zip(entry.parts, counts, strict=True)
    return replace(entry, parts=tuple(replace(part, count=count) for part, count in parts))


KVASIR, CVC, PH2 = small("kvasir-seg", 2), small("cvc-clinicdb", 3), small("ph2", 2)
ISIC_2018, ISIC_2017 = small("isic2018", 2, 1, 1), small("isic2017", 2, 1, 1)

KVASIR_FILES = {
    "Kvasir-SEG/images/cju0q.jpg": b"image 0", "Kvasir-SEG/images/cju1r.jpg": b"image 1",
    "Kvasir-SEG/masks/cju0q.jpg": b"mask 0", "Kvasir-SEG/masks/cju1r.jpg": b"mask 1",
    "Kvasir-SEG/kavsir_bboxes.json": b"{}",
}
ISIC_2018_STEMS = {"Training": (0, 1), "Validation": (12255,), "Test": (12169,)}
ISIC_2017_STEMS = {"Training": (0, 1), "Validation": (12255,), "Test_v2": (12086,)}


def isic_2018() -> dict[str, Files]:
    """What each of the six archives holds."""
    texts = {"LICENSE.txt": b"CC-0", "ATTRIBUTION.txt": b"please cite"}
    archives: dict[str, Files] = {}
    for split, numbers in ISIC_2018_STEMS.items():
        for top, ending in ((f"ISIC2018_Task1-2_{split}_Input", ".jpg"),
                            (f"ISIC2018_Task1_{split}_GroundTruth", "_segmentation.png")):
            pictures = {f"ISIC_{number:07}{ending}": b"pixels" for number in numbers}
            archives[top] = {f"{top}/{name}": data for name, data in (texts | pictures).items()}
    return archives


def isic_2017() -> dict[str, Files]:
    archives: dict[str, Files] = {}
    for split, numbers in ISIC_2017_STEMS.items():
        data, truth = f"ISIC-2017_{split}_Data", f"ISIC-2017_{split}_Part1_GroundTruth"
        stems = [f"ISIC_{number:07}" for number in numbers]
        archives[data] = {
            f"{data}/{stem}{ending}": b"x" for stem in stems
            for ending in (".jpg", "_superpixels.png")
        } | {f"{data}/ISIC-2017_{split}_Data_metadata.csv": b"image_id"}
        archives[truth] = {f"{truth}/{stem}_segmentation.png": b"x" for stem in stems}
    return archives


def ph2_files(top: str) -> Files:
    names = [f"IMD{n:03}/IMD{n:03}_{kind}.bmp" for n in (2, 3) for kind in (
        "Dermoscopic_Image/IMD{n:03}", "lesion/IMD{n:03}_lesion", "roi/IMD{n:03}_R1_Label4")]
    numbers = [int(name[3:6]) for name in names]
    return {top + name.format(n=n): b"x" for name, n in zip(names, numbers, strict=True)} | {
        "PH2Dataset/PH2_dataset.txt": b"||", "PH2Dataset/Readme.txt": b"read"}


def cvc_files(kind: str = "TIF", ending: str = ".tif") -> dict[str, bytes]:
    return {f"{kind}/{folder}/{n}{ending}": b"x" for n in (1, 2, 10)
            for folder in ("Original", "Ground Truth")}


def zipped(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def unpacked(path: Path, files: Files) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


@contextmanager
def opened(*paths: Path) -> Iterator[Sequence[Root]]:
    with ExitStack() as stack:
        yield [stack.enter_context(open_members(path)) for path in paths]


def found(entry: CatalogEntry, *paths: Path) -> list[tuple[str, str, str, str | None]]:
    """Stem, names of image and mask, split of each pair."""
    with opened(*paths) as roots:
        return [(pair.stem, pair.image.name, pair.mask.name, pair.split)
                for pair in find_pairs(entry, roots).pairs]


def refusal(entry: CatalogEntry, *paths: Path) -> str:
    with opened(*paths) as roots, pytest.raises(DataError) as caught:
        find_pairs(entry, roots)
    return str(caught.value)


def test_kvasir_seg_is_found_in_its_archive(tmp_path: Path) -> None:
    with opened(zipped(tmp_path / "kvasir-seg.zip", KVASIR_FILES)) as roots:
        first, second = find_pairs(KVASIR, roots).pairs
        assert (first.stem, second.stem) == ("cju0q", "cju1r")
        assert str(first.mask) == f"{tmp_path}/kvasir-seg.zip/Kvasir-SEG/masks/cju0q.jpg"
        contents = [file.read_bytes() for pair in (first, second)
                    for file in (pair.image, pair.mask)]
        assert contents == [b"image 0", b"mask 0", b"image 1", b"mask 1"]
        assert first.split is None


@pytest.mark.parametrize("pack", [zipped, unpacked])
@pytest.mark.parametrize("year", ["2017", "2018"])
def test_isic_is_found_over_six_archives_or_folders_with_its_official_split(
    tmp_path: Path, pack: object, year: str
) -> None:
    assert callable(pack)
    entry, archives = {"2017": (ISIC_2017, isic_2017()), "2018": (ISIC_2018, isic_2018())}[year]
    paths = [pack(tmp_path / f"{name}.zip", files) for name, files in archives.items()]
    test_stem = {"2017": "ISIC_0012086", "2018": "ISIC_0012169"}[year]
    expected = {"ISIC_0000000": "train", "ISIC_0000001": "train", "ISIC_0012255": "val",
                test_stem: "test"}
    assert found(entry, *paths) == [
        (stem, f"{stem}.jpg", f"{stem}_segmentation.png", split)
        for stem, split in sorted(expected.items())]


def test_isic_is_found_in_one_folder_of_everything(tmp_path: Path) -> None:
    for files in isic_2018().values():
        unpacked(tmp_path / "isic", files)
    assert len(found(ISIC_2018, tmp_path / "isic")) == 4


@pytest.mark.parametrize("pack", [zipped, unpacked])
def test_the_inside_packed_again_is_found_by_the_name_of_archive_or_folder(
    tmp_path: Path, pack: object
) -> None:
    assert callable(pack)
    ending = ".zip" if pack is zipped else ""
    paths = [
        pack(tmp_path / f"{name}{ending}", {path.partition("/")[2]: data
                                            for path, data in files.items()})
        for name, files in isic_2018().items()
    ]
    assert [stem for stem, *_ in found(ISIC_2018, *paths)] == [
        "ISIC_0000000", "ISIC_0000001", "ISIC_0012169", "ISIC_0012255"]


@pytest.mark.parametrize("top", ["PH2Dataset/PH2 Dataset images/", ""])
def test_ph2_is_found_in_its_nested_folders(tmp_path: Path, top: str) -> None:
    assert found(PH2, zipped(tmp_path / "PH2Dataset.zip", ph2_files(top))) == [
        ("IMD002", "IMD002.bmp", "IMD002_lesion.bmp", None),
        ("IMD003", "IMD003.bmp", "IMD003_lesion.bmp", None)]


def test_cvc_clinicdb_is_found_as_tiff_whatever_the_case(tmp_path: Path) -> None:
    files = {name.replace("Ground Truth", "ground_truth").replace("tif", "TIFF"): data
             for name, data in cvc_files("CVC-ClinicDB").items()}
    assert found(CVC, unpacked(tmp_path / "cvc", files)) == [
        (stem, f"{stem}.TIFF", f"{stem}.TIFF", None) for stem in ("1", "10", "2")]


def test_a_file_that_nobody_asks_for_may_be_broken(tmp_path: Path) -> None:
    path = zipped(tmp_path / "kvasir-seg.zip", {"LICENSE.txt": b"licence" * 9, **KVASIR_FILES})
    data = path.read_bytes()
    path.write_bytes(b"PK\3\4" + bytes(50) + data[54:])  # its header and what follows that
    with opened(path) as roots:
        with pytest.raises(DataError, match="LICENSE.txt: is damaged"):
            next(m for m in roots[0].members if m.name == "LICENSE.txt").read_bytes()
        assert [pair.mask.read_bytes() for pair in find_pairs(KVASIR, roots).pairs] == [
            b"mask 0", b"mask 1"]


@given(data=st.data())
def test_the_order_of_archives_and_of_their_members_plays_no_role(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("isic")
    paths = []
    for name, files in data.draw(st.permutations(list(isic_2018().items()))):
        shuffled = dict(data.draw(st.permutations(list(files.items()))))
        paths.append(zipped(folder / f"{name}.zip", shuffled))
    assert found(ISIC_2018, *paths) == [
        (stem, f"{stem}.jpg", f"{stem}_segmentation.png", split) for stem, split in (
            ("ISIC_0000000", "train"), ("ISIC_0000001", "train"), ("ISIC_0012169", "test"),
            ("ISIC_0012255", "val"))]


def test_links_that_were_not_followed_are_told(tmp_path: Path) -> None:
    unpacked(tmp_path / "kvasir", KVASIR_FILES)
    (tmp_path / "kvasir" / "more").symlink_to("Kvasir-SEG")
    with opened(tmp_path / "kvasir") as roots:
        assert find_pairs(KVASIR, roots).ignored == (
            f"{tmp_path}/kvasir: 'more' is a link to a folder and was not followed",)


def test_an_image_without_its_mask_and_a_mask_without_its_image_are_named(tmp_path: Path) -> None:
    files = dict(KVASIR_FILES) | {"Kvasir-SEG/images/alone.jpg": b"", "Kvasir-SEG/masks/b.jpg": b""}
    path = zipped(tmp_path / "kvasir-seg.zip", files)
    assert refusal(KVASIR, path).split("\n") == [
        f"kvasir-seg in {path}: 2 problems, nothing was written",
        f"  {path}/Kvasir-SEG/images/alone.jpg: this image has no mask",
        f"  {path}/Kvasir-SEG/masks/b.jpg: this mask has no image",
    ]


@pytest.mark.parametrize("expected", [1, 1000])
def test_another_number_of_pairs_is_refused_with_a_way_out(tmp_path: Path, expected: int) -> None:
    path = zipped(tmp_path / "kvasir-seg.zip", KVASIR_FILES)
    assert refusal(small("kvasir-seg", expected), path).split("\n") == [
        f"kvasir-seg in {path}: 1 problem, nothing was written",
        f"  kvasir-seg has {expected} pairs, 2 were found; get the whole archive (images/*.jpg and "
        f"masks/*.jpg), or import what you have under your own name with --images and --masks",
    ]


def test_a_missing_archive_is_told_before_what_lacks_its_other_half(tmp_path: Path) -> None:
    names = [name for name in isic_2018() if name != "ISIC2018_Task1_Training_GroundTruth"]
    paths = [zipped(tmp_path / f"{name}.zip", isic_2018()[name]) for name in names]
    heading, first, *rest = refusal(ISIC_2018, *paths).split("\n")
    assert heading.endswith("_GroundTruth.zip: 3 problems, nothing was written")
    assert "isic2018 has 2 pairs for train, none were found; get the whole archive (" in first
    assert "ISIC2018_Task1_Training_GroundTruth/*_segmentation.png" in first
    assert [line.rpartition("/")[2] for line in rest] == [
        f"ISIC_000000{n}.jpg: this image has no mask" for n in (0, 1)]


def test_two_files_for_one_image_are_not_chosen_between(tmp_path: Path) -> None:
    files = cvc_files() | cvc_files("PNG", ".png")
    path = zipped(tmp_path / "archive.zip", files)
    assert refusal(CVC, path).split("\n") == [
        f"cvc-clinicdb in {path}: 2 problems, nothing was written",
        *(f"  several {kind} for one name (3 times), such as {path}/PNG/{folder}/1.png, "
          f"{path}/TIF/{folder}/1.tif; keep one of them: unpack the archive and give only the "
          f"folder you want" for kind, folder in (("images", "Original"),
                                                  ("masks", "Ground Truth")))]
    assert len(found(CVC, unpacked(tmp_path / "archive", files) / "TIF")) == 3


def test_the_same_archive_twice_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "kvasir-seg.zip", KVASIR_FILES)
    assert "several masks for one name (2 times)" in refusal(KVASIR, path, path)


def test_an_image_of_two_official_splits_is_refused(tmp_path: Path) -> None:
    archives = isic_2018()
    for name, ending in (("ISIC2018_Task1-2_Test_Input", ".jpg"),
                         ("ISIC2018_Task1_Test_GroundTruth", "_segmentation.png")):
        archives[name] = {f"{name}/ISIC_0000001{ending}": b"x"}
    paths = [zipped(tmp_path / f"{name}.zip", files) for name, files in archives.items()]
    _, problem = refusal(ISIC_2018, *paths).split("\n")
    assert problem == "  ISIC_0000001: belongs to train and test; each image has one split"


def test_twenty_problems_are_spelt_out_and_the_rest_counted(tmp_path: Path) -> None:
    files = {f"images/{n:02}.jpg": b"" for n in range(25)}
    lines = refusal(KVASIR, zipped(tmp_path / "a.zip", files)).split("\n")
    assert (len(lines), lines[-1]) == (22, "  ... and 6 more")


def test_nothing_found_names_what_was_looked_for_and_what_is_there(tmp_path: Path) -> None:
    text = unpacked(tmp_path / "texts", {"read.txt": b"", "papers/a.pdf": b""})
    other = zipped(tmp_path / "a.zip", {f"{n}/a.png": b"" for n in range(8)})
    assert refusal(KVASIR, other, text) == (
        f"{other}, {text}: nothing of kvasir-seg was found; looked for images/*.jpg and "
        f"masks/*.jpg, and there are 0/, 1/, 2/, 3/, 4/, 5/, 6/, 7/ and 2 more")
    assert refusal(CVC, text).endswith(
        "looked for Original/*.tif and Ground Truth/*.tif, and there are papers/, read.txt")


@pytest.mark.parametrize("name", CATALOG)
def test_every_layout_can_be_told_in_words(tmp_path: Path, name: str) -> None:
    words = refusal(CATALOG[name], unpacked(tmp_path, {"x": b""})).partition("looked for ")[2]
    for pattern in re.split(" and |, ", words.removesuffix(", and there are x")):
        assert re.fullmatch(r"[\w *-]+/[*\w]+\.(jpg|png|bmp|tif)", pattern)


def test_a_pair_says_where_it_lies(tmp_path: Path) -> None:
    with opened(zipped(tmp_path / "kvasir-seg.zip", KVASIR_FILES)) as roots:
        members = {member.path: member for member in roots[0].members}
        assert find_pairs(KVASIR, roots).pairs[0] == FoundPair(
            "cju0q", members["Kvasir-SEG/images/cju0q.jpg"], members["Kvasir-SEG/masks/cju0q.jpg"],
            None)
