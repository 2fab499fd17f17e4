"""Tables with what they say, in every format."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cclcc_cli.report.render.latex import to_latex
from cclcc_cli.report.tables.condense import condense
from cclcc_cli.report.tables.layouts import Layout
from cclcc_cli.report.tables.rows import Record, to_csv, to_markdown


@dataclass(frozen=True)
class Table:
    """One table of a report.

    Attributes:
        name: of its records in JSON, and in CSV where there are several tables.
        title: what it shows.
        layout: the table.
        records: what it shows and more as numbers, one for each row.
        sentences: what it says.
        quoted: figures of others that stand below its rows, as numbers.
    """

    name: str
    title: str
    layout: Layout
    records: Sequence[Record]
    sentences: Sequence[str]
    quoted: Sequence[Record] = ()

    @property
    def condensed(self) -> "Table":
        """The same for a narrow page: the title says what does not vary."""
        layout, said = condense(self.layout)
        return replace(self, layout=layout, title=f"{self.title}; {said}" if said else self.title)

    @property
    def marked_rows(self) -> list[list[str]]:
        """The rows where marks are plain signs behind a cell."""
        return [
            [f"{cell} {mark}" if mark else cell for cell, mark in zip(row, marks, strict=True)]
            for row, marks in zip(self.layout.rows, self.layout.marks, strict=True)
        ]


@dataclass(frozen=True)
class Sheet:
    """Tables that belong together.

    Attributes:
        tables: the main one first.
        notes: what makes them doubtful, and what was left out.
    """

    tables: Sequence[Table]
    notes: Sequence[str]

    @property
    def sentences(self) -> list[str]:
        return [sentence for table in self.tables for sentence in table.sentences]

    def markdown(self) -> str:
        parts = [
            to_markdown(table.title, table.layout.columns, table.marked_rows,
                        [*table.sentences, *(self.notes if table is self.tables[-1] else [])])
            for table in self.tables
        ]
        return "\n".join(parts)

    def latex(self) -> str:
        parts = [
            to_latex(table.title, table.layout, table.sentences,
                     self.notes if table is self.tables[0] else [])
            for table in self.tables
        ]
        return "\n".join(parts)

    def csv(self) -> str:
        """All tables' records as one; with several tables a first column says whose a row is."""
        if len(self.tables) == 1:
            return to_csv(_filled([*self.tables[0].records, *self.tables[0].quoted]))
        return to_csv(_filled([{"table": table.name, **record} for table in self.tables
                               for record in (*table.records, *table.quoted)]))

    def json(self) -> str:
        quoted = [record for table in self.tables for record in table.quoted]
        sheet = {**{table.name: table.records for table in self.tables},
                 **({"quoted": quoted} if quoted else {}),
                 "summary": self.sentences, "notes": self.notes}
        return json.dumps(sheet, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _filled(records: Sequence[Record]) -> list[Record]:
    """Every record with every key; what it lacks is None."""
    keys = dict.fromkeys(key for record in records for key in record)
    return [{key: record.get(key) for key in keys} for record in records]
