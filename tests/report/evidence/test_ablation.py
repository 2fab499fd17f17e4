"""Effects of an ablation's parts: which groups make a pair, and what their mean difference is."""

from pathlib import Path

import numpy as np
import pytest

from cclcc_cli.config.definition import Definition, PlacedPoint
from cclcc_cli.config.design import group_names, lay_out
from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import MAIN
from cclcc_cli.report.evidence.ablation import (
    PlannedAblation,
    find_corners,
    find_factors,
    left_out_part,
    only_ablation,
    read_ablation,
    weigh_effects,
)
from cclcc_cli.report.evidence.statistics import contrast, difference
from cclcc_cli.report.evidence.verdicts import holm
from cclcc_cli.report.gather.images import ImageValues
from cclcc_cli.report.gather.pool import pool_runs
from cclcc_cli.runs.plan_record import PlanRecord, write_record

IMAGES = 30


def define_design(design="full", variants=("base", "other"), axes=None, **baseline):
    axes = axes or {"seed": [0, 1, 2]}
    names = list(group_names(design, variants))
    chosen = {"variant": names[0], **{key: values[0] for key, values in axes.items()}, **baseline}
    points = [PlacedPoint(place=point.place, variant=point.variant, values=dict(point.values))
              for point in lay_out(design, list(variants), axes, chosen)]
    return Definition(design=design, baseline=chosen,
                      variants={name: {} for name in variants}, axes=axes, points=points)


@pytest.fixture
def world(make_run):
    """Makes an ablation's corners; ``effect`` gives each point's Dice apart from noise."""

    def make(definition, effect, *, without=(), same_cell=lambda _point: None, images=None):
        random = np.random.default_rng(3)
        easy = random.uniform(0.3, 0.6, IMAGES)
        runs, scores, folders, known = [], {}, {}, {}
        for number, point in enumerate(definition.points):
            if point.place in without:
                continue
            key = same_cell(point) or number
            if key not in known:
                group = repr({k: v for k, v in point.values.items() if k != "seed"})
                run = make_run(
                    path=Path(f"runs/polyps-64/{number}"),
                    group=f"{point.variant} {group}".encode().hex(),
                    seed=point.values.get("seed", 0),
                    fold=point.values.get("data.fold"),
                    label_seed=point.values.get("data.selection.seed"),
                    pool=point.variant,
                    data=f"polyps-64 fold {point.values['data.fold']}"
                    if "data.fold" in point.values else "polyps-64",
                    conditions={"split digest": str(point.values.get("data.fold"))})
                known[key] = run
                runs.append(run)
                stems = (images or {}).get(point.variant, range(IMAGES))
                values = easy + effect(point) + random.normal(0, 0.02, IMAGES)
                scores[run.path] = ImageValues(tuple(map(str, stems)), values[:len(stems)])
            folders[point.place] = known[key].path
        planned = PlannedAblation("a", definition, folders)
        return find_corners(planned, pool_runs(runs), scores)

    return make


def stacked(corner):
    return corner.stack.folds[None].images.values


def test_one_factor_is_a_plain_comparison(world):
    definition = define_design(variants=("base", "one", "two"))
    corners = world(definition, lambda p: {"base": 0, "one": 0.1, "two": -0.1}[p.variant])

    base, one, two = weigh_effects(definition, corners)

    assert [effect.value for effect in (base, one, two)] == ["base", "one", "two"]
    assert base.is_baseline
    assert base.comparison is None
    by_hand = [difference(stacked(corners[n]), stacked(corners[0])) for n in (1, 2)]
    assert [one.comparison.difference, two.comparison.difference] == by_hand
    assert [one.comparison.p, two.comparison.p] == list(holm(np.array([d.p for d in by_hand])))
    assert (one.comparison.verdict, two.comparison.verdict) == ("better", "worse")


def test_a_full_design_has_marginal_effects_over_matched_pairs(world):
    definition = define_design(axes={"clcc.grid": [2, 4, 5], "seed": [0, 1]})
    corners = world(definition, lambda p: 0.1 * (p.variant == "other")
                    + {2: 0, 4: 0.05, 5: 0}[p.values["clcc.grid"]])

    effects = {(e.factor, e.value): e for e in weigh_effects(definition, corners)}

    other = effects["variant", "other"]
    assert len(other.pairs) == 3
    for one, against in other.pairs:
        assert one.values["clcc.grid"] == against.values["clcc.grid"]
    # Each pair's images, averaged over the pairs: the mean of the three plain differences.
    plain = [difference(stacked(one), stacked(against)).mean for one, against in other.pairs]
    assert other.single == pytest.approx(plain)
    assert other.comparison.difference.mean == pytest.approx(np.mean(plain))
    groups = [stacked(corner) for pair in other.pairs for corner in pair]
    assert other.comparison.difference == contrast(groups, [1 / 3, -1 / 3] * 3)
    assert other.mean == pytest.approx(np.mean([stacked(one).mean() for one, _ in other.pairs]))
    assert len(effects["clcc.grid", 4].pairs) == 2
    assert effects["clcc.grid", 4].comparison.difference.mean == pytest.approx(0.05, abs=0.01)


def test_one_factor_pairs_with_the_baseline_alone(world):
    definition = define_design("one_factor", axes={"clcc.grid": [2, 4], "seed": [0, 1]})
    corners = world(definition, lambda _: 0.0)
    found = {(e.factor, e.value): e for e in weigh_effects(definition, corners)}
    assert [len(e.pairs) for e in found.values()] == [0, 1, 0, 1]
    ((one, other),) = found["clcc.grid", 4].pairs
    assert [len(effect.corners) for effect in found.values()] == [1, 1, 1, 1]
    assert (one.values, other.values) == (
        {"variant": "base", "clcc.grid": 4}, {"variant": "base", "clcc.grid": 2})


def test_leaving_out_names_the_part(world):
    definition = define_design("leave_one_out", variants=("contrast", "consistency"))
    corners = world(definition, lambda p: 0.1 * (p.variant != "without_contrast"))
    whole, contrast_gone, _ = weigh_effects(definition, corners)
    assert (whole.value, left_out_part(whole, definition)) == ("all", None)
    assert left_out_part(contrast_gone, definition) == "contrast"
    assert contrast_gone.comparison.verdict == "worse"


def test_a_part_against_another_baseline_is_not_called_left_out(world):
    definition = define_design("leave_one_out", variants=("a", "b"), variant="without_a")
    found = weigh_effects(definition, world(definition, lambda _: 0.0))
    assert [left_out_part(effect, definition) for effect in found] == [None] * 3


def test_folds_are_pooled_into_one_effect(world):
    definition = define_design(axes={"data.fold": [0, 1, 2, 3], "seed": [0, 1]})
    corners = world(definition, lambda p: 0.1 * (p.variant == "other"))
    base, other = weigh_effects(definition, corners)
    assert [(effect.data, effect.value) for effect in (base, other)] == [
        ("polyps-64 folds", "base"), ("polyps-64 folds", "other")]
    assert corners[0].group.repeated == "4 folds x 2"
    found = other.comparison.difference
    assert (found.pairing, found.num_repetitions, found.freedom) == ("folds", 4, 3)
    means = [corners[1].stack.folds[fold].images.values.mean()
             - corners[0].stack.folds[fold].images.values.mean() for fold in range(4)]
    assert found.mean == pytest.approx(np.mean(means))
    assert found.error**2 == pytest.approx(np.var(means, ddof=1) * (1 / 4 + IMAGES / 800))
    assert other.comparison.verdict == "better"
    assert set(find_factors(definition)) == {"variant"}


def test_one_fold_is_a_data_set_as_any_other(world):
    definition = define_design(axes={"data.fold": [2], "seed": [0, 1, 2]})
    corners = world(definition, lambda _: 0.0)
    _, other = weigh_effects(definition, corners)
    assert other.data == "polyps-64 fold 2"
    assert other.comparison.difference.pairing == "seeds"


def test_labelled_subsets_repeat_a_group_and_are_pooled(world):
    definition = define_design(axes={"data.selection.seed": [0, 1, 2], "seed": [0, 1]})
    corners = world(definition, lambda p: 0.1 * (p.variant == "other"))
    assert len(corners) == 2
    assert set(find_factors(definition)) == {"variant"}
    assert corners[0].group.repeated == "3 subsets x 2"
    _, other = weigh_effects(definition, corners)
    rows = [stacked(corner).reshape(3, 2, IMAGES).mean(1) for corner in corners]
    assert other.comparison.difference == contrast(rows[::-1], (1, -1), "label subsets")


def test_marginal_effects_share_the_seeds_that_all_groups_have(world):
    definition = define_design(axes={"clcc.grid": [2, 4], "seed": [0, 1, 2, 3]})
    corners = world(definition, lambda _: 0.0, without=["other grid=4 seed=1"])
    effects = {(e.factor, e.value): e for e in weigh_effects(definition, corners)}
    found = effects["variant", "other"].comparison
    common = [stacked(corner)[[0, 2, 3]] if len(stacked(corner)) == 4 else stacked(corner)
              for pair in effects["variant", "other"].pairs for corner in pair]
    assert found.difference == contrast(common, [1 / 2, -1 / 2] * 2)
    assert (found.difference.num_repetitions, found.left_over) == (3, (1,))


def test_the_file_declares_family_and_margin(world, tmp_path):
    definition = define_design(variants=("base", "one", "two"))
    write_record(tmp_path, "a", PlanRecord(), 1, [("base seed=0", tmp_path / "d")],
                 {**definition.model_dump(), "margin": 0.5})
    ablation = read_ablation(tmp_path, "a")
    assert ablation.margin(MAIN) == 0.005
    assert ablation.margin(("own", "hd95")) is None  # points are no pixels
    found = weigh_effects(definition, world(definition, lambda _: 0.0),
                          margin=ablation.margin(MAIN))
    assert [effect.comparison.family for effect in found[1:]] == [2, 2]
    assert {effect.comparison.margin for effect in found[1:]} == {0.005}
    assert definition.margin == 2.0


def test_unfinished_cells_leave_fewer_seeds_or_no_pair(world):
    definition = define_design(variants=("base", "one", "two"), axes={"seed": [0, 1]})
    without = ["one seed=1", "two seed=0", "two seed=1"]
    corners = world(definition, lambda _: 0.0, without=without)
    base, one = weigh_effects(definition, corners)
    assert [len(effect.corners[0].group.runs) for effect in (base, one)] == [2, 1]
    assert one.comparison.difference == difference(
        stacked(corners[1]), stacked(corners[0])[:1])  # the common seed alone
    assert (one.comparison.verdict, one.comparison.left_over) == ("these two trainings", (1,))


def test_without_the_baseline_nothing_is_compared(world):
    definition = define_design(axes={"seed": [0]})
    (only,) = weigh_effects(definition, world(definition, lambda _: 0.0, without=["base seed=0"]))
    assert (only.value, only.comparison, list(only.pairs)) == ("other", None, [])


def test_values_that_come_to_the_same_cells_do_not_differ(world):
    definition = define_design(axes={"data.labeled": [8, 0.1], "seed": [0, 1, 2]},
                               variants=("base",))
    corners = world(definition, lambda _: 0.0, same_cell=lambda p: str(p.values["seed"]))
    effect = weigh_effects(definition, corners)[1]
    assert (effect.comparison.difference.mean, effect.comparison.p) == (0.0, 1.0)
    assert effect.comparison.verdict == "equivalent"


def test_unequal_images_are_compared_on_what_all_have(world):
    definition = define_design(axes={"seed": [0]})
    corners = world(definition, lambda _: 0.0, images={"other": range(10, IMAGES)})
    assert weigh_effects(definition, corners)[1].comparison.difference.num_images == 20


def test_no_image_in_common_is_no_pair(world):
    definition = define_design(axes={"seed": [0]})
    corners = world(definition, lambda _: 0.0, images={"other": range(90, 95)})
    assert weigh_effects(definition, corners)[1].comparison is None


def test_whole_numbers_and_shares_are_different_values(world):
    definition = define_design(axes={"data.labeled": [1, 1.0], "seed": [0]}, variants=("base",))
    assert find_factors(definition) == {"data.labeled": [1, 1.0]}
    corners = world(definition, lambda _: 0.0)
    assert [repr(corner.values["data.labeled"]) for corner in corners] == ["1", "1.0"]


def test_an_ablation_is_read_from_its_record(tmp_path):
    definition = define_design().model_dump()
    for name in ("a", "b"):
        write_record(tmp_path, name, PlanRecord(), 1,
                     [("base seed=0", tmp_path / "d" / "one")], definition)
    found = read_ablation(tmp_path, "a")
    assert found.folders == {"base seed=0": tmp_path / "d" / "one"}
    assert found.definition.model_dump() == definition
    with pytest.raises(RunError, match="no ablation of this name has run .*; there are: a, b"):
        read_ablation(tmp_path, "c")
    with pytest.raises(RunError, match="name the ablation that is meant; .*there are: a, b"):
        only_ablation(tmp_path)


def test_a_record_from_before_definitions_or_a_damaged_one_is_refused(tmp_path):
    write_record(tmp_path, "a", PlanRecord(), 1, [])
    with pytest.raises(RunError, match="does not say what its runs stand for; rerun the same"):
        read_ablation(tmp_path, "a")
    write_record(tmp_path, "a", PlanRecord(threads=1), 1, [], {"design": "half"})
    with pytest.raises(RunError, match=r"definition: design = 'half': .*; remove the file"):
        read_ablation(tmp_path, "a")
