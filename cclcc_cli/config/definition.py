"""What an ablation is, as its plan keeps it: enough to tell later what each run stands for."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from cclcc_cli.config.ablation import Arrangement
from cclcc_cli.config.design import Design
from cclcc_cli.config.schema import Section


class PlacedPoint(Section):
    """One place of an ablation."""

    place: str
    """What it is called in the plan."""
    variant: str
    """The group's name."""
    values: dict[str, Any]
    """Dotted key to value, one for each axis."""


class Definition(Section):
    """An ablation without its base recipe, which every run folder holds resolved."""

    design: Design
    """How variants and axes were combined."""
    baseline: dict[str, Any]
    """``variant`` and every axis to the value that others are compared with."""
    variants: dict[str, dict[str, Any]]
    """Name to overrides; empty for a file without variants."""
    axes: dict[str, list[Any]]
    """Dotted key to its values."""
    points: list[PlacedPoint]
    """In reading order."""
    margin: Annotated[float, Field(gt=0, le=100)] = 2.0
    """Points within which a difference counts as none; plans from before it was kept lack it."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.baseline.keys() != {"variant", *self.axes}:
            raise ValueError("baseline has other keys than 'variant' and the axes")
        if any(point.values.keys() != self.axes.keys() for point in self.points):
            raise ValueError("a point has other keys than the axes")
        return self


def define(arrangement: Arrangement) -> dict[str, Any]:
    """The definition as plain values that JSON holds."""
    ablation = arrangement.ablation
    definition = Definition(
        design=ablation.design, baseline=ablation.baseline_values,
        variants=ablation.variants, axes=ablation.axes, margin=ablation.margin,
        points=[PlacedPoint(place=point.place, variant=point.variant, values=dict(point.values))
                for point in arrangement.points],
    )
    return _plain(definition.model_dump())


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """What YAML knows and JSON does not, such as dates, as text."""
    plain: dict[str, Any] = json.loads(json.dumps(value, default=str))
    return plain
