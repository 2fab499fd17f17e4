"""Passes shared by two real processes: every method then learns what one process would.

Tolerances, for float32: after three steps of SGD the loss terms and predictions agree to 1e-4, all
weights and statistics to 2e-5, as norms of differences over norms (measured: 6e-5, 5e-5, 4e-6).
AdamW divides by the gradient's size, and so makes whole steps of what is rounding alone: of a
convolution's bias before a BatchNorm, whose gradient is 0. Of the methods with it, the terms agree
to 1e-4 and predictions to 5 % (2.4e-2), as between two numbers of threads.
"""

from functools import partial

import pytest
import torch

from cclcc_cli.training.distributed.context import SINGLE_PROCESS
from tests.methods.arrangements import ARRANGEMENTS, LABELED, make_batch
from tests.training.distributed.pair import run_pair, take_steps, take_steps_of

pytestmark = pytest.mark.slow


def distance(states, others):
    """Norm of the difference over the norm of the other, of all tensors as one."""
    a, b = (torch.cat([x.double().flatten() for x in s]) for s in (states, others))
    return float((a - b).norm() / b.norm())


def terms_distance(terms, others):
    return max(abs(a[k] - b[k]) / max(abs(b[k]), 1e-3)
               for a, b in zip(terms, others, strict=True) for k in b)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """What every case did in two processes."""
    return run_pair(tmp_path_factory.mktemp("pair"), take_steps_of, list(ARRANGEMENTS))


@pytest.mark.parametrize("case", ARRANGEMENTS)
def test_every_method_learns_the_same_as_in_one_process(shared, case):
    one, two = take_steps(case), shared[0][case]
    assert terms_distance(two["terms"], one["terms"]) < (1e-3 if case == "uamt" else 1e-4)
    assert distance(two["state"].values(), one["state"].values()) < 2e-5
    assert distance([two["said"]], [one["said"]]) < 1e-4
    assert two["gradients"].keys() == one["gradients"].keys()
    assert distance(two["gradients"].values(), one["gradients"].values()) < 1e-2


@pytest.mark.parametrize("case", ARRANGEMENTS)
def test_all_processes_end_with_the_same_bits(shared, case):
    first, second = shared
    assert first[case]["terms"] == second[case]["terms"]
    for a, b in zip(first[case]["state"].values(), second[case]["state"].values(), strict=True):
        assert torch.equal(a, b)


def test_more_processes_than_labelled_images_still_agree(tmp_path):
    """One of three then passes nothing where labelled images pass alone."""
    cases = ["supervised", "clcc", "patch_contrast", "mean_teacher", "bcp"]
    for case, two in run_pair(tmp_path, take_steps_of, cases, size=3)[2].items():
        assert distance(two["state"].values(), take_steps(case)["state"].values()) < 2e-5


def test_with_adamw(tmp_path):
    cases = ["supervised", "clcc", "mean_teacher"]
    for case, two in run_pair(tmp_path, take_steps_of, cases, "adamw")[0].items():
        one = take_steps(case, SINGLE_PROCESS, "adamw")
        assert terms_distance(two["terms"], one["terms"]) < 1e-4
        assert distance([two["said"]], [one["said"]]) < 0.05


def drop_half(context):
    keys = {"model": {"widths": [4, 8, 8, 8, 8], "dropout": [0.5] * 5}}
    return {case: take_steps(case, context, **keys) for case in ("supervised", "uamt")}


def test_dropout_is_drawn_for_the_whole_batch(tmp_path):
    for case, two in run_pair(tmp_path, drop_half)[0].items():
        one = drop_half(SINGLE_PROCESS)[case]
        assert terms_distance(two["terms"], one["terms"]) < 1e-3
        assert distance([two["said"]], [one["said"]]) < 1e-4


def wrongly_halved(case, seed):
    """As if each process saw its own half alone: what the others must not come to."""
    batch = make_batch(case, seed)
    batch.images[1:LABELED] = batch.images[:1]
    batch.target[1:] = batch.target[:1]
    return batch


def test_the_tolerance_would_notice_a_batch_that_was_not_shared(shared):
    halved = take_steps("supervised", batch=wrongly_halved)
    whole = shared[0]["supervised"]
    assert distance(halved["state"].values(), whole["state"].values()) > 1e-3
    assert distance([halved["said"]], [whole["said"]]) > 1e-3


@pytest.mark.more
@pytest.mark.parametrize("encoder", ["test_efficientnet", "test_convnext"])
def test_encoders_of_timm_learn_the_same_as_in_one_process(tmp_path, encoder):
    """Norms that end with their activation, depthwise convolutions, inner maps that travel."""
    pytest.importorskip("timm")
    model = {"kind": "timm", "encoder": encoder, "weights": "none",
             "decoder_widths": [16, 16, 8, 8, 8]}
    cases = ["supervised", "mean_teacher", "unimatch", "urpc", "cps", "point_contrast"]
    shared = run_pair(tmp_path, partial(take_steps_of, model=model), cases)[0]
    for case, two in shared.items():
        one = take_steps(case, model=model)
        assert terms_distance(two["terms"], one["terms"]) < 1e-3, case
        assert distance(two["state"].values(), one["state"].values()) < 1e-4, case
        assert distance([two["said"]], [one["said"]]) < 1e-3, case
