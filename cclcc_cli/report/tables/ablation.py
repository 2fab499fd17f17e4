"""An ablation's effects as a reader sees them: tables, sentences, numbers for scripts."""

from collections.abc import Sequence
from typing import Any

from cclcc_cli.config.definition import Definition
from cclcc_cli.metrics.scores import MAIN, Metric, gain, heading, in_unit, metric_name, score_of
from cclcc_cli.report.evidence.ablation import VARIANT, Corner, Effect, find_factors, left_out_part
from cclcc_cli.report.evidence.compare import ABSENT, differing_keys
from cclcc_cli.report.evidence.stacks import estimate_stack
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import steps_text
from cclcc_cli.report.prose import evidence as words
from cclcc_cli.report.tables.best import rank
from cclcc_cli.report.tables.layouts import Layout
from cclcc_cli.report.tables.rows import Record, format_summary
from cclcc_cli.wording import few

EFFECT_COLUMNS = words.COLUMNS


def lay_out_effects(
    effects: Sequence[Effect], definition: Definition, split: Split, metric: Metric = MAIN
) -> Layout:
    """A row per value of a factor, the baseline's first; compared are those of one factor."""
    several_data = len({effect.data for effect in effects}) > 1
    several = len({effect.factor for effect in effects}) > 1
    with_keys = any(_keys_text(effect, definition) for effect in effects)
    averaged = any(len(effect.corners) > 1 for effect in effects)
    columns = [
        *(["data"] if several_data else []), *(["factor"] if several else []),
        "value" if several else effects[0].factor,
        *(["differs in"] if with_keys else []), "seeds", "steps", heading(metric), *EFFECT_COLUMNS,
        *(["averaged over"] if averaged else []),
    ]
    buckets = [(effect.data, effect.factor) for effect in effects]
    rules = [row for row in range(1, len(effects)) if buckets[row] != buckets[row - 1]]
    rows = [
        [
            *([effect.data] if several_data else []),
            *([effect.factor] if several else []), value_text(effect, definition),
            *([_keys_text(effect, definition)] if with_keys else []),
            *_size_cells(effect.corners), _mean_text(effect, split, metric),
            *_judged_cells(effect, metric),
            *([_averaged_text(effect, metric)] if averaged else []),
        ]
        for effect in effects
    ]
    judged = columns.index(heading(metric))
    # Means over other groups than the baseline's are of something else.
    most = {bucket: max(len(effect.corners) for effect, own in zip(effects, buckets, strict=True)
                       if own == bucket) for bucket in buckets}
    found = rank([effect.mean if len(effect.corners) == most[bucket] else None
                  for effect, bucket in zip(effects, buckets, strict=True)], buckets, metric)
    blank: list[Any] = [""] * len(columns)
    return Layout(
        columns, rows,
        [[position if place == judged else 0 for place in range(len(columns))]
         for position in found],
        [[*blank[:judged], words.mark_of(effect.comparison), *blank[judged + 1:]]
         for effect in effects],
        rules, num_keys=columns.index("differs in" if with_keys else "seeds"),
    )


def lay_out_cells(
    corners: Sequence[Corner], definition: Definition, split: Split, metrics: Sequence[Metric],
    judged: Metric = MAIN,
) -> Layout:
    """A row per group: where it stands in the design, and its scores without any test."""
    factors = [VARIANT, *(key for key in find_factors(definition) if key != VARIANT)]
    factors = [factor for factor in factors if len({_plain(c.values[factor]) for c in corners}) > 1]
    several_data = len({corner.group.first.data for corner in corners}) > 1
    columns = [*(["data"] if several_data else []), *factors, "seeds", "steps",
               *map(heading, metrics), "95 % interval"]
    rows = [
        [*([corner.group.first.data] if several_data else []),
         *(_plain(corner.values[factor]) for factor in factors), *_size_cells([corner]),
         *(format_summary(corner.group.summary(split, metric), metric) for metric in metrics),
         _interval_of(corner, judged)]
        for corner in corners
    ]
    data = [corner.group.first.data for corner in corners]
    start = columns.index("steps") + 1
    ranks = [[0] * len(columns) for _ in rows]
    for place, metric in enumerate(metrics, start):
        means = [summary.mean if (summary := corner.group.summary(split, metric)) else None
                 for corner in corners]
        for row, position in enumerate(rank(means, data, metric)):
            ranks[row][place] = position
    return Layout(columns, rows, ranks, [[""] * len(columns) for _ in rows],
                  [row for row in range(1, len(rows)) if data[row] != data[row - 1]],
                  num_keys=columns.index("seeds"))


def effect_record(effect: Effect, definition: Definition, metric: Metric = MAIN) -> Record:
    """Everything as numbers, scores as shares of 1; None where it does not apply."""
    seeds, name = [len(corner.group.seeds) for corner in effect.corners], metric_name(metric)
    return {
        "data": effect.data, "factor": effect.factor, "value": _number(effect.value),
        "removed": left_out_part(effect, definition), "is_baseline": effect.is_baseline,
        "differs_in": "; ".join(_keys(effect, definition)),
        "groups": len(effect.corners), "pairs": len(effect.pairs),
        "seeds_min": min(seeds), "seeds_max": max(seeds),
        "folds": len(effect.corners[0].group.folds) or None,
        "label_subsets": len(effect.corners[0].group.subsets) or None,
        "metric": name, f"{name}_mean": effect.mean, f"{name}_low": effect.low,
        f"{name}_high": effect.high,
        **words.comparison_record(effect.comparison),
        "pair_difference_min": min(effect.single, default=None),
        "pair_difference_max": max(effect.single, default=None),
    }


def cell_record(
    corner: Corner, split: Split, metrics: Sequence[Metric], judged: Metric = MAIN
) -> Record:
    """A group's place in the design and its scores."""
    group = corner.group
    record: Record = {key: _number(value) for key, value in corner.values.items()}
    scores: Record = {}
    for metric in metrics:
        summary, key = group.summary(split, metric), metric_name(metric)
        scores[f"{key}_mean"] = summary.mean if summary else None
        scores[f"{key}_std"] = summary.std if summary else None
    found = estimate_stack(corner.stack) if corner.stack else None
    return {"data": group.first.data, **record, "group": group.first.group,
            "seeds": len(group.seeds), **scores,
            f"{metric_name(judged)}_low": found.low if found else None,
            f"{metric_name(judged)}_high": found.high if found else None}


def summarize_effects(effects: Sequence[Effect], definition: Definition) -> list[str]:
    """What the table says, in sentences: each part's effect, and how it was judged."""
    several_data = len({effect.data for effect in effects}) > 1
    buckets: dict[tuple[str, str], list[Effect]] = {}
    for effect in effects:
        buckets.setdefault((effect.data, effect.factor), []).append(effect)
    sentences = []
    for (data, _), bucket in buckets.items():
        where = f"{data}: " if several_data else ""
        told = [effect for effect in bucket if effect.comparison]
        sentences += [where + sentence for sentence in _told(told, definition)]
        sentences += [
            f"{where}{_what(effect, definition)} is compared with nothing: "
            "no group that differs in it alone has finished."
            for effect in bucket if not effect.comparison and not effect.is_baseline
        ]
    judged = [effect.comparison for effect in effects if effect.comparison]
    if any(len(effect.pairs) > 1 for effect in effects):
        sentences.append("Effects are means over pairs of groups that differ in one factor alone; "
                         "the last column says over how many, and from where to where the pairs "
                         "lie: where they disagree, the factors depend on each other.")
    left: dict[tuple[int, ...], list[str]] = {}
    for effect in effects:
        if effect.comparison and effect.comparison.left_over:
            left.setdefault(effect.comparison.left_over, []).append(_what(effect, definition))
    sentences += [words.left_over_text(few(names), seeds) for seeds, names in left.items()]
    sentences += words.groups_text([corner.stack.num_groups for effect in effects
                                    for corner in effect.corners if corner.stack])
    if any(comparison.difference.num_images == 1 for comparison in judged):
        sentences.append(words.ONE_IMAGE)
    return sentences + words.rules_text(judged)


def _told(bucket: Sequence[Effect], definition: Definition) -> list[str]:
    """A sentence for each effect of a factor."""
    sentences = []
    for effect in bucket:
        comparison = effect.comparison
        assert comparison is not None
        need = words.need_text(comparison)
        part, mean = left_out_part(effect, definition), comparison.difference.mean
        if part is None:
            said = f"{_what(effect, definition)}: {words.change_text(comparison)}, "
        else:
            bounds = comparison.low, comparison.high
            if mean <= 0:
                bounds = _turned(bounds[1]), _turned(bounds[0])
            metric = comparison.metric
            said = (f"Removing {part} {'gains' if gain(mean, metric) > 0 else 'costs'} "
                    f"{abs(in_unit(mean, metric)):.2f} {score_of(metric).difference_unit} "
                    f"({words.interval_text(*bounds, metric)}): without it the result is ")
        sentences.append(f"{said}{words.verdict_text(comparison)}{need}.")
    return sentences


def _turned(bound: float | None) -> float | None:
    return None if bound is None else 0.0 - bound  # and not -0.0


def _what(effect: Effect, definition: Definition) -> str:
    """As ``clcc.grid 2 instead of 5``, or ``clcc against supervised``."""
    baseline = _plain(definition.baseline[effect.factor])
    if effect.factor == VARIANT:
        return f"{_plain(effect.value)} against {baseline}"
    return f"{effect.factor} {_plain(effect.value)} instead of {baseline}"


def value_text(effect: Effect, definition: Definition) -> str:
    """A factor's value in a table."""
    part = left_out_part(effect, definition)
    return _plain(effect.value) if part is None else f"without {part}"


def _mean_text(effect: Effect, split: Split, metric: Metric) -> str:
    """Mean and spread over seeds of one group; of several the mean alone."""
    if len(effect.corners) == 1:
        return format_summary(effect.corners[0].group.summary(split, metric), metric)
    return "none" if effect.mean is None else f"{in_unit(effect.mean, metric):.2f}"


def _judged_cells(effect: Effect, metric: Metric) -> list[str]:
    interval = words.interval_text(effect.low, effect.high, metric)
    if effect.comparison is None:
        return [interval, "baseline" if effect.is_baseline else "no pair", "", ""]
    return [interval, *words.comparison_cells(effect.comparison)]


def _averaged_text(effect: Effect, metric: Metric) -> str:
    """As ``2 pairs (-0.50 to +1.20)``."""
    if effect.comparison is None:
        return f"{len(effect.corners)} groups"
    if len(effect.pairs) == 1:
        return "1 pair"
    return (f"{len(effect.pairs)} pairs ({in_unit(min(effect.single), metric):+.2f} to "
            f"{in_unit(max(effect.single), metric):+.2f})")


def _size_cells(corners: Sequence[Corner]) -> list[str]:
    """Seeds of each group, and steps of each run, where they differ all of them."""
    runs = [run for corner in corners for run in corner.group.runs]
    repeated = sorted({corner.group.repeated for corner in corners})
    return ["/".join(repeated), steps_text(runs)]


def _interval_of(corner: Corner, metric: Metric) -> str:
    if corner.stack is None:
        return "none"
    found = estimate_stack(corner.stack)
    return words.interval_text(found.low, found.high, metric)


def _keys_text(effect: Effect, definition: Definition) -> str:
    return few(_keys(effect, definition))


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
        told = {key for name, own in definition.variants.items() if name in names for key in own}
        keys = {key: values for key, values in keys.items()
                if any(key == own or key.startswith(f"{own}.") for own in told)}
    return [f"{key} {_shown(before)} → {_shown(after)}" for key, (before, after) in keys.items()
            if key != "name"]


def _shown(value: str) -> str:
    return "none" if value == ABSENT else value


def _number(value: Any) -> str | int | float | None:
    """A number stays one; what no cell of CSV holds becomes text."""
    return value if isinstance(value, int | float) or value is None else str(value)


def _plain(value: Any) -> str:
    return "null" if value is None else str(value)
