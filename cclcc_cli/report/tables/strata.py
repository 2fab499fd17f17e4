"""Lesions by size: where a gain comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from cclcc_cli.metrics.scores import heading, metric_name, score_of
from cclcc_cli.report.evidence.findings import Difference
from cclcc_cli.report.evidence.spread import Strata, collect_foreground, cut_strata
from cclcc_cli.report.evidence.stacks import stack_runs
from cclcc_cli.report.evidence.weigh import Evidence, compare_images, primary_metric
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import data_names
from cclcc_cli.report.gather.images import RunScores
from cclcc_cli.report.prose.numbers import DIFFERENCE
from cclcc_cli.report.tables.columns import change_column, row_names
from cclcc_cli.report.tables.spread import named_columns, named_values
from cclcc_cli.report.tables.table import Change, Column, Row, Table, stored_columns, two_places

_NO_VERDICTS = ("Differences on a part of the images stand outside any family of tests: they show "
                "where a gain comes from, and carry no verdict.")


@dataclass(frozen=True)
class Stratum:
    """A group's images whose lesions are of one size.

    Attributes:
        mean: over images and runs, in the score's own unit.
        difference: from the group's baseline on the same images; None without one.
    """

    name: str
    num_images: int
    mean: float
    difference: Difference | None


def build_strata(
    evidence: Sequence[Evidence], scores: RunScores, split: Split
) -> Table | None:
    """Every group's mean on small, medium and large lesions; None where sizes are not known.

    A page has a row per group; CSV and JSON one per group and size.
    """
    metric, cuts = primary_metric(evidence), _cut_by_data(evidence, scores)
    if not cuts:
        return None
    parts = list(dict.fromkeys(part for strata in cuts.values() for part in strata.stems))
    unit, mean = score_of(metric).unit, f"{metric_name(metric)}_mean"
    rows = []
    for found, name in zip(evidence, row_names([each.group for each in evidence]), strict=True):
        if strata := cuts.get(found.group.first.data):
            there = _strata_of(found, strata, scores)
            rows += [_page_row(found, name, there, parts),
                     *(_stored_row(found, name, strata, each, mean) for each in there)]
    columns = [
        *named_columns(evidence),
        *(column for part in parts for column in (
            Column(part, part, unit, form=two_places, missing="none", fields=()),
            change_column(metric, _change_key(part), f"{part}: {DIFFERENCE}"))),
        *stored_columns(["stratum", "small_up_to", "large_above", "images", mean, "difference",
                         "difference_low", "difference_high"])]
    data = data_names(found.group for found in evidence)
    return Table("strata", f"{data}: {split} {heading(metric)} by lesion size", columns, rows,
                 [*(_cut_sentence(data, strata, split) for data, strata in cuts.items()),
                  _NO_VERDICTS])


def strata_missing(evidence: Sequence[Evidence], scores: RunScores) -> list[str]:
    """Data sets whose lesion sizes are not known, and why."""
    known = _cut_by_data(evidence, scores)
    return [f"{data}: no strata by lesion size: no image has a lesion, or the runs' tables of "
            "images are from before lesion sizes were kept; cclcc train --fresh trains them again"
            for data in dict.fromkeys(found.group.first.data for found in evidence)
            if data not in known]


def _page_row(
    found: Evidence, name: str, strata: Sequence[Stratum], parts: Sequence[str]
) -> Row:
    values = {**named_values(found, name), **dict.fromkeys(parts)}
    words = {}
    for each in strata:
        values[each.name] = each.mean
        if each.difference:
            values[_change_key(each.name)] = Change(
                each.difference.mean, each.difference.low, each.difference.high)
        elif found.is_baseline:
            words[_change_key(each.name)] = "baseline"
    return Row(values, words, stored=False)


def _stored_row(
    found: Evidence, name: str, strata: Strata, stratum: Stratum, mean: str
) -> Row:
    difference = stratum.difference
    return Row({
        **named_values(found, name), "stratum": stratum.name, "small_up_to": strata.cuts[0],
        "large_above": strata.cuts[1], "images": stratum.num_images, mean: stratum.mean,
        "difference": difference.mean if difference else None,
        "difference_low": difference.low if difference else None,
        "difference_high": difference.high if difference else None,
    }, shown=False)


def _change_key(part: str) -> str:
    return f"{part} change"


def _cut_by_data(evidence: Sequence[Evidence], scores: RunScores) -> dict[str, Strata]:
    """Strata are of all images of a data set's groups, so that every group has the same."""
    cuts = {}
    for data in dict.fromkeys(found.group.first.data for found in evidence):
        runs = [run for found in evidence if found.group.first.data == data
                for run in found.group.runs]
        strata = cut_strata(collect_foreground([scores[r.path] for r in runs if r.path in scores]))
        if strata:
            cuts[data] = strata
    return cuts


def _strata_of(found: Evidence, strata: Strata, scores: RunScores) -> list[Stratum]:
    stack = stack_runs(found.group.runs, scores)
    if stack is None:
        return []
    base = stack_runs(found.comparison.baseline.runs, scores) if found.comparison else None
    parts = [(name, part) for name, members in strata.stems.items() if (part := stack.of(members))]
    return [Stratum(name, part.num_images, fmean(part.mean_over_runs().values()),
                    compare_images(part, base)) for name, part in parts]


def _cut_sentence(data: str, strata: Strata, split: Split) -> str:
    first, second = (f"{100 * cut:.2f}" for cut in strata.cuts)
    counts = ", ".join(f"{len(stems)} {name}" for name, stems in strata.stems.items())
    return (f"{data}: a lesion on up to {first} % of the image is small, above {second} % large: "
            f"the terciles of its {split} images ({counts}).")
