"""A sheet in each format that is one text."""

from collections.abc import Callable, Mapping
from typing import Literal

from cclcc_cli.report.render.latex import to_latex
from cclcc_cli.report.render.markdown import to_markdown
from cclcc_cli.report.render.records import to_csv, to_json
from cclcc_cli.report.tables.table import Sheet

TextFormat = Literal["markdown", "latex", "csv", "json"]
FORMATS: Mapping[TextFormat, Callable[[Sheet], str]] = {
    "markdown": to_markdown, "latex": to_latex, "csv": to_csv, "json": to_json}
