"""A contact sheet of what ``cclcc predict`` made, the least certain images first."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cclcc_cli import __version__
from cclcc_cli.files import disk_problems, write_atomic
from cclcc_cli.inference.outputs import ImageRow
from cclcc_cli.inference.predict import Predicted
from cclcc_cli.report.render.html import load_templates

MOST_PICTURES = 500
"""More would make a page of tens of megabytes."""


@dataclass(frozen=True)
class _Picture:
    row: ImageRow
    address: str


def write_sheet(out: Path, runs: Sequence[str], done: Predicted) -> Path:
    """Write ``index.html`` beside the masks, and return where it is.

    Args:
        out: folder of the predictions, with their thumbnails.
        runs: names of the runs that predicted.
        done: what was predicted.

    Raises:
        DiskError: it cannot be written.
    """
    by_disagreement = any(row.disagreement is not None for row in done.rows)
    shown = sorted(done.rows, key=lambda row: (-(row.disagreement or 0.0) if by_disagreement
                                               else -row.entropy, row.image))[:MOST_PICTURES]
    page = load_templates().get_template("predictions_page.html.j2").render(
        rows=done.rows, empty=sum(row.area == 0 for row in done.rows), failures=done.failures,
        runs=runs, version=__version__, left_out=len(done.rows) - len(shown),
        order=f"the {'greatest disagreement' if by_disagreement else 'highest entropy'} first",
        pictures=[_Picture(row, _address(out / "thumbnails" / f"{row.image}.jpg"))
                  for row in shown],
    )
    path = out / "index.html"
    with disk_problems(out):
        write_atomic(path, page.encode())
    return path


def _address(file: Path) -> str:
    return f"data:image/jpeg;base64,{b64encode(file.read_bytes()).decode()}"
