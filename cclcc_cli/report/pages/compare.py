"""Two runs or two groups: what their recipes do differently, and what that does to the scores."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import MAIN, Metric, heading, metric_name, metric_title, score_of
from cclcc_cli.report.evidence.doubts import comparison_notes, differing_conditions
from cclcc_cli.report.evidence.findings import SEEDS_AHEAD, Estimate
from cclcc_cli.report.evidence.keys import ABSENT, differing_keys
from cclcc_cli.report.evidence.stacks import estimate_stack, left_over_seeds, stack_runs
from cclcc_cli.report.evidence.verdicts import BaselinePair, Comparison, reach_verdicts
from cclcc_cli.report.evidence.weigh import (
    ambiguity,
    check_comparable,
    compare_images,
    find_named,
    names_of,
)
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import Group, group_runs
from cclcc_cli.report.gather.images import read_images
from cclcc_cli.report.gather.runs import gather_runs, read_run
from cclcc_cli.report.prose.evidence import (
    ALONE,
    gain_text,
    groups_text,
    left_over_text,
    rules_text,
)
from cclcc_cli.report.prose.numbers import (
    change_text,
    p_text,
    paired_text,
    used_p_text,
    verdict_text,
)
from cclcc_cli.report.tables.columns import change_column, interval_column
from cclcc_cli.report.tables.table import Change, Column, Interval, Row, Table, Value, two_places
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.wording import instead


@dataclass(frozen=True)
class Sides:
    """Two sides and what is between them.

    Attributes:
        names: as they were asked for.
        keys: of the recipe that differ, with either side's value as text.
        estimates: of either side.
        comparison: the first less the second; outside any family.
        notes: what makes the comparison doubtful, and what was left out.
    """

    names: tuple[str, str]
    seeds: tuple[tuple[int, ...], tuple[int, ...]]
    keys: Mapping[str, tuple[str, str]]
    estimates: tuple[Estimate, Estimate]
    comparison: Comparison
    notes: Sequence[str]


def compare(
    names: tuple[str, str], root: Path, split: Split, across: bool, metric: Metric = MAIN,
    margin: float | None = None,
) -> Sides:
    """Compare what two names stand for.

    Args:
        names: each a run folder, or a method, recipe or group among the runs below ``root``.
        root: holds ``<data set>/<run>/``.
        split: whose images.
        across: compare scores that are not of the same thing.
        metric: the primary score.
        margin: within which a difference counts as none, in the score's own unit; None for the
            default.

    Raises:
        RunError: a name stands for nothing or for several groups, a run is not sound, or the
            scores must not be compared.
    """
    (one, notes), (other, more) = (_find(name, root) for name in names)
    if not across:
        _check_comparable(one, other, split, metric)
    readings = [read_images(group.runs, split, metric) for group in (one, other)]
    one, other = (Group(reading.runs) for reading in readings)
    stacks = [stack_runs(reading.runs, reading.scores) for reading in readings]
    for name, stack in zip(names, stacks, strict=True):
        if stack is None:
            raise RunError(f"{name}: has no {split} scores, its {split} split is empty; "
                           "choose another --split")
    first, second = (stack for stack in stacks if stack)
    found = compare_images(first, second)
    if found is None:
        raise RunError(f"{names[0]} and {names[1]} have no {split} image in common; compare runs "
                       "on the same data")
    between = BaselinePair(other, found, left_over_seeds((first, second)))
    (comparison,) = reach_verdicts([between], margin, metric, declared=False)
    left_out = dict.fromkeys([*notes, *more, *chain(*(reading.notes for reading in readings))])
    return Sides(
        names, (tuple(one.seeds), tuple(other.seeds)), differing_keys(one, other),
        (estimate_stack(first), estimate_stack(second)), comparison,
        [*_doubts(one, other, split), *groups_text([first.num_groups]), *left_out],
    )


def build_pair(pair: Sides, title: str) -> Table:
    """A row for either side; what is between them stands in the first."""
    metric, comparison = pair.comparison.metric, pair.comparison
    unit, difference = score_of(metric).unit, comparison.difference
    columns = [
        Column("name"), Column("seeds", "seeds"), Column("images", "images"),
        Column("mean", heading(metric), unit, form=two_places), interval_column(metric),
        *(Column(f"{what}_std", f"spread of {title}", unit, form=two_places, missing="unknown")
          for what, title in (("image", "images"), ("seed", "seeds"), ("rest", "the rest"))),
        change_column(metric, title=f"difference in {score_of(metric).difference_unit}"),
        Column("paired_by", "paired by"),
        Column("seed_correlation", "seeds' correlation", form="{:+.2f}".format, missing=ABSENT),
        Column("used_p", "p"), Column("image_p", "p, images alone"),
        Column("effect", "effect (Cohen's d)", form="{:+.2f}".format, missing=ABSENT),
        Column("verdict", "verdict")]
    sides = [{"name": name, "seeds": ", ".join(map(str, seeds)), "images": found.num_images,
              "mean": found.mean, "interval": Interval(found.low, found.high),
              "image_std": found.image_std, "seed_std": found.seed_std,
              "rest_std": found.rest_std}
             for name, seeds, found in zip(pair.names, pair.seeds, pair.estimates, strict=True)]
    between: dict[str, Value] = {
        "change": Change(difference.mean, comparison.low, comparison.high),
        "paired_by": paired_text(difference), "seed_correlation": difference.correlation,
        "used_p": used_p_text(comparison) or ABSENT,
        "image_p": f"Wilcoxon {p_text(difference.p_wilcoxon)}", "effect": difference.effect,
        "verdict": verdict_text(comparison)}
    return Table("sides", title, columns, [
        Row({**sides[0], **between}),
        Row({**sides[1], "image_p": f"sign flips {p_text(difference.p_sign_flip)}"})])


def pair_sentences(pair: Sides) -> list[str]:
    """What came out, in """
    comparison = pair.comparison
    sentences = [f"{pair.names[0]} against {pair.names[1]}: {verdict_text(comparison)}, "
                 f"{change_text(comparison)} of {metric_title(comparison.metric)}."]
    if need := gain_text(comparison):
        sentences.append(f"{need[0].upper()}{need[1:]}.")
    if comparison.left_over:
        sentences.append(left_over_text("Both sides", comparison.left_over))
    return [*sentences, *rules_text([comparison]), ALONE]


def pair_record(pair: Sides) -> dict[str, Any]:
    """Everything as plain values, scores as shares of 1."""
    difference = pair.comparison.difference
    return {
        "metric": metric_name(pair.comparison.metric),
        "keys": {key: list(values) for key, values in pair.keys.items()},
        "sides": [{"name": name, "seeds": list(seeds), **asdict(found)} for name, seeds, found
                  in zip(pair.names, pair.seeds, pair.estimates, strict=True)],
        "difference": {
            **{key: value for key, value in asdict(difference).items()
               if key not in ("bounds", "gains_ahead")},
            **{f"smallest_gain_{count}_seeds": gain for count, gain in
               zip(SEEDS_AHEAD, difference.gains_ahead, strict=True)}},
        "left_over": list(pair.comparison.left_over), "margin": pair.comparison.margin,
        "within_margin": pair.comparison.within_margin, "verdict": pair.comparison.verdict,
        "summary": pair_sentences(pair),
        "notes": list(pair.notes),
    }


def _find(name: str, root: Path) -> tuple[Group, Sequence[str]]:
    """The run in that folder, or all runs of the group of that name; and what was left out."""
    if os.sep in name or (Path(name) / "cell.json").exists():
        return Group((read_run(RunFolder(Path(name))),)), ()
    if not root.is_dir():
        raise RunError(f"{name}: no such run folder, and no runs in {root} to hold a group of that "
                       "name; give a folder, or --runs")
    gathered = gather_runs(root)
    groups = group_runs(gathered.runs)
    found = find_named(groups, name)
    if not found:
        raise RunError(f"{name}: neither a run folder nor a group in {root}; "
                       f"{instead(name, names_of(groups))}")
    if len(found) > 1:
        raise RunError(f"{name}: {ambiguity(found)}")
    return found[0], gathered.notes


def _check_comparable(one: Group, other: Group, split: Split, metric: Metric) -> None:
    if one.first.data != other.first.data:
        raise RunError(f"{one.first.data} and {other.first.data} are different data, sizes or "
                       "folds: such scores are not comparable; --across compares them anyway")
    check_comparable([one, other], split, metric)


def _doubts(one: Group, other: Group, split: Split) -> list[str]:
    if one.first.group == other.first.group:  # two runs of one group are one row to a table
        return [text for _, text in differing_conditions([one, other], split)]
    return comparison_notes([one, other], split)
