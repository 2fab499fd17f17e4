"""The words of a recipe: one template of settings, and the clause that its method declares."""

from collections.abc import Mapping, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, first_part, square
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.report.gather.details import GroupDetails
from cclcc_cli.wording import counted, listed


def describe_settings(group: GroupDetails) -> Mapping[str, Sequence[str]]:
    """Passages by heading: clauses in their order, empty where there is nothing to say.

    Args:
        group: whose recipe is known.
    """
    first, found, costs = group.first, group.group, group.group.first.costs
    assert group.recipe is not None
    record, environment = first.record, first.environment
    counts = (record.splits.counts if record.splits else None) or {}
    leaked = {split: len(stems) for split, stems in (record.leaked or {}).items()}
    text = _environment().get_template("methods.txt.j2").render(
        recipe=group.recipe, group=found, labeled=found.first.labeled,
        train_images=found.first.train_images,
        joint_batch=isinstance(group.recipe, TwoStreamRecipe) and (
            group.recipe.batch_norm == "joint"),
        steps=sorted(run.run.steps for run in group.runs),
        parameters=costs.predictor_parameters if costs else None,
        data=record.data, runtime=record.runtime, environment=environment,
        rule=record.splits.rule if record.splits else "",
        torch=(environment.packages or {}).get("torch") or "",
        splits=[f"{counts[split]:,} {word}" for split, word in
                (("train", "training"), ("val", "validation"), ("test", "test"))
                if split in counts],
        leaked=[counted(count, f"{word} image shows", f"{word} images show")
                for split, word in (("val", "validation"), ("test", "test"))
                if (count := leaked.get(split, 0))])
    passages = [part.partition("\n") for part in text.split("§ ")[1:]]
    return {title: [_one_line(clause) for clause in body.split("¶")]
            for title, _, body in passages}


def describe_method(recipe: AnyRecipe) -> str:
    """What was minimised beside the supervised loss; empty where nothing was."""
    return "" if recipe.clause == NOTHING else recipe.clause


def _some(words: Sequence[object]) -> str:
    """The same of those that are not empty."""
    return listed([word for word in words if word])


def _without_marks(value: object) -> object:
    """What a run's files say cannot part passages and clauses."""
    return value.replace("§", "").replace("¶", "") if isinstance(value, str) else value


def _one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def _environment() -> Environment:
    """Plain text; the page that shows it escapes it."""
    templates = Environment(
        loader=PackageLoader("cclcc_cli.report"), autoescape=False, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=_without_marks)
    templates.globals.update(
        listed=listed, some=_some,
        counted=counted, square=square, first_part=first_part, any=any,
        number="{:g}".format, three="{:.3g}".format, thousands="{:,}".format,
        numbers=lambda values: listed([f"{x:g}" for x in values]))
    return templates
