"""What a table shows: texts, marks, ranks and rules by place."""

from cclcc_cli.report.render.text import cell_text, titles
from cclcc_cli.report.tables.table import Column, Row, Table


def rows(table):
    """Cells of a page, without marks."""
    return [[cell_text(column, row) for column in table.page_columns] for row in table.page_rows]


def by_title(table, place=0):
    """One row's cells under their headings."""
    return dict(zip(titles(table), rows(table)[place], strict=True))


def marks(table, key):
    return [row.marks.get(key, "") for row in table.page_rows]


def ranks(table, key):
    return [row.ranks.get(key, 0) for row in table.page_rows]


def rules(table):
    return [n for n, row in enumerate(table.page_rows) if row.ruled]


def text_table(titles_, texts, num_keys=1, title="x"):
    """A table of words alone."""
    columns = [Column(name, name, is_key=n < num_keys) for n, name in enumerate(titles_)]
    return Table("rows", title, columns, [
        Row(dict(zip(titles_, row, strict=True))) for row in texts])
