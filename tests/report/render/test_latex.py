"""LaTeX itself sets every kind of table, within a paper's text width."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cclcc_cli.report.render.latex import to_latex
from cclcc_cli.report.render.latex_fit import TEXT_WIDTH, fit
from cclcc_cli.report.tables.layouts import Layout

NASTY = r"50 % of a_b & {c} #1 $x ~ ^ \y <z> → ± † ‡"


def build(columns, rows, num_keys=1, ranked=None):
    width = len(columns)
    ranks, marks = ([[empty] * width for _ in rows] for empty in (0, ""))
    if ranked is not None:
        ranks[0][ranked], ranks[1][ranked] = 1, 2
        marks[0][ranked], marks[1][ranked], marks[-1][0] = "*", "†", "‡"
    return Layout(columns, rows, ranks, marks, [1], num_keys)


WIDE = build(
    ["data", "method", "recipe", "labels", "seeds", "steps", "Dice %", "IoU %",
     "Dice % (original size)", "95 % interval", "difference from baseline", "p (Holm)", "verdict",
     "M weights kept", "trained", "images learnt from", "judged", "images/s", "peak GiB"],
    [["kvasir-seg-320", name, f"{name}_frozen", labels, "3", "12000", "73.04 ± 12.61",
      "62.32 ± 11.61", "73.04 ± 12.61", "61.86 to 81.79", "-10.10 (-20.05 to -10.00)", "<0.001",
      "worse", "12.47", "14.93", "16", "36", "110.7", "10.45"]
     for name in ("consistency_only", "clcc") for labels in ("80 (10 %)", "160 (20 %)")],
    num_keys=4, ranked=6)
ABLATION = build(
    ["variant", "differs in", "seeds", "steps", "Dice %", "95 % interval",
     "difference from baseline", "p (Holm)", "verdict"],
    [["published_everything", "clcc.terms.kind joint → two_stage, clcc.contrast_weight 0.1 → 1.0, "
      "clcc.consistency_weight 1.0 → 25.0, 10 more", "3", "400", "73.04 ± 1.61", "61.86 to 81.79",
      "-1.10 (-2.05 to 0.00)", "0.050", "undecided"],
     ["corrected", "", "3", "400", "74.04 ± 1.61", "62.86 to 82.79", "baseline", "", ""]],
    num_keys=1, ranked=4)
NAMES = build(["method", "Dice %"], [[NASTY, "73.04 ± 1.61"], ["a", "-0.10"], ["b", "1"]], 1, 1)


@pytest.mark.parametrize("layout", [WIDE, ABLATION, NAMES], ids=["wide", "ablation", "names"])
def test_latex_sets_it_within_the_text_width(layout, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here (Debian: texlive-latex-base, texlive-latex-recommended)")
    body = to_latex(f"data: scores of {NASTY}", layout, ["A sentence of 10 %."], [])
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
    keys = list(range(fitted.layout.num_keys))
    assert all(list(part[:len(keys)]) == keys for part in fitted.parts)
    assert sorted({place for part in fitted.parts for place in part}) == list(
        range(len(fitted.layout.columns)))


def test_what_does_not_vary_is_said_in_the_caption():
    fitted = fit(WIDE)
    assert fitted.said == "kvasir-seg-320, 3 seeds, 12000 steps"
    assert not {"data", "seeds", "steps", "verdict", "Dice % (original size)"} & set(
        fitted.layout.columns)
    assert "(kvasir-seg-320, 3 seeds, 12000 steps). Best in bold" in to_latex("x", WIDE, [], [])
    assert {len(row) for row in fitted.layout.rows} == {len(fitted.layout.columns)}


def test_verdicts_that_no_mark_tells_keep_their_column():
    columns = ["method", "Dice %", "verdict"]
    told = build(columns, [["a", "1", "better"], ["b", "2", "undecided"]])
    assert "verdict" not in fit(told).layout.columns
    for word in ("equivalent", "estimate only", "these two trainings",
                 "better (within the margin)"):
        untold = build(columns, [["a", "1", "better"], ["b", "2", word]])
        assert "verdict" in fit(untold).layout.columns


def test_a_single_row_keeps_its_columns():
    layout = build(["method", "seeds", "Dice %"], [["clcc", "3", "73.04"]])
    assert fit(layout).layout.columns == ["method", "seeds", "Dice %"]


def test_a_recipe_that_only_repeats_the_method_is_left_out():
    rows = [["clcc", "clcc", "1"], ["theirs", "quoted", "2"]]
    assert fit(build(["method", "recipe", "Dice %"], rows, 2)).layout.columns == [
        "method", "Dice %"]
    rows[0][1] = "joint"
    assert "recipe" in fit(build(["method", "recipe", "Dice %"], rows, 2)).layout.columns


def test_long_words_wrap_in_a_column_of_known_width():
    (place, width), = fit(ABLATION).wrapped.items()
    assert ABLATION.columns[place] == "differs in"
    assert width < TEXT_WIDTH / 2
    assert rf"p{{{width:.0f}pt}}" in to_latex("x", ABLATION, [], [])


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
    layout = Layout(["method", "Dice %"], [["a", "1"], ["b", "2"]], [[0, rank] for rank in ranks],
                    [["", mark] for mark in marks], [])
    assert rf"\caption{{x.{legend}}}" in to_latex("x", layout, [], [])
