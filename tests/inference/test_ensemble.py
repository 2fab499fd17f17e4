"""Averages over runs and flips, and how far members agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.errors import RunError
from cclcc_cli.inference.ensemble import Agreement, load_ensemble

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), np.uint8)


def test_the_mean_is_over_runs_and_over_flips(run_folders):
    one, other = (load_ensemble([folder], device="cpu").members(IMAGES) for folder in run_folders)
    both = load_ensemble(run_folders, device="cpu").members(IMAGES)
    assert both.shape == (2, 7, 32, 32)
    assert np.array_equal(both, np.concatenate([one, other]))
    views = load_ensemble(run_folders[:1], flips=True, device="cpu").members(IMAGES)
    assert np.array_equal(views[0], one[0])
    mirrored = load_ensemble(run_folders[:1], device="cpu").members(IMAGES[:, :, ::-1])
    assert np.allclose(views[1], mirrored[0, :, :, ::-1], atol=1e-6)
    again = load_ensemble(run_folders, flips=True, device="cpu").members(IMAGES)
    assert np.allclose(again[0], views.mean(axis=0), atol=1e-6)


@given(start=st.integers(0, 6), length=st.integers(1, 7))
def test_an_image_s_bits_do_not_depend_on_its_company(run_folders, start, length):
    ensemble = load_ensemble(run_folders[:1], device="cpu")
    part = slice(start, start + length)
    assert np.array_equal(ensemble.members(IMAGES[part]), ensemble.members(IMAGES)[:, part])


def test_agreement_by_hand():
    members = np.array([[[0.9, 0.9], [0.1, 0.1]], [[0.9, 0.2], [0.1, 0.1]]], np.float32)
    mean = np.array([[0.5, 0.75], [1.0, 1.0]], np.float32)
    found = Agreement(0.6)
    for row in (0, 1):  # in parts
        found.add(members[:, row:row + 1], np.array([[0.9, 0.55], [0.1, 0.1]],
                                                    np.float32)[row:row + 1])
    # The mask is one pixel; of the members' masks, of two pixels and one, Dice is 2/3 and 1.
    assert found.disagreement == pytest.approx(1 - (2 / 3 + 1) / 2)
    alone = Agreement(0.5)
    alone.add(mean[None], mean)
    assert alone.disagreement is None
    assert alone.entropy == pytest.approx((1 + 0.811278) / 4, abs=1e-5)


def test_thresholds_must_lie_between_0_and_1(run_folders):
    assert load_ensemble(run_folders[:1], threshold=0.3, device="cpu").threshold == 0.3
    with pytest.raises(RunError, match="--threshold 1: must lie between"):
        load_ensemble(run_folders[:1], threshold=1.0)
