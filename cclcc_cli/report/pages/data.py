"""A data set on one page: what it is, its numbers, and pictures from smallest to largest lesion.

The page is one HTML file that needs nothing else and asks nobody for anything; beside it lies the
contact sheet as a picture of its own.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Literal

from cclcc_cli import __version__
from cclcc_cli.data.class_map import foreground
from cclcc_cli.data.contact_sheet import (
    Outline,
    Tile,
    draw_picture,
    draw_sheet,
    encode_jpeg,
    encode_png,
    stack_sheets,
)
from cclcc_cli.data.statistics import (
    DataStatistics,
    GroupStatistics,
    Range,
    measure_store,
    positions_by_split,
    spread_over_foreground,
)
from cclcc_cli.data.store import Store
from cclcc_cli.data.store_info import StoreInfo
from cclcc_cli.errors import DataError
from cclcc_cli.files import write_atomic
from cclcc_cli.report.render.html import load_templates

PAGE = "index.html"
SHEET = "contact_sheet.png"
_COLUMNS = 6
_PICTURE_SIDE = 240
"""Pictures of the page; larger than they are shown, for screens with small pixels."""
_BARS = (288.0, 104.0)
"""Width and height of a histogram's plot, in the template's units."""
_QUARTERS = (0, 0.25, 0.5, 0.75, 1)

SplitChoice = Literal["train", "val", "test", "all"]
Table = tuple[list[str], list[list[str]]]


@dataclass(frozen=True)
class Choice:
    """Which images are pictured: so many of each split, drawn by seed."""

    split: SplitChoice = "all"
    count: int = 12
    seed: int = 0


@dataclass(frozen=True)
class DataPage:
    """What was written, and what it says."""

    page: Path
    sheet: Path
    statistics: DataStatistics


@dataclass(frozen=True)
class _Bar:
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class _Histogram:
    """One split's; ``median_x`` is where its median lies."""

    split: str
    num_images: int
    median: str
    median_x: float
    bars: tuple[_Bar, ...]


def write_data_page(store: Store, out: Path, choice: Choice) -> DataPage:
    """Measure a store, draw some of its images, and write both into the folder ``out``.

    Files of the same name there are replaced, each as a whole.

    Raises:
        DataError: no images were asked for, their split is empty, or ``out`` cannot be written.
    """
    chosen = _choose(store, choice)
    _make_folder(out)
    totals = store.info.counts
    drawn = {split: [_tile(store, position) for position in positions]
             for split, positions in chosen.items()}
    sheet = stack_sheets([
        draw_sheet(tiles, _COLUMNS, [_sheet_heading(store.info, split, len(tiles), totals[split])])
        for split, tiles in drawn.items()
    ])
    statistics = measure_store(store)
    page = render_page(store.info, statistics, drawn, choice)
    written = DataPage(out / PAGE, out / SHEET, statistics)
    try:
        write_atomic(written.sheet, encode_png(sheet))
        write_atomic(written.page, page.encode())
    except OSError as error:
        raise _unwritable(out, error) from None
    return written


def render_page(
    info: StoreInfo,
    statistics: DataStatistics,
    pictures: Mapping[str, Sequence[Tile]],
    choice: Choice,
) -> str:
    """The page as text; what came with the data is escaped.

    Args:
        info: what the data set says about itself.
        statistics: of its store.
        pictures: to show, by split; their captions are a stem and a line about it.
        choice: how they were chosen.
    """
    bars, top = _histograms(statistics)
    last_edge = statistics.bin_edges[-1]
    return load_templates().get_template("data_page.html.j2").render(
        info=info, version=__version__, choice=choice, pictures=pictures,
        statistics=statistics, everything=statistics.groups["all"],
        notes=data_notes(info, statistics), measures=_measures(statistics),
        histograms=bars, plot_width=_BARS[0], plot_height=_BARS[1],
        x_ticks=[(_BARS[0] * part, f"{100 * last_edge * part:g}") for part in _QUARTERS],
        y_ticks=[(_BARS[1] * (1 - part), f"{100 * top * part:g}") for part in (0, 0.5, 1)],
        is_address=lambda text: text.startswith(("https://", "http://")) and not text.split()[1:],
        percent=_percent, data_address=_data_address,
    )


def data_notes(info: StoreInfo, statistics: DataStatistics) -> list[str]:
    """What a reader should know before using the data, one sentence each."""
    foreground = statistics.groups["all"].foreground
    counted = [
        (info.num_images - sum(info.counts.values()), "image", "in no split, so in no number"),
        (foreground.num_empty, "mask", "without any foreground"),
        (foreground.num_full, "mask", "that are foreground everywhere"),
        (foreground.num_lost, "mask", f"whose foreground is lost in the resize to {info.size} "
                                      f"pixels: there it is empty"),
    ]
    notes = [f"There is no {split} split." for split in ("val", "test") if not info.counts[split]]
    notes += [f"{count} {what}{'s' if count > 1 else ''} {how}."
              for count, what, how in counted if count]
    for subset in statistics.subsets:
        notes += [
            f"The labelled subset of {subset.share:.0%} and seed {seed} holds "
            f"{_percent(mean)} foreground on average, all training images "
            f"{_percent(subset.train_mean)}: {abs(subset.deviation(seed)):.1f} standard errors "
            f"{'more' if mean > subset.train_mean else 'less'}."
            for seed, mean in subset.means.items() if subset.is_unlucky(seed)
        ]
    return notes


def summary_table(statistics: DataStatistics) -> Table:
    """The main numbers for a terminal: columns, and a row per split."""
    columns = ["split", "images", "own size", "foreground %", "5th to 95th", "empty", "full",
               "regions"]
    rows = []
    for name, group in statistics.groups.items():
        foreground = group.foreground
        rows.append([
            name, str(group.num_images), f"{group.width.median:g}x{group.height.median:g}",
            f"{100 * foreground.mean:.1f}",
            f"{100 * foreground.p5:.1f} to {100 * foreground.p95:.1f}",
            str(foreground.num_empty), str(foreground.num_full),
            f"{group.regions.median:g} (up to {group.regions.maximum:g})",
        ])
    return columns, rows


_MEASURES: tuple[tuple[str, Mapping[str, Callable[[GroupStatistics], str]]], ...] = (
    ("Own size, pixels: smallest, median, largest", {
        "width": lambda group: _three(group.width),
        "height": lambda group: _three(group.height),
        "width / height": lambda group: _three(group.aspect, ".3g"),
        "different sizes": lambda group: f"{group.num_sizes}",
    }),
    ("Foreground, share of the image", {
        "mean": lambda group: _percent(group.foreground.mean),
        "median": lambda group: _percent(group.foreground.median),
        "5th to 95th percentile": lambda group: (
            f"{_percent(group.foreground.p5)} to {_percent(group.foreground.p95)}"),
        "empty masks": lambda group: f"{group.foreground.num_empty}",
        "full masks": lambda group: f"{group.foreground.num_full}",
        "separate regions: median, most": lambda group: (
            f"{group.regions.median:g}, {group.regions.maximum:g}"),
    }),
    ("Colour of all pixels, 0 to 1: red, green, blue", {
        "mean": lambda group: _channels(group.rgb_mean),
        "standard deviation": lambda group: _channels(group.rgb_std),
    }),
)


def _measures(statistics: DataStatistics) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Topics, their rows, and in each row a text per group."""
    return [
        (topic, [(label, [text(group) for group in statistics.groups.values()])
                 for label, text in rows.items()])
        for topic, rows in _MEASURES
    ]


def _histograms(statistics: DataStatistics) -> tuple[list[_Histogram], float]:
    """One per split, all to one scale, and the share of images at its top."""
    width, height = _BARS
    edges = statistics.bin_edges
    splits = {name: group for name, group in statistics.groups.items() if name != "all"}
    highest = max(max(group.foreground.histogram) / group.num_images for group in splits.values())
    top = ceil(10 * highest) / 10
    step = width / (len(edges) - 1)
    histograms = []
    for name, group in splits.items():
        bars = tuple(
            _Bar(index * step + 0.5, height * (1 - count / group.num_images / top), step - 1,
                 height * count / group.num_images / top,
                 f"{100 * edges[index]:.3g} to {100 * edges[index + 1]:.3g}%: {count}")
            for index, count in enumerate(group.foreground.histogram) if count
        )
        median = group.foreground.median
        histograms.append(_Histogram(name, group.num_images, _percent(median),
                                     width * median / edges[-1], bars))
    return histograms, top


def _choose(store: Store, choice: Choice) -> dict[str, list[int]]:
    if choice.count < 1:
        raise DataError(f"--count {choice.count}: must be 1 or more, the images of each split")
    splits = positions_by_split(store)
    if choice.split != "all":
        if choice.split not in splits:
            raise DataError(f"--split {choice.split}: {store.info.name} has no {choice.split} "
                            f"images; choose {', '.join(splits)} or all")
        splits = {choice.split: splits[choice.split]}
    return {split: spread_over_foreground(store, positions, choice.count, choice.seed)
            for split, positions in splits.items()}


def _tile(store: Store, position: int) -> Tile:
    row = store.rows[position]
    size = f"{_percent(row.foreground)} · {row.width} \N{MULTIPLICATION SIGN} {row.height}"
    outline = Outline(foreground(store.masks[position]))
    return Tile(store.images[position], [outline], [row.stem, size])


def _data_address(picture: Tile) -> str:
    """A picture as the page holds it, ``data:...``."""
    jpeg = encode_jpeg(draw_picture(picture, _PICTURE_SIDE))
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"


def _sheet_heading(info: StoreInfo, split: str, shown: int, total: int) -> str:
    return (f"{info.name} at {info.size} pixels, {split}: {shown} of {total} images, "
            f"smallest to largest foreground")


def _make_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise DataError(f"--out {out}: is a file; give a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(out, error) from None


def _unwritable(out: Path, error: OSError) -> DataError:
    return DataError(f"--out {out}: cannot be written ({error.strerror}); choose another folder")


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _three(values: Range, form: str = "g") -> str:
    if values.minimum == values.maximum:
        return format(values.median, form)
    return ", ".join(format(value, form) for value in
                     (values.minimum, values.median, values.maximum))


def _channels(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)
