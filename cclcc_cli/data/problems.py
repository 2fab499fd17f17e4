"""Everything that is wrong with a person's files, said at once."""

from collections.abc import Sequence

from cclcc_cli.errors import DataError

SHOWN = 20
"""Problems spelt out; the rest are counted."""


def listed_error(where: str, problems: Sequence[str]) -> DataError:
    """One error for many problems: a heading with their number, then the first 20, one a line."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = [f"{where}: {count}, nothing was written", *(f"  {p}" for p in problems[:SHOWN])]
    if len(problems) > SHOWN:
        lines.append(f"  ... and {len(problems) - SHOWN} more")
    return DataError("\n".join(lines))
