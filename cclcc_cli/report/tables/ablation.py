"""An ablation's tables: the effect of each value of a factor, and the groups of the design."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cclcc_cli.config.definition import Definition
from cclcc_cli.metrics.scores import Metric, in_unit, metric_name
from cclcc_cli.report.evidence.ablation import (
    VARIANT,
    Corner,
    Effect,
    find_factors,
    left_out_part,
)
from cclcc_cli.report.evidence.keys import ABSENT, differing_keys
from cclcc_cli.report.evidence.stacks import estimate_stack
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.prose.ablation import plain_text, summarize_effects
from cclcc_cli.report.tables.best import mark_best, rank, rule_between
from cclcc_cli.report.tables.columns import (
    comparison_columns,
    comparison_marks,
    comparison_values,
    data_column,
    interval_column,
    interval_value,
    score_column,
    score_values,
    seeds_and_steps,
    size_values,
)
from cclcc_cli.report.tables.table import Column, Interval, Row, Table, stored_columns
from cclcc_cli.wording import counted, few


def build_effects(
    effects: Sequence[Effect], definition: Definition, split: Split, metric: Metric, title: str
) -> Table:
    """A row per value of a factor, the baseline's first; compared are those of one factor."""
    several = len({effect.factor for effect in effects}) > 1
    with_keys = any(_keys(effect, definition) for effect in effects)
    name, groups = metric_name(metric), [corner.group for effect in effects
                                         for corner in effect.corners]
    columns = [
        data_column(groups), Column("factor", "factor", is_key=True, shown=several),
        Column("value", "value" if several else effects[0].factor, is_key=True),
        *stored_columns(["removed", "is_baseline"]),
        Column("differs_in", "differs in", shown=with_keys),
        *stored_columns(["groups", "pairs", "seeds_min", "seeds_max", "folds", "label_subsets"]),
        Column("repeated", "seeds", fields=(), constant=" seeds"),
        Column("steps", "steps", fields=(), constant=" steps"),
        *stored_columns(["metric", f"{name}_mean"]), replace(score_column(metric), fields=()),
        interval_column(metric), *comparison_columns(metric),
        *stored_columns(["pair_difference_min", "pair_difference_max"]),
        Column("averaged", "averaged over", fields=(),
               shown=any(len(effect.corners) > 1 for effect in effects))]
    buckets = [(effect.data, effect.factor) for effect in effects]
    rows = [_effect_row(effect, definition, split, metric) for effect in effects]
    return Table("rows", title, columns, rule_between(
        _mark_best(rows, effects, buckets, metric), buckets),
        summarize_effects(effects, definition))


def _mark_best(
    rows: Sequence[Row], effects: Sequence[Effect], buckets: Sequence[tuple[str, str]],
    metric: Metric
) -> list[Row]:
    """Ranked within a factor; means over other groups than the baseline's are of something else."""
    most = {bucket: max(len(effect.corners) for effect, own in zip(effects, buckets, strict=True)
                        if own == bucket) for bucket in buckets}
    places = rank([effect.mean if len(effect.corners) == most[bucket] else None
                   for effect, bucket in zip(effects, buckets, strict=True)], buckets,
                  score_column(metric).direction)
    return [replace(row, ranks={metric_name(metric): place} if place else {})
            for row, place in zip(rows, places, strict=True)]


def _effect_row(effect: Effect, definition: Definition, split: Split, metric: Metric) -> Row:
    groups, name = [corner.group for corner in effect.corners], metric_name(metric)
    part, keys = left_out_part(effect, definition), _keys(effect, definition)
    compared, words = comparison_values(
        effect.comparison, "baseline" if effect.is_baseline else "no pair")
    seeds, sizes = [len(group.seeds) for group in groups], size_values(groups)
    repeated = {group.repeated for group in groups}
    return Row({
        "data": effect.data, "factor": effect.factor, "value": _number(effect.value),
        "removed": part, "is_baseline": effect.is_baseline, "differs_in": "; ".join(keys),
        "groups": len(groups), "pairs": len(effect.pairs), "seeds_min": min(seeds),
        "seeds_max": max(seeds), "folds": len(groups[0].folds) or None,
        "label_subsets": len(groups[0].subsets) or None,
        "repeated": sizes["seeds"] if len(repeated) == 1 else "/".join(sorted(repeated)),
        "steps": sizes["steps"], "metric": name, f"{name}_mean": effect.mean,
        name: groups[0].summary(split, metric) if len(groups) == 1 else effect.mean,
        "interval": Interval(effect.low, effect.high), **compared,
        "pair_difference_min": min(effect.single, default=None),
        "pair_difference_max": max(effect.single, default=None),
        "averaged": _averaged_text(effect, metric),
    }, {
        **words, "value": plain_text(effect.value) if part is None else f"without {part}",
        "differs_in": few(keys),
    }, comparison_marks(effect.comparison, name))


def build_corners(
    corners: Sequence[Corner], definition: Definition, split: Split, metrics: Sequence[Metric],
    primary: Metric, name: str, title: str,
) -> Table:
    """A row per group: where it stands in the design, and its scores without any test."""
    groups = [corner.group for corner in corners]
    factors = list(dict.fromkeys([VARIANT, *find_factors(definition)]))
    score_columns = [score_column(metric) for metric in metrics]
    columns = [
        data_column(groups),
        *(Column(key, key, is_key=True, shown=key in factors and len(
            {plain_text(corner.values[key]) for corner in corners}) > 1)
          for key in dict.fromkeys(key for corner in corners for key in corner.values)),
        *stored_columns(["group"]), *seeds_and_steps(), *score_columns, interval_column(primary)]
    rows = [Row({
        "data": corner.group.first.data,
        **{key: _number(value) for key, value in corner.values.items()},
        "group": corner.group.first.group, **size_values([corner.group]),
        **score_values(corner.group, split, metrics),
        "interval": interval_value(estimate_stack(corner.stack) if corner.stack else None),
    }, {key: "null" for key, value in corner.values.items() if value is None})
        for corner in corners]
    data = [group.first.data for group in groups]
    return Table(name, title, columns, rule_between(mark_best(rows, score_columns, data), data))


def _averaged_text(effect: Effect, metric: Metric) -> str:
    """As ``2 pairs (-0.50 to +1.20)``."""
    if effect.comparison is None:
        return counted(len(effect.corners), "group")
    pairs = counted(len(effect.pairs), "pair")
    if len(effect.pairs) == 1:
        return pairs
    return (f"{pairs} ({in_unit(min(effect.single), metric):+.2f} to "
            f"{in_unit(max(effect.single), metric):+.2f})")


def _keys(effect: Effect, definition: Definition) -> list[str]:
    """How a variant's recipe differs from its baseline's, as ``clcc.grid 5 → 2``.

    Where the method differs, only what the file sets for the two: the rest came with the method.
    """
    if effect.factor != VARIANT or not effect.pairs:
        return []
    one, other = effect.pairs[0]
    keys = differing_keys(other.group, one.group)
    if "method" in keys:
        names = {str(effect.value), str(definition.baseline[VARIANT]),
                 left_out_part(effect, definition)}
        set_by_file = {key for name, own in definition.variants.items() if name in names
                       for key in own}
        keys = {key: values for key, values in keys.items()
                if any(key == own or key.startswith(f"{own}.") for own in set_by_file)}
    return [f"{key} {_shown(before)} → {_shown(after)}" for key, (before, after) in keys.items()
            if key != "name"]


def _shown(value: str) -> str:
    return "none" if value == ABSENT else value


def _number(value: Any) -> str | int | float | None:
    """A number stays one; what no cell of CSV holds becomes text."""
    return value if isinstance(value, int | float) or value is None else str(value)
