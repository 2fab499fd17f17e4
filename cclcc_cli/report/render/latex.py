"""A table for a paper: booktabs, the best in bold, the second underlined."""

from collections.abc import Sequence

from cclcc_cli.report.render.latex_fit import Fitted, fit
from cclcc_cli.report.render.text import cell_text
from cclcc_cli.report.tables.best import BEST, SECOND
from cclcc_cli.report.tables.table import Column, Row, Sheet, Table

_ESCAPED = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "→": r"$\rightarrow$", "†": r"\textdagger{}", "‡": r"\textdaggerdbl{}",
    "<": "$<$", ">": "$>$",
}
_MARKS = {"*": "$^{*}$", "†": r"$^{\dagger}$", "‡": r"$^{\ddagger}$"}


def to_latex(sheet: Sheet) -> str:
    """``table`` environments that need ``\\usepackage{booktabs}`` and nothing else.

    They are made to fit an article's text width. Sentences and notes stand above them as comments:
    a caption is the author's.
    """
    return "\n".join(_environment(table, sheet.notes if table is sheet.tables[0] else [])
                     for table in sheet.tables)


def _environment(table: Table, notes: Sequence[str]) -> str:
    fitted = fit(table)
    said = f" ({escape(fitted.said)})" if fitted.said else ""
    gap = [] if fitted.column_gap is None else [
        rf"\setlength{{\tabcolsep}}{{{fitted.column_gap / 2:g}pt}}"]
    parts = [_tabular(fitted, columns) for columns in fitted.parts]
    return "\n".join([
        *(f"% {' '.join(text.split())}" for text in (*table.sentences, *notes)),
        r"\begin{table}", r"\centering", *([fitted.size] if fitted.size else []), *gap,
        rf"\caption{{{escape(table.title)}{said}.{_legend(fitted.table)}}}",
        *"\n\n\\medskip\n".join(parts).split("\n"),
        r"\end{table}",
    ]) + "\n"


def _tabular(fitted: Fitted, columns: Sequence[Column]) -> str:
    """Some columns of a table."""
    table, wrapped = fitted.table, fitted.wrapped
    wraps = any(column.key in wrapped for column in columns)
    end = r" \tabularnewline" if wraps else r" \\"  # \raggedright's
    lines = []
    for row in table.page_rows:
        if row.ruled:
            lines.append(r"\midrule")
        lines.append(" & ".join(_cell(column, row, column.key in wrapped)
                                for column in columns) + end)
    alignment = "".join(
        f"p{{{wrapped[column.key]:.0f}pt}}" if column.key in wrapped
        else "r" if table.is_numeric(column) else "l" for column in columns)
    return "\n".join([
        rf"\begin{{tabular}}{{{alignment}}}", r"\toprule",
        " & ".join(escape(column.title) for column in columns) + r" \\", r"\midrule",
        *lines, r"\bottomrule", r"\end{tabular}",
    ])


def _legend(table: Table) -> str:
    """What stands out in this table, and what its marks mean."""
    keys = {column.key for column in table.page_columns}
    ranks = {rank for row in table.page_rows for key, rank in row.ranks.items() if key in keys}
    marks = {mark for row in table.page_rows for key, mark in row.marks.items() if key in keys}
    parts = []
    if BEST in ranks:
        second = ", second best underlined" if SECOND in ranks else ""
        parts.append(f" Best in bold{second}")
    compared = [text for mark, text in (("*", "$^{*}$ better"), ("†", r"$^{\dagger}$ worse"))
              if mark in marks]
    if compared:
        parts.append(f"{';' if parts else ''} {', '.join(compared)} than the baseline, $p < 0.05$ "
                     "after Holm's correction")
    if "‡" in marks:
        parts.append(f"{';' if parts else ''} $^{{\\ddagger}}$ quoted, not run here: other split, "
                     "size or protocol, neither ranked nor tested")
    return f"{''.join(parts)}." if parts else ""


def escape(text: str) -> str:
    """Plain text as LaTeX shows it."""
    return "".join(_ESCAPED.get(sign, sign) for sign in text)


def _cell(column: Column, row: Row, wraps: bool) -> str:
    shown = cell_text(column, row, number=_number, word=escape)
    rank, mark = row.ranks.get(column.key), row.marks.get(column.key, "")
    if rank == BEST:
        shown = rf"\textbf{{{shown}}}"
    elif rank == SECOND:
        shown = rf"\underline{{{shown}}}"
    if wraps and shown:
        shown = rf"\raggedright {shown}"
    return shown + (_MARKS[mark] if mark else "")


def _number(text: str) -> str:
    """Its sign is a minus sign, not a hyphen."""
    return f"${text[0]}${text[1:]}" if text[0] in "+-" else escape(text)
