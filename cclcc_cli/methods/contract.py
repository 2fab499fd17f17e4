"""What every method owes the training loop, as checks that run in seconds on a tiny recipe.

``config.recipes.example_of`` makes such a recipe. Each check takes it, and raises
``ContractBroken`` with what is wrong; one that does not apply to a method passes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor

from cclcc_cli.config.base import BaseRecipe, TwoStreamRecipe
from cclcc_cli.config.methods.supervised import SupervisedRecipe
from cclcc_cli.config.plugins import find_line
from cclcc_cli.config.schema import LabeledBatch
from cclcc_cli.errors import CclccError, describe_error
from cclcc_cli.methods import build_method
from cclcc_cli.methods.base import Batch, Loss, Method, StepInfo
from cclcc_cli.models.network import Network

STEPS = 30
"""Of a check's training."""
STUDENT_SHARE = 0.5
"""Of the student's parameters, at least so many get a gradient that is not 0 throughout."""
VANISHING = 1e-8
"""A weight that must make no difference."""
TOLERANCE = {"sgd": 1e-3, "adamw": 1e-2}
"""Of the distance between two students, relative to their size. Adam divides by the gradient's
own size, so that weights which the supervised loss hardly moves follow the other terms."""


class ContractBroken(Exception):
    """A method does not do what the training loop relies on; the message says what."""


@dataclass(frozen=True)
class CheckResult:
    """What came of one check.

    Attributes:
        check: what was checked, in a sentence.
        problem: what is wrong; empty where nothing is.
        raised: an exception is what is wrong.
    """

    check: str
    problem: str = ""
    raised: bool = False


def run_contract(recipe: BaseRecipe) -> Iterator[CheckResult]:
    """Every check on a tiny recipe, one after the other.

    What a method raises is a problem too, and the last one: no other check could run.
    """
    for check in CHECKS:
        finding = run_check((check.__doc__ or "").splitlines()[0], lambda: check(recipe))  # noqa: B023
        yield finding
        if finding.raised:
            break


def run_check(title: str, check: Callable[[], None]) -> CheckResult:
    """What comes of one check."""
    try:
        check()
    except ContractBroken as broken:
        return CheckResult(title, str(broken))
    except Exception as error:
        line = "" if isinstance(error, CclccError) else find_line(error)
        text = ": ".join(filter(None, [line, describe_error(error)]))
        return CheckResult(title, text, raised=True)
    return CheckResult(title)


def build_fresh(recipe: BaseRecipe) -> Method:
    """The method with the weights that every check starts from."""
    torch.manual_seed(0)
    return build_method(recipe)


def make_batch(recipe: BaseRecipe, seed: int = 0) -> Batch:
    """A random batch as a recipe asks for it; strong views are the images, darkened."""
    side, labeled = recipe.data.size, recipe.batch.labeled
    generator = torch.Generator().manual_seed(seed)
    # A supervised recipe gets unlabelled images too: it must not look at them.
    others = recipe.batch.unlabeled or labeled
    images = torch.randn(labeled + others, 3, side, side, generator=generator)
    target = (images[:labeled, :1] > 0).float()
    images = images.contiguous(memory_format=torch.channels_last)
    views = recipe.strong_views
    strong: tuple[Tensor, ...] = ()
    if views is not None:
        seen = images if views.of_labeled else images[labeled:]
        strong = tuple(seen * 0.8 - 0.1 * (n + 1) for n in range(views.count))
    return Batch(images, target, strong)


def check_finite(recipe: BaseRecipe) -> None:
    """The loss is finite and the student learns from it, in bf16 too."""
    for info in _ends():
        for half in (False, True):
            # A pass without a graph must not leave its weights in autocast's cache.
            where = f"at step {info.step} of {STEPS} in {'bf16' if half else 'fp32'}"
            method = build_fresh(recipe)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                loss = method.loss(make_batch(recipe), info)
            require(isinstance(loss, Loss), f"loss() gives a {type(loss).__name__}; it must give a "
                    "Loss")
            require(loss.total.ndim == 0 and loss.total.dtype == torch.float32,
                     f"the loss {where} is {loss.total.dtype} of shape {tuple(loss.total.shape)}; "
                     "it must be a float32 scalar")
            require(bool(loss.total.isfinite()), f"the loss is {loss.total.item()} {where}")
            require("supervised" in loss.terms, "its terms lack 'supervised'")
            for name, term in loss.terms.items():
                require(bool(term.isfinite()), f"the term {name} is {term.item()} {where}")
                require(not term.requires_grad, f"the term {name} is not detached {where}")
            _check_gradients(method, loss.total, where)


def _check_gradients(method: Method, total: Tensor, where: str) -> None:
    total.backward()  # type: ignore[no-untyped-call]
    learns = [(n, p.grad) for n, p in method.student.named_parameters() if p.requires_grad]
    for name, grad in learns:
        require(grad is not None, f"the student's {name} gets no gradient {where}")
        assert grad is not None
        require(bool(grad.isfinite().all()),
                 f"the gradient of the student's {name} is not finite {where}")
    moved = sum(bool(grad.abs().sum() > 0) for _, grad in learns if grad is not None)
    require(moved >= STUDENT_SHARE * len(learns),
             f"the gradient is 0 for {len(learns) - moved} of the student's {len(learns)} "
             f"parameters {where}")


def check_builds(recipe: BaseRecipe) -> None:
    """It can be built, and its student and predictor are networks."""
    method = build_fresh(recipe)
    for part in ("student", "predictor"):
        require(isinstance(getattr(method, part), Network), f"its {part} is a "
                f"{type(getattr(method, part)).__name__}; it must be a Network")


def check_network(recipe: BaseRecipe) -> None:
    """The student's head makes the logits of a map of the images' size."""
    student, images = build_fresh(recipe).student.eval(), make_batch(recipe).images
    features, logits = student.features(images), student(images)
    count, _, height, width = images.shape
    wanted = (count, student.feature_channels, height, width)
    require(features.shape == wanted,
            f"features() gives {tuple(features.shape)}; it must give {wanted}")
    require(logits.shape == (count, recipe.model.num_classes, height, width),
            f"forward() gives {tuple(logits.shape)}")
    require(torch.equal(student.head(features), logits), "head(features()) are not the logits")


def check_gradients(recipe: BaseRecipe) -> None:
    """Whatever requires a gradient gets one, and nothing else does."""
    method = build_fresh(recipe)
    for info in _ends():  # each step may use parts of its own
        method.loss(make_batch(recipe), info).total.backward()  # type: ignore[no-untyped-call]
    for name, parameter in method.named_parameters():
        if parameter.requires_grad:
            require(parameter.grad is not None, f"{name} requires a gradient and gets none")
        else:
            require(parameter.grad is None, f"{name} gets a gradient that it does not require")


def check_learns(recipe: BaseRecipe) -> None:
    """30 steps on one batch lower the loss."""
    method, batch, info = build_fresh(recipe), make_batch(recipe), StepInfo(STEPS - 1, STEPS)
    learns = [p for p in method.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learns, lr=5e-3)
    losses = [_step(method, batch, info, optimizer) for _ in range(STEPS)]
    require(losses[0] - min(losses[-5:]) > 0.05 * abs(losses[0]),
             f"the loss went from {losses[0]:.4g} to {losses[-1]:.4g}")


def check_checkpoint(recipe: BaseRecipe) -> None:
    """A checkpoint restores the predictor exactly."""
    method, other = build_fresh(recipe), build_fresh(recipe)
    for _ in range(2):
        method.loss(make_batch(recipe, 1), StepInfo(0, STEPS))  # running statistics move
        torch.nn.init.normal_(next(method.student.head.parameters()))
        method.after_step()
    other.load_state_dict(method.state_dict())
    images = make_batch(recipe, 2).images
    for when in ("once restored", "a step later"):
        answers = [each.predictor.eval()(images) for each in (method, other)]
        require(torch.equal(*answers), f"the predictions differ {when}: a part of the state is "
                 "not in state_dict()")
        for each in (method, other):
            each.train()
            each.after_step()


def check_unlabeled(recipe: BaseRecipe) -> None:
    """Unlabelled images matter, or are unused if the recipe takes none."""
    batch, changed = make_batch(recipe), make_batch(recipe)
    labeled = len(batch.target)
    changed.images[labeled:] = make_batch(recipe, 5).images[labeled:]
    seen = []
    for each in (batch, changed):
        terms = []
        for info in _ends():
            method = build_fresh(recipe)
            torch.manual_seed(1)
            terms += [value for _, value in sorted(method.loss(each, info).terms.items())]
        seen.append(torch.stack(terms))
    same = torch.equal(*seen)
    if recipe.batch.unlabeled:
        require(not same, "other unlabelled images give the same terms")
    else:
        require(same, "other unlabelled images give other terms, though the recipe takes none")


def check_repeats(recipe: BaseRecipe) -> None:
    """The same weights, batch and random state give the same bytes."""
    totals = []
    for _ in range(2):
        method = build_fresh(recipe)
        torch.manual_seed(1)
        totals.append(method.loss(make_batch(recipe), StepInfo(7, STEPS)).total)
    require(torch.equal(*totals), f"the loss is {totals[0].item()} and then {totals[1].item()}")


def check_start(recipe: BaseRecipe) -> None:
    """The student starts as that of supervised training does."""
    pairs = zip(build_fresh(recipe).student.parameters(),
                build_fresh(_supervised(recipe)).student.parameters(), strict=True)
    require(all(torch.equal(a, b) for a, b in pairs),
             "its weights differ: something was drawn before the student was built")


def check_weight_0(recipe: BaseRecipe) -> None:
    """With declared weights at 0 it is supervised training, bit for bit."""
    if not recipe.weights:
        return
    weightless = _with_options(recipe, dict.fromkeys(recipe.weights, 0.0))
    students = [_train(each, "adamw", 8) for each in (weightless, _supervised(recipe))]
    require(torch.equal(*students), "8 steps give another student")


def check_vanishing(recipe: BaseRecipe) -> None:
    """As declared weights go to 0 it becomes supervised training."""
    if not isinstance(recipe, TwoStreamRecipe) or recipe.batch_norm == "joint":
        return  # in one BatchNorm pass the streams change each other whatever the weights
    if not (recipe.weights if recipe.vanishing is None else recipe.vanishing):
        return
    distance = distance_from_supervised(recipe)
    require(distance < TOLERANCE["sgd"], f"with weights of {VANISHING:g}, {STEPS} steps move the "
             f"student by {distance:.2g} of its size away from the supervised one")


CHECKS: tuple[Callable[[BaseRecipe], None], ...] = (
    check_builds, check_network, check_finite, check_gradients, check_learns, check_checkpoint,
    check_unlabeled, check_repeats, check_start, check_weight_0, check_vanishing,
)


def distance_from_supervised(
    recipe: BaseRecipe, optimizer: Literal["sgd", "adamw"] = "sgd"
) -> float:
    """How far a method with vanishing weights leads the student from the supervised one.

    Returns:
        The distance after 30 steps, relative to the size of the weights and statistics.
    """
    assert isinstance(recipe, TwoStreamRecipe)
    keys = recipe.weights if recipe.vanishing is None else recipe.vanishing
    found = _train(_with_options(recipe, dict.fromkeys(keys, VANISHING)), optimizer)
    supervised = _train(_supervised(recipe), optimizer)
    return float((found - supervised).norm() / supervised.norm())


@lru_cache(maxsize=32)
def _train(
    recipe: BaseRecipe, optimizer: Literal["sgd", "adamw"], steps: int = STEPS
) -> Tensor:
    """The student's weights and running statistics after some steps, each on its own batch."""
    method = build_fresh(recipe)
    learns = [p for p in method.parameters() if p.requires_grad]
    stepped = (torch.optim.AdamW(learns, lr=3e-4) if optimizer == "adamw"
               else torch.optim.SGD(learns, lr=1e-2, momentum=0.9))
    for step in range(steps):
        torch.manual_seed(step)
        _step(method, make_batch(recipe, step), StepInfo(step, STEPS), stepped)
    values = [v.flatten() for v in method.student.state_dict().values() if v.is_floating_point()]
    return torch.cat(values)


def _step(
    method: Method, batch: Batch, info: StepInfo, optimizer: torch.optim.Optimizer
) -> float:
    loss = method.loss(batch, info)
    optimizer.zero_grad()
    loss.total.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    method.after_step()
    return loss.total.item()


def _ends() -> tuple[StepInfo, StepInfo]:
    return StepInfo(0, STEPS), StepInfo(STEPS - 1, STEPS)


def _supervised(recipe: BaseRecipe) -> BaseRecipe:
    """Supervised training with the same network, loss and batches."""
    shared = {name: getattr(recipe, name) for name in BaseRecipe.model_fields}
    return SupervisedRecipe.model_construct(
        **shared, method="supervised", batch=LabeledBatch(labeled=recipe.batch.labeled)
    )


def _with_options(recipe: BaseRecipe, values: dict[str, Any]) -> BaseRecipe:
    options = recipe.options.model_copy(update=values)
    return recipe.model_copy(update={recipe.method: options})


def require(holds: bool, problem: str) -> None:
    """Say what is broken, unless it holds.

    Raises:
        ContractBroken: it does not.
    """
    if not holds:
        raise ContractBroken(problem)
