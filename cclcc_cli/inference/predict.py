"""Masks of many images: read, predicted and written side by side, a bad one left out.

Each thread takes some images and does everything for them: decoding, the networks, resizing,
writing. So one thread reads while another computes, and none waits for its turn.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from os import cpu_count
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from cclcc_cli.data.image_file import file_sha256, quiet_opencv
from cclcc_cli.data.workers import MemoryBudget, in_order
from cclcc_cli.errors import DataError, RunError
from cclcc_cli.files import disk_problems
from cclcc_cli.inference.cleaning import Cleaning, clean_mask
from cclcc_cli.inference.ensemble import Agreement, Ensemble, Probs
from cclcc_cli.inference.inputs import (
    MOST_TILED_PIXELS,
    ImageInput,
    Inputs,
    LoadedImage,
    load_input,
    read_pixels,
)
from cclcc_cli.inference.outputs import (
    ImageRow,
    OutputFolder,
    PredictionsRecord,
    Probabilities,
    encode_mask,
    encode_overlay,
    encode_probs_npz,
    encode_probs_png,
    encode_thumbnail,
)
from cclcc_cli.inference.tiles import predict_tiles, resize_probs
from cclcc_cli.runs.folder import RunFolder

_MEMORY = 640_000_000
"""What all threads together may hold while they decode and write."""
_WRITING_BYTES = 24
"""Held for each pixel while a mask is made and written."""
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Options:
    """How masks are made and what is written.

    Attributes:
        cleaning: of masks.
        tile: side of tiles in the images' own pixels; None to see each image as a whole.
        probabilities: to write, and how.
        overlays: write each image with its mask.
        thumbnails: write small ones for a contact sheet.
        batch_size: images that a thread takes at once; changes nothing but speed on a CPU.
        threads: that work side by side; None for as many as there are processors.
    """

    cleaning: Cleaning = field(default_factory=Cleaning)
    tile: int | None = None
    probabilities: Probabilities = "none"
    overlays: bool = False
    thumbnails: bool = False
    batch_size: int = 8
    threads: int | None = None

    @property
    def kinds(self) -> list[str]:
        """Kinds of files that each image gets beside its mask."""
        return [*([self.probabilities] if self.probabilities != "none" else []),
                *(["overlay"] if self.overlays else []),
                *(["thumbnail"] if self.thumbnails else [])]


@dataclass(frozen=True)
class Predicted:
    """What was done.

    Attributes:
        rows: of every image that has a mask, in order.
        failures: name and problem of each image that has none.
        kept: how many masks were there before.
    """

    rows: tuple[ImageRow, ...]
    failures: tuple[tuple[str, str], ...]
    kept: int


def predict_images(
    ensemble: Ensemble, inputs: Inputs, out: Path, options: Options | None = None,
    progress: Progress = lambda _what, _done, _total: None,
) -> Predicted:
    """Write a mask for each image, at its own size.

    Images that are done already, by the same runs in the same way, are kept. An image that cannot
    be read is listed in ``failed.csv``; the others go on. On a CPU the same images give the same
    bytes whatever the batch size and the number of threads.

    Args:
        ensemble: predicts.
        inputs: the images.
        out: folder to write; see ``outputs``.
        options: how.
        progress: called with what is counted, how many are done and how many there are.

    Raises:
        RunError: ``out`` holds something else, or an option cannot be used.
        DiskError: it cannot be written; what is done is kept for the next time.
    """
    options = options or Options()
    _check(options, inputs)
    with disk_problems(out):
        folder = OutputFolder(out, _record(ensemble, options), options.kinds)
        task = _Task(ensemble, inputs, folder, options)
        with _side_by_side(options.threads or cpu_count() or 1) as pool:
            kept = _still_valid(folder.done(), inputs, pool)
            folder.begin(list(kept.values()))
            open_ones = [image for image in inputs.images if image.name not in kept]
            rows, failures, total = dict(kept), [], len(inputs.images)
            work = task.tiled(open_ones, pool, progress) if options.tile else task.whole(
                open_ones, pool)
            for results in work:
                made = [result for result in results if isinstance(result, ImageRow)]
                failures += [result for result in results if not isinstance(result, ImageRow)]
                rows |= {row.image: row for row in made}
                folder.append(made)
                progress("images", len(rows) + len(failures), total)
        ordered = tuple(rows[image.name] for image in inputs.images if image.name in rows)
        folder.finish(ordered, failures)
    return Predicted(ordered, tuple(failures), len(kept))


Result = ImageRow | tuple[str, str]
"""An image's row; or its name, and why it has none."""


@dataclass(frozen=True)
class _Task:
    ensemble: Ensemble
    inputs: Inputs
    folder: OutputFolder
    options: Options
    memory: MemoryBudget = field(default_factory=lambda: MemoryBudget(_MEMORY))

    def whole(
        self, images: Sequence[ImageInput], pool: ThreadPoolExecutor
    ) -> Iterator[list[Result]]:
        """Images squeezed to the networks' size, some at a time."""
        step = self.options.batch_size
        batches = [images[start:start + step] for start in range(0, len(images), step)]
        return in_order(pool, self._batch, batches)

    def tiled(
        self, images: Sequence[ImageInput], pool: ThreadPoolExecutor, progress: Progress
    ) -> Iterator[list[Result]]:
        """Images in tiles, one image at a time, its tiles side by side."""
        for image in images:
            try:
                yield [self._tiles(image, pool, progress)]
            except DataError as error:
                yield [(image.name, str(error))]

    def _batch(self, images: Sequence[ImageInput]) -> list[Result]:
        results: list[Result] = []
        loaded: list[LoadedImage] = []
        for image in images:
            try:
                loaded.append(load_input(image, self.inputs.store, self.ensemble.size,
                                         self._shows_pixels, self.memory))
            except DataError as error:
                results.append((image.name, str(error)))
        if not loaded:
            return results
        members = self.ensemble.members(np.stack([one.small for one in loaded]))
        means = members.mean(axis=0)
        for place, one in enumerate(loaded):
            agreement = Agreement(self.ensemble.threshold)
            agreement.add(members[:, place], means[place])
            with self.memory.hold(_WRITING_BYTES * one.height * one.width):
                probs = resize_probs(means[None, None, place], one.height, one.width)[0, 0]
                mask = probs > self.ensemble.threshold
                results.append(self._write(one.image, one.sha256, mask, [probs], agreement,
                                           partial(self._pixels, one)))
        return results

    def _tiles(
        self, image: ImageInput, pool: ThreadPoolExecutor, progress: Progress
    ) -> ImageRow:
        assert image.file is not None
        assert self.options.tile is not None
        pixels = read_pixels(image, None, MOST_TILED_PIXELS)
        digest, agreement = file_sha256(image.file), Agreement(self.ensemble.threshold)
        mask = np.empty(pixels.shape[:2], bool)
        kept: list[NDArray[np.uint16] | Probs] = []
        top = 0
        for members in predict_tiles(
                self.ensemble, pixels, self.options.tile, pool,
                lambda done, total: progress(f"tiles of {image.name}", done, total)):
            mean = members.mean(axis=0)
            agreement.add(members, mean)
            mask[top:top + len(mean)] = mean > self.ensemble.threshold
            kept.append(mean if self.options.probabilities == "npz" else _in_16_bits(mean))
            top += len(mean)
        return self._write(image, digest, mask, kept, agreement, lambda: pixels)

    def _write(
        self, image: ImageInput, sha256: str, mask: NDArray[np.bool_],
        parts: Sequence[NDArray[np.uint16] | Probs], agreement: Agreement,
        pixels: Callable[[], NDArray[np.uint8]],
    ) -> ImageRow:
        """Everything that one image gets; ``parts`` are its probabilities from top to bottom."""
        mask, components = clean_mask(mask, self.options.cleaning)
        area, write = int(mask.sum()), self.folder.write
        write("mask", image.name, encode_mask(mask))
        if self.options.probabilities == "png":
            write("png", image.name, encode_probs_png(np.concatenate(
                [_in_16_bits(part) for part in parts])))
        elif self.options.probabilities == "npz":
            write("npz", image.name, encode_probs_npz(np.concatenate(parts)))
        if self._shows_pixels:
            shown = pixels()
            if self.options.overlays:
                write("overlay", image.name, encode_overlay(shown, mask))
            if self.options.thumbnails:
                write("thumbnail", image.name, encode_thumbnail(shown, mask))
        height, width = mask.shape
        return ImageRow(image.name, sha256, height, width, area, area / mask.size, components,
                        _mean_inside(parts, mask, area), agreement.entropy, agreement.disagreement)

    def _pixels(self, one: LoadedImage) -> NDArray[np.uint8]:
        if one.pixels is not None:
            return one.pixels
        pixels = read_pixels(one.image, self.inputs.store)
        if pixels.shape[:2] != (one.height, one.width):  # of a store
            pixels = np.asarray(cv2.resize(pixels, (one.width, one.height)), np.uint8)
        return pixels

    @property
    def _shows_pixels(self) -> bool:
        return self.options.overlays or self.options.thumbnails


def _check(options: Options, inputs: Inputs) -> None:
    if options.batch_size < 1:
        raise RunError(f"--batch-size {options.batch_size}: must be 1 or more")
    if options.tile is not None and options.tile < 16:
        raise RunError(f"--tile {options.tile}: must be 16 pixels or more")
    if options.tile is not None and inputs.store is not None:
        raise RunError(f"--tile: {inputs.store.path} holds its images at {inputs.store.info.size} "
                       "pixels alone; give the folder of the original files")


def _record(ensemble: Ensemble, options: Options) -> PredictionsRecord:
    first, cleaning = ensemble.predictors[0], options.cleaning
    return PredictionsRecord(
        runs=tuple(RunFolder(one.folder).trained_run().digest for one in ensemble.predictors),
        size=ensemble.size, threshold=ensemble.threshold, device=first.runtime.device,
        precision=first.runtime.precision, flips=ensemble.flips, tile=options.tile,
        fill_holes=cleaning.fill_holes, min_area=cleaning.min_area,
        largest_component=cleaning.largest_component,
    )


@contextmanager
def _side_by_side(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Workers each of whose computations keeps to its own thread."""
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=_start_worker) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


def _start_worker() -> None:
    quiet_opencv()
    torch.set_num_threads(1)


def _still_valid(
    done: dict[str, ImageRow], inputs: Inputs, pool: ThreadPoolExecutor
) -> dict[str, ImageRow]:
    """Rows of an earlier start whose image is still the same."""
    images = [image for image in inputs.images if image.name in done]
    digests = in_order(pool, lambda image: _digest(image, inputs), images)
    return {image.name: done[image.name] for image, digest in zip(images, digests, strict=True)
            if digest == done[image.name].sha256}


def _digest(image: ImageInput, inputs: Inputs) -> str | None:
    """Of an image's file; None where it cannot be read now."""
    if image.file is None:
        assert inputs.store is not None
        return inputs.store.rows[image.position].image_sha256
    try:
        return file_sha256(image.file)
    except DataError:
        return None


def _in_16_bits(probs: Probs | NDArray[np.uint16]) -> NDArray[np.uint16]:
    if probs.dtype == np.uint16:
        return probs.astype(np.uint16, copy=False)
    return np.rint(probs * 65535).astype(np.uint16)


def _mean_inside(
    parts: Iterable[NDArray[np.uint16] | Probs], mask: NDArray[np.bool_], area: int
) -> float | None:
    """Mean probability inside a mask, None where it is empty."""
    if not area:
        return None
    total, top = 0.0, 0
    for part in parts:
        unit = 65535 if part.dtype == np.uint16 else 1
        total += float(part[mask[top:top + len(part)]].sum(dtype=np.float64)) / unit
        top += len(part)
    return total / area
