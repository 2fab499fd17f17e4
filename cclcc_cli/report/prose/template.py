"""The words of a recipe: one template of settings, and a clause for each method."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.report.gather.details import GroupDetails
from cclcc_cli.report.prose.clauses import CLAUSES

_PARTS = {Fraction(1, 2): "half", Fraction(1, 3): "third", Fraction(1, 4): "quarter",
          Fraction(1, 5): "fifth", Fraction(1, 10): "tenth", Fraction(1, 20): "twentieth"}
_STATISTICS = {
    "shared": "shared with {}", "separate": "kept apart from those of {}",
    "frozen": "normalised by the running statistics of {}"}


def describe_settings(group: GroupDetails) -> Mapping[str, Sequence[str]]:
    """Passages by heading: clauses in their order, empty where there is nothing to say.

    Args:
        group: whose recipe is known.
    """
    first, found, costs = group.first, group.group, group.group.first.costs
    assert group.recipe is not None
    counts = first.cell.get("splits", {}).get("counts", {})
    leaked = {split: len(stems) for split, stems in first.cell.get("leaked", {}).items()}
    text = _environment().get_template("methods.txt.j2").render(
        recipe=group.recipe, group=found, labeled=found.first.labeled,
        train_images=found.first.train_images,
        joint_batch=isinstance(group.recipe, TwoStreamRecipe) and (
            group.recipe.batch_norm == "joint"),
        steps=sorted(run.run.steps for run in group.runs),
        parameters=costs.predictor_parameters if costs else None,
        cell=lambda *keys: first.text("cell", *keys),
        environment=lambda *keys: first.text("environment", *keys),
        gpu=first.text("environment", "gpu"),
        splits=[f"{counts[split]:,} {word}" for split, word in
                (("train", "training"), ("val", "validation"), ("test", "test"))
                if split in counts],
        leaked=[f"{count:,} {word} {'images show' if count > 1 else 'image shows'}"
                for split, word in (("val", "validation"), ("test", "test"))
                if (count := leaked.get(split, 0))])
    passages = [part.partition("\n") for part in text.split("§ ")[1:]]
    return {title: [_one_line(clause) for clause in body.split("¶")]
            for title, _, body in passages}


def describe_method(recipe: AnyRecipe) -> str:
    """What was minimised beside the supervised loss; empty where nothing was."""
    method = _environment().from_string(CLAUSES[recipe.method])
    return _one_line(method.render(c=getattr(recipe, recipe.method, None)))


def listed(words: Sequence[object]) -> str:
    """As ``a``, ``a and b``, or ``a, b and c``."""
    texts = [str(word) for word in words]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def _some(words: Sequence[object]) -> str:
    """The same of those that are not empty."""
    return listed([word for word in words if word])


def counted(count: int, thing: str) -> str:
    """As ``1 step`` or ``1,500 steps``."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _square(side: int | str) -> str:
    return f"{side} \N{MULTIPLICATION SIGN} {side}"


def _first_part(share: Fraction, word: str = "first") -> str:
    """As ``the first third`` of something."""
    return f"the {word} {_PARTS.get(share) or f'{100 * float(share):.3g} %'}"


def _risen(weight: float, ramp_up: Fraction) -> str:
    """A weight and how it gets there."""
    if not ramp_up:
        return f"weight {weight:g}"
    over = "the whole budget" if ramp_up == 1 else f"{_first_part(ramp_up)} of the budget"
    return f"weight {weight:g}, rising as exp(-5 (1 - t)^2) over {over}"


def _batch_statistics(kind: str, of: str) -> str:
    return _STATISTICS[kind].format(of)


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
        counted=counted, square=_square, first_part=_first_part, risen=_risen,
        batch_statistics=_batch_statistics, any=any, number="{:g}".format, three="{:.3g}".format,
        thousands="{:,}".format, numbers=lambda values: listed([f"{x:g}" for x in values]))
    return templates
