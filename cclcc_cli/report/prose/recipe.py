"""A recipe's settings as clauses of a methods section: lower case, past tense, no full stop.

A clause is empty where there is nothing to say. Names and constants are those of the code that
trains: ``config`` says what a key means, ``data.transforms`` how far an image is changed.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import assert_never

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.model import (
    AnyModel,
    MonaiModel,
    ResidualUNetModel,
    TimmModel,
    UNetModel,
    WideUNetModel,
)
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.config.schema import (
    AdamW,
    ContiguousSelection,
    Evaluation,
    NestedSelection,
    Sgd,
    Strong,
    Weak,
)

_PARTS = {Fraction(1, 2): "half", Fraction(1, 3): "third", Fraction(1, 4): "quarter",
          Fraction(1, 5): "fifth", Fraction(1, 10): "tenth", Fraction(1, 20): "twentieth"}
_FROZEN = {
    "none": "", "encoder": ", its encoder staying as it started",
    "batch_norm": ", the running statistics of its encoder's batch normalisation staying as they "
                  "started and serving in training too",
}
_MONAI = {"basic_unet": "BasicUNet", "segresnet": "SegResNet"}


def listed(words: Sequence[str]) -> str:
    """As ``a``, ``a and b``, or ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def counted(count: int, thing: str) -> str:
    """As ``1 step`` or ``1,500 steps``."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def square(side: int | str) -> str:
    """As ``5 times 5``, with the sign."""
    return f"{side} \N{MULTIPLICATION SIGN} {side}"


def first_part(share: Fraction) -> str:
    """As ``the first third`` of something."""
    return f"the first {_PARTS.get(share) or f'{100 * float(share):.3g} %'}"


def labels(recipe: AnyRecipe, count: int, of: int, subsets: Sequence[int] = ()) -> str:
    """How many images keep their labels, and how they were chosen.

    Args:
        recipe: of a run.
        count: images that keep their labels.
        of: training images.
        subsets: label seeds, where several are pooled.
    """
    if count == of:
        return f"all {counted(of, 'training image')} kept their labels"
    match recipe.data.selection:
        case NestedSelection(seed=seed):
            by = (f"(label seeds {listed(list(map(str, subsets)))})" if subsets else
                  "anew for each seed, the same ones in every method," if seed == "run"
                  else f"(label seed {seed})")
            drawn = "drawn" if seed == "run" and not subsets else "drawn at random"
            how = f"{drawn} {by} so that smaller subsets lie inside larger ones"
        case ContiguousSelection(start=start):
            how = (f"taken as a block of the training images sorted by name, from position {start} "
                   "on")
        case never:
            assert_never(never)
    return (f"{count:,} of the {of:,} training images ({100 * count / of:.3g} %) kept their "
            f"labels, {how}")


def streams(recipe: AnyRecipe, count: int, of: int) -> str:
    """What a step is made of."""
    batch = recipe.batch
    labelled = counted(batch.labeled, "labelled image")
    if not batch.unlabeled:
        return f"each step took {labelled} and no unlabelled one"
    pool = (f"all {of:,} training images, whose labels were withheld there"
            if recipe.data.unlabeled == "all" else
            f"the {of - count:,} training images without labels")
    together = isinstance(recipe, TwoStreamRecipe) and recipe.batch_norm == "joint"
    normalised = ("one batch normalised both" if together else
                  "each of the two was normalised by its own batch")
    return (f"each step took {labelled} and {batch.unlabeled:,} unlabelled, the latter from "
            f"{pool}; {normalised}")


def weak_view(weak: Weak) -> str:
    """What happens to every training image."""
    changes = []
    if weak.flips:
        changes.append("mirrored left to right and top to bottom (each with probability 0.5)")
    if weak.quarter_turns:
        changes.append("turned by a random multiple of 90°")
    if weak.affine:
        changes.append("scaled by 0.8 to 1.2, turned by up to 30° and moved by up to a tenth of "
                       f"its side (together, with probability {weak.affine:g})")
    if weak.color:
        changes.append("changed in brightness, contrast and saturation by up to 20 % and in hue by "
                       f"up to 5 % (with probability {weak.color:g})")
    if not changes:
        return "training images were not augmented"
    return f"every training image was {listed(changes)}"


def strong_view(strong: Strong, count: int) -> str:
    """How a strong view differs from the weak one."""
    changes = []
    if strong.color:
        changes.append("changed in brightness, contrast and saturation by up to 50 % and in hue by "
                       f"up to 25 % (with probability {strong.color:g})")
    if strong.gray:
        changes.append(f"turned grey (with probability {strong.gray:g})")
    if strong.blur:
        changes.append("blurred by a Gaussian with a sigma of 0.1 to 2 pixels (with probability "
                       f"{strong.blur:g})")
    views = "the strong view" if count == 1 else f"each of the {count} strong views"
    if not changes:
        return f"{views} was the weak view unchanged"
    return f"{views} was the weak view further {listed(changes)}"


def network(recipe: AnyRecipe, parameters: int | None) -> str:
    """Which network, what it starts from, and its size where a run has counted it."""
    model = recipe.model
    size = f" ({parameters / 1e6:.2f} million weights)" if parameters else ""
    text = f"the network was {_architecture(model, size)}"
    if not isinstance(model, MonaiModel):
        text += _FROZEN[model.freeze]
    if model.init is not None:
        text += ", and started from the best weights of another run"
    return text


def _architecture(model: AnyModel, size: str) -> str:
    match model:
        case MonaiModel(network=name, width=width):
            return f"MONAI's {_MONAI[name]} from {width} channels on{size}"
        case TimmModel():
            return _timm_network(model, size)
        case UNetModel() | WideUNetModel():
            kind = "a U-Net with batch normalisation in its encoder"
        case ResidualUNetModel():
            kind = "a U-Net whose encoder has residual blocks with batch normalisation"
        case never:
            assert_never(never)
    text = f"{kind} and {listed([str(w) for w in model.widths])} channels{size}"
    if any(model.dropout):
        text += f", with dropout of {listed([f'{p:g}' for p in model.dropout])} in its stages"
    return text


def _timm_network(model: TimmModel, size: str) -> str:
    start = {"imagenet": "pretrained weights", "none": "random weights"}.get(
        model.weights, "weights from a file")
    widths = listed([str(width) for width in model.decoder_widths])
    text = (f"timm's encoder {model.encoder} with {start} below a U-Net decoder of {widths} "
            f"channels with batch normalisation and {model.upsampling} upsampling{size}")
    if model.normalization is not None:
        mean, std = (listed([f"{x:g}" for x in part])
                     for part in (model.normalization.mean, model.normalization.std))
        text += f", its images normalised by means of {mean} and deviations of {std}"
    return text


def supervised_loss(recipe: AnyRecipe) -> str:
    """The loss on labelled images."""
    text = "the loss on labelled images was the sum of binary cross-entropy and soft Dice loss"
    boundary = recipe.supervised_loss.boundary
    if boundary is None:
        return text
    padding = "" if boundary.padding == "ignored" else ", zeros beyond the image included"
    return (f"{text}, where a pixel's cross-entropy was weighted by 1 + {boundary.weight:g} |m - y|"
            f", m being the mean of the mask y over {square(boundary.kernel)} pixels"
            f"{padding}")


def optimiser(recipe: AnyRecipe) -> str:
    """How weights were changed."""
    chosen = recipe.optimizer
    match chosen:
        case AdamW():
            text, more = "AdamW", ""
        case Sgd(momentum=momentum):
            text = "stochastic gradient descent"
            more = f", Nesterov momentum {momentum:g}" if momentum else ""
        case never:
            assert_never(never)
    clipped = (f", the gradient of each network being clipped to a norm of {chosen.clip_norm:g}"
               if chosen.clip_norm else "")
    if chosen.encoder_lr != 1:
        more = f", {chosen.encoder_lr:g} times that in the encoder{more}"
    return (f"weights were optimised by {text} (learning rate {chosen.lr:g}{more}, weight decay "
            f"{chosen.weight_decay:g}){clipped}")


def schedule(recipe: AnyRecipe) -> str:
    """The learning rate over the budget."""
    chosen = recipe.schedule
    rise = f"rose linearly over {first_part(chosen.warmup)} of the budget" if chosen.warmup else ""
    fall = "fell to 0 along half a cosine" if chosen.decay == "cosine" else ""
    if not rise and not fall:
        return "the learning rate was constant"
    text = f"{rise} and then {fall or 'stayed'}" if rise else fall
    return f"the learning rate {text}{', once per epoch' if chosen.moves == 'epoch' else ''}"


def budget(recipe: AnyRecipe, steps: Sequence[int]) -> str:
    """How long training took, and whether it could end early."""
    taken = sorted(set(steps))
    count = counted(taken[0], "optimiser step") if len(taken) == 1 else (
        f"{taken[0]:,} to {taken[-1]:,} optimiser steps")
    epochs = recipe.budget.epochs
    text = f"training took {count}"
    if epochs is not None:
        text += f", of a budget of {counted(epochs, 'epoch')} (passes over the labelled images)"
    patience = recipe.validation.patience
    if patience is not None:
        text += f", and ended after {counted(patience, 'validation')} without gain"
    return text


def selection(recipe: AnyRecipe) -> str:
    """Which weights were kept."""
    unit = "step" if recipe.budget.steps is not None else "epoch"
    every = recipe.validation.every
    often = f"every {unit}" if every == 1 else f"every {every:,} {unit}s"
    text = (f"the network was validated {often}, and the checkpoint with the highest mean Dice on "
            "the validation images was kept")
    if recipe.ema_decay is not None:
        text += (", both of an exponential moving average of the weights (decay "
                 f"{recipe.ema_decay:g})")
    return text


def threshold(evaluation: Evaluation) -> str:
    """When a pixel is foreground."""
    def on(what: str) -> str:
        word = "probability" if what == "probs" else "logit"
        return f"its {word} exceeded {evaluation.threshold:g}"

    text = f"a pixel counted as foreground where {on(evaluation.test_on)}"
    if evaluation.validation_on != evaluation.test_on:
        text += f" (in validation where {on(evaluation.validation_on)})"
    return text
