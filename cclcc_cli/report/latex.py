"""A table for a paper: booktabs, the best in bold, the second underlined."""

import re
from collections.abc import Sequence

from cclcc_cli.report.layouts import Layout
from cclcc_cli.report.ranks import BEST, SECOND

_ESCAPED = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "→": r"$\rightarrow$", "†": r"\textdagger{}", "<": "$<$", ">": "$>$",
}
_SIGNED = re.compile(r"(?<![\w.])[-+](?=\d)")
"""A minus sign, not a hyphen."""
_MARKS = {"": "", "*": "$^{*}$", "†": r"$^{\dagger}$"}
_LEGEND = ("Best in bold, second best underlined; $^{*}$ better, $^{\\dagger}$ worse than the "
           "baseline, $p < 0.05$ after Holm's correction.")


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
        rf"\caption{{{escape(title[0].upper() + title[1:])}. {_LEGEND}}}",
        rf"\begin{{tabular}}{{{alignment}}}", r"\toprule",
        " & ".join(map(escape, layout.columns)) + r" \\", r"\midrule",
        *rows, r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]) + "\n"


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
