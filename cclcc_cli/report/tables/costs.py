"""What groups cost, beside their scores."""

import statistics
from collections.abc import Sequence

from cclcc_cli.report.gather.finished import Costs
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.tables.rows import Record

COLUMNS = ("M weights kept", "trained", "images learnt from", "judged", "images/s", "peak GiB")
"""Weights in millions; images through a network per step, with and without a graph."""


def cost_cells(group: Group) -> list[str]:
    """The columns' cells: means over the runs that say what they cost."""
    costs = _known(group)
    if not costs:
        return ["none"] * len(COLUMNS)
    return [
        f"{costs[0].predictor_parameters / 1e6:.2f}",
        f"{costs[0].training_parameters / 1e6:.2f}",
        f"{statistics.fmean(c.learning_images for c in costs):.3g}",
        f"{statistics.fmean(c.judging_images for c in costs):.3g}",
        f"{statistics.fmean(c.images_per_second for c in costs):.1f}",
        f"{max(c.peak_memory_bytes for c in costs) / 2**30:.2f}",
    ]


def cost_record(group: Group) -> Record:
    """The same as numbers; None where no run says."""
    costs = _known(group)
    fields = ("predictor_parameters", "training_parameters", "learning_images", "judging_images",
              "images_per_second", "peak_memory_bytes")
    return {
        field: statistics.fmean(getattr(c, field) for c in costs) if costs else None
        for field in fields
    }


def _known(group: Group) -> Sequence[Costs]:
    return [run.costs for run in group.runs if run.costs is not None]
