"""CLCC: which terms run when, and that nothing is computed for the others."""

import math

import pytest
import torch

from cclcc_cli.config import parse_recipe
from cclcc_cli.data.grid import split_patches
from cclcc_cli.losses.consistency import patch_consistency_loss
from cclcc_cli.losses.contrastive import cross_level_contrastive_loss
from cclcc_cli.methods import Batch, StepInfo, build_method


def build(**clcc):
    torch.manual_seed(0)
    recipe = {
        "name": "x", "method": "clcc", "budget": {"steps": 300},
        "model": {"widths": [4, 8, 8, 8, 8]}, "data": {"name": "d", "size": 32, "labeled": 2},
        "clcc": {"grid": 2, "projector_widths": [8, 8, 8], **clcc},
    }
    return build_method(parse_recipe(recipe, "test"))


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(4, 3, 32, 32, generator=generator)
    return Batch(images, (images[:2, :1] > 0).float())


TWO_STAGES = {"kind": "two_stage", "contrast": "1/3"}


@pytest.mark.parametrize(
    ("step", "weights"), [(0, (1.0, 0.0)), (99, (1.0, 0.0)), (100, (0.0, 25.0)), (299, (0.0, 25.0))]
)
def test_two_stages_change_exactly_at_their_share(step, weights):
    method = build(terms=TWO_STAGES, consistency_weight=25.0)
    assert method.weights(StepInfo(step, 300)) == weights


@pytest.mark.parametrize(("step", "ramp"), [(0, math.exp(-5)), (75, math.exp(-1.25)), (150, 1.0)])
def test_joint_ramps_both_terms_up(step, ramp):
    method = build(terms={"kind": "joint", "ramp_up": "1/2"}, contrast_weight=2.0)
    assert method.weights(StepInfo(step, 300)) == pytest.approx((2 * ramp, ramp))


@pytest.mark.parametrize(
    ("step", "terms"),
    [(0, {"supervised", "contrast"}), (299, {"supervised", "consistency"})],
)
def test_a_stage_computes_its_own_term_only(batch, step, terms):
    method = build(terms=TWO_STAGES)
    projected, graphs = [], []
    method.projector.register_forward_hook(lambda *_: projected.append(1))
    method.student.encoder[0].register_forward_hook(
        lambda _module, _in, out: graphs.append(out.requires_grad)
    )
    assert set(method.loss(batch, StepInfo(step, 300)).terms) == terms
    contrast = "contrast" in terms
    assert bool(projected) is contrast
    # Labelled and unlabelled whole images, then patches: targets and keys alone need no graph.
    assert graphs == [True, contrast, not contrast, not contrast]


def test_without_weights_no_patch_is_looked_at(batch):
    method = build(contrast_weight=0.0, consistency_weight=0.0)
    calls = []
    method.student.encoder[0].register_forward_hook(lambda *_: calls.append(1))
    assert set(method.loss(batch, StepInfo(299, 300)).terms) == {"supervised"}
    assert len(calls) == 1


def test_total_is_the_weighted_sum_of_its_terms(batch):
    method = build(terms={"kind": "joint", "ramp_up": 0}, contrast_weight=0.3,
                   consistency_weight=7.0)
    loss = method.loss(batch, StepInfo(0, 300))
    expected = (
        loss.terms["supervised"] + 0.3 * loss.terms["contrast"] + 7 * loss.terms["consistency"]
    )
    assert loss.total.item() == pytest.approx(expected.item())


def test_consistency_compares_each_patch_with_its_own_place(batch):
    """The published way, patch by patch: crops of the whole against single patches."""
    method = build(terms={"kind": "joint", "ramp_up": 0}).eval()
    term = method.loss(batch, StepInfo(0, 300)).terms["consistency"]
    with torch.no_grad():
        patches = method.student(split_patches(batch.images, 2))
        crops = split_patches(method.student(batch.images), 2)
    assert term.item() == pytest.approx(patch_consistency_loss(patches, crops).item(), rel=1e-5)


def test_symmetry_lets_patches_learn_from_contrast(batch):
    def patch_graph(symmetric):
        method = build(symmetric=symmetric, consistency_weight=0.0)
        graphs = []
        method.student.encoder[0].register_forward_hook(
            lambda _module, _in, out: graphs.append(out.requires_grad)
        )
        method.loss(batch, StepInfo(299, 300))
        return graphs[2]

    assert patch_graph(True)
    assert not patch_graph(False)


def test_half_precision_stops_at_the_embeddings(batch, monkeypatch):
    """The convolutions may be half precision; similarities and the loss are float32."""
    seen = []

    def spy(whole, patches, **options):
        similarities = whole.flatten(2).transpose(1, 2) @ patches.flatten(2)
        seen.append((whole.dtype, similarities.dtype))
        return cross_level_contrastive_loss(whole, patches, **options)

    monkeypatch.setattr("cclcc_cli.methods.clcc.cross_level_contrastive_loss", spy)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        build(symmetric=True).loss(batch, StepInfo(299, 300))
    assert seen == [(torch.float32, torch.float32)] * 2
