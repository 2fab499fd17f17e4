"""Figures as files, with their captions beside them."""

import re
from pathlib import Path

from cclcc_cli.errors import RunError
from cclcc_cli.files import write_atomic
from cclcc_cli.report.figures.figure import Drawn

CAPTIONS = "captions.md"
"""Lists what was written, so that the next report removes what it no longer has."""


def write_figures(drawn: Drawn, folder: Path) -> None:
    """Write each figure as PNG and PDF, then the captions; files of others stay.

    Raises:
        RunError: the folder cannot be written.
    """
    lines = [f"## {figure.name}\n\n{figure.title}. {figure.caption}\n" for figure in drawn.figures]
    if drawn.notes:
        lines.append("# Not drawn\n\n" + "".join(f"- {note}\n" for note in drawn.notes))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        previous = _listed(folder / CAPTIONS)
        for figure in drawn.figures:
            write_atomic(folder / f"{figure.name}.png", figure.png)
            write_atomic(folder / f"{figure.name}.pdf", figure.pdf)
        write_atomic(folder / CAPTIONS, "\n".join(lines).encode())
        for name in previous - {figure.name for figure in drawn.figures}:
            for suffix in (".png", ".pdf"):
                (folder / f"{name}{suffix}").unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: figures cannot be written there ({error.strerror}); "
                       "choose another folder") from None


def _listed(captions: Path) -> set[str]:
    """Names of the figures that an earlier report wrote."""
    try:
        text = captions.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return set()
    return set(re.findall(r"^## ([\w-]+)$", text, re.MULTILINE))
