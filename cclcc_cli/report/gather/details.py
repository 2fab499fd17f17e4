"""What a report tells of a run beside its scores: recipe, surroundings, times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cclcc_cli.config.load import parse_recipe
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.errors import CclccError
from cclcc_cli.report.gather.finished import FinishedRun
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.runs.folder import RunFolder


@dataclass(frozen=True)
class RunDetails:
    """The files of one run that say what it was; a file that is not there is empty.

    Attributes:
        run: what was gathered of it.
        cell: cell.json.
        status: status.json.
        result: result.json.
        environment: environment.json.
    """

    run: FinishedRun
    cell: Mapping[str, Any]
    status: Mapping[str, Any]
    result: Mapping[str, Any]
    environment: Mapping[str, Any]

    def text(self, part: str, *keys: str) -> str:
        """One value of a part as text, empty where it is not stated."""
        value = getattr(self, part)
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return "" if value is None else str(value)


@dataclass(frozen=True)
class GroupDetails:
    """A group and what its runs were.

    Attributes:
        group: what it is in tables.
        runs: one for each of the group's.
        recipe: of all of them but for the seed; None where this version cannot read it.
        recipe_text: of the first run, as YAML; empty where it is not kept.
        problem: why there is no recipe.
    """

    group: Group
    runs: Sequence[RunDetails]
    recipe: AnyRecipe | None
    recipe_text: str
    problem: str = ""

    @property
    def first(self) -> RunDetails:
        return self.runs[0]


def read_details(groups: Sequence[Group]) -> tuple[list[GroupDetails], list[str]]:
    """The details of groups, in their order, and in words what could not be read."""
    details: list[GroupDetails] = []
    problems: list[str] = []
    for group in groups:
        runs = [_read(run, problems) for run in group.runs]
        folder = RunFolder(group.first.path)
        try:
            recipe, problem = parse_recipe(runs[0].cell["recipe"], f"{folder.path}"), ""
        except CclccError as error:
            recipe, problem = None, str(error).splitlines()[0]
            problems.append(f"this version cannot read the recipe of {problem}")
        details.append(GroupDetails(group, runs, recipe, _recipe_text(folder), problem))
    return details, problems


def _read(run: FinishedRun, problems: list[str]) -> RunDetails:
    folder = RunFolder(run.path)
    parts: list[Mapping[str, Any]] = []
    for name in ("cell.json", "status.json", "result.json", "environment.json"):
        try:
            content = folder.read_json(name)
        except CclccError as error:
            problems.append(str(error))
            content = None
        parts.append(content if isinstance(content, Mapping) else {})
    return RunDetails(run, *parts)


def _recipe_text(folder: RunFolder) -> str:
    """Without the comment that says how the first run was started."""
    try:
        lines = (folder.path / "recipe.yaml").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return "\n".join(line for line in lines if not line.startswith("#"))


def flat_keys(nested: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A recipe's keys dotted, its values as text."""
    flat = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat.update(flat_keys(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = "null" if value is None else str(value)
    return flat
