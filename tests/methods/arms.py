"""Every method in every arrangement that changes what is computed."""

import torch

from cclcc_cli.config import METHODS, parse_recipe
from cclcc_cli.methods import Batch, build_method

SIZE, LABELED, UNLABELED = 32, 2, 2
WIDTHS = [8, 8, 8]
CLCC = {"grid": 2, "projector_widths": WIDTHS}

ARMS = {
    "supervised": ("supervised", {}),
    "clcc": ("clcc", {**CLCC, "terms": {"kind": "joint", "ramp_up": 0.0}}),
    "clcc published": ("clcc", {
        **CLCC, "terms": {"kind": "two_stage", "contrast": "1/3"}, "normalization": "l1",
        "patch_statistics": "shared", "consistency_weight": 4.0,
    }),
    "clcc joint": ("clcc", {**CLCC, "terms": {"kind": "joint", "ramp_up": 0.0}}),
    "clcc symmetric": ("clcc", {**CLCC, "symmetric": True, "negatives": "both"}),
    "clcc frozen": ("clcc", {**CLCC, "patch_statistics": "frozen", "negatives": "image"}),
    "clcc contrast only": ("clcc", {**CLCC, "consistency_weight": 0.0}),
    "clcc consistency only": ("clcc", {**CLCC, "contrast_weight": 0.0}),
    "clcc encoder": ("clcc", {**CLCC, "contrast_on": "encoder"}),
    "clcc teacher": ("clcc", {**CLCC, "target_ema_decay": 0.9,
                              "consistency_threshold": 0.5}),
    "clcc strong": ("clcc", {**CLCC, "patch_view": {}}),
    "mean_teacher": ("mean_teacher", {}),
    "mean_teacher joint": ("mean_teacher", {}),
    "mean_teacher predicting": ("mean_teacher", {"predictor": "teacher"}),
    "uamt": ("uamt", {"num_passes": 2}),
    "cps": ("cps", {}),
    "cps joint": ("cps", {}),
    "cps on all": ("cps", {"images": "all", "cross_weight": 1.5}),
    "entropy": ("entropy", {}),
    "entropy joint": ("entropy", {}),
    "fixmatch": ("fixmatch", {"threshold": 0.5}),
    "fixmatch published": ("fixmatch", {"threshold": 0.5, "strong_statistics": "shared"}),
    "unimatch joint": ("unimatch", {"threshold": 0.5}),
    "unimatch": ("unimatch", {"threshold": 0.5}),
    "unimatch last map": ("unimatch", {"threshold": 0.5, "dropout_at": "last_map"}),
    "urpc": ("urpc", {}),
    "urpc joint": ("urpc", {}),
    "urpc perturbed": ("urpc", {"perturbed": True}),
    "urpc pooled": ("urpc", {"scales": "pooled", "num_scales": 3}),
    "ict": ("ict", {}),
    "ict joint": ("ict", {}),
    "bcp": ("bcp", {"pretraining": 0.0}),
    "bcp published": ("bcp", {"pretraining": 0.0, "largest_component": True}),
    "image_contrast": ("image_contrast", CLCC),
    "image_contrast SimCLR": ("image_contrast", {**CLCC, "symmetric": True, "negatives": "both"}),
    "patch_contrast": ("patch_contrast", CLCC),
    "patch_contrast joint": ("patch_contrast", CLCC),
    "patch_contrast queries": ("patch_contrast", {**CLCC, "negatives": "queries"}),
    "point_contrast": ("point_contrast", {"num_points": 64, "projector_widths": WIDTHS}),
}
TIMM = {"kind": "timm", "encoder": "test_efficientnet", "weights": "none",
        "decoder_widths": [16, 16, 8, 8, 8]}
"""A small encoder of timm, on which tests run where timm is installed."""
JOINT = {"clcc published", "fixmatch published", *(arm for arm in ARMS if arm.endswith(" joint"))}
"""Arms whose streams share one BatchNorm pass."""
WEIGHTS = {
    "clcc": ("contrast_weight", "consistency_weight"),
    "mean_teacher": ("consistency_weight",),
    "uamt": ("consistency_weight",),
    "cps": ("cross_weight",),
    "entropy": ("entropy_weight",),
    "fixmatch": ("pseudo_weight",),
    "unimatch": ("pseudo_weight",),
    "urpc": ("consistency_weight",),
    "ict": ("consistency_weight",),
    "bcp": ("unlabeled_weight",),
    "image_contrast": ("contrast_weight",),
    "patch_contrast": ("contrast_weight",),
    "point_contrast": ("contrast_weight",),
}
"""The weights of each method that has any: at 0 it is supervised."""

assert {method for method, _ in ARMS.values()} == set(METHODS)
assert set(WEIGHTS) == set(METHODS) - {"supervised"}


def recipe_of(arm, **keys):
    method, section = ARMS[arm]
    raw = {
        "name": "x", "method": method, "budget": {"steps": 30},
        "model": {"widths": [4, 8, 8, 8, 8]},
        "data": {"name": "d", "size": SIZE, "labeled": 2},
        "batch": {"labeled": LABELED, "unlabeled": UNLABELED}, method: dict(section),
    }
    if method == "supervised":
        del raw["supervised"], raw["batch"]["unlabeled"]
    own = keys.pop("own", {})
    if arm in JOINT:
        raw["batch_norm"] = "joint"
    raw.update(keys)
    if own:
        raw[method] = {**section, **own}
    return parse_recipe(raw, "test")


def build(arm, **keys):
    torch.manual_seed(0)
    return build_method(recipe_of(arm, **keys))


def make_batch(arm="supervised", seed=0, side=SIZE):
    """A batch as the arm's recipe asks for: strong views are the weak ones, darkened."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(LABELED + UNLABELED, 3, side, side, generator=generator)
    target = (images[:LABELED, :1] > 0).float()
    images = images.contiguous(memory_format=torch.channels_last)
    views = recipe_of(arm).strong_views
    strong = ()
    if views is not None:
        seen = images if views.of_labeled else images[LABELED:]
        strong = tuple(seen * 0.8 - 0.1 * (n + 1) for n in range(views.count))
    return Batch(images, target, strong)
