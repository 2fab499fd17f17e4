"""The table of scores: whole, in agreement with what is computed, and light."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from cclcc_cli.metrics.overlap import overlap_scores
from cclcc_cli.metrics.scores import (
    ALL_METRICS,
    OVERLAP_SCORES,
    SCORES,
    TABLE,
    file_column,
    gain,
    heading,
    in_unit,
    metric_name,
    metric_title,
    parse_metric,
)
from cclcc_cli.metrics.surface import surface_scores


def test_it_lists_what_is_computed_in_that_order():
    truth = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    truth[..., 2:5, 2:5] = True
    overlap = overlap_scores(truth.float(), truth, truth)
    outlines = surface_scores(truth[0, 0].numpy(), truth[0, 0].numpy())
    assert tuple(overlap) == OVERLAP_SCORES
    assert (*overlap, *outlines) == SCORES
    assert [row.from_outlines for row in TABLE] == [key in outlines for key in SCORES]


def test_direction_and_range_hold_for_the_best_and_for_a_bad_mask():
    truth = np.zeros((20, 30), bool)
    truth[5:15, 5:15] = True
    bad = np.roll(truth, 12, axis=1)

    def scored(mask):
        area, target = torch.tensor(mask)[None, None], torch.tensor(truth)[None, None]
        overlap = overlap_scores(area.float(), area, target)
        return {k: float(v) for k, v in overlap.items()} | surface_scores(mask, truth)

    best, worse = scored(truth), scored(bad)
    for row in TABLE:
        assert (best[row.key] > worse[row.key]) == row.more_is_better, row.key
        for value in (best[row.key], worse[row.key]):
            assert row.low <= value
            assert row.high is None or value <= row.high
        assert best[row.key] == (row.high if row.more_is_better else row.low)


@pytest.mark.parametrize("metric", ALL_METRICS)
def test_every_name_leads_back_to_its_metric(metric):
    assert parse_metric(metric_name(metric)) == metric


def test_words_by_hand():
    assert heading(("working", "dice")) == "Dice %"
    assert heading(("own", "hd95")) == "HD95 px (original size)"
    assert metric_title(("own", "dice")) == "Dice (original size)"
    assert (metric_name(("own", "nsd")), file_column(("own", "nsd"))) == (
        "nsd_original", "own_nsd")
    assert (in_unit(0.5, ("own", "iou")), in_unit(0.5, ("own", "assd"))) == (50.0, 0.5)
    assert (gain(0.1, ("working", "dice")), gain(0.1, ("working", "mae"))) == (0.1, -0.1)


@pytest.mark.parametrize("name", ["jaccard", "own_dice", "dice_own", "_original", "",
                                  "dice_original_original"])
def test_an_unknown_name_is_refused_with_the_list(name):
    with pytest.raises(ValueError, match=r"there are: dice, iou, .*nsd; .*_original"):
        parse_metric(name)


def test_it_loads_nothing():
    found = subprocess.run(
        [sys.executable, "-c", "import sys, cclcc_cli.metrics.scores; "
         "print(*[m for m in ('torch', 'numpy', 'scipy') if m in sys.modules])"],
        capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
