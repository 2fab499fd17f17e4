"""Everything that is wrong with a person's files, said at once."""

from collections.abc import Sequence

from cclcc_cli.errors import DataError
from cclcc_cli.wording import counted

SHOWN = 20
"""Problems spelt out; the rest are counted."""


def listed_error(where: str, problems: Sequence[str]) -> DataError:
    """One error for many problems: a heading with their number, then the first 20, one a line."""
    lines = [f"{where}: {counted(len(problems), 'problem')}, nothing was written",
             *(f"  {problem}" for problem in problems[:SHOWN])]
    if len(problems) > SHOWN:
        lines.append(f"  ... and {len(problems) - SHOWN} more")
    return DataError("\n".join(lines))
