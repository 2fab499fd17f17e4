"""Every method as its example has it, and in every arrangement that changes what is computed."""

from cclcc_cli.config import METHODS, parse_recipe
from cclcc_cli.config.recipes import example_of
from cclcc_cli.methods import contract
from cclcc_cli.methods.contract import build_fresh

SIZE, LABELED = 32, 2
WIDTHS = [8, 8, 8]
CLCC = {"grid": 2, "projector_widths": WIDTHS}

ARRANGEMENTS = {
    **{method: (method, dict(recipe.example)) for method, recipe in METHODS.items()},
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
    "mean_teacher joint": ("mean_teacher", {}),
    "mean_teacher predicting": ("mean_teacher", {"predictor": "teacher"}),
    "cps joint": ("cps", {}),
    "cps on all": ("cps", {"images": "all", "cross_weight": 1.5}),
    "entropy joint": ("entropy", {}),
    "fixmatch published": ("fixmatch", {"threshold": 0.5, "strong_statistics": "shared"}),
    "unimatch joint": ("unimatch", {"threshold": 0.5}),
    "unimatch last map": ("unimatch", {"threshold": 0.5, "dropout_at": "last_map"}),
    "urpc joint": ("urpc", {}),
    "urpc perturbed": ("urpc", {"perturbed": True}),
    "urpc pooled": ("urpc", {"scales": "pooled", "num_scales": 3}),
    "ict joint": ("ict", {}),
    "bcp published": ("bcp", {"pretraining": 0.0, "largest_component": True}),
    "image_contrast SimCLR": ("image_contrast", {**CLCC, "symmetric": True, "negatives": "both"}),
    "patch_contrast joint": ("patch_contrast", CLCC),
    "patch_contrast queries": ("patch_contrast", {**CLCC, "negatives": "queries"}),
}
TIMM = {"kind": "timm", "encoder": "test_efficientnet", "weights": "none",
        "decoder_widths": [16, 16, 8, 8, 8]}
"""A small encoder of timm, on which tests run where timm is installed."""
JOINT = {"clcc published", "fixmatch published",
         *(name for name in ARRANGEMENTS if name.endswith(" joint"))}
"""Arrangements whose streams share one BatchNorm pass."""


def recipe_of(arrangement, **keys):
    """The contract's example in one arrangement; ``own`` replaces options of the method."""
    method, options = ARRANGEMENTS[arrangement]
    raw = example_of(METHODS[method], **keys)
    raw.pop("own", None)
    if own := {**options, **keys.get("own", {})}:
        raw[method] = own
    if arrangement in JOINT:
        raw["batch_norm"] = "joint"
    return parse_recipe(raw, "test")


def build(arrangement, **keys):
    return build_fresh(recipe_of(arrangement, **keys))


def make_batch(arrangement="supervised", seed=0, side=SIZE):
    keys = {"data": {"name": "d", "size": side, "labeled": 2}}
    return contract.make_batch(recipe_of(arrangement, **keys), seed)
