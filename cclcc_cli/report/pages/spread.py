"""Beside the mean: spread, failures and the worst tenth of each group, and its lesions by size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from cclcc_cli.metrics.scores import (
    Metric,
    heading,
    in_unit,
    metric_name,
    metric_title,
)
from cclcc_cli.report.evidence.spread import (
    FAILURE,
    Spread,
    Strata,
    collect_foreground,
    cut_strata,
    measure_spread,
)
from cclcc_cli.report.evidence.stacks import stack_runs
from cclcc_cli.report.evidence.statistics import Difference
from cclcc_cli.report.evidence.weigh import Evidence, compare_images, judged_metric
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import look_alike, row_name
from cclcc_cli.report.gather.images import ImageScores
from cclcc_cli.report.prose import evidence as words
from cclcc_cli.report.tables.details import plain_layout
from cclcc_cli.report.tables.layouts import Layout
from cclcc_cli.report.tables.rows import Record
from cclcc_cli.report.tables.sheet import Table

Scores = Mapping[Path, ImageScores]
_LOOKS = ("Differences on a part of the images stand outside any family of tests: they show where "
          "a gain comes from, and carry no verdict.")


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


def spread_record(found: Evidence, scores: Scores, dice: Scores) -> Record:
    """A group's spread as numbers, scores as shares of 1; None where it has no scores."""
    spread, name = _spread(found, scores, dice), metric_name(found.metric)
    return {
        f"{name}_median": spread.median if spread else None,
        f"{name}_q1": spread.lower if spread else None,
        f"{name}_q3": spread.upper if spread else None,
        f"{name}_worst_tenth": spread.worst_tenth if spread else None,
        "failures": spread.failures if spread else None,
    }


def lay_out_spread(evidence: Sequence[Evidence], scores: Scores, dice: Scores) -> Layout:
    """A row per group: what stands beside its mean."""
    metric = judged_metric(evidence)
    rows = []
    for found, name in zip(evidence, _names(evidence), strict=True):
        spread = _spread(found, scores, dice)
        if spread is None or found.estimate is None:
            rows.append([*name, *["none"] * 5])
            continue
        rows.append([
            *name, *(f"{in_unit(value, metric):.2f}"
                     for value in (found.estimate.mean, spread.median)),
            words.interval_text(spread.lower, spread.upper, metric),
            "none" if spread.failures is None else f"{100 * spread.failures:.1f}",
            f"{in_unit(spread.worst_tenth, metric):.2f}"])
    keys = _keys(evidence)
    return plain_layout([*keys, f"mean {heading(metric)}", "median", "quartiles", "failures %",
                         "worst tenth"], rows, len(keys))


def spread_sentence(metric: Metric) -> str:
    """What the columns are."""
    return (f"Each within a run, then averaged over runs. Failures: images with Dice below "
            f"{100 * FAILURE:g} %; worst tenth: the mean {metric_title(metric)} of the worst tenth "
            "of the images.")


def spread_tables(
    evidence: Sequence[Evidence], scores: Scores, dice: Scores, split: Split
) -> list[Table]:
    """Spread of every group, and its lesions by size where tables of images hold it."""
    metric = judged_metric(evidence)
    records: list[Record] = [
        {**_identity(found), "metric": metric_name(metric),
         f"{metric_name(metric)}_mean": found.estimate.mean if found.estimate else None,
         **spread_record(found, scores, dice)} for found in evidence]
    tables = [Table("rows", f"{_data(evidence)}: {split} {metric_title(metric)} beside its mean",
                    lay_out_spread(evidence, scores, dice), records, [spread_sentence(metric)])]
    strata = strata_table(evidence, scores, split)
    return [*tables, *([strata] if strata else [])]


def strata_table(evidence: Sequence[Evidence], scores: Scores, split: Split) -> Table | None:
    """Every group's mean on small, medium and large lesions; None where sizes are not known."""
    metric, cuts = judged_metric(evidence), _cut_by_data(evidence, scores)
    if not cuts:
        return None
    parts = list(dict.fromkeys(name for strata in cuts.values() for name in strata.stems))
    rows, records = [], []
    for found, name in zip(evidence, _names(evidence), strict=True):
        strata = cuts.get(found.group.first.data)
        if strata is None:
            continue
        there = {each.name: each for each in _strata_of(found, strata, scores)}
        rows.append([*name, *(cell for part in parts
                              for cell in _cells(there.get(part), found, metric))])
        records += [_stratum_record(found, strata, each) for each in there.values()]
    keys = _keys(evidence)
    columns = [*keys, *(text for part in parts for text in (part, f"{part}: {words.DIFFERENCE}"))]
    return Table("strata", f"{_data(evidence)}: {split} {heading(metric)} by lesion size",
                 plain_layout(columns, rows, len(keys)), records,
                 [*(_cut_sentence(data, strata, split) for data, strata in cuts.items()), _LOOKS])


def strata_missing(evidence: Sequence[Evidence], scores: Scores) -> list[str]:
    """Data sets whose lesion sizes are not known, and why."""
    known = _cut_by_data(evidence, scores)
    return [f"{data}: no strata by lesion size: no image has a lesion, or the runs' tables of "
            "images are from before lesion sizes were kept; cclcc train --fresh makes them anew"
            for data in dict.fromkeys(found.group.first.data for found in evidence)
            if data not in known]


def _spread(found: Evidence, scores: Scores, dice: Scores) -> Spread | None:
    stack = stack_runs(found.group.runs, scores)
    return measure_spread(stack, stack_runs(found.group.runs, dice)) if stack else None


def _cut_by_data(evidence: Sequence[Evidence], scores: Scores) -> dict[str, Strata]:
    """Strata are of all images of a data set's groups, so that every group has the same."""
    cuts = {}
    for data in dict.fromkeys(found.group.first.data for found in evidence):
        runs = [run for found in evidence if found.group.first.data == data
                for run in found.group.runs]
        strata = cut_strata(collect_foreground([scores[r.path] for r in runs if r.path in scores]))
        if strata:
            cuts[data] = strata
    return cuts


def _strata_of(found: Evidence, strata: Strata, scores: Scores) -> list[Stratum]:
    stack = stack_runs(found.group.runs, scores)
    if stack is None:
        return []
    base = stack_runs(found.comparison.baseline.runs, scores) if found.comparison else None
    parts = [(name, part) for name, members in strata.stems.items() if (part := stack.of(members))]
    return [Stratum(name, part.num_images, fmean(part.mean_over_runs().values()),
                    compare_images(part, base)) for name, part in parts]


def _cells(stratum: Stratum | None, found: Evidence, metric: Metric) -> list[str]:
    if stratum is None:
        return ["none", ""]
    if stratum.difference is None:
        return [f"{in_unit(stratum.mean, metric):.2f}", "baseline" if found.is_baseline else ""]
    return [f"{in_unit(stratum.mean, metric):.2f}",
            words.difference_text(stratum.difference.mean, stratum.difference.low,
                                  stratum.difference.high, metric)]


def _stratum_record(found: Evidence, strata: Strata, stratum: Stratum) -> Record:
    difference = stratum.difference
    return {
        **_identity(found), "metric": metric_name(found.metric), "stratum": stratum.name,
        "small_up_to": strata.cuts[0], "large_above": strata.cuts[1],
        "images": stratum.num_images, f"{metric_name(found.metric)}_mean": stratum.mean,
        "difference": difference.mean if difference else None,
        "difference_low": difference.low if difference else None,
        "difference_high": difference.high if difference else None,
    }


def _cut_sentence(data: str, strata: Strata, split: Split) -> str:
    first, second = (f"{100 * cut:.2f}" for cut in strata.cuts)
    counts = ", ".join(f"{len(stems)} {name}" for name, stems in strata.stems.items())
    return (f"{data}: a lesion on up to {first} % of the image is small, above {second} % large: "
            f"the terciles of its {split} images ({counts}).")


def _identity(found: Evidence) -> Record:
    first = found.group.first
    return {"data": first.data, "method": first.method, "recipe": found.group.recipe,
            "group": first.group, "labeled": first.labeled, "seeds": len(found.group.seeds)}


def _keys(evidence: Sequence[Evidence]) -> list[str]:
    several = len({found.group.first.data for found in evidence}) > 1
    return [*(["data"] if several else []), "group"]


def _names(evidence: Sequence[Evidence]) -> list[list[str]]:
    alike, with_data = look_alike([found.group for found in evidence]), len(_keys(evidence)) > 1
    return [[*([found.group.first.data] if with_data else []), row_name(found.group, alike)]
            for found in evidence]


def _data(evidence: Sequence[Evidence]) -> str:
    return ", ".join(dict.fromkeys(found.group.first.data for found in evidence))
