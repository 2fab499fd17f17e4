"""What is particular to single methods: thresholds, peers, boxes, BatchNorm, passes."""

import math

import pytest
import torch

from cclcc_cli.config import parse_recipe
from cclcc_cli.errors import RecipeError
from cclcc_cli.losses.contrastive import info_nce_loss
from cclcc_cli.losses.pseudo_labels import pseudo_label_loss
from cclcc_cli.methods import StepInfo
from cclcc_cli.methods.bcp import keep_largest
from cclcc_cli.methods.mean_teacher import add_noise
from tests.methods.arrangements import ARRANGEMENTS, LABELED, build, make_batch, recipe_of

LAST = StepInfo(29, 30)


def images_through(network, method, batch, info=LAST):
    """How many images pass through a network's first convolution, with and without a graph."""
    seen = {True: 0, False: 0}
    first = next(m for m in network.modules() if isinstance(m, torch.nn.Conv2d))
    hook = first.register_forward_hook(
        lambda _m, inputs, out: seen.__setitem__(
            out.requires_grad, seen[out.requires_grad] + len(inputs[0])
        )
    )
    method.loss(batch, info)
    hook.remove()
    return seen[True], seen[False]


@pytest.mark.parametrize(
    ("arrangement", "learning", "forward_only"),
    [
        ("mean_teacher", 4, 0), ("uamt", 4, 0), ("entropy", 4, 0), ("cps", 4, 0), ("urpc", 4, 0),
        ("ict", 3, 0), ("bcp", 2, 0), ("fixmatch", 4, 2), ("unimatch", 8, 0),
        ("image_contrast", 4, 4), ("image_contrast SimCLR", 8, 0), ("patch_contrast", 4, 4),
        ("point_contrast", 4, 4),
    ],
)
def test_the_student_passes_no_image_twice(arrangement, learning, forward_only):
    method = build(arrangement)
    passed = images_through(method.student, method, make_batch(arrangement))
    assert passed == (learning, forward_only)


@pytest.mark.parametrize(("arrangement", "forward_only"),
                         [("mean_teacher", 2), ("uamt", 6), ("ict", 2), ("bcp", 2)])
def test_the_teacher_predicts_in_one_batch_without_a_graph(arrangement, forward_only):
    method = build(arrangement)
    passed = images_through(method.teacher.network, method, make_batch(arrangement))
    assert passed == (0, forward_only)


def test_noise_is_bounded():
    torch.manual_seed(0)
    noise = add_noise(torch.zeros(2, 3, 32, 32), 0.1, 0.2)
    assert noise.abs().max().item() == pytest.approx(0.2)
    assert noise.std().item() == pytest.approx(0.1, rel=0.1)


def test_without_noise_teacher_and_student_agree_at_first():
    method = build("mean_teacher", own={"noise": 0.0})
    batch = make_batch("mean_teacher")
    batch.images[:LABELED] = batch.images[LABELED:]  # so that both see the same statistics
    assert method.loss(batch, LAST).terms["consistency"].item() == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize(("step", "share"), [(0, 0.75 + 0.25 * math.exp(-5)), (29, 1.0)])
def test_uamt_threshold_rises_to_ln_2(step, share):
    assert build("uamt").threshold(StepInfo(step, 30)) == pytest.approx(share * math.log(2))


def test_uamt_counts_sure_pixels_only():
    method = build("uamt", own={"threshold_start": 0.0, "ramp_up": 1.0})
    terms = method.loss(make_batch("uamt"), StepInfo(0, 1000)).terms
    assert terms["sure"].item() < 0.5
    assert terms["consistency"] >= 0


def test_with_dropout_uamt_passes_differ_even_without_noise():
    keys = {"own": {"noise": 0.0}}
    dropout = {"widths": [4, 8, 8, 8, 8], "dropout": [0.5] * 5}
    for model, differ in (({"widths": [4, 8, 8, 8, 8]}, False), (dropout, True)):
        method = build("uamt", model=model, **keys)
        first, second = method.teacher(make_batch("uamt").unlabeled.repeat(2, 1, 1, 1)).chunk(2)
        assert torch.allclose(first, second, atol=1e-5) is not differ


def test_cps_networks_start_differently():
    method = build("cps")
    for a, b in zip(method.student.parameters(), method.other.parameters(), strict=True):
        assert a.ndim < 4 or not torch.equal(a, b)  # all convolutions; biases start at 0
    assert method.predictor is method.student


@pytest.mark.parametrize("arrangement", ["fixmatch", "unimatch"])
def test_at_threshold_1_the_total_is_the_supervised_loss(arrangement):
    method = build(arrangement, own={"threshold": 1.0})
    loss = method.loss(make_batch(arrangement), LAST)
    assert loss.total.item() == loss.terms["supervised"].item()
    assert loss.terms["sure"] == 0


def test_fixmatch_without_cutmix_by_its_parts():
    method, batch = build("fixmatch", own={"cutmix": 0.0}), make_batch("fixmatch")
    term = method.loss(batch, LAST).terms["pseudo"]
    with torch.no_grad():
        strong, weak = method.student(batch.strong[0]), method.student(batch.unlabeled)
    expected = pseudo_label_loss(strong, torch.sigmoid(weak), 0.5)
    assert term.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(("arrangement", "learns"),
                         [("fixmatch", False), ("fixmatch published", True)])
def test_whether_running_statistics_learn_from_strong_views(arrangement, learns):
    def statistics(strong):
        method, batch = build(arrangement), make_batch(arrangement)
        batch.strong[0].copy_(strong)
        method.loss(batch, LAST)
        return method.student.encoder[0][1].running_mean

    assert torch.equal(statistics(torch.tensor(0.0)), statistics(torch.tensor(5.0))) is not learns


@pytest.mark.parametrize("arrangement", ["unimatch", "unimatch last map"])
def test_without_dropout_the_feature_view_is_the_weak_view(arrangement):
    method = build(arrangement, own={"dropout": 0.0})
    _, unlabeled, dropped = method._logits(make_batch(arrangement))
    assert torch.allclose(unlabeled, dropped, atol=1e-5)


def test_ict_with_equal_images_asks_for_the_teachers_own_answer():
    method, batch = build("ict"), make_batch("ict")
    batch.images[LABELED:] = batch.images[LABELED : LABELED + 1]
    answer = torch.sigmoid(method.teacher(batch.unlabeled))
    with torch.no_grad():
        student = torch.sigmoid(method.student(batch.unlabeled[:1]))
    expected = (student - answer[:1]).square().mean()
    assert method.loss(batch, LAST).terms["consistency"].item() == pytest.approx(
        expected.item(), abs=1e-9
    )


def test_bcp_gives_each_pixel_the_label_of_where_it_comes_from(monkeypatch):
    """Images of two constants: what the student sees says which pixels count as labelled."""
    method, batch = build("bcp"), make_batch("bcp")
    batch.images[:LABELED], batch.images[LABELED:] = 1.0, -1.0
    seen = {}

    def student(images):
        seen["images"] = images
        return images[:, :1]

    def region_loss(_logits, target, region, _counts):
        seen[len(seen)] = (target, region)
        return torch.zeros(())

    monkeypatch.setattr(method, "student", torch.nn.Identity())
    monkeypatch.setattr(method.student, "forward", student)
    monkeypatch.setattr(method, "_region_loss", region_loss)
    method.loss(batch, LAST)
    (target, from_labeled), (_, from_unlabeled) = seen[1], seen[2]
    assert torch.equal(seen["images"][:, :1] == 1.0, from_labeled)
    assert torch.equal(from_unlabeled, ~from_labeled)
    assert torch.equal(target, batch.target)
    inside = from_labeled.float().mean(dim=(1, 2, 3))
    assert inside[0].item() == pytest.approx(0.44, abs=0.05)  # a box of 2/3 of each side
    assert inside[1].item() == pytest.approx(0.56, abs=0.05)


def test_bcp_first_pastes_labelled_images_into_each_other():
    method, batch = build("bcp", own={"pretraining": 0.5}), make_batch("bcp")
    assert set(method.loss(batch, StepInfo(14, 30)).terms) == {"supervised"}
    assert set(method.loss(batch, StepInfo(15, 30)).terms) == {"supervised", "pseudo"}


def test_the_largest_region_is_kept():
    masks = torch.zeros(2, 1, 6, 6)
    masks[0, 0, 0, :2] = 1
    masks[0, 0, 3:, 3:] = 1
    kept = keep_largest(masks)
    assert kept[0].sum() == 9
    assert kept[0, 0, 3:, 3:].all()
    assert not kept[1].any()


def test_urpc_predicts_with_the_networks_own_head():
    method = build("urpc")
    assert method.predictor is method.student
    scales = method._scales(make_batch("urpc").images)
    assert [s.shape for s in scales] == [(4, 1, 32, 32)] * 4
    assert len({round(s.mean().item(), 6) for s in scales}) == 4


def test_perturbed_scales_leave_the_finest_alone():
    plain, perturbed = build("urpc"), build("urpc perturbed")
    images = make_batch("urpc").images
    pairs = list(zip(plain._scales(images), perturbed._scales(images), strict=True))
    assert [torch.allclose(a, b, atol=1e-6) for a, b in pairs] == [False, False, False, True]


def test_points_are_the_same_in_both_views_and_new_at_each_step():
    method = build("point_contrast")
    features = torch.zeros(2, 4, 32, 32)
    first, second = method.draw_points(features), method.draw_points(features)
    assert len(set(first.tolist())) == 64
    assert not torch.equal(first, second)


@pytest.mark.parametrize(("arrangement", "shape"), [("image_contrast", (1, 4, 8)),
                                            ("patch_contrast", (4, 4, 8)),
                                            ("point_contrast", (4, 64, 8))])
def test_only_the_level_differs(arrangement, shape, monkeypatch):
    seen = {}

    def spy(queries, keys, **options):
        seen.update(shape=queries.shape, options=options, half=queries.dtype)
        assert keys.shape == queries.shape
        return info_nce_loss(queries, keys, **options)

    monkeypatch.setattr("cclcc_cli.methods.view_contrast.info_nce_loss", spy)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        build(arrangement).loss(make_batch(arrangement), LAST)
    assert seen["shape"] == shape
    assert seen["half"] == torch.float32
    assert seen["options"] == {"temperature": 0.07, "normalization": "l2", "negatives": "keys",
                               "keys_learn": False, "counts": None}


@pytest.mark.parametrize("arrangement", ["image_contrast", "patch_contrast", "point_contrast"])
def test_the_same_view_twice_gives_the_same_embeddings_in_the_same_places(arrangement, monkeypatch):
    method, batch = build(arrangement), make_batch(arrangement)
    batch.strong[0].copy_(batch.images)
    seen = []
    monkeypatch.setattr(method, "_contrast", lambda *sets: seen.append(sets) or torch.zeros(()))
    method.loss(batch, LAST)
    ((queries, keys, _places),) = seen
    assert torch.allclose(queries, keys, atol=1e-6)


REFUSED = {
    "a box without another image": (
        "fixmatch", {"batch": {"labeled": 2, "unlabeled": 1}}, "takes boxes from another image"),
    "a mixture without another image": (
        "ict", {"batch": {"labeled": 2, "unlabeled": 1}}, "ict mixes two images"),
    "odd pairs": ("bcp", {"batch": {"labeled": 3, "unlabeled": 3}}, "the same even number"),
    "pairs that do not pair": ("bcp", {"batch": {"labeled": 2, "unlabeled": 4}}, "pairs them"),
    "inner maps of MONAI's networks": (
        "urpc", {"model": {"kind": "monai"}}, "set urpc.scales=pooled"),
    "the encoder of MONAI's networks": (
        "unimatch", {"model": {"kind": "monai"}}, "set unimatch.dropout_at=last_map"),
    "patches of one pixel after pooling": (
        "clcc", {"model": {"kind": "monai"}}, "too few for InstanceNorm"),
    "cells that do not fit": ("patch_contrast", {"own": {"grid": 3}}, "does not cut 32 pixels"),
    "more points than pixels": ("point_contrast", {"own": {"num_points": 2000}}, "1024 pixels"),
    "a threshold that all pass": ("fixmatch", {"own": {"threshold": 0.4}}, "greater than or equal"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused_with_the_way_out(case):
    arrangement, keys, message = REFUSED[case]
    with pytest.raises(RecipeError, match=message):
        recipe_of(arrangement, **keys)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_every_method_refuses_more_classes(arrangement):
    with pytest.raises(RecipeError, match="only 1 .foreground against background"):
        recipe_of(arrangement, model={"num_classes": 2})


def test_a_strong_view_is_refused_where_nobody_looks_at_it(tiny_recipe):
    with pytest.raises(RecipeError, match="strong: unknown key"):
        parse_recipe({**tiny_recipe("supervised"), "strong": {"color": 1.0}}, "test")
