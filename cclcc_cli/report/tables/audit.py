"""What the audit of a data set found, as tables."""

from collections import Counter
from collections.abc import Sequence

from cclcc_cli.data.audit import Audit, SamePair
from cclcc_cli.report.tables.table import Column, Row, Table, two_places

KINDS = {"file": "same file", "pixels": "copy", "altered": "altered copy",
         "scene": "same scene, probably", "near": "altered copy or same scene"}
"""A pair's kind in words that claim no more than was seen; older stores have ``near``."""


def build_pairs(pairs: Sequence[tuple[SamePair, str]], title: str) -> Table:
    """A row per pair of images that show the same, surely or probably.

    Args:
        pairs: each with the sides of the split that it lies on.
        title: of the table.
    """
    columns = [Column("images", "the same"), Column("sides", "split"), Column("kind", "kind"),
               Column("score", "score", form=two_places), Column("orientation", "second lies"),
               Column("mask_iou", "masks IoU", form=two_places,
                      missing="no mask")]
    return Table("pairs", title, columns, [Row({
        "images": f"{pair.first} / {pair.second}", "sides": sides, "kind": KINDS[pair.kind],
        "score": pair.score, "orientation": pair.orientation, "mask_iou": pair.mask_iou,
    }, {"mask_iou": f"{pair.mask_iou:.2f} contradict"} if pair.contradicts else {})
        for pair, sides in pairs])


def build_findings(audit: Audit, title: str) -> Table:
    """A row per kind of finding with the first few images."""
    columns = [Column("what", "what"), Column("images", "images"),
               Column("examples", "for example")]
    rows = []
    for kind, count in Counter(finding.what for finding in audit.findings).items():
        found = [f"{finding.stem} ({finding.detail})" for finding in audit.findings
                 if finding.what == kind]
        rows.append(Row({"what": kind, "images": count,
                         "examples": ", ".join(found[:3]) + (" ..." if count > 3 else "")}))
    return Table("findings", title, columns, rows)
