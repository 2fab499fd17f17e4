"""An ablation's effects in sentences."""

from collections.abc import Sequence
from typing import Any

from cclcc_cli.config.definition import Definition
from cclcc_cli.metrics.scores import gain, in_unit, score_of
from cclcc_cli.report.evidence.ablation import VARIANT, Effect, left_out_part
from cclcc_cli.report.prose.evidence import (
    ONE_IMAGE,
    groups_text,
    left_over_sentences,
    need_text,
    rules_text,
)
from cclcc_cli.report.prose.numbers import change_text, interval_text, verdict_text


def summarize_effects(effects: Sequence[Effect], definition: Definition) -> list[str]:
    """What the table says, in sentences: each part's effect, and how verdicts are reached."""
    several_data = len({effect.data for effect in effects}) > 1
    buckets: dict[tuple[str, str], list[Effect]] = {}
    for effect in effects:
        buckets.setdefault((effect.data, effect.factor), []).append(effect)
    sentences = []
    for (data, _), bucket in buckets.items():
        where = f"{data}: " if several_data else ""
        compared = [effect for effect in bucket if effect.comparison]
        sentences += [where + sentence for sentence in _effect_sentences(compared, definition)]
        sentences += [
            f"{where}{_what(effect, definition)} is compared with nothing: "
            "no group that differs in it alone has finished."
            for effect in bucket if not effect.comparison and not effect.is_baseline
        ]
    comparisons = [effect.comparison for effect in effects if effect.comparison]
    if any(len(effect.pairs) > 1 for effect in effects):
        sentences.append("Effects are means over pairs of groups that differ in one factor alone; "
                         "the last column says over how many, and from where to where the pairs "
                         "lie: where they disagree, the factors depend on each other.")
    sentences += left_over_sentences((_what(effect, definition), effect.comparison)
                                     for effect in effects if effect.comparison)
    sentences += groups_text([corner.stack.num_groups for effect in effects
                                    for corner in effect.corners if corner.stack])
    if any(comparison.difference.num_images == 1 for comparison in comparisons):
        sentences.append(ONE_IMAGE)
    return sentences + rules_text(comparisons)


def _effect_sentences(bucket: Sequence[Effect], definition: Definition) -> list[str]:
    """A sentence for each effect of a factor."""
    sentences = []
    for effect in bucket:
        comparison = effect.comparison
        assert comparison is not None
        need = need_text(comparison)
        part, mean = left_out_part(effect, definition), comparison.difference.mean
        if part is None:
            said = f"{_what(effect, definition)}: {change_text(comparison)}, "
        else:
            bounds = comparison.low, comparison.high
            if mean <= 0:
                bounds = _turned(bounds[1]), _turned(bounds[0])
            metric = comparison.metric
            said = (f"Removing {part} {'gains' if gain(mean, metric) > 0 else 'costs'} "
                    f"{abs(in_unit(mean, metric)):.2f} {score_of(metric).difference_unit} "
                    f"({interval_text(*bounds, metric)}): without it the result is ")
        sentences.append(f"{said}{verdict_text(comparison)}{need}.")
    return sentences


def _turned(bound: float | None) -> float | None:
    return None if bound is None else 0.0 - bound  # and not -0.0


def _what(effect: Effect, definition: Definition) -> str:
    """As ``clcc.grid 2 instead of 5``, or ``clcc against supervised``."""
    baseline = plain_text(definition.baseline[effect.factor])
    if effect.factor == VARIANT:
        return f"{plain_text(effect.value)} against {baseline}"
    return f"{effect.factor} {plain_text(effect.value)} instead of {baseline}"


def plain_text(value: Any) -> str:
    """A value as a recipe has it."""
    return "null" if value is None else str(value)
