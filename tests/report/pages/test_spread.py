"""Spread and strata of whole groups, from run folders."""

import json

import pytest

from cclcc_cli.report.pages.comparison import Question, write_page
from cclcc_cli.report.render.records import records
from cclcc_cli.report.render.text import titles
from cclcc_cli.report.tables.spread import build_spread
from cclcc_cli.report.tables.strata import build_strata, strata_missing
from tests.report.shown import rows

SIZES = [0.01, 0.02, 0.03, 0.10, 0.11, 0.12, 0.30, 0.31, 0.32]
BASE = [0.20, 0.20, 0.20, 0.60, 0.60, 0.60, 0.80, 0.80, 0.80]
GAIN = [0.33, 0.30, 0.27, 0.01, 0.0, -0.01, 0.0, 0.0, 0.0]


@pytest.fixture
def write_world(write_images_run, tmp_path):
    """A method that gains on small lesions alone, two seeds; returns the report's page."""

    def write(metric=("working", "dice"), sizes=SIZES):
        columns = {"foreground": sizes} if sizes else {}
        for seed in (0, 1):
            for name, gain in (("supervised", [0.0] * 9), ("clcc", GAIN)):
                dice = [b + g + seed / 100 for b, g in zip(BASE, gain, strict=True)]
                hd95 = [10 * (1 - value) for value in dice]
                write_images_run(dice, method=name, seed=seed,
                                 columns={**columns, "hd95": hd95})
        return write_page(tmp_path, Question(metric=metric))

    return write


def tables(page, split="test"):
    strata = build_strata(page.evidence, page.scores, split)
    spread = build_spread(page.evidence, page.scores, page.dice, split)
    return [spread, strata] if strata else [spread]


def test_a_gain_is_shown_where_it_comes_from(write_world):
    page = write_world()
    spread, strata = tables(page)
    assert titles(spread) == ["group", "mean Dice %", "median", "quartiles", "failures %",
                                     "worst tenth"]
    # Of the supervised one a third fails; the worst of nine are 0.20 and 0.21.
    assert rows(spread)[1] == ["supervised plain 8", "53.83", "60.50", "20.50 to 80.50",
                                     "33.3", "20.50"]
    ours, base = rows(strata)
    assert [ours[1], ours[3], ours[5]] == ["50.50", "60.50", "80.50"]
    assert [base[1], base[2]] == ["20.50", "baseline"]
    assert [cell.split()[0] for cell in ours[2::2]] == ["+30.00", "+0.00", "+0.00"]
    assert strata.sentences[0] == (
        "polyps-64: a lesion on up to 7.67 % of the image is small, above 18.00 % large: the "
        "terciles of its test images (3 small, 3 medium, 3 large).")
    assert "carry no verdict" in strata.sentences[1]


def test_records_hold_the_same_and_the_cut_points(write_world):
    page = write_world()
    spread, strata = tables(page)
    assert [record["failures"] for record in records(spread)] == pytest.approx([1 / 9, 1 / 3])
    by = {(r["method"], r["stratum"]): r for r in records(strata)}
    small = by["clcc", "small"]
    assert (small["images"], small["dice_mean"], small["difference"]) == pytest.approx(
        (3, 0.505, 0.3))
    assert small["difference_low"] < 0.3 < small["difference_high"]
    assert by["supervised", "large"]["difference"] is None
    assert small["small_up_to"] == pytest.approx(0.0766667)
    main = {record["method"]: record for record in records(page.table)}["clcc"]
    assert {"dice_median", "dice_q1", "dice_q3", "dice_worst_tenth", "failures"} <= main.keys()


def test_failures_are_dices_whatever_is_judged(write_world):
    page = write_world(("working", "hd95"))
    spread, strata = tables(page)
    assert titles(spread)[1] == "mean HD95 px"
    assert rows(spread)[1][1:] == ["4.62", "3.95", "1.95 to 7.95", "33.3", "7.95"]
    assert rows(strata)[0][2].startswith("-3.00 (")


def test_without_lesion_sizes_there_are_no_strata_and_it_is_said(write_world):
    page = write_world(sizes=None)
    assert len(tables(page)) == 1
    (note,) = strata_missing(page.evidence, page.scores)
    assert note.startswith("polyps-64: no strata by lesion size: ")


def test_a_split_without_images_has_none(write_images_run, tmp_path):
    folder = write_images_run([0.5])
    result = json.loads((folder.path / "result.json").read_text())
    folder.write_json("result.json", {**result, "test": None})
    page = write_page(tmp_path, Question())
    assert records(page.table)[0]["failures"] is None
    assert rows(tables(page)[0]) == [["clcc plain 8", *["none"] * 5]]
