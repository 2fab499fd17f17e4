"""The default comparison is a mixed model's: on balanced data REML gives the same variance."""

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from cclcc_cli.report.evidence.statistics import contrast, difference

SEEDS, IMAGES = 4, 10


def draw(random, num_groups=2):
    """Groups by seeds by images; every component of a crossed design is there."""
    def noise(std, *shape):
        return random.normal(0, std, shape)

    return (0.6 + noise(0.2, 1, 1, IMAGES) + noise(0.06, 1, SEEDS, 1)
            + noise(0.08, num_groups, 1, IMAGES) + noise(0.05, num_groups, SEEDS, 1)
            + noise(0.06, 1, SEEDS, IMAGES) + noise(0.05, num_groups, SEEDS, IMAGES))


def fit(formula, frame, components):
    """A REML fit with crossed random effects, all variance components of one block of data."""
    frame = frame.assign(block=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of boundaries, which are looked at below
        return smf.mixedlm(formula, frame, groups="block", re_formula="0", vc_formula={
            name: f"0 + C({name})" for name in components}).fit(
                reml=True, method=["lbfgs", "powell"], maxiter=2000, gtol=1e-10)


def long_table(scores):
    group, seed, image = (axis.ravel() for axis in np.indices(scores.shape))
    return pd.DataFrame({
        "y": scores.ravel(), "group": group, "seed": seed, "image": image,
        "group_image": group * 1000 + image, "group_seed": group * 1000 + seed,
        "seed_image": seed * 1000 + image})


def test_a_difference_is_the_group_effect_of_the_full_crossed_model():
    scores = draw(np.random.default_rng(1))
    found = difference(scores[1], scores[0])
    model = fit("y ~ group", long_table(scores),
                ("image", "seed", "group_image", "group_seed", "seed_image"))
    assert min(*model.vcomp, model.scale) > 1e-5  # else the two need not agree
    assert model.fe_params["group"] == pytest.approx(found.mean, rel=1e-6)
    assert model.bse_fe["group"] == pytest.approx(found.error, rel=1e-3)
    assert model.fe_params["group"] / model.bse_fe["group"] == pytest.approx(
        found.mean / found.error, rel=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_a_contrast_is_the_intercept_of_the_model_of_its_table(seed):
    weights = [0.5, -0.5, 0.5, -0.5]
    scores = draw(np.random.default_rng(seed), 4)
    found = contrast(list(scores), weights)
    table = np.tensordot(weights, scores, 1)[None]
    model = fit("y ~ 1", long_table(table), ("image", "seed"))
    assert min(*model.vcomp, model.scale) > 1e-5
    assert model.fe_params["Intercept"] == pytest.approx(found.mean, rel=1e-6)
    assert model.bse_fe["Intercept"] == pytest.approx(found.error, rel=1e-3)
