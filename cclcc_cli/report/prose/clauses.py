"""What a method adds to the supervised loss, as a clause of a methods section, terms and weights.

Each clause follows the method's file in ``methods``, and says what its recipe set.
"""

from fractions import Fraction
from typing import assert_never

from cclcc_cli.config.clcc import Clcc, Joint, TwoStages, ViewContrast
from cclcc_cli.config.recipes import (
    AnyRecipe,
    BcpRecipe,
    ClccRecipe,
    CpsRecipe,
    EntropyRecipe,
    FixMatchRecipe,
    IctRecipe,
    ImageContrastRecipe,
    MeanTeacherRecipe,
    PatchContrastRecipe,
    PointContrastRecipe,
    SupervisedRecipe,
    UamtRecipe,
    UniMatchRecipe,
    UrpcRecipe,
)
from cclcc_cli.config.rivals import FixMatch, Taught, UniMatch
from cclcc_cli.report.prose.recipe import first_part, square

NOTHING = "the supervised loss alone was minimised"
_STATISTICS = {
    "shared": "shared with whole images", "separate": "kept apart from those of whole images",
    "frozen": "normalised by the running statistics of whole images",
}


def added_terms(recipe: AnyRecipe) -> str:
    """What was minimised beside the supervised loss, with every weight and constant."""
    match recipe:
        case SupervisedRecipe():
            return NOTHING
        case ClccRecipe():
            return _clcc(recipe)
        case MeanTeacherRecipe():
            return _mean_teacher(recipe)
        case UamtRecipe():
            return _uamt(recipe)
        case IctRecipe():
            return _ict(recipe)
        case CpsRecipe():
            return _cps(recipe)
        case EntropyRecipe():
            return _entropy(recipe)
        case FixMatchRecipe():
            return _fixmatch(recipe)
        case UniMatchRecipe():
            return _unimatch(recipe)
        case UrpcRecipe():
            return _urpc(recipe)
        case BcpRecipe():
            return _bcp(recipe)
        case ImageContrastRecipe() | PatchContrastRecipe() | PointContrastRecipe():
            return _view_contrast(recipe)
        case never:
            assert_never(never)


def _risen(weight: float, ramp_up: Fraction) -> str:
    """A weight and how it gets there."""
    if not ramp_up:
        return f"weight {weight:g}"
    over = "the whole budget" if ramp_up == 1 else f"{first_part(ramp_up)} of the budget"
    return f"weight {weight:g}, rising as exp(-5 (1 - t)^2) over {over}"


def _clcc(recipe: ClccRecipe) -> str:
    config, grid = recipe.clcc, square(recipe.clcc.grid)
    terms = []
    if config.contrast_weight:
        negatives = {"patch": "the other patches", "image": "the whole image's other cells",
                     "both": "the other patches and the whole image's other cells"}
        both = ", both ways" if config.symmetric else ""
        strides = (f" and strides of {_widths(config.projector_strides)}"
                   if config.projector_strides else "")
        inside = " of the encoder's last map" if config.contrast_on == "encoder" else ""
        terms.append(
            f"a cross-level contrast (weight {config.contrast_weight:g}) between the {grid} cells "
            f"of the whole image{inside} and the patches in their places (InfoNCE with temperature "
            f"{config.temperature:g}, {config.normalization.upper()}-normalised embeddings of a "
            f"projector of {_widths(config.projector_widths)} channels{strides}, and "
            f"{negatives[config.negatives]} as negatives{both})")
    if config.consistency_weight:
        terms.append(f"a cross-level consistency (weight {config.consistency_weight:g}), the mean "
                     "squared difference between the probabilities of the patches and "
                     f"{_target(config)}")
    if not terms:
        return NOTHING
    match config.terms:
        case Joint(start=start, ramp_up=ramp):
            later = f"; they were added after {first_part(start)} of the budget" if start else ""
            over = first_part(ramp).replace("first", "next") if start else first_part(ramp)
            order = (f"{later}; weights rose as exp(-5 (1 - t)^2) over {over} of the budget"
                     if ramp else later)
        case TwoStages(contrast=share):
            order = (f"; the contrast was used in {first_part(share)} of the budget alone, the "
                     "consistency in the rest alone")
        case never:
            assert_never(never)
    source = "each image" if config.patch_view is None else "the strong view of each image"
    return (f"{source} was cut into {grid} patches, and the supervised loss was joined by "
            f"{' and '.join(terms)}{order}; batch statistics of patches were "
            f"{_STATISTICS[config.patch_statistics]}")


def _target(config: Clcc) -> str:
    """What patches are held to."""
    whose = ("those of the whole image" if config.target_ema_decay is None else
             "those for the whole image of a moving average of the weights (decay "
             f"{config.target_ema_decay:g})")
    where = ("" if config.consistency_threshold is None else
             f" at pixels where its confidence exceeds {config.consistency_threshold:g}")
    return f"{whose}, which are the target{where}"


def _teacher(config: Taught) -> str:
    return (f"the teacher was a moving average of the weights (decay {config.teacher_decay:g}), "
            f"and the {config.predictor} was validated and kept")


def _mean_teacher(recipe: MeanTeacherRecipe) -> str:
    config = recipe.mean_teacher
    if not config.consistency_weight:
        return NOTHING
    return ("on unlabelled images the mean squared difference to the probabilities of a teacher "
            f"({_risen(config.consistency_weight, config.ramp_up)}) was added, whose input bore "
            f"{_noise(config.noise, config.noise_limit)}; {_teacher(config)}")


def _uamt(recipe: UamtRecipe) -> str:
    config = recipe.uamt
    if not config.consistency_weight:
        return NOTHING
    return ("on unlabelled images the mean squared difference to the probabilities of a teacher "
            f"({_risen(config.consistency_weight, config.ramp_up)}) was added, over pixels where "
            f"the entropy of the mean of {config.num_passes} noisy passes lay below a threshold "
            f"that rose from {config.threshold_start:g} ln 2 to ln 2; the teacher's input bore "
            f"{_noise(config.noise, config.noise_limit)}; {_teacher(config)}")


def _noise(noise: float, limit: float) -> str:
    if not noise:
        return "no noise"
    return f"Gaussian noise (standard deviation {noise:g}, at most {limit:g})"


def _ict(recipe: IctRecipe) -> str:
    config = recipe.ict
    if not config.consistency_weight:
        return NOTHING
    share = f"Beta({config.mix_alpha:g}, {config.mix_alpha:g})"
    return ("on mixtures of two unlabelled images the mean squared difference to the same mixture "
            f"of a teacher's probabilities ({_risen(config.consistency_weight, config.ramp_up)}) "
            f"was added, shares being drawn from {share}; {_teacher(config)}")


def _cps(recipe: CpsRecipe) -> str:
    config = recipe.cps
    if not config.cross_weight:
        return NOTHING
    where = "unlabelled images" if config.images == "unlabeled" else "all images"
    return ("two networks that started differently were trained side by side, each with the "
            f"supervised loss and, on {where}, with the cross-entropy to the other's hard labels "
            f"({_risen(config.cross_weight, config.ramp_up)}); the first of them was kept")


def _entropy(recipe: EntropyRecipe) -> str:
    config = recipe.entropy
    if not config.entropy_weight:
        return NOTHING
    return ("the mean entropy of predictions on unlabelled images, as a share of ln 2 "
            f"({_risen(config.entropy_weight, config.ramp_up)}), was added")


def _sure(config: FixMatch | UniMatch) -> str:
    mixed = (f"; with probability {config.cutmix:g} a strong view received a box of another"
             if config.cutmix else "")
    return (f"where the confidence in the weak view exceeded {config.threshold:g}{mixed}; batch "
            f"statistics of strong views were {_STATISTICS[config.strong_statistics]}").replace(
                "whole images", "weak views")


def _fixmatch(recipe: FixMatchRecipe) -> str:
    config = recipe.fixmatch
    if not config.pseudo_weight:
        return NOTHING
    return ("on unlabelled images the cross-entropy of the strong view to the hard labels of the "
            f"weak view ({_risen(config.pseudo_weight, config.ramp_up)}) was added, "
            f"{_sure(config)}")


def _unimatch(recipe: UniMatchRecipe) -> str:
    config = recipe.unimatch
    if not config.pseudo_weight:
        return NOTHING
    place = "the encoder" if config.dropout_at == "encoder" else "the last decoder map"
    return ("on unlabelled images the cross-entropy to the hard labels of the weak view "
            f"({_risen(config.pseudo_weight, config.ramp_up)}) was added, half of it over two "
            f"strong views and half over the weak view with {100 * config.dropout:.3g} % of the "
            f"channels after {place} dropped, {_sure(config)}")


def _urpc(recipe: UrpcRecipe) -> str:
    config = recipe.urpc
    if not config.consistency_weight:
        return NOTHING
    source = ("stages of the decoder" if config.scales == "decoder" else
              "poolings of the last decoder map")
    changed = ", coarser features being perturbed" if config.perturbed else ""
    weighed = "" if config.coarse_weight == 1 else (
        f" (coarser scales weighing {config.coarse_weight:g} each, the finest 1)")
    return (f"predictions were made at {config.num_scales} scales (from {source}{changed}), the "
            f"supervised loss was their mean{weighed}, and on unlabelled images the "
            "uncertainty-rectified "
            "difference of each scale to their mean "
            f"({_risen(config.consistency_weight, config.ramp_up)}) was added")


def _bcp(recipe: BcpRecipe) -> str:
    config = recipe.bcp
    if not config.unlabeled_weight:
        return NOTHING
    first = (f"in {first_part(config.pretraining)} of the budget labelled images were pasted into "
             "each other, then labelled and unlabelled ones both ways" if config.pretraining else
             "labelled and unlabelled images were pasted into each other both ways")
    largest = ", of which only the largest region was kept" if config.largest_component else ""
    return (f"the supervised loss was taken on mixed images alone: {first}, the box having "
            f"{config.box:.3g} of the image's side; unlabelled pixels (weight "
            f"{config.unlabeled_weight:g}) had a teacher's mask as their truth{largest}; "
            "the teacher was a moving average of the weights (decay "
            f"{config.teacher_decay:g}), and the {config.predictor} was validated and kept")


def _view_contrast(recipe: ImageContrastRecipe | PatchContrastRecipe | PointContrastRecipe) -> str:
    config: ViewContrast
    match recipe:
        case ImageContrastRecipe(image_contrast=config):
            grid = square(recipe.image_contrast.grid)
            level = f"an image (the mean of its {grid} cells) against the others of the batch"
        case PatchContrastRecipe(patch_contrast=config):
            grid = square(recipe.patch_contrast.grid)
            level = f"the {grid} cells of an image against its other cells"
        case PointContrastRecipe(point_contrast=config):
            level = f"{recipe.point_contrast.num_points} pixels of an image against one another"
        case never:
            assert_never(never)
    if not config.contrast_weight:
        return NOTHING
    negatives = {"keys": "the strong view", "queries": "the weak view", "both": "both views"}
    both = ", both ways" if config.symmetric else ""
    return ("on all images a contrast between the weak and the strong view was added, of "
            f"{level} ({_risen(config.contrast_weight, config.ramp_up)}): InfoNCE with "
            f"temperature {config.temperature:g}, {config.normalization.upper()}-normalised "
            f"embeddings of a projector of {_widths(config.projector_widths)} channels, and "
            f"negatives from {negatives[config.negatives]}{both}; batch statistics of strong views "
            f"were {_STATISTICS[config.strong_statistics]}").replace("whole images", "weak views")


def _widths(widths: tuple[int, int, int]) -> str:
    return f"{widths[0]}, {widths[1]} and {widths[2]}"
