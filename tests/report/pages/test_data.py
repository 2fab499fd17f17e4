"""The page of a data set: true numbers, escaped texts, nothing from elsewhere, one whole file."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cclcc_cli.data.contact_sheet import Tile
from cclcc_cli.data.statistics import DataStatistics, measure_store
from cclcc_cli.data.store import Store, load_store, store_path
from cclcc_cli.errors import DataError
from cclcc_cli.report.pages.data import (
    Choice,
    data_notes,
    render_page,
    summary_table,
    write_data_page,
)
from tests.report.parsed import Parsed
from tests.services import CHROMIUM, found_by_browser

HOSTILE = "<script>alert('x')</script>"
LONG = "a_stem_without_any_place_to_break_" * 4


@pytest.fixture
def store(tiny_data: Path) -> Store:
    """24 train, 3 val and 3 test scenes of 32 pixels."""
    return load_store(store_path(tiny_data, "synthetic", 32))


@pytest.fixture
def page_of(store: Store) -> Callable[..., str]:
    """The page of given pictures, with other things said about the data, or other statistics."""
    measured = measure_store(store)

    def render(*stems: str, statistics: DataStatistics = measured, **said: Any) -> str:
        tiles = [Tile(store.images[0], caption=[stem, "1.0%"]) for stem in stems]
        return render_page(replace(store.info, **said), statistics, {"train": tiles}, Choice())

    return render


def test_page_and_sheet_are_written_and_nothing_else(store: Store, tmp_path: Path) -> None:
    done = write_data_page(store, tmp_path / "a" / "b", Choice(count=4))
    assert done.page == tmp_path / "a" / "b" / "index.html"
    assert sorted((tmp_path / "a" / "b").iterdir()) == [done.sheet, done.page]
    assert done.statistics == measure_store(store)
    sheet = cv2.imread(str(done.sheet))
    assert sheet is not None
    assert sheet.shape[1] > 6 * 160
    cyan = (np.abs(sheet.astype(int) - (255, 229, 0)).max(axis=-1) < 3).sum()
    assert cyan > 200  # the outlines, in OpenCV's order of channels


def test_the_same_again_replaces_it_by_the_same_bytes(store: Store, tmp_path: Path) -> None:
    first = write_data_page(store, tmp_path, Choice(count=3))
    written = first.page.read_bytes(), first.sheet.read_bytes()
    first.page.write_text("old")
    again = write_data_page(store, tmp_path, Choice(count=3))
    assert (again.page.read_bytes(), again.sheet.read_bytes()) == written
    other = write_data_page(store, tmp_path, Choice(count=3, seed=1))
    assert other.sheet.read_bytes() != written[1]


def test_it_shows_so_many_images_of_each_split_by_growing_foreground(
    store: Store, tmp_path: Path
) -> None:
    page = write_data_page(store, tmp_path, Choice(count=5)).page.read_text()
    shown = [alt.removesuffix(", its mask outlined") for alt in Parsed(page).values("alt")]
    parts = [shown[:5], shown[5:8], shown[8:]]  # val and test hold three each
    for part, split in zip(parts, ("train", "val", "test"), strict=True):
        assert set(part) <= set(getattr(store.splits, split))
        shares = [store.rows[position].foreground for position in store.positions(part)]
        assert shares == sorted(shares)
        assert len(part) == min(5, store.info.counts[split])


def test_one_split_can_be_shown_and_the_numbers_stay_those_of_all(
    store: Store, tmp_path: Path
) -> None:
    done = write_data_page(store, tmp_path, Choice("val", count=2))
    page = Parsed(done.page.read_text())
    assert len(page.values("alt")) == 2
    assert ["images", "24", "3", "3", "30"] in page.rows


def test_the_table_holds_the_statistics(page_of: Callable[..., str], store: Store) -> None:
    rows = {row[0]: row[1:] for row in Parsed(page_of()).rows}
    groups = list(measure_store(store).groups.values())
    assert rows[""] == ["labels", *(f"seed {seed}" for seed in range(5))]
    assert rows["width"] == ["32"] * 4
    assert rows["5th to 95th percentile"] == [
        f"{group.foreground.p5:.1%} to {group.foreground.p95:.1%}" for group in groups]
    assert rows["standard deviation"] == [
        ", ".join(f"{value:.3f}" for value in group.rgb_std) for group in groups]
    assert rows["10%"][0] == "2"


def test_unlucky_subsets_and_no_others_are_marked(
    page_of: Callable[..., str], store: Store
) -> None:
    measured = measure_store(store)
    subset = replace(measured.subsets[0], means={0: 0.5, 1: 0.32, 2: 0.1}, train_mean=0.3,
                     standard_error=0.08)
    page = page_of(statistics=replace(measured, subsets=(subset,)))
    cells = re.findall(r"<td(.*?)>([\d.]+%)<small>(.*?)</small>", page)
    assert cells == [(' class="unlucky"', "50.0%", "+2.5"), ("", "32.0%", "+0.3"),
                     (' class="unlucky"', "10.0%", "-2.5")]


def test_the_bars_of_each_split_hold_all_of_its_images(page_of: Callable[..., str]) -> None:
    plots = re.findall(r"<svg.*?</svg>", page_of(), re.DOTALL)
    assert len(plots) == 3
    for plot in plots:
        top = max(float(label) for label in re.findall(r'text-anchor="end">([\d.]+)<', plot)) / 100
        heights = [float(height) for height in re.findall(r'<rect.*? height="([\d.]+)"', plot)]
        assert max(heights) <= 104
        assert sum(heights) / 104 * top == pytest.approx(1, abs=0.01)


def test_nothing_is_fetched_from_anywhere(page_of: Callable[..., str]) -> None:
    text = page_of("a", "b", source="https://example.org/data", citation="Doe, http://x.org, 2020")
    page = Parsed(text)
    assert len(page.values("src")) == 2
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.values("src"))
    assert [found for tag, found in page.tags if "href" in found] == [
        {"href": "https://example.org/data", "rel": "noreferrer"}]
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object", "base"})
    attributes = {name for _, found in page.tags for name in found}
    assert not [name for name in attributes if name.startswith("on") or name == "srcset"]
    assert not re.search(r"url\(|@import", text)
    policy = page.values("content")[1]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_whatever_comes_with_the_data_is_escaped(page_of: Callable[..., str]) -> None:
    said = {key: f'{key}"\'>{HOSTILE}'
            for key in ("license", "citation", "source", "name", "split_rule")}
    text = page_of(f'"{HOSTILE}', **said, files={HOSTILE: HOSTILE})
    page = Parsed(text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert HOSTILE not in text
    assert page.values("alt") == [f'"{HOSTILE}, its mask outlined']
    assert all(value in page.text for value in (f'"{HOSTILE}', *said.values()))


@pytest.mark.parametrize("source", [
    "javascript:alert(1)", "data:text/html,x", "see https://x.org", "https://x.org and more", "",
])
def test_only_a_plain_web_address_becomes_a_link(
    page_of: Callable[..., str], source: str
) -> None:
    page = page_of(source=source)
    assert "<a " not in page
    assert html.escape(source or "not stated") in page


def test_what_is_odd_about_the_data_is_said(store: Store) -> None:
    statistics = measure_store(store)
    usual = statistics.groups["all"]
    odd = replace(usual.foreground, num_empty=1, num_full=2, num_lost=3)
    statistics = replace(
        statistics,
        groups={**statistics.groups, "all": replace(usual, foreground=odd)},
        subsets=(replace(statistics.subsets[0], means={0: 0.5, 1: 0.1, 2: 0.3}, train_mean=0.3,
                         standard_error=0.08),),
    )
    info = replace(store.info, counts={"train": 26, "val": 3, "test": 0})
    assert data_notes(info, statistics) == [
        "There is no test split.",
        "1 image in no split, so in no number.",
        "1 mask without any foreground.",
        "2 masks that are foreground everywhere.",
        "3 masks whose foreground is lost in the resize to 32 pixels: there it is empty.",
        "The labelled subset of 5% and seed 0 holds 50.0% foreground on average, all training "
        "images 30.0%: 2.5 standard errors more.",
        "The labelled subset of 5% and seed 1 holds 10.0% foreground on average, all training "
        "images 30.0%: 2.5 standard errors less.",
    ]


def test_the_summary_has_a_row_per_split_and_one_of_all(store: Store) -> None:
    columns, rows = summary_table(measure_store(store))
    assert [row[:3] for row in rows] == [
        ["train", "24", "32x32"], ["val", "3", "32x32"], ["test", "3", "32x32"],
        ["all", "30", "32x32"]]
    assert {len(row) for row in rows} == {len(columns)}
    assert rows[-1][3] == f"{100 * store.info.foreground_share:.1f}"


@pytest.mark.parametrize("count", [0, -1])
def test_no_images_are_refused(store: Store, tmp_path: Path, count: int) -> None:
    with pytest.raises(DataError, match=f"^--count {count}: must be 1 or more"):
        write_data_page(store, tmp_path / "out", Choice(count=count))
    assert not (tmp_path / "out").exists()


def test_an_empty_split_is_refused(store: Store, tmp_path: Path) -> None:
    without = replace(store, splits=replace(store.splits, test=()))
    with pytest.raises(DataError, match="^--split test: synthetic has no test images; "
                                        "choose train, val or all$"):
        write_data_page(without, tmp_path / "out", Choice("test"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("place", "message"), [
    ("file", "--out {}/file: is a file; give a folder"),
    ("file/below", "--out {}/file/below: cannot be written (Not a directory); choose another"),
    ("taken", "--out {}/taken: cannot be written (Is a directory); choose another folder"),
])
def test_a_place_that_cannot_be_written_is_one_line(
    store: Store, tmp_path: Path, place: str, message: str
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "taken" / "index.html").mkdir(parents=True)
    with pytest.raises(DataError) as caught:
        write_data_page(store, tmp_path / place, Choice(count=1))
    assert str(caught.value).startswith(message.format(tmp_path))
    assert (tmp_path / "file").read_text() == "mine"
    assert list((tmp_path / "taken").glob(".*")) == []


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_window_and_wide_tables_scroll_in_their_box(
    page_of: Callable[..., str], tmp_path: Path, width: int
) -> None:
    page = page_of("short", LONG, "図" * 80, license=LONG, citation=LONG, name="n" * 64,
                   source=f"https://example.org/{LONG}", files={f"{LONG}.zip": "0" * 64})
    wrapper = tmp_path / "wrapper.html"
    # A window cannot be as narrow as a telephone, a frame can.
    wrapper.write_text(f"""<!doctype html><meta charset="utf-8"><body><script>
      function measure(frame) {{
        const page = frame.contentDocument, root = page.documentElement;
        const beyond = [...page.querySelectorAll("body *")].filter(part => !part.closest(".box") &&
          !part.closest("svg") && part.getBoundingClientRect().right > root.clientWidth + 0.5);
        const smallest = Math.min(...[...page.querySelectorAll("body *")].filter(
          part => !part.closest("svg")).map(part => parseFloat(getComputedStyle(part).fontSize)));
        document.body.dataset.found = [root.clientWidth, root.scrollWidth, beyond.length, smallest,
          [...page.images].filter(image => image.naturalWidth == 240).length,
          [...page.querySelectorAll(".box")].every(box => box.clientWidth <= root.clientWidth)]
      }}
    </script><iframe width="{width}" height="900" style="border:0" onload="measure(this)"
    srcdoc="{html.escape(page)}"></iframe>""", encoding="utf-8")
    inner, needed, beyond, smallest, images, boxes_fit = found_by_browser(
        wrapper, tmp_path / "profile")
    assert (inner, needed, beyond, images, boxes_fit) == (str(width), str(width), "0", "3", "true")
    assert float(smallest) >= 13
