"""Masks that are drawn from a file of shapes: COCO's JSON, or a folder of labelme's.

Each becomes a file like any other: an uncompressed picture whose values are the numbers of labels,
so that pairing, coding and hashes need not know.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from cclcc_cli.data.image_header import MOST_PIXELS
from cclcc_cli.data.problems import listed_error
from cclcc_cli.errors import DataError
from cclcc_cli.records import Record, describe_damage

Point = tuple[float, float]


class _Rle(Record):
    size: list[int]
    counts: str | list[int]


class _CocoImage(Record):
    id: int | str
    file_name: str
    height: int
    width: int


class _CocoShape(Record):
    image_id: int | str
    category_id: int
    segmentation: _Rle | list[list[float]]


class _CocoCategory(Record):
    id: int
    name: str


class _Coco(Record):
    images: list[_CocoImage]
    annotations: list[_CocoShape]
    categories: list[_CocoCategory]


class _LabelmeShape(Record):
    label: str
    points: list[Point]
    shape_type: Literal["polygon", "rectangle", "circle"] = "polygon"


class _Labelme(Record):
    shapes: list[_LabelmeShape]
    imageHeight: int  # noqa: N815
    imageWidth: int  # noqa: N815


@dataclass(frozen=True)
class DrawnMask:
    """A mask that is drawn when it is read.

    Attributes:
        source: the JSON file.
        image: name of the image, with folders, as the file has it.
        height, width: of the image in pixels.
        shapes: number of the label, and polygons or COCO's code of runs.
        labels: of all masks; the first one has the number 1.
    """

    source: Path
    image: PurePosixPath
    height: int
    width: int
    shapes: Sequence[tuple[int, _LabelmeShape | _Rle | list[list[float]]]]
    labels: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.image.name

    def read_bytes(self) -> bytes:
        """A BMP of greys, 0 where there is no shape; later shapes lie over earlier ones.

        Raises:
            DataError: it is too large, or a shape cannot be read.
        """
        if not 0 < self.height * self.width <= MOST_PIXELS:
            raise DataError(f"{self}: says that the image has {self.width}x{self.height} pixels")
        mask = np.zeros((self.height, self.width), np.uint8)
        for value, shape in self.shapes:
            if isinstance(shape, _LabelmeShape):
                _draw(mask, shape, value)
            else:
                mask[_decode(self, shape)] = value
        done, data = cv2.imencode(".bmp", mask)
        assert done
        return data.tobytes()

    def __str__(self) -> str:
        return f"{self.source} ({self.image})"


def find_annotations(masks: Sequence[Path]) -> tuple[DrawnMask, ...]:
    """The masks that are drawn from files of shapes; none where the paths are folders of images.

    A path may be a JSON file of COCO, or a folder in which at least one JSON file is labelme's.

    Raises:
        DataError: a file is not what it should be, or has more than 254 labels; or pycocotools is
            missing, which reads COCO's.
    """
    files = [path for path in masks if path.suffix.lower() == ".json" and path.is_file()]
    if files:
        return tuple(mask for path in files for mask in _read_coco(path))
    found = [path for folder in masks if folder.is_dir() for path in sorted(folder.glob("*.json"))
             if _is_labelme(path)]
    return tuple(_read_labelme(found))


def _read_coco(path: Path) -> Iterable[DrawnMask]:
    try:
        coco = _Coco.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        raise DataError(f"{path}: is no COCO file with segmentations: "
                        f"{describe_damage(error)}") from None
    used = {one.category_id for one in coco.annotations}
    names = {one.id: one.name for one in coco.categories if one.id in used}
    numbers = _number(path, [*dict.fromkeys(names.values())])
    shapes: dict[int | str, list[tuple[int, _LabelmeShape | _Rle | list[list[float]]]]] = {
        one.id: [] for one in coco.images}
    for one in coco.annotations:
        if one.image_id not in shapes or one.category_id not in names:
            raise DataError(f"{path}: an annotation is of image {one.image_id} and category "
                            f"{one.category_id}, which the file does not list")
        shapes[one.image_id].append((numbers[names[one.category_id]], one.segmentation))
    if coco.annotations and find_spec("pycocotools") is None:
        raise DataError(f"{path}: reading COCO's files needs pycocotools; install it with: "
                        f"pip install 'cclcc[coco]'")
    for image in coco.images:
        yield DrawnMask(path, PurePosixPath(image.file_name), image.height, image.width,
                        shapes[image.id], tuple(numbers))


def _is_labelme(path: Path) -> bool:
    """Whether it may be labelme's, by its beginning; other JSON files may lie beside images."""
    try:
        with path.open("rb") as file:
            return b'"shapes"' in file.read(4096)
    except OSError:
        return False


def _read_labelme(paths: Sequence[Path]) -> Iterable[DrawnMask]:
    read: dict[Path, _Labelme] = {}
    problems = []
    for path in paths:
        try:
            read[path] = _Labelme.model_validate_json(path.read_bytes())
        except OSError as error:
            problems.append(f"{path}: cannot be read ({error.strerror})")
        except ValidationError as error:
            problems.append(f"{path}: is no labelme file of polygons: {describe_damage(error)}")
    if problems:
        raise listed_error("annotations", problems)
    labels = {shape.label for found in read.values() for shape in found.shapes}
    numbers = _number(paths[0].parent if paths else Path(), sorted(labels))
    for path, found in read.items():
        yield DrawnMask(path, PurePosixPath(path.stem), found.imageHeight, found.imageWidth,
                        [(numbers[shape.label], shape) for shape in found.shapes], tuple(numbers))


def _number(where: Path, labels: Sequence[str]) -> dict[str, int]:
    if len(labels) > 254:
        raise DataError(f"{where}: has {len(labels)} labels; the most is 254")
    return {label: number for number, label in enumerate(labels, start=1)}


def _draw(mask: NDArray[np.uint8], shape: _LabelmeShape, value: int) -> None:
    points = np.array(shape.points, np.float64)
    if shape.shape_type == "circle":
        (x, y), edge = points[0], points[1]
        radius = float(np.hypot(edge[0] - x, edge[1] - y))
        cv2.circle(mask, (round(x), round(y)), round(radius), value, cv2.FILLED)
        return
    if shape.shape_type == "rectangle":
        (left, top), (right, bottom) = points
        points = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], value)


def _decode(mask: DrawnMask, shape: _Rle | list[list[float]]) -> NDArray[np.bool_]:
    from pycocotools import mask as coco

    size = mask.height, mask.width
    if isinstance(shape, list) and any(len(one) < 6 or len(one) % 2 for one in shape):
        raise DataError(f"{mask}: a shape has no three corners; give x and y of each in turn")
    code = shape if isinstance(shape, list) else shape.plain()
    try:
        runs = code if isinstance(code, dict) and isinstance(code["counts"], str) else (
            coco.frPyObjects(code, *size))
        runs = coco.merge(runs) if isinstance(runs, list) else runs
        decoded = coco.decode(runs)
        # Too few runs leave the rest of the picture to chance.
        whole = coco.area(coco.encode(decoded)) == coco.area(runs)
    except (ValueError, TypeError, IndexError) as error:
        raise DataError(f"{mask}: a shape cannot be read ({error})") from None
    if not whole or (isinstance(shape, _Rle) and isinstance(shape.counts, list) and (
            sum(shape.counts) != mask.height * mask.width)):
        raise DataError(f"{mask}: a shape's runs do not fill its image")
    if decoded.shape != size:
        raise DataError(f"{mask}: a shape is {decoded.shape[1]}x{decoded.shape[0]} pixels, its "
                        f"image {mask.width}x{mask.height}")
    return np.asarray(decoded > 0)
