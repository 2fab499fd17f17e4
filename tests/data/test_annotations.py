"""Shapes in files: each image's mask is drawn, and labels are numbered over the whole set."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cclcc_cli.data.annotations import find_annotations
from cclcc_cli.data.folder import scan_folders
from cclcc_cli.data.image_file import decode_mask
from cclcc_cli.data.pair_reader import pair_hashes
from cclcc_cli.data.sources import FolderSource, open_source
from cclcc_cli.data.store_writer import About
from cclcc_cli.errors import DataError

Write = Callable[[Path, Any], None]
HEIGHT, WIDTH = 6, 8
SQUARE = [[1, 1], [4, 1], [4, 3], [1, 3]]
"""A polygon over columns 1 to 4 and rows 1 to 3, edges included."""


def labelme(*shapes: dict[str, Any], **changes: Any) -> str:
    return json.dumps({"version": "5.4.1", "flags": {}, "shapes": list(shapes), "imageData": None,
                       "imagePath": "a.jpg", "imageHeight": HEIGHT, "imageWidth": WIDTH, **changes})


def shape(label: str = "polyp", points: Any = SQUARE, kind: str = "polygon") -> dict[str, Any]:
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}}


def drawn(folder: Path) -> dict[str, Any]:
    return {mask.image.stem: decode_mask(mask.read_bytes(), mask).values
            for mask in find_annotations([folder])}


class TestLabelme:
    """A JSON file beside each image."""

    def test_shapes_are_drawn(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text(labelme(
            shape(), shape("tool", [[5, 4], [7, 5]], "rectangle"),
            shape("polyp", [[6, 1], [6, 2]], "circle")))
        (tmp_path / "b.json").write_text(labelme())
        (tmp_path / "other.json").write_text('{"x": 1}')
        masks = drawn(tmp_path)
        assert {*masks} == {"a", "b"}
        assert not masks["b"].any()
        np.testing.assert_array_equal(masks["a"], [
            [0, 0, 0, 0, 0, 0, 1, 0],
            [0, 1, 1, 1, 1, 1, 1, 1],
            [0, 1, 1, 1, 1, 0, 1, 0],
            [0, 1, 1, 1, 1, 0, 0, 0],
            [0, 0, 0, 0, 0, 2, 2, 2],
            [0, 0, 0, 0, 0, 2, 2, 2]])

    def test_they_may_lie_beside_their_images(self, tmp_path: Path, write_image: Write) -> None:
        for stem in "ab":
            write_image(tmp_path / f"{stem}.jpg", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
            (tmp_path / f"{stem}.json").write_text(labelme(shape()))
        (tmp_path / "notes.txt").write_text("x")
        scan = scan_folders(tmp_path, tmp_path)
        assert [pair.stem for pair in scan.pairs] == ["a", "b"]
        assert (scan.problems, scan.ignored) == ((), (f"{tmp_path}/notes.txt",))
        assert scan.labels == ("polyp",)
        first, again = pair_hashes(scan.pairs[0]), pair_hashes(scan.pairs[0])
        assert first == again

    def test_several_labels_are_asked_about(self, tmp_path: Path, write_image: Write) -> None:
        write_image(tmp_path / "a.jpg", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        (tmp_path / "a.json").write_text(labelme(shape("tool"), shape("polyp")))
        with (pytest.raises(DataError, match=r"several labels: 1 = polyp, 2 = tool; say which are"),
              open_source(FolderSource(tmp_path, tmp_path, About()), 16)):
            pass

    @pytest.mark.parametrize(
        ("text", "flaw"),
        [
            (labelme(shape(kind="line")), "shapes.0.shape_type = 'line'"),
            ('{"shapes": []}', "imageHeight is missing"),
            ('{"shapes": [', "is no labelme file of polygons"),
            (labelme(shape(points=[[1]])), "shapes.0.points.0"),
            (labelme(shape(points=[[1, "x"]])), "shapes.0.points.0.1 = 'x'"),
        ])
    def test_other_files_are_refused(self, tmp_path: Path, text: str, flaw: str) -> None:
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(DataError) as caught:
            find_annotations([tmp_path])
        head, line = str(caught.value).split("\n")
        assert head == "annotations: 1 problem, nothing was written"
        assert line.startswith(f"  {tmp_path}/a.json: is no labelme file of polygons: ")
        assert flaw in line

    def test_a_size_that_no_image_has_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text(labelme(imageHeight=10**6, imageWidth=10**6))
        (mask,) = find_annotations([tmp_path])
        with pytest.raises(DataError, match=r"a.json \(a\): says that the image has 1000000x1000"):
            mask.read_bytes()


def coco(path: Path, *shapes: Any, **changes: Any) -> Path:
    annotations = [{"id": place, "image_id": 7, "category_id": 3, "iscrowd": 0, "segmentation": one}
                   for place, one in enumerate(shapes)]
    path.write_text(json.dumps({
        "info": {}, "images": [
            {"id": 7, "file_name": "part/a.jpg", "height": HEIGHT, "width": WIDTH},
            {"id": 9, "file_name": "part/b.jpg", "height": HEIGHT, "width": WIDTH}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "unused"}, {"id": 3, "name": "polyp"}], **changes}))
    return path


class TestCoco:
    """One JSON file for all images."""

    def test_polygons_and_runs_are_drawn(self, tmp_path: Path) -> None:
        code = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
        wanted = np.zeros((HEIGHT, WIDTH), np.uint8)
        wanted[1:3, 1:4] = 1
        packed = code.encode(np.asfortranarray(wanted))
        runs = {"size": [HEIGHT, WIDTH], "counts": [7, 2, 4, 2, 4, 2, 27]}
        for one in ([[1, 1, 4, 1, 4, 3, 1, 3]], runs,
                    {"size": packed["size"], "counts": packed["counts"].decode()}):
            masks = drawn(coco(tmp_path / "c.json", one))
            np.testing.assert_array_equal(masks["a"], wanted)
            assert not masks["b"].any()

    def test_without_pycocotools_it_is_named_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cclcc_cli.data.annotations.find_spec", lambda _name: None)
        with pytest.raises(DataError, match=r"c.json: .* needs pycocotools; install it with: pip"):
            find_annotations([coco(tmp_path / "c.json", [[1, 1, 2, 2, 3, 3]])])

    def test_images_are_found_by_their_names(self, tmp_path: Path, write_image: Write) -> None:
        pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
        for stem in "ab":
            (tmp_path / "i" / "part").mkdir(parents=True, exist_ok=True)
            write_image(tmp_path / f"i/part/{stem}.jpg", np.zeros((HEIGHT, WIDTH), np.uint8))
        file = coco(tmp_path / "c.json", [SQUARE[0] + SQUARE[1] + SQUARE[2]])
        for images in (tmp_path / "i", tmp_path / "i" / "part"):
            scan = scan_folders(images, file)
            assert ([pair.stem for pair in scan.pairs], scan.problems) == (["a", "b"], ())
            assert str(scan.pairs[0].mask) == f"{file} (part/a.jpg)"

    @pytest.mark.parametrize(
        ("text", "flaw"),
        [
            ("{}", "images is missing"), ("[]", "is no COCO file"), ("{", "is no COCO file"),
            (None, "an annotation is of image 7 and category 3, which the file does not list"),
        ])
    def test_other_files_are_refused(self, tmp_path: Path, text: str | None, flaw: str) -> None:
        file = coco(tmp_path / "c.json", [[1, 1, 2, 2, 3, 3]], categories=[])
        if text is not None:
            file.write_text(text)
        with pytest.raises(DataError) as caught:
            find_annotations([file])
        assert str(caught.value).startswith(f"{file}: ")
        assert flaw in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "code", [{"size": [3, 3], "counts": [9]}, {"size": [6, 8], "counts": [1]}, [[1, 2]]])
    def test_a_shape_that_is_none_is_refused(self, tmp_path: Path, code: Any) -> None:
        pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
        mask = find_annotations([coco(tmp_path / "c.json", code)])[0]
        with pytest.raises(DataError, match=r"c.json \(part/a.jpg\): a shape"):
            mask.read_bytes()
