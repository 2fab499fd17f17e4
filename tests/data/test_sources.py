"""Public data sets as sources: brought or provided, checked, and stored like any other."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cclcc_cli.data.catalog import CATALOG, CatalogEntry, RemoteFile
from cclcc_cli.data.prepare import Prepared, prepare
from cclcc_cli.data.sources import CatalogSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.data.store_writer import About
from cclcc_cli.errors import DataError
from tests.data.fetching.http_server import Server, Site, serving

COUNT = 12


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture
def kvasir_zip(tmp_path: Path, folders: Any) -> Path:
    """A zip laid out like Kvasir-SEG's, with twelve pairs and the boxes that nobody needs."""
    for index in range(COUNT):
        folders.add(f"c{index:02d}", image_extension=".jpg", mask_name=f"c{index:02d}.jpg")
    path = tmp_path / "kvasir-seg.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for folder, name in ((folders.images, "images"), (folders.masks, "masks")):
            for file in sorted(folder.iterdir()):
                archive.write(file, f"Kvasir-SEG/{name}/{file.name}")
        archive.writestr("Kvasir-SEG/kavsir_bboxes.json", "{}")
    return path


def small(name: str, *counts: int, files: tuple[RemoteFile, ...] = ()) -> CatalogEntry:
    """An entry of the catalogue with so many pairs in its parts, and other files."""
    entry = CATALOG[name]
    parts = tuple(replace(part, count=count)
                  for part, count in zip(entry.parts, counts, strict=True))
    return replace(entry, parts=parts, files=files)


def remote(path: Path, site: Site, known: bool = True) -> RemoteFile:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return RemoteFile(path.name, (site.url,), len(data), digest if known else None)


class Kvasir:
    """Prepares the small Kvasir-SEG in a temporary folder, from a server or an archive."""

    def __init__(self, tmp_path: Path, entry: CatalogEntry) -> None:
        self.path = store_path(tmp_path / "data", "kvasir-seg", 16)
        self.downloads = tmp_path / "downloads"
        self.entry = entry
        self.heard: list[tuple[str, int, int | None]] = []

    def prepare(self, *archives: Path, **options: Any) -> Prepared:
        source = CatalogSource(self.entry, self.downloads, archives,
                               options.pop("about", About()),
                               lambda *count: self.heard.append(count))
        return prepare(self.path, source, options.pop("rule", SplitRule()), **options)


def test_a_data_set_is_brought_verified_and_stored(
    tmp_path: Path, kvasir_zip: Path, server: Server
) -> None:
    file = remote(kvasir_zip, server.at("/k.zip", kvasir_zip.read_bytes()))
    kvasir = Kvasir(tmp_path, small("kvasir-seg", COUNT, files=(file,)))
    done = kvasir.prepare()
    info = load_store(kvasir.path).info
    assert info.files == {"kvasir-seg.zip": file.sha256}
    assert info.num_images == COUNT
    assert info.citation.startswith("Jha et al.")
    assert info.license.endswith("(https://datasets.simula.no/kvasir-seg/)")
    assert (done.changed, done.notes) == (True, ())
    assert kvasir.heard[-1] == ("kvasir-seg.zip", file.num_bytes, file.num_bytes)


def test_what_is_stored_already_is_not_downloaded_again_even_if_the_archive_is_gone(
    tmp_path: Path, kvasir_zip: Path, server: Server
) -> None:
    site = server.at("/k.zip", kvasir_zip.read_bytes())
    kvasir = Kvasir(tmp_path, small("kvasir-seg", COUNT, files=(remote(kvasir_zip, site),)))
    kvasir.prepare()
    (kvasir.downloads / "kvasir-seg.zip").unlink()
    assert not kvasir.prepare().changed
    assert len(site.seen) == 1
    with pytest.raises(DataError, match="differs: other splits;"):
        kvasir.prepare(rule=SplitRule(seed=2))
    assert len(site.seen) == 2


def test_an_archive_without_a_known_checksum_is_recorded_and_said(
    tmp_path: Path, kvasir_zip: Path, server: Server
) -> None:
    file = remote(kvasir_zip, server.at("/k.zip", kvasir_zip.read_bytes()), known=False)
    kvasir = Kvasir(tmp_path, small("kvasir-seg", COUNT, files=(file,)))
    (note,) = kvasir.prepare().notes
    assert note.startswith("kvasir-seg.zip: no checksum of it is known; that of this copy")
    record = json.loads((kvasir.downloads / "received.json").read_text())
    assert record["kvasir-seg.zip"]["sha256"] == hashlib.sha256(kvasir_zip.read_bytes()).hexdigest()


def test_the_disk_must_have_room_for_all_files_before_the_first_is_begun(
    tmp_path: Path, kvasir_zip: Path, server: Server
) -> None:
    site = server.at("/k.zip", kvasir_zip.read_bytes())
    huge = RemoteFile("masks.zip", (site.url,), about_bytes=10**18)
    kvasir = Kvasir(tmp_path, small("kvasir-seg", COUNT, files=(remote(kvasir_zip, site), huge)))
    with pytest.raises(DataError, match=r"1000000000\.00 GB are needed for kvasir-seg.zip and"):
        kvasir.prepare()
    assert not (kvasir.downloads / "kvasir-seg.zip").exists()


def test_a_wrong_file_from_the_server_makes_no_store(
    tmp_path: Path, kvasir_zip: Path, server: Server
) -> None:
    data = bytearray(kvasir_zip.read_bytes())
    file = remote(kvasir_zip, server.at("/k.zip", bytes(data)))
    data[100] ^= 1
    server.find("/k.zip").content = bytes(data)
    kvasir = Kvasir(tmp_path, small("kvasir-seg", COUNT, files=(file,)))
    with pytest.raises(DataError, match="kvasir-seg.zip"):
        kvasir.prepare()
    assert not kvasir.path.exists()
    assert [p.name for p in kvasir.downloads.iterdir()] == [
        f"kvasir-seg.zip.wrong-{hashlib.sha256(data).hexdigest()[:8]}"]


def test_an_archive_that_is_here_already_gives_the_same_store_as_its_folder(
    tmp_path: Path, kvasir_zip: Path, folders: Any
) -> None:
    archive = Kvasir(tmp_path / "a", small("kvasir-seg", COUNT))
    archive.prepare(kvasir_zip)
    folder = Kvasir(tmp_path / "b", small("kvasir-seg", COUNT))
    folder.prepare(folders.images.parent)
    one, other = load_store(archive.path).info, load_store(folder.path).info
    assert (one.digest, one.split_digest) == (other.digest, other.split_digest)
    assert (len(one.files), other.files) == (1, {})
    assert not archive.prepare(kvasir_zip).changed


def test_an_archive_that_is_not_the_authors_own_is_used_and_said(
    tmp_path: Path, kvasir_zip: Path
) -> None:
    file = RemoteFile("kvasir-seg.zip", ("http://127.0.0.1:9/",), 5000, "0" * 64)
    kvasir = Kvasir(tmp_path, small("kvasir-seg", COUNT, files=(file,)))
    (note,) = kvasir.prepare(kvasir_zip).notes
    assert note.startswith("kvasir-seg.zip: is not the authors' own file (SHA-256 ")


def test_the_official_split_is_kept_and_can_be_ignored(tmp_path: Path, folders: Any) -> None:
    home = tmp_path / "isic"
    counts = {"Training": 6, "Validation": 2, "Test": 3}
    for split, count in counts.items():
        places = (home / f"ISIC2018_Task1-2_{split}_Input",
                  home / f"ISIC2018_Task1_{split}_GroundTruth")
        for place in places:
            place.mkdir(parents=True)
        for index in range(count):
            stem = f"ISIC_{split[0] == 'T':d}{len(split):02d}{index:04d}"
            folders.add(stem, image_extension=".jpg")
            (folders.images / f"{stem}.jpg").rename(places[0] / f"{stem}.jpg")
            (folders.masks / f"{stem}.png").rename(places[1] / f"{stem}_segmentation.png")
    source = CatalogSource(small("isic2018", *counts.values()), tmp_path / "none", (home,))
    path = store_path(tmp_path / "data", "isic2018", 16)
    prepare(path, source, SplitRule())
    info = load_store(path).info
    assert (info.counts, info.split_rule) == (
        {"train": 6, "val": 2, "test": 3}, "the official split")
    prepare(path, source, SplitRule(ignore_official=True), force=True)
    info = load_store(path).info
    assert info.counts == {"train": 9, "val": 1, "test": 1}
    assert info.split_rule.startswith("train, val, test cut by seed 0")
    with pytest.raises(DataError, match="--val-share does not apply: there is an official val"):
        prepare(path, source, SplitRule(val_share=0.2))


def test_frames_of_one_video_stay_on_one_side_of_every_cut(tmp_path: Path, folders: Any) -> None:
    home = tmp_path / "CVC-ClinicDB"
    frames = [*range(1, 9), *range(26, 34), *range(51, 59), *range(68, 76)]  # of four videos
    for frame in frames:
        folders.add(str(frame))
    home.mkdir()
    folders.images.rename(home / "Original")
    folders.masks.rename(home / "Ground Truth")
    source = CatalogSource(small("cvc-clinicdb", len(frames)), tmp_path / "none", (home,))
    path = store_path(tmp_path / "data", "cvc-clinicdb", 16)
    prepare(path, source, SplitRule(folds=2))
    store = load_store(path)
    video = {row.stem: row.group for row in store.rows}
    assert sorted(set(video.values())) == [f"sequence_{n:02d}" for n in (1, 2, 3, 4)]
    for cut in (store.splits, *store.folds):
        sides = [{video[stem] for stem in part} for part in (cut.train, cut.val, cut.test)]
        assert all(sides)
        assert sum(len(side) for side in sides) == 4


def test_an_archive_may_be_no_larger_than_the_catalogue_makes_likely(
    tmp_path: Path, kvasir_zip: Path
) -> None:
    file = RemoteFile("kvasir-seg.zip", ("http://127.0.0.1:9/",), 500)
    with pytest.raises(DataError, match=r"its members are larger than 10000 bytes together"):
        Kvasir(tmp_path, small("kvasir-seg", COUNT, files=(file,))).prepare(kvasir_zip)
    with zipfile.ZipFile(kvasir_zip, "a") as archive:
        for index in range(100 + 10 * COUNT):
            archive.writestr(f"more/{index}.txt", "")
    with pytest.raises(DataError, match=r"the limit is 220 members"):
        Kvasir(tmp_path, small("kvasir-seg", COUNT)).prepare(kvasir_zip)


def test_a_data_set_that_a_person_must_get_says_how(tmp_path: Path) -> None:
    source = CatalogSource(CATALOG["ph2"], tmp_path)
    with pytest.raises(DataError, match=r"ph2: cannot be downloaded without a person: asked for"):
        prepare(store_path(tmp_path / "data", "ph2", 16), source, SplitRule())
    assert not (tmp_path / "data").exists()
