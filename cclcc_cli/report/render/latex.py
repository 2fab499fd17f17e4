"""A table for a paper: booktabs, the best in bold, the second underlined."""

import re
from collections.abc import Sequence

from cclcc_cli.report.render.latex_fit import Fitted, fit, is_text
from cclcc_cli.report.tables.best import BEST, SECOND
from cclcc_cli.report.tables.layouts import Layout

_ESCAPED = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "→": r"$\rightarrow$", "†": r"\textdagger{}", "‡": r"\textdaggerdbl{}",
    "<": "$<$", ">": "$>$",
}
_SIGNED = re.compile(r"(?<![\w.])[-+](?=\d)")
"""A minus sign, not a hyphen."""
_MARKS = {"": "", "*": "$^{*}$", "†": r"$^{\dagger}$", "‡": r"$^{\ddagger}$"}


def to_latex(title: str, layout: Layout, sentences: Sequence[str], notes: Sequence[str]) -> str:
    """A ``table`` environment that needs ``\\usepackage{booktabs}`` and nothing else.

    It is made to fit an article's text width. Sentences and notes stand above it as comments: a
    caption is the author's.
    """
    fitted = fit(layout)
    said = f" ({escape(fitted.said)})" if fitted.said else ""
    gap = [] if fitted.column_gap is None else [
        rf"\setlength{{\tabcolsep}}{{{fitted.column_gap / 2:g}pt}}"]
    parts = [_tabular(fitted, places) for places in fitted.parts]
    return "\n".join([
        *(f"% {' '.join(text.split())}" for text in (*sentences, *notes)),
        r"\begin{table}", r"\centering", *([fitted.size] if fitted.size else []), *gap,
        rf"\caption{{{escape(title)}{said}.{_legend(fitted.layout)}}}",
        *"\n\n\\medskip\n".join(parts).split("\n"),
        r"\end{table}",
    ]) + "\n"


def _tabular(fitted: Fitted, places: Sequence[int]) -> str:
    """Some columns of a table."""
    layout = fitted.layout
    end = r" \tabularnewline" if set(places) & set(fitted.wrapped) else r" \\"  # \raggedright's
    rows = [
        " & ".join(_cell(row[p], ranks[p], marks[p], p in fitted.wrapped) for p in places) + end
        for row, ranks, marks in zip(layout.rows, layout.ranks, layout.marks, strict=True)
    ]
    for row in reversed(layout.rules):
        rows.insert(row, r"\midrule")
    alignment = "".join(
        f"p{{{fitted.wrapped[p]:.0f}pt}}" if p in fitted.wrapped
        else "l" if is_text(layout, p) else "r" for p in places)
    return "\n".join([
        rf"\begin{{tabular}}{{{alignment}}}", r"\toprule",
        " & ".join(escape(layout.columns[p]) for p in places) + r" \\", r"\midrule",
        *rows, r"\bottomrule", r"\end{tabular}",
    ])


def _legend(layout: Layout) -> str:
    """What stands out in this table, and what its marks mean."""
    ranks = {rank for row in layout.ranks for rank in row}
    marks = {mark for row in layout.marks for mark in row}
    parts = []
    if BEST in ranks:
        second = ", second best underlined" if SECOND in ranks else ""
        parts.append(f" Best in bold{second}")
    judged = [text for mark, text in (("*", "$^{*}$ better"), ("†", r"$^{\dagger}$ worse"))
              if mark in marks]
    if judged:
        parts.append(f"{';' if parts else ''} {', '.join(judged)} than the baseline, $p < 0.05$ "
                     "after Holm's correction")
    if "‡" in marks:
        parts.append(f"{';' if parts else ''} $^{{\\ddagger}}$ quoted, not run here: other split, "
                     "size or protocol, neither ranked nor tested")
    return f"{''.join(parts)}." if parts else ""


def escape(text: str) -> str:
    """Plain text as LaTeX shows it."""
    return "".join(_ESCAPED.get(sign, sign) for sign in text)


def _cell(text: str, rank: int, mark: str, wraps: bool) -> str:
    shown = _SIGNED.sub(r"$\g<0>$", escape(text))
    if rank == BEST:
        shown = rf"\textbf{{{shown}}}"
    elif rank == SECOND:
        shown = rf"\underline{{{shown}}}"
    if wraps and shown:
        shown = rf"\raggedright {shown}"
    return shown + _MARKS[mark]
