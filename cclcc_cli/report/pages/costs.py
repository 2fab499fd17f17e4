"""The report on costs."""

from cclcc_cli.report.evidence.doubts import differing_conditions
from cclcc_cli.report.gather.groups import group_runs
from cclcc_cli.report.gather.runs import Gathered
from cclcc_cli.report.tables.costs import build_costs
from cclcc_cli.report.tables.table import Sheet

_TOPICS = ("optimiser steps", "device and precision")


def write_cost_page(gathered: Gathered) -> Sheet:
    """A row per group: what one of its runs cost, the mean over its seeds."""
    differing = differing_conditions(group_runs(gathered.runs), "val")
    notes = [text for topic, text in differing if topic in _TOPICS]
    return Sheet([build_costs(gathered.runs)], [*notes, *gathered.notes])
