"""Pages of cases: every case on one, every method in each, truth and prediction where they are."""

import numpy as np
import pytest

from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.report.figures.cases import Case, Predictions
from cclcc_cli.report.figures.cases_plot import lay_out_pages, plot_cases


@pytest.fixture
def predicted(tiny_data):
    store = load_store(store_path(tiny_data, "synthetic", 32))
    stems = list(store.splits.test)

    def build(count):
        masks = np.zeros((count, 3, 32, 32), bool)
        masks[:, :, 4:10, 6:14] = True
        masks[:, 2] = False
        return Predictions([f"method_with_name_{n}" for n in range(count)], [0] * count, stems,
                           masks, np.full((count, 3), 0.5), store)

    return build


CASES = [Case(1, 0.9, ("disagreement no. 1", "worst of a, b, c, 3 more")),
         Case(2, 0.5, ("worst of d",)), Case(0, 0.1, ("median of all methods' mean",))]


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize(("methods", "columns"), [(1, 2), (6, 7), (17, 6)])
def test_each_case_shows_its_image_and_every_method(predicted, overlapping, methods, columns):
    found = predicted(methods)
    drawing = plot_cases(found, CASES[:2])
    panels = [axes for axes in drawing.axes if axes.images]
    assert len(panels) == 2 * (methods + 1)
    row = found.store.positions([found.stems[1]])[0]
    for axes in panels[: methods + 1]:
        assert (axes.images[0].get_array() == found.store.images[row]).all()
    grid = panels[0].get_subplotspec().get_gridspec()
    assert (grid.ncols, grid.nrows) == (columns, -(-(methods + 1) // columns))
    assert overlapping(drawing) == []


@pytest.mark.usefixtures("styled")
def test_outlines_surround_truth_and_prediction(predicted):
    found = predicted(1)
    image, panel = (axes for axes in plot_cases(found, CASES[:1]).axes if axes.images)
    truth = found.store.masks[found.store.positions([found.stems[1]])[0]] > 0
    lines = [c for c in panel.collections if len(c.get_paths())]
    boxes = [np.concatenate([path.vertices for path in c.get_paths()]) for c in lines]
    rows, columns = np.nonzero(truth)
    assert boxes[0].min(axis=0).tolist() == [columns.min() - 0.5, rows.min() - 0.5]
    assert boxes[0].max(axis=0).tolist() == [columns.max() + 0.5, rows.max() + 0.5]
    assert boxes[1].min(axis=0).tolist() == [5.5, 3.5]
    assert boxes[1].max(axis=0).tolist() == [13.5, 9.5]
    assert len(lines) == 2
    assert not image.collections


@pytest.mark.usefixtures("styled")
def test_an_empty_mask_has_no_outline(predicted):
    panel = plot_cases(predicted(1), CASES[1:2]).axes[1]
    truth_alone = len(panel.collections)
    assert truth_alone <= 1


@pytest.mark.parametrize("methods", [1, 3, 17, 20])
@pytest.mark.parametrize("count", [1, 5, 24])
def test_no_case_is_left_out_and_every_page_has_room(methods, count):
    cases = [Case(n, 0.5, ("worst",)) for n in range(count)]
    pages = lay_out_pages(cases, methods)
    assert [case for page in pages for case in page] == cases
    assert max(map(len, pages)) - min(map(len, pages)) <= max(map(len, pages)) - 1
