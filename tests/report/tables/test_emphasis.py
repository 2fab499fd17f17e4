"""What stands out: ranks, marks and rules, in rows and in the grid."""

import re

import pytest

from cclcc_cli.report.evidence.findings import Difference
from cclcc_cli.report.evidence.verdicts import Comparison
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.render.latex import to_latex
from cclcc_cli.report.render.text import titles
from cclcc_cli.report.tables.best import rank
from cclcc_cli.report.tables.columns import MAIN_METRICS
from cclcc_cli.report.tables.grid import build_grid
from cclcc_cli.report.tables.rows import build_rows
from cclcc_cli.report.tables.table import Sheet
from tests.report.shown import marks, ranks, rows, rules


def found(make_run, letter, dice, verdict=None, data="polyps-64", family=3, **changes):
    """One seed of a group; with a verdict it is compared with a baseline."""
    run = make_run(dice, group=letter, data=data, **changes)
    comparison = verdict and Comparison(
        Group((make_run(group="s"),)),
        Difference(-0.02, -0.03, 0.01, 0.01, 0.01, 9.0, (-1, 1), 0.01, 0.01, 1.0, 9, "seeds", 3,
                   0.9, 0.03, (0.02, 0.02, 0.01)),
        (), family, 0.01, 0.01, 0.01, -0.04, 0.02, 0.02, False, verdict)
    return Evidence(Group((run,)), None, comparison, False)


@pytest.fixture
def evidence(make_run):
    return [
        found(make_run, "a", 0.5, "better", labeled=40),
        found(make_run, "b", 0.4, labeled=40, method="supervised"),
        found(make_run, "c", 0.6, "worse"),
        found(make_run, "d", 0.7, "undecided", method="uamt"),
        found(make_run, "e", 0.65, method="supervised"),
    ]


def test_ranks_are_within_a_group_and_shared_by_equals():
    values = [0.1, 0.3, 0.2, 0.3, 0.9, None]
    assert rank(values, [1, 1, 1, 1, 2, 1], "more") == [0, 1, 2, 1, 0, 0]
    assert rank([0.2, 0.2, None], [1, 1, 1], "more") == [0, 0, 0]
    assert rank([3.0, 1.0, 2.0], [0, 0, 0], "less") == [0, 1, 2]


def test_rows_are_ranked_among_those_with_the_same_labels(evidence):
    made = build_rows(evidence, "test", MAIN_METRICS, "x")
    assert ranks(made, "dice") == [1, 2, 0, 1, 2]
    assert marks(made, "dice") == ["*", "", "†", "", ""]
    assert rules(made) == [2]


def test_the_grid_has_methods_down_and_labels_across(evidence):
    made = build_grid(evidence, "test", "x")
    assert titles(made) == ["method", "recipe", "40 (5 %)", "80 (10 %)"]
    assert rows(made) == [
        ["clcc", "plain", "50.00 (1 seed)", "60.00 (1 seed)"],
        ["supervised", "plain", "40.00 (1 seed)", "65.00 (1 seed)"],
        ["uamt", "plain", "", "70.00 (1 seed)"],
    ]
    assert [ranks(made, f"polyps-64 {labels}") for labels in (40, 80)] == [[1, 2, 0], [0, 2, 1]]
    assert [marks(made, f"polyps-64 {labels}") for labels in (40, 80)] == [
        ["*", "", ""], ["†", "", ""]]


def test_no_group_is_lost_where_two_share_a_place(make_run):
    made = build_grid([found(make_run, "a", 0.5), found(make_run, "b", 0.6)], "test", "x")
    assert [row[2] for row in rows(made)] == ["50.00 (1 seed)", "60.00 (1 seed)"]


def test_data_sets_are_columns_of_their_own(make_run):
    made = build_grid(
        [found(make_run, "a", 0.5), found(make_run, "b", 0.6, data="skin-64")], "test", "x")
    assert titles(made)[2:] == ["polyps-64 80 (10 %)", "skin-64 80 (10 %)"]
    assert rows(made) == [["clcc", "plain", "50.00 (1 seed)", "60.00 (1 seed)"]]


@pytest.mark.parametrize("grid", [False, True])
def test_every_line_of_latex_has_as_many_cells_as_columns(evidence, grid):
    made = (build_grid(evidence, "test", "title") if grid
            else build_rows(evidence, "test", MAIN_METRICS, "title"))
    text = to_latex(Sheet([made], []))
    for part in re.findall(r"\\begin\{tabular\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        alignment = re.match(r"\{([lr]+)\}", part)
        cells = [line.count(" & ") for line in part.splitlines() if line.endswith(r"\\")]
        assert len(cells) == 1 + len(made.rows)
        assert set(cells) == {len(alignment[1]) - 1}
    assert text.count(r"\begin{tabular}") >= 1
    assert all(line.count("{") == line.count("}") for line in text.splitlines())


@pytest.mark.parametrize(("verdict", "family"), [
    ("undecided", 3), ("equivalent", 3), ("estimate only", 0), ("these two trainings", 0),
    ("better", 0),
])
def test_what_is_not_better_or_worse_in_a_family_has_no_mark(make_run, verdict, family):
    one = found(make_run, "a", 0.5, verdict, family=family)
    assert build_grid([one], "test", "x").rows[0].marks == {}
    made = build_rows([one], "test", MAIN_METRICS, "x")
    assert made.rows[0].marks == {}
    assert "^{*}" not in to_latex(Sheet([made], []))
    assert "$p < 0.05$" not in to_latex(Sheet([made], []))
