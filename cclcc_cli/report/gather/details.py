"""What a report tells of a run beside its scores: recipe, surroundings, times."""

from collections.abc import Sequence
from dataclasses import dataclass

from cclcc_cli.config.load import parse_recipe
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.errors import CclccError, RunError
from cclcc_cli.records import flatten
from cclcc_cli.report.gather.finished import FinishedRun
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.records import EnvironmentRecord, RecipeRecord, RunRecord, StatusRecord


@dataclass(frozen=True)
class RunDetails:
    """The records of one run that say what it was.

    Attributes:
        run: what was gathered of it.
        record: what determines its result.
        status: how it ended.
        environment: what it ran on; empty where that is not kept.
    """

    run: FinishedRun
    record: RunRecord
    status: StatusRecord
    environment: EnvironmentRecord


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
            recipe, problem = parse_recipe(runs[0].record.recipe.values, f"{folder.path}"), ""
        except CclccError as error:
            recipe, problem = None, str(error).splitlines()[0]
            problems.append(f"this version cannot read the recipe of {problem}")
        details.append(GroupDetails(group, runs, recipe, _recipe_text(folder), problem))
    return details, problems


def _read(run: FinishedRun, problems: list[str]) -> RunDetails:
    folder = RunFolder(run.path)
    try:
        environment = folder.environment
    except CclccError as error:
        problems.append(str(error))
        environment = None
    return RunDetails(run, read_record(run), folder.status, environment or EnvironmentRecord())


def read_record(run: FinishedRun) -> RunRecord:
    """What determines the result of a run that was gathered.

    Raises:
        RunError: it is gone, or damaged since then.
    """
    record = RunFolder(run.path).run
    if record is None:
        raise RunError(f"{run.path}: was removed while it was read; repeat the command")
    return record


def _recipe_text(folder: RunFolder) -> str:
    """Without the comment that says how the first run was started."""
    try:
        lines = (folder.path / "recipe.yaml").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return "\n".join(line for line in lines if not line.startswith("#"))


def flat_keys(recipe: RecipeRecord) -> dict[str, str]:
    """A recipe's keys dotted, its values as text."""
    return {key: "null" if value is None else str(value)
            for key, value in flatten(recipe.values).items()}
