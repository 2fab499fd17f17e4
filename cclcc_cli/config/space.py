"""What a search may try: one dimension for each searched key of a recipe."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from cclcc_cli.config.design import as_list, same
from cclcc_cli.config.schema import Count, Section

Condition = dict[str, Any]
"""Key of the space to the value, or list of values, for which a dimension is there at all."""


def fulfils(value: Any, wanted: Any) -> bool:
    """Whether a value is the wanted one; of a section, whether it has the wanted keys so."""
    if isinstance(wanted, dict) and isinstance(value, dict):
        return all(key in value and fulfils(value[key], one) for key, one in wanted.items())
    return same(value, wanted)


class _Dimension(Section):
    when: Condition = Field(default_factory=dict)
    """Only where these keys of the space have this value, or one of these."""

    def is_active(self, values: Mapping[str, Any]) -> bool:
        """Whether the dimension is there, given the values of those before it."""
        return all(
            key in values and any(fulfils(values[key], one) for one in as_list(allowed))
            for key, allowed in self.when.items()
        )


class _Range(_Dimension):
    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        low, high = self.low, self.high  # type: ignore[attr-defined]
        if low >= high:
            raise ValueError(f"low = {low} must be below high = {high}")
        if getattr(self, "log", self.kind == "log") and low <= 0:  # type: ignore[attr-defined]
            raise ValueError(f"low = {low}: a logarithm needs it above 0")
        step = getattr(self, "step", None)
        if step is not None and step > high - low:
            raise ValueError(f"step = {step} is wider than low {low} to high {high}")
        return self


class Uniform(_Range):
    """A number, every value as likely."""

    kind: Literal["uniform"] = "uniform"
    low: float
    """Smallest."""
    high: float
    """Largest."""
    step: Annotated[float, Field(gt=0)] | None = None
    """Only low + n x step."""

    @property
    def extremes(self) -> list[Any]:
        return [self.low, self.high if self.step is None else
                self.low + self.step * int((self.high - self.low) / self.step + 1e-9)]

    def problem(self, value: Any) -> str | None:
        """Why the dimension does not have the value; None where it has."""
        return _outside(value, self.low, self.high, self.step)


class Log(_Range):
    """A number, every order of magnitude as likely."""

    kind: Literal["log"]
    low: float
    """Smallest, above 0."""
    high: float
    """Largest."""

    @property
    def extremes(self) -> list[Any]:
        return [self.low, self.high]

    def problem(self, value: Any) -> str | None:
        """Why the dimension does not have the value; None where it has."""
        return _outside(value, self.low, self.high, None)


class Int(_Range):
    """A whole number."""

    kind: Literal["int"]
    low: int
    """Smallest."""
    high: int
    """Largest."""
    step: Count = 1
    """Only low + n x step."""
    log: bool = False
    """Whether orders of magnitude are equally likely."""

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        if self.log and self.step != 1:
            raise ValueError(f"step = {self.step}: a logarithm has no steps; leave one out")
        return self

    @property
    def extremes(self) -> list[Any]:
        return [self.low, self.low + self.step * ((self.high - self.low) // self.step)]

    def problem(self, value: Any) -> str | None:
        """Why the dimension does not have the value; None where it has."""
        if isinstance(value, float):
            return "is no whole number"
        return _outside(value, self.low, self.high, self.step)


class Categorical(_Dimension):
    """One of some values, which may be whole sections."""

    kind: Literal["categorical"] = "categorical"
    choices: Annotated[list[Any], Field(min_length=1)]
    """The values."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for index, one in enumerate(self.choices):
            # Optuna takes 1, 1.0 and true for one choice.
            if any(one == previous for previous in self.choices[:index]):
                raise ValueError(f"choices have {one!r} twice")
        return self

    @property
    def extremes(self) -> list[Any]:
        return list(self.choices)

    def problem(self, value: Any) -> str | None:
        """Why the dimension does not have the value; None where it has."""
        if any(same(value, one) for one in self.choices):
            return None
        return f"is not among {', '.join(map(str, self.choices))}"


def _outside(value: Any, low: float, high: float, step: float | None) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "is no number"
    if not low <= value <= high:
        return f"lies outside {low} to {high}"
    if step is not None and abs((value - low) / step - round((value - low) / step)) > 1e-9:
        return f"is not {low} plus a multiple of {step}"
    return None


def _parse_dimension(value: Any) -> Any:
    if isinstance(value, list):
        return {"kind": "categorical", "choices": value}
    if not isinstance(value, dict):
        raise ValueError("give a list of values, or a mapping such as "
                         "{kind: log, low: 0.01, high: 1}")
    if "kind" in value:
        return value
    return {"kind": "categorical" if "choices" in value else "uniform", **value}


Dimension = Annotated[
    Annotated[Uniform | Log | Int | Categorical, Field(discriminator="kind")],
    BeforeValidator(_parse_dimension),
]
Space = dict[str, Dimension]
"""Dotted key to dimension; one may depend on those above it."""


def grid_values(dimension: Uniform | Log | Int | Categorical) -> list[Any] | None:
    """Every value of a dimension; None where they cannot be counted."""
    match dimension:
        case Categorical(choices=choices):
            return list(choices)
        case Int(low=low, high=high, step=step, log=False):
            return list(range(low, high + 1, step))
        case Uniform(low=low, high=high, step=float(step)):
            count = int((high - low) / step + 1e-9)
            return [low + index * step for index in range(count + 1)]
        case _:
            return None


def grid_points(space: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All combinations of all values, in reading order; absent dimensions are left out."""
    points: list[dict[str, Any]] = [{}]
    for key, dimension in space.items():
        values = grid_values(dimension) or []
        points = [
            {**point, key: value} if active else point
            for point in points
            for active in (dimension.is_active(point),)
            for value in (values if active else [None])
        ]
    return points


def as_text(value: Any) -> str:
    """A value in a few characters."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
