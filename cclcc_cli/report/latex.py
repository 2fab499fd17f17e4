"""A table for a paper: booktabs, the best in bold, the second underlined."""

import re
from collections.abc import Sequence

from cclcc_cli.report.layouts import Layout
from cclcc_cli.report.ranks import BEST, SECOND

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

    Sentences and notes stand above it as comments: a caption is the author's.
    """
    texts = zip(layout.rows, layout.ranks, layout.marks, strict=True)
    rows = [" & ".join(map(_cell, *found)) + r" \\" for found in texts]
    for row in reversed(layout.rules):
        rows.insert(row, r"\midrule")
    alignment = "".join("l" if column in ("data", "method", "recipe") else "r"
                        for column in layout.columns)
    return "\n".join([
        *(f"% {' '.join(text.split())}" for text in (*sentences, *notes)),
        r"\begin{table}", r"\centering",
        rf"\caption{{{escape(title[0].upper() + title[1:])}.{_legend(layout)}}}",
        rf"\begin{{tabular}}{{{alignment}}}", r"\toprule",
        " & ".join(map(escape, layout.columns)) + r" \\", r"\midrule",
        *rows, r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]) + "\n"


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


def _cell(text: str, rank: int, mark: str) -> str:
    shown = _SIGNED.sub(r"$\g<0>$", escape(text))
    if rank == BEST:
        shown = rf"\textbf{{{shown}}}"
    elif rank == SECOND:
        shown = rf"\underline{{{shown}}}"
    return shown + _MARKS[mark]
