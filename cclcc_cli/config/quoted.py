"""Figures that others published, to stand beside one's own and never to be tested with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from cclcc_cli.config.library import find_file
from cclcc_cli.config.load import explain, read_yaml
from cclcc_cli.config.schema import Count, Labeled, Section
from cclcc_cli.errors import RecipeError
from cclcc_cli.metrics.scores import SCORES
from cclcc_cli.metrics.scores import score as score_row
from cclcc_cli.wording import instead

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\n]*$")]


class QuotedScore(Section):
    """A mean, and its standard deviation where it is given."""

    mean: Annotated[float, Field(ge=0)]
    """In %, distances in pixels."""
    std: Annotated[float, Field(ge=0)] | None = None
    """The same unit."""


def _check_key(value: str) -> str:
    if value not in SCORES:
        raise ValueError(f"unknown score; {instead(value, SCORES, 'allowed')}")
    return value


def _parse_score(value: Any) -> Any:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return {"mean": value} if plain else value


class QuotedResult(Section):
    """A row of somebody's table."""

    name: Line
    """Of the method."""
    labels: Labeled
    """How many training images had their labels, or what share."""
    scores: dict[Annotated[str, AfterValidator(_check_key)],
                 Annotated[QuotedScore, BeforeValidator(_parse_score)]]
    """Score to number, or to mean and std."""

    @model_validator(mode="after")
    def _in_percent(self) -> Self:
        if not self.scores:
            raise ValueError("scores: gives none; a row without a number says nothing")
        for name, score in self.scores.items():
            if not score_row(name).more_is_better:  # distances, and errors that may well be small
                continue
            if score.mean > 100 or 0 < score.mean <= 1:
                raise ValueError(f"scores.{name} = {score.mean}: give it in %, such as 76.02")
        return self


class Quoted(Section):
    """One source's figures."""

    source: Line
    """Citation, with the table or page."""
    data: Line
    """Name of the data set, as ``cclcc prepare`` has it."""
    train_images: Count | None = None
    """Labelled or not, of that source; shows counts of labels as shares as well."""
    note: Line | None = None
    """What else a reader must know of how these came about."""
    results: Annotated[list[QuotedResult], Field(min_length=1)]
    """Rows."""


def load_quoted(path: Path) -> Quoted:
    """Read a file of quoted figures.

    Raises:
        RecipeError: one line per problem, each with its key, its value and what is allowed.
    """
    path = find_file(path, "figures")
    raw: Mapping[str, Any] = read_yaml(path, "file of quoted figures", "source", "results")
    try:
        return Quoted.model_validate(raw)
    except ValidationError as error:
        lines = [f"{path}: {line}" for line in explain(error, raw, Quoted)]
        raise RecipeError("\n".join(lines)) from None
