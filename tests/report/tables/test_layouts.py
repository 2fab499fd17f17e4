"""Tables in their layouts, and as LaTeX."""

import re

import pytest

from cclcc_cli.report.evidence.statistics import Difference
from cclcc_cli.report.evidence.verdicts import Comparison
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.render.latex import escape, to_latex
from cclcc_cli.report.tables.best import rank
from cclcc_cli.report.tables.layouts import Layout, lay_out_grid, lay_out_rows
from cclcc_cli.report.tables.rows import MAIN_METRICS

DICE = ("working", "dice")


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
    assert rank([0.1, 0.3, 0.2, 0.3, 0.9, None], [1, 1, 1, 1, 2, 1], DICE) == [0, 1, 2, 1, 0, 0]
    assert rank([0.2, 0.2, None], [1, 1, 1], DICE) == [0, 0, 0]
    assert rank([3.0, 1.0, 2.0], [0, 0, 0], ("working", "hd95")) == [0, 1, 2]


def test_rows_are_ranked_among_those_with_the_same_labels(evidence):
    layout = lay_out_rows(evidence, "test", MAIN_METRICS, costs=False)
    place = layout.columns.index("Dice %")
    assert [row[place] for row in layout.ranks] == [1, 2, 0, 1, 2]
    assert [row[place] for row in layout.marks] == ["*", "", "†", "", ""]
    assert layout.rules == [2]
    for table in (layout.rows, layout.ranks, layout.marks):
        assert {len(row) for row in table} == {len(layout.columns)}


def test_costs_are_columns_of_the_rows(evidence):
    layout = lay_out_rows(evidence, "test", MAIN_METRICS, costs=True)
    assert layout.columns[-1] == "peak GiB"
    assert {len(row) for row in layout.rows + layout.marks} == {len(layout.columns)}


def test_the_grid_has_methods_down_and_labels_across(evidence):
    layout = lay_out_grid(evidence, "test")
    assert layout.columns == ["method", "recipe", "40 (5 %)", "80 (10 %)"]
    assert layout.rows == [
        ["clcc", "plain", "50.00 (1 seed)", "60.00 (1 seed)"],
        ["supervised", "plain", "40.00 (1 seed)", "65.00 (1 seed)"],
        ["uamt", "plain", "", "70.00 (1 seed)"],
    ]
    assert layout.ranks == [[0, 0, 1, 0], [0, 0, 2, 2], [0, 0, 0, 1]]
    assert layout.marks == [["", "", "*", "†"], ["", "", "", ""], ["", "", "", ""]]


def test_no_group_is_lost_where_two_share_a_place(make_run):
    layout = lay_out_grid([found(make_run, "a", 0.5), found(make_run, "b", 0.6)], "test")
    assert [row[2] for row in layout.rows] == ["50.00 (1 seed)", "60.00 (1 seed)"]


def test_data_sets_are_columns_of_their_own(make_run):
    layout = lay_out_grid(
        [found(make_run, "a", 0.5), found(make_run, "b", 0.6, data="skin-64")], "test")
    assert layout.columns[2:] == ["polyps-64 80 (10 %)", "skin-64 80 (10 %)"]
    assert layout.rows == [["clcc", "plain", "50.00 (1 seed)", "60.00 (1 seed)"]]


def test_latex_of_a_small_table_by_hand():
    layout = Layout(
        ["method", "Dice %"],
        [["a_b", "73.00 ± 3.61"], ["c", "-1.20 (-3.00 to 0.60)"], ["d", "<0.001"]],
        [[0, 1], [0, 2], [0, 0]], [["", "*"], ["", ""], ["", "†"]], [2])
    assert to_latex("data: scores", layout, ["One\nsentence."], ["50 % more"]).splitlines() == [
        "% One sentence.", "% 50 % more", r"\begin{table}", r"\centering",
        r"\caption{data: scores. Best in bold, second best underlined; $^{*}$ better, "
        r"$^{\dagger}$ worse than the baseline, $p < 0.05$ after Holm's correction.}",
        r"\begin{tabular}{lr}", r"\toprule", r"method & Dice \% \\", r"\midrule",
        r"a\_b & \textbf{73.00 $\pm$ 3.61}$^{*}$ \\",
        r"c & \underline{$-$1.20 ($-$3.00 to 0.60)} \\", r"\midrule",
        r"d & $<$0.001$^{\dagger}$ \\",
        r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]


@pytest.mark.parametrize("grid", [False, True])
def test_every_line_of_latex_has_as_many_cells_as_columns(evidence, grid):
    layout = (lay_out_grid(evidence, "test") if grid
              else lay_out_rows(evidence, "test", MAIN_METRICS, costs=True))
    text = to_latex("title", layout, [], [])
    for part in re.findall(r"\\begin\{tabular\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        alignment = re.match(r"\{([lr]+)\}", part)
        cells = [line.count(" & ") for line in part.splitlines() if line.endswith(r"\\")]
        assert len(cells) == 1 + len(layout.rows)
        assert set(cells) == {len(alignment[1]) - 1}
    assert text.count(r"\begin{tabular}") >= 1
    assert all(line.count("{") == line.count("}") for line in text.splitlines())


def test_what_means_something_to_latex_is_escaped():
    assert escape(r"50 % of a_b & {c} #1 $x ~ ^ \y") == (
        r"50 \% of a\_b \& \{c\} \#1 \$x \textasciitilde{} \textasciicircum{} "
        r"\textbackslash{}y")


@pytest.mark.parametrize(("verdict", "family"), [
    ("undecided", 3), ("equivalent", 3), ("estimate only", 0), ("these two trainings", 0),
    ("better", 0),
])
def test_what_is_not_judged_better_or_worse_in_a_family_has_no_mark(make_run, verdict, family):
    one = found(make_run, "a", 0.5, verdict, family=family)
    assert lay_out_grid([one], "test").marks == [["", "", ""]]
    layout = lay_out_rows([one], "test", MAIN_METRICS, costs=False)
    assert set(layout.marks[0]) == {""}
    assert "^{*}" not in to_latex("title", layout, [], [])
    assert "$p < 0.05$" not in to_latex("title", layout, [], [])
