"""A table: columns that say what they hold, and rows of typed values. ``render`` makes text of it.

A page shows a value with what belongs to it in one cell, such as ``73.04 ± 1.20``; CSV and JSON
hold each of its parts under a name of its own, unrounded, scores as shares of 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cclcc_cli.report.gather.groups import ScoreSummary

Plain = str | int | float | None
Record = dict[str, Plain]
Unit = Literal["", "%", "px", "M", "GiB", "min"]
Direction = Literal["more", "less"]
SCALES: Mapping[Unit, float] = {"": 1, "%": 100, "px": 1, "M": 1e-6, "GiB": 2**-30, "min": 1 / 60}
"""From a value as it is kept to what a page shows."""
two_places = "{:.2f}".format


@dataclass(frozen=True)
class Interval:
    """Bounds; None where nothing is known of them."""

    low: float | None
    high: float | None


@dataclass(frozen=True)
class Change:
    """A difference and its interval, shown with its sign."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Share:
    """Some of several; a fraction of an unknown number where ``count`` is not whole."""

    count: float
    of: int | None


@dataclass(frozen=True)
class Repeats:
    """How often a group was trained; None where folds or subsets are not pooled."""

    seeds: int
    folds: int | None
    subsets: int | None


@dataclass(frozen=True)
class Several:
    """What runs of a group have, in ascending order and each once."""

    values: tuple[int, ...]


Value = Plain | ScoreSummary | Interval | Change | Share | Repeats | Several


@dataclass(frozen=True)
class Column:
    """What a column holds and how it is shown.

    Attributes:
        key: of its values in a row, and its name in CSV and JSON.
        title: its heading, with its unit.
        unit: of the numbers on a page.
        direction: which way is better; None where nothing is ranked.
        form: from a number in its unit to text.
        missing: what a page shows where there is no value.
        is_key: it says which group a row is about, and is repeated where a table comes in parts.
        shown: on pages; else in CSV and JSON alone.
        fields: names of the value's parts in CSV and JSON; None for ``key``; empty for pages alone.
        constant: what follows its value in the title of a narrow page, which leaves it out where
            all rows have the same; None: it is never left out for that.
        repeats: key of a column that it may merely repeat, and a narrow page then leaves it out.
    """

    key: str
    title: str = ""
    unit: Unit = ""
    direction: Direction | None = None
    form: Callable[[float], str] = str
    missing: str = ""
    is_key: bool = False
    shown: bool = True
    fields: tuple[str, ...] | None = None
    constant: str | None = None
    repeats: str = ""


@dataclass(frozen=True)
class Row:
    """Values by column key, and what stands out.

    Attributes:
        values: a key that is not here has no cell, and is not in this row's record either.
        words: what a page shows in a cell instead of its value.
        marks: signs behind cells: ``*`` better than its baseline, ``†`` worse, ``‡`` quoted.
        ranks: 1 for the best of what a cell is compared with, 2 for the second.
        ruled: a line above it separates what is not compared.
        shown: on pages.
        stored: in CSV and JSON.
    """

    values: Mapping[str, Value]
    words: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)
    ruled: bool = False
    shown: bool = True
    stored: bool = True


@dataclass(frozen=True)
class Table:
    """Rows below a title, and what they say.

    Attributes:
        name: of its rows in JSON, and in CSV where there are several tables.
        title: what it shows.
        columns: in the order of pages and of CSV.
        rows: in their order.
        sentences: what it says.
        quoted: rows of others, below its own and apart from them in JSON.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    sentences: Sequence[str] = ()
    quoted: Sequence[Row] = ()

    @property
    def page_columns(self) -> list[Column]:
        return [column for column in self.columns if column.shown]

    @property
    def page_rows(self) -> list[Row]:
        return [row for row in (*self.rows, *self.quoted) if row.shown]

    def is_numeric(self, column: Column) -> bool:
        """A column of numbers, some cells of which may be words."""
        values = [row.values.get(column.key) for row in self.page_rows]
        return any(value is not None and not isinstance(value, str) for value in values)


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


def stored_columns(keys: Sequence[str]) -> list[Column]:
    """Columns that CSV and JSON alone hold."""
    return [Column(key, shown=False) for key in keys]
