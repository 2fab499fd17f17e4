"""Data as people have it: each layout in one command, and nothing silently wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner, Result

from cclcc_cli.cli.app import app
from cclcc_cli.data.import_record import ImportRecord, load_import
from cclcc_cli.data.store import Store, load_store
from cclcc_cli.errors import DataError

Pixels = NDArray[Any]
Run = Callable[..., Result]
HEIGHT, WIDTH = 32, 48


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Prepares ``x`` with these options in an empty folder; a CclccError comes out as it is."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Result:
        result = CliRunner().invoke(app, ["prepare", "x", "--size", "32", "--quiet", *words])
        if isinstance(result.exception, Exception):
            raise result.exception
        return result

    return call


def opened() -> Store:
    return load_store(Path("runs/data/x/32"))


def imported() -> ImportRecord:
    record = load_import(opened().path)
    assert record is not None
    return record


def scenes(count: int) -> Iterator[tuple[Pixels, Pixels]]:
    """Images (32, 48, 3) uint8 with a bright disc, and where it is (32, 48) bool."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for _ in range(count):
        top, left = rng.integers(9, 23), rng.integers(9, 39)
        disc = (y - top) ** 2 + (x - left) ** 2 < 40
        image = rng.integers(60, 110, (HEIGHT, WIDTH, 3))
        image[disc] += 90
        yield image.astype(np.uint8), disc


def save(path: str, pixels: Pixels, **options: Any) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def save_pairs(mask_of: Callable[[Pixels], Pixels], end: str = ".png", count: int = 12) -> None:
    """Folders ``images`` and ``masks`` of so many pairs."""
    for index, (image, disc) in enumerate(scenes(count)):
        save(f"images/im{index:02d}.png", image)
        save(f"masks/im{index:02d}{end}", mask_of(disc))


OWN = ("--images", "images", "--masks", "masks")


def assert_objects_are_the_discs(store: Store) -> None:
    discs = [disc for _, disc in scenes(len(store.rows))]
    for position, disc in enumerate(discs):
        np.testing.assert_array_equal(store.original_mask(position), disc)


class TestLayouts:
    """One command each."""

    def test_like_drive(self, run: Run) -> None:
        names = [f"training/{{}}/{n}_{{}}" for n in range(21, 29)] + [
            f"test/{{}}/{n:02d}_{{}}" for n in range(1, 5)]
        for name, (image, disc) in zip(names, scenes(12), strict=True):
            save("DRIVE/" + name.format("images", name.partition("/")[0]) + ".tif", image)
            save("DRIVE/" + name.format("1st_manual", "manual1") + ".gif", disc * np.uint8(255))
        folders = [f"DRIVE/{part}/{kind}" for kind in ("images", "1st_manual")
                   for part in ("training", "test")]
        done = run("--images", folders[0], "--images", folders[1], "--masks", folders[2],
                   "--masks", folders[3])
        store = opened()
        assert store.info.counts == {"train": 7, "val": 1, "test": 4}
        assert set(store.splits.test) == {f"{n:02d}_test" for n in range(1, 5)}
        assert store.info.split_rule.startswith("as the folders are called")
        assert "files       images 12 TIFF; masks 12 GIF\n" in done.stdout
        assert store.original_mask(0).any()

    def test_like_busi(self, run: Run) -> None:
        for index, (image, disc) in enumerate(scenes(12)):
            kind = ("benign", "malignant", "normal")[index % 3]
            name = f"BUSI/{kind}/{kind} ({index // 3 + 1})"
            save(f"{name}.png", image)
            save(f"{name}_mask.png", disc)
            if index == 3:
                save(f"{name}_mask_1.png", disc[::-1])
        run("--images", "BUSI", "--masks", "BUSI")
        store = opened()
        assert len(store.rows) == 12
        both = store.original_mask(store.positions(["benign (2)"])[0])
        disc = [disc for _, disc in scenes(12)][3]
        np.testing.assert_array_equal(both, disc | disc[::-1])
        assert imported().rules == {"names with a word such as _mask": 13}

    def test_like_dsb2018(self, run: Run) -> None:
        for index, (image, disc) in enumerate(scenes(12)):
            home = f"stage1_train/{index:04x}f"
            save(f"{home}/images/{index:04x}f.png",
                 np.dstack([image, np.full((HEIGHT, WIDTH), 255, np.uint8)]))
            save(f"{home}/masks/{index}a.png", disc * np.uint8(255))
            save(f"{home}/masks/{index}b.png", disc[::-1] * np.uint8(255))
        run("--images", "stage1_train", "--masks", "stage1_train")
        disc = next(disc for _, disc in scenes(1))
        np.testing.assert_array_equal(opened().original_mask(0), disc | disc[::-1])
        assert imported().channels == {"RGB with alpha": 12}
        assert imported().rules == {"one folder an image": 24}

    def test_like_fuseg(self, run: Run) -> None:
        for index, (image, disc) in enumerate(scenes(12)):
            part = "train" if index < 9 else "validation"
            save(f"FUSeg/{part}/images/{index:04d}.png", image)
            save(f"FUSeg/{part}/labels/{index:04d}.png", disc * np.uint8(255))
        Path("FUSeg/readme.txt").write_text("x")
        done = run("--images", "FUSeg", "--masks", "FUSeg")
        assert opened().info.counts == {"train": 9, "val": 3, "test": 0}
        assert "note: not read (1): FUSeg/readme.txt\n" in done.stderr
        assert_objects_are_the_discs(opened())

    def test_copies_of_a_known_data_set_keep_its_groups(self, tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for index, (image, disc) in enumerate(scenes(12)):
            save(f"images/{(5, 30, 55)[index % 3] + index:03d}.png", image)
            save(f"masks/{(5, 30, 55)[index % 3] + index:03d}.png", disc)
        CliRunner().invoke(app, ["prepare", "cvc-clinicdb", "--size", "32", *OWN])
        store = load_store(Path("runs/data/cvc-clinicdb/32"))
        assert {row.group for row in store.rows} == {f"sequence_{n:02d}" for n in (1, 2, 3)}


class TestCoding:
    """What values of masks mean is decided over all of them, or asked."""

    def test_a_rim_is_asked_about_and_kept_as_ignored(self, run: Run) -> None:
        def with_rim(disc: Pixels) -> Pixels:
            mask = disc.astype(np.uint8)
            mask[:, 1:][disc[:, 1:] & ~disc[:, :-1]] = 255
            return mask

        save_pairs(with_rim)
        with pytest.raises(DataError, match=r"0 \(.*1 \(.*255 \(.*--foreground 1 --ignore-value"):
            run(*OWN)
        assert not Path("runs").exists()
        done = run(*OWN, "--foreground", "1", "--ignore-value", "255")
        np.testing.assert_array_equal(
            opened().original_mask(0), with_rim(next(disc for _, disc in scenes(1))))
        assert "1 object (" in done.stdout
        assert "255 ignored (" in done.stdout
        assert "already prepared" in run(
            *OWN, "--foreground", "1", "--ignore-value", "255").stderr
        with pytest.raises(DataError, match="differs: read in another way;"):
            run(*OWN, "--foreground", "1")

    def test_near_black_is_background_in_every_file(self, run: Run) -> None:
        masks = iter(range(12))
        save_pairs(lambda disc: np.where(disc & (next(masks) % 4 > 0), 254, 1).astype(np.uint8),
                   ".jpg")
        run(*OWN)
        empty = [row.stem for row in opened().rows if row.foreground == 0]
        assert empty == ["im00", "im04", "im08"]

    @pytest.mark.parametrize(
        ("mask_of", "options"),
        [
            (lambda disc: np.dstack([disc * 0] * 3 + [disc * 255]).astype(np.uint8),
             ("--mask-channel", "alpha")),
            (lambda disc: np.dstack([disc * 255] * 4).astype(np.uint8), ("--mask-channel", "grey")),
            (lambda disc: np.dstack([disc * 255, disc * 0, disc * 0]).astype(np.uint8), ()),
            (lambda disc: disc.astype(np.uint16), ()),
            (lambda disc: (disc * 65535).astype(np.uint16), ()),
            (lambda disc: np.where(disc, 0, 255).astype(np.uint8), ("--invert",)),
        ],
        ids=["alpha", "white on transparent", "red", "16 bits", "16 bits, full", "inverted"],
    )
    def test_masks_as_tools_export_them(
        self, run: Run, mask_of: Callable[[Pixels], Pixels], options: tuple[str, ...]
    ) -> None:
        save_pairs(mask_of)
        if "--mask-channel" in options:
            with pytest.raises(DataError, match=r"12 of 12 masks are partly transparent, .*--mask"):
                run(*OWN)
        done = run(*OWN, *options)
        assert_objects_are_the_discs(opened())
        assert "inverted" not in done.stderr

    def test_inverted_masks_are_told_by_prepare_and_by_audit(self, run: Run) -> None:
        save_pairs(lambda disc: np.where(disc, 0, 255).astype(np.uint8))
        said = ("note: the object covers most pixels in 12 and touches all four edges in 12 of 12 "
                "masks: they may be inverted;")
        assert said in run(*OWN).stderr
        audited = CliRunner().invoke(app, ["audit", "x"])
        assert said in audited.stderr

    @pytest.mark.parametrize(
        ("colors", "refused"),
        [([0, 0, 0, 128, 0, 0], False), ([0, 0, 0, 1, 1, 1], False),
         ([255, 255, 255, 0, 0, 0], True)])
    def test_palettes(self, run: Run, colors: list[int], refused: bool) -> None:
        for index, (image, disc) in enumerate(scenes(12)):
            save(f"images/im{index:02d}.png", image)
            Path("masks").mkdir(exist_ok=True)
            mask = Image.fromarray(disc.astype(np.uint8), "P")
            mask.putpalette(colors)
            mask.save(f"masks/im{index:02d}.png")
        if refused:
            with pytest.raises(DataError, match="in their palette 255 comes first"):
                run(*OWN)
        run(*OWN, *(("--foreground", "0") if refused else ()))
        assert_objects_are_the_discs(opened())


class TestImages:
    """Conversions by a rule for the whole set."""

    @pytest.mark.parametrize(("turn", "back"), [(3, 2), (6, 1)])
    def test_exif_turns_are_followed_where_masks_are_upright(
        self, run: Run, turn: int, back: int
    ) -> None:
        exif = Image.Exif()
        exif[0x0112] = turn
        for index, (image, disc) in enumerate(scenes(12)):
            save(f"images/im{index:02d}.jpg", np.rot90(image, back).copy(), exif=exif, quality=95)
            save(f"masks/im{index:02d}.png", disc)
        if turn == 3:  # sizes do not show it
            with pytest.raises(DataError, match=r"12 images have an EXIF turn, which 12 of their"):
                run(*OWN)
        done = run(*OWN, *(("--exif", "turn") if turn == 3 else ()))
        store = opened()
        objects = store.masks[:] > 0
        assert store.images[:][objects].mean() > store.images[:][~objects].mean() + 40
        assert "EXIF turns  12 images, followed\n" in done.stdout

    def test_16_bits_are_stretched_alike_in_all_images(self, run: Run) -> None:
        for index, (image, disc) in enumerate(scenes(12)):
            save(f"images/im{index:02d}.png", image[..., 0].astype(np.uint16) * 16)
            save(f"masks/im{index:02d}.png", disc)
        run(*OWN)
        low, high = imported().window or (0, 0)
        assert 60 * 16 <= low < 65 * 16
        assert 190 * 16 < high < 200 * 16
        first = next(image for image, _ in scenes(1))[..., 0]
        run(*OWN, "--window", "0,4080", "--force")
        assert imported().window == [0, 4080]
        assert opened().info.coding == "16 bits from 0 to 4080"
        assert abs(float(opened().images[0].mean()) - float(first.mean())) < 2
