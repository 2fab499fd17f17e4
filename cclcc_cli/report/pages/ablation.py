"""The report on one ablation: what each of its parts does."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import MAIN, Metric, metric_title, score_of
from cclcc_cli.report.evidence.ablation import (
    PlannedAblation,
    find_corners,
    find_factors,
    only_ablation,
    read_ablation,
    weigh_effects,
)
from cclcc_cli.report.evidence.doubts import comparison_notes, differing_conditions, missing_notes
from cclcc_cli.report.evidence.weigh import DECISIVE, rules_of
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import data_names, group_runs, repeated_over
from cclcc_cli.report.gather.images import read_images
from cclcc_cli.report.gather.runs import Gathered, gather_runs
from cclcc_cli.report.prose.estimand import caption_text
from cclcc_cli.report.tables.ablation import build_corners, build_effects
from cclcc_cli.report.tables.columns import shown_metrics
from cclcc_cli.report.tables.table import Sheet

_SET_BY: Mapping[str, tuple[str, ...]] = {
    "evaluation rule 'threshold'": (
        "evaluation.threshold", "evaluation.test_on", "evaluation.validation_on"),
    "evaluation rule 'total_miss'": ("evaluation.total_miss",),
    "evaluation rule 'mae'": ("evaluation.mae_on",),
}
"""Conditions that an ablation may vary on purpose, and the keys that do."""


def gather_ablation(root: Path, ablation: PlannedAblation) -> Gathered:
    """The finished runs of an ablation, and what is left out.

    Raises:
        RunError: none is finished.
    """
    folders = {ablation.folders[point.place] for point in ablation.definition.points
               if point.place in ablation.folders}
    gathered = gather_runs(root, only=folders)
    missing = sorted(folder for folder in folders if not folder.exists())
    notes = [*gathered.notes]
    if missing:
        notes.append(f"left out, {len(missing)} never begun or removed: "
                     f"{', '.join(map(str, missing))}")
    return Gathered(gathered.runs, tuple(notes))


def write_ablation_page(
    root: Path, name: str | None, split: Split, across: bool, all_metrics: bool,
    metric: Metric = MAIN, margin: float | None = None,
) -> Sheet:
    """What each part of an ablation does.

    Args:
        root: where runs are kept.
        name: of the ablation; None for the only one there is.
        split: whose scores.
        across: compare runs that are not of the same thing.
        all_metrics: whether the table of groups shows every score.
        metric: the primary score.
        margin: within which a difference counts as none, in the score's own unit; None: the
            file's own, and for distances the default.

    Raises:
        RunError: there is nothing to report, or it must not be compared.
    """
    ablation = read_ablation(root, name or only_ablation(root))
    name, metrics = ablation.name, shown_metrics(metric, all_metrics)
    gathered = gather_ablation(root, ablation)
    reading = read_images(gathered.runs, split, metric)
    groups = group_runs(reading.runs)
    if not across:
        _check(ablation, differing_conditions(groups, split), metric)
    corners = find_corners(ablation, reading.runs, reading.scores)
    definition = ablation.definition
    notes = [*comparison_notes(groups, split), *missing_notes(groups, split, metrics),
             *gathered.notes, *reading.notes]
    data = data_names(corner.group for corner in corners)
    ending = ", ACROSS runs whose conditions differ" if across else ""
    tables = []
    margin = ablation.margin(metric) if margin is None else margin
    effects = weigh_effects(definition, corners, metric, margin)
    if effects:
        compared = [(corner.group, effect.comparison) for effect in effects if effect.comparison
                    for corner in effect.corners]
        tables.append(build_effects(
            effects, definition, split, metric,
            f"{name} ({definition.design}) on {data}: effects on {split} "
            f"{metric_title(metric)} in {score_of(metric).difference_unit}"
            f"{caption_text(compared)}{ending}"))
    if len(find_factors(definition)) != 1:
        tables.append(build_corners(
            corners, definition, split, metrics, metric, "cells" if tables else "rows",
            f"{name} on {data}: {split} scores of each group, mean ± standard deviation over "
            f"{repeated_over([corner.group for corner in corners])}{ending}"))
    return Sheet(tables, notes)


def _check(
    ablation: PlannedAblation, differing: Sequence[tuple[str, str]], metric: Metric
) -> None:
    """What differs must be what the ablation varies."""
    varied = _varied_keys(ablation)
    found = [
        text for topic, text in differing if topic in (*DECISIVE, *rules_of(metric)) and not any(
            key == own or own.startswith(f"{key}.") for key in varied
            for own in _SET_BY.get(topic, ()))
    ]
    if found:
        raise RunError(f"{'; '.join(found)}: such scores are not comparable, and this is not "
                       f"what {ablation.name} varies; run the ablation again on the current data, "
                       "or give --across to show them anyway")


def _varied_keys(ablation: PlannedAblation) -> set[str]:
    definition = ablation.definition
    return {*definition.axes, *(key for own in definition.variants.values() for key in own)}
