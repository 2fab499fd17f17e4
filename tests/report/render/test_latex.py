"""LaTeX itself sets every kind of table, within a paper's text width."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cclcc_cli.report.gather.groups import ScoreSummary
from cclcc_cli.report.render.latex import escape, to_latex
from cclcc_cli.report.render.latex_fit import TEXT_WIDTH, fit
from cclcc_cli.report.render.text import titles
from cclcc_cli.report.tables.table import Change, Column, Row, Sheet, Table

NASTY = r"50 % of a_b & {c} #1 $x ~ ^ \y <z> → ± † ‡"


KEYS = {"labels": " labels", "seeds": " seeds", "steps": " steps", "data": ""}
REPEATS = {"recipe": "method", "Dice % (original size)": "Dice %"}


def build(columns, rows, num_keys=1, ranked=None, words=()):
    """A table whose cells are numbers where they can be; ``words`` are its columns of words."""
    made = [Column(name, name, form="{:.2f}".format, is_key=n < num_keys,
                   constant=KEYS.get(name), repeats=REPEATS.get(name, ""))
            for n, name in enumerate(columns)]
    filled = []
    for n, row in enumerate(rows):
        values = dict(zip(columns, row, strict=True))
        numbers = {name: 0.0 for name in columns if name not in (*columns[:num_keys], *words)}
        ranks = {columns[ranked]: n + 1} if ranked is not None and n < 2 else {}
        marks = {columns[ranked]: "*†"[n]} if ranked is not None and n < 2 else {}
        if ranked is not None and n == len(rows) - 1:
            marks[columns[0]] = "‡"
        filled.append(Row({**values, **numbers}, values, marks, ranks, ruled=n == 1))
    return Table("rows", "x", made, filled)


def latex(table, title="x", sentences=()):
    return to_latex(Sheet([replace(table, title=title, sentences=sentences)], []))


WIDE = build(
    ["data", "method", "recipe", "labels", "seeds", "steps", "Dice %", "IoU %",
     "Dice % (original size)", "95 % interval", "difference from baseline", "p (Holm)", "verdict",
     "M weights kept", "trained", "images learnt from", "judged", "images/s", "peak GiB"],
    [["kvasir-seg-320", name, f"{name}_frozen", labels, "3", "12000", "73.04 ± 12.61",
      "62.32 ± 11.61", "73.04 ± 12.61", "61.86 to 81.79", "-10.10 (-20.05 to -10.00)", "<0.001",
      "worse", "12.47", "14.93", "16", "36", "110.7", "10.45"]
     for name in ("consistency_only", "clcc") for labels in ("80 (10 %)", "160 (20 %)")],
    num_keys=4, ranked=6, words=("verdict",))
ABLATION = build(
    ["variant", "differs in", "seeds", "steps", "Dice %", "95 % interval",
     "difference from baseline", "p (Holm)", "verdict"],
    [["published_everything", "clcc.terms.kind joint → two_stage, clcc.contrast_weight 0.1 → 1.0, "
      "clcc.consistency_weight 1.0 → 25.0, 10 more", "3", "400", "73.04 ± 1.61", "61.86 to 81.79",
      "-1.10 (-2.05 to 0.00)", "0.050", "undecided"],
     ["corrected", "", "3", "400", "74.04 ± 1.61", "62.86 to 82.79", "baseline", "", ""]],
    num_keys=1, ranked=4, words=("differs in", "verdict"))
NAMES = build(["method", "Dice %"], [[NASTY, "73.04 ± 1.61"], ["a", "-0.10"], ["b", "1"]], 1, 1)


@pytest.mark.parametrize("table", [WIDE, ABLATION, NAMES], ids=["wide", "ablation", "names"])
def test_latex_sets_it_within_the_text_width(table, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here (Debian: texlive-latex-base, texlive-latex-recommended)")
    body = latex(table, f"data: scores of {NASTY}", ["A sentence of 10 %."])
    _compile(body, tmp_path)
    log = (tmp_path / "t.log").read_text(errors="replace")
    assert "Overfull" not in log, re.findall(r"Overfull.*", log)
    assert "Undefined" not in log


def _compile(body: str, folder: Path) -> None:
    (folder / "t.tex").write_text(
        "\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{booktabs}\n"
        f"\\begin{{document}}\n{body}\\end{{document}}\n", encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"], cwd=folder,
        capture_output=True, text=True, errors="replace", timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "t.pdf").read_bytes().startswith(b"%PDF")


def test_a_table_too_wide_comes_in_parts_with_its_keys():
    fitted = fit(WIDE)
    assert fitted.size == r"\scriptsize"
    assert len(fitted.parts) > 1
    keys = [column for column in fitted.table.columns if column.is_key]
    assert all(list(part[:len(keys)]) == keys for part in fitted.parts)
    assert {column.key for part in fitted.parts for column in part} == set(
        titles(fitted.table))


def test_what_does_not_vary_is_said_in_the_caption():
    fitted = fit(WIDE)
    assert fitted.said == "kvasir-seg-320, 3 seeds, 12000 steps"
    assert not {"data", "seeds", "steps", "verdict", "Dice % (original size)"} & set(
        titles(fitted.table))
    assert "(kvasir-seg-320, 3 seeds, 12000 steps). Best in bold" in latex(WIDE)


def test_verdicts_that_no_mark_tells_keep_their_column():
    columns = ["method", "Dice %", "verdict"]
    told = build(columns, [["a", "1", "better"], ["b", "2", "undecided"]], words=("verdict",))
    assert "verdict" not in titles(fit(told).table)
    for word in ("equivalent", "estimate only", "these two trainings",
                 "better (within the margin)"):
        untold = build(columns, [["a", "1", "better"], ["b", "2", word]], words=("verdict",))
        assert "verdict" in titles(fit(untold).table)


def test_a_single_row_keeps_its_columns():
    table = build(["method", "seeds", "Dice %"], [["clcc", "3", "73.04"]])
    assert titles(fit(table).table) == ["method", "seeds", "Dice %"]


def test_a_recipe_that_only_repeats_the_method_is_left_out():
    columns = [Column("method", "method", is_key=True),
               Column("recipe", "recipe", is_key=True, repeats="method"), Column("dice", "Dice %")]
    rows = [Row({"method": "clcc", "recipe": "clcc", "dice": 1.0}),
            Row({"method": "theirs", "dice": 2.0}, {"recipe": "quoted"})]
    assert titles(fit(Table("rows", "x", columns, rows)).table) == ["method", "Dice %"]
    rows[0] = Row({"method": "clcc", "recipe": "joint", "dice": 1.0})
    assert "recipe" in titles(fit(Table("rows", "x", columns, rows)).table)


def test_long_words_wrap_in_a_column_of_known_width():
    (key, width), = fit(ABLATION).wrapped.items()
    assert key == "differs in"
    assert width < TEXT_WIDTH / 2
    assert rf"p{{{width:.0f}pt}}" in latex(ABLATION)


@pytest.mark.parametrize(("ranks", "marks", "legend"), [
    ([0, 0], ["", ""], ""),
    ([1, 0], ["", ""], " Best in bold."),
    ([1, 2], ["*", ""], " Best in bold, second best underlined; $^{*}$ better than the baseline, "
     "$p < 0.05$ after Holm's correction."),
    ([0, 0], ["†", ""], r" $^{\dagger}$ worse than the baseline, $p < 0.05$ after Holm's "
     "correction."),
    ([0, 0], ["", "‡"], r" $^{\ddagger}$ quoted, not run here: other split, size or protocol, "
     "neither ranked nor tested."),
])
def test_the_caption_explains_what_stands_out_and_nothing_else(ranks, marks, legend):
    columns = [Column("method", "method"), Column("dice", "Dice %")]
    table = Table("rows", "x", columns, [
        Row({"method": name, "dice": value}, ranks={"dice": rank}, marks={"dice": mark})
        for name, value, rank, mark in zip("ab", (1, 2), ranks, marks, strict=True)])
    assert rf"\caption{{x.{legend}}}" in latex(table)


def test_a_small_table_by_hand():
    columns = [Column("method", "method", is_key=True),
               Column("dice", "Dice %", "%", form="{:.2f}".format)]
    rows = [Row({"method": "a_b", "dice": ScoreSummary(0.73, 0.0361, 3)}, marks={"dice": "*"},
                ranks={"dice": 1}),
            Row({"method": "c", "dice": Change(-0.012, -0.03, 0.006)}, ranks={"dice": 2}),
            Row({"method": "d", "dice": 0.0}, {"dice": "<0.001"}, {"dice": "†"}, ruled=True)]
    sheet = Sheet([Table("rows", "data: scores", columns, rows, ["One\nsentence."])], ["50 % more"])
    assert to_latex(sheet).splitlines() == [
        "% One sentence.", "% 50 % more", r"\begin{table}", r"\centering",
        r"\caption{data: scores. Best in bold, second best underlined; $^{*}$ better, "
        r"$^{\dagger}$ worse than the baseline, $p < 0.05$ after Holm's correction.}",
        r"\begin{tabular}{lr}", r"\toprule", r"method & Dice \% \\", r"\midrule",
        r"a\_b & \textbf{73.00 $\pm$ 3.61}$^{*}$ \\",
        r"c & \underline{$-$1.20 ($-$3.00 to 0.60)} \\", r"\midrule",
        r"d & $<$0.001$^{\dagger}$ \\",
        r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]


def test_what_means_something_to_latex_is_escaped():
    assert escape(r"50 % of a_b & {c} #1 $x ~ ^ \y") == (
        r"50 \% of a\_b \& \{c\} \#1 \$x \textasciitilde{} \textasciicircum{} "
        r"\textbackslash{}y")
