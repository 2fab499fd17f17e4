"""All figures together: what can be shown is, what cannot is said, the same bytes each time."""

import numpy as np
import pytest

from cclcc_cli.report.figures.gallery import draw_figures
from cclcc_cli.runs.folder import RunFolder

ROWS = np.array([[0.4, 0.5, 0.6], [0.45, 0.5, 0.55]])
RECORD = '{"step": 4, "val": {"dice": 0.5}, "train": {"total": 1.0}}\n'


@pytest.fixture
def recorded(weighed):
    def build(table, **changes):
        found = weighed(table, **changes)
        for evidence in found.evidence:
            for run in evidence.group.runs:
                RunFolder(run.path).write_text("metrics.jsonl", RECORD)
        return found

    return build


def test_one_place_without_masks_has_all_but_cases_and_says_so(recorded, tmp_path):
    found = recorded({("supervised", "base", 80): ROWS, ("clcc", "ours", 80): ROWS + 0.1})
    drawn = draw_figures(found.evidence, found.scores, "test", tmp_path)
    assert [figure.name for figure in drawn.figures] == [
        "effects", "paired-scatter", "paired-differences", "learning-curves", "losses"]
    curve, cases = drawn.notes
    assert curve.startswith("no label-efficiency curve")
    assert cases.startswith("no cases: the run folders hold no predicted masks (a bundle leaves")
    again = draw_figures(found.evidence, found.scores, "test", tmp_path)
    assert again == drawn  # bytes included


def test_several_places_are_told_apart_by_name_and_caption(recorded, tmp_path):
    found = recorded({(method, "r", labeled): ROWS + labeled / 1000 + shift
                      for method, shift in [("supervised", 0), ("clcc", 0.02)]
                      for labeled in (40, 80)})
    drawn = draw_figures(found.evidence, found.scores, "val", tmp_path)
    names = [figure.name for figure in drawn.figures]
    assert len(set(names)) == len(names)
    assert {"effects", "label-efficiency", "paired-scatter-polyps-64-40",
            "losses-polyps-64-80"} <= set(names)
    for figure in drawn.figures:
        assert figure.png.startswith(b"\x89PNG")
        assert figure.pdf.startswith(b"%PDF")
        assert figure.title
        if figure.name.endswith("-40"):
            assert "40 labels" in figure.caption
    assert drawn.notes[-1] == "no cases: predicted masks are kept of the test split alone"


def test_of_many_places_the_first_are_drawn_and_it_is_said(recorded, tmp_path):
    found = recorded({("clcc", "r", labeled): ROWS[:1] for labeled in range(10, 18)})
    drawn = draw_figures(found.evidence, found.scores, "test", tmp_path)
    assert sum(figure.name.startswith("learning") for figure in drawn.figures) == 6
    assert drawn.notes[-1] == ("curves, pairs and cases are drawn for the first 6 of 8 data sets "
                               "and numbers of labels")


def test_one_run_of_one_image_is_drawn_as_far_as_it_goes(recorded, tmp_path):
    found = recorded({("clcc", "ours", 80): [[0.5]]})
    drawn = draw_figures(found.evidence, found.scores, "test", tmp_path)
    assert [figure.name for figure in drawn.figures] == ["learning-curves", "losses"]
    assert "no forest plot: no group is compared with a baseline" in drawn.notes
