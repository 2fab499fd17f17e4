"""An ablation's effects in words, tables and numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cclcc_cli.config.definition import Definition
from cclcc_cli.metrics.scores import MAIN
from cclcc_cli.report.evidence.ablation import Corner, weigh_effects
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.prose.ablation import summarize_effects
from cclcc_cli.report.render.records import records
from cclcc_cli.report.render.text import titles
from cclcc_cli.report.tables.ablation import (
    build_corners,
    build_effects,
)
from cclcc_cli.report.tables.columns import MAIN_METRICS
from cclcc_cli.runs.folder import RunFolder
from tests.report.made import record
from tests.report.shown import marks, ranks, rows, rules
from tests.report.stacking import stack_of


def effects_table(effects, definition, metric=MAIN):
    return build_effects(effects, definition, "test", metric, "x")


def define_design(design="full", variants=None, **axes):
    variants = variants or {}
    first = {"leave_one_out": "all"}.get(design) or next(iter(variants), "base")
    return Definition(
        design=design, variants=variants, axes=axes, points=[
            {"place": f"{variant} {value}", "variant": variant, "values": dict(zip(
                axes, [value], strict=False))}
            for variant in (["all", *(f"without_{name}" for name in variants)]
                            if design == "leave_one_out" else variants or ["base"])
            for value in next(iter(axes.values()), [0])],
        baseline={"variant": first, **{key: values[0] for key, values in axes.items()}})


@pytest.fixture
def corner(make_run, tmp_path):
    """One group of three seeds and 25 images; its runs have a recipe."""
    random = np.random.default_rng(0)
    easy = random.uniform(0.3, 0.6, 25)

    def make(shift=0.0, recipe=None, seeds=3, data="polyps-64", metric=MAIN, **values):
        name = "-".join(map(str, values.values())).replace("/", "_")
        runs = []
        for seed in range(seeds):
            folder = RunFolder(tmp_path / data / f"{name}-{seed}")
            folder.write_json("cell.json", record(recipe))
            runs.append(make_run(0.45 + shift, path=folder.path, group=name.encode().hex(),
                                 seed=seed, data=data))
        scores = easy + shift + random.normal(0, 0.01, (seeds, 25))
        return Corner(values, Group(tuple(runs)), stack_of(scores, metric=metric))

    return make


PARTS = {"contrast": {"clcc.contrast_weight": 1.0}, "color": {"weak.color": 0.5}}


@pytest.fixture
def parts(corner):
    """Two parts: contrast is worth 10 points, colour nothing."""
    definition = define_design("leave_one_out", PARTS)
    corners = [
        corner(variant="all", recipe={"clcc": {"contrast_weight": 1.0}, "weak": {"color": 0.5}}),
        corner(-0.1, variant="without_contrast",
               recipe={"clcc": {"contrast_weight": 0.0}, "weak": {"color": 0.5}}),
        corner(variant="without_color",
               recipe={"clcc": {"contrast_weight": 1.0}, "weak": {"color": 0.0}}),
    ]
    return definition, weigh_effects(definition, corners)


@pytest.fixture
def full(corner):
    """Two variants by two grids; the variant is worth 10 points on one grid and 2 on the other."""
    definition = define_design(variants={"plain": {}, "joint": {}}, **{"clcc.grid": [2, 4]})
    corners = [corner(0.0, variant="plain", **{"clcc.grid": 2}),
               corner(0.0, variant="plain", **{"clcc.grid": 4}),
               corner(0.1, variant="joint", **{"clcc.grid": 2}),
               corner(0.02, variant="joint", **{"clcc.grid": 4}, seeds=2)]
    return definition, corners, weigh_effects(definition, corners)


def test_removing_a_part_costs_points(parts):
    definition, effects = parts
    lost, kept, margin, family = summarize_effects(effects, definition)
    difference = effects[1].comparison  # its interval is the family's
    assert lost == (f"Removing contrast costs {-100 * difference.difference.mean:.2f} points "
                    f"({-100 * difference.high:.2f} to {-100 * difference.low:.2f}): without it "
                    "the result is worse.")
    assert kept.startswith(("Removing color costs 0.", "Removing color gains 0."))
    assert "without it the result is equivalent; this design finds a true difference of" in kept
    assert "within the margin of ±2 points" in margin
    assert family.startswith("The family is a baseline with what is compared with it (2 compar")


def test_removing_what_harms_gains_points(corner):
    definition = define_design("leave_one_out", {"contrast": {}, "color": {}})
    effects = weigh_effects(definition, [corner(variant="all"),
                                         corner(0.1, variant="without_color")])
    gained = summarize_effects(effects, definition)[0]
    difference = effects[1].comparison.difference
    assert gained == (f"Removing color gains {100 * difference.mean:.2f} points "
                      f"({100 * difference.low:.2f} to {100 * difference.high:.2f}): without it "
                      "the result is better.")


def test_the_table_names_parts_and_the_keys_that_differ(parts):
    definition, effects = parts
    table = effects_table(effects, definition)
    assert titles(table) == ["variant", "differs in", "seeds", "steps", "Dice %",
                              "95 % interval", "difference from baseline", "p (Holm)", "verdict"]
    assert [row[:2] for row in rows(table)] == [
        ["all", ""], ["without contrast", "clcc.contrast_weight 1.0 → 0.0"],
        ["without color", "weak.color 0.5 → 0.0"]]
    assert rows(table)[0][6:] == ["baseline", "", ""]
    assert marks(table, "dice") == ["", "†", ""]
    assert [column.title for column in table.page_columns if column.is_key] == ["variant"]


def test_of_another_method_only_what_the_file_sets_is_named(corner):
    definition = define_design(variants={
        "supervised": {"method": "supervised"}, "plain": {}, "cold": {"clcc.temperature": 0.1}})
    recipe = {"method": "clcc", "clcc": {"temperature": 0.07, "grid": 5}}
    cold = {"method": "clcc", "clcc": {"temperature": 0.1, "grid": 5}}
    effects = weigh_effects(definition, [
        corner(variant="supervised", recipe={"method": "supervised"}),
        corner(variant="plain", recipe=recipe), corner(variant="cold", recipe=cold)])
    assert [row[1] for row in rows(effects_table(effects, definition))] == [
        "", "method supervised → clcc",
        "method supervised → clcc, clcc.temperature none → 0.1"]


def test_marginal_effects_say_over_what_they_are_averaged(full):
    definition, _, effects = full
    table = effects_table(effects, definition)
    assert titles(table)[:2] == ["factor", "value"]
    assert titles(table)[-1] == "averaged over"
    assert [row[:2] for row in rows(table)] == [
        ["variant", "plain"], ["variant", "joint"], ["clcc.grid", "2"], ["clcc.grid", "4"]]
    assert rules(table) == [2]
    low, high = 100 * min(effects[1].single), 100 * max(effects[1].single)
    assert rows(table)[1][-1] == f"2 pairs ({low:+.2f} to {high:+.2f})"
    assert rows(table)[0][-1] == "2 groups"
    assert rows(table)[1][2] == "2/3"
    assert any(text.startswith("Effects are means over pairs")
               for text in summarize_effects(effects, definition))


def test_a_mean_over_fewer_groups_is_not_ranked(full):
    definition, corners, _ = full
    effects = weigh_effects(definition, corners[:3])
    assert ranks(effects_table(effects, definition), "dice") == [0, 0, 0, 0]


def test_the_groups_stand_below_with_their_scores(full):
    definition, corners, _ = full
    table = build_corners(corners, definition, "test", MAIN_METRICS, MAIN, "cells", "x")
    assert titles(table) == ["variant", "clcc.grid", "seeds", "steps", "Dice %", "IoU %",
                              "Dice % (original size)", "95 % interval"]
    assert [row[:3] for row in rows(table)] == [
        ["plain", "2", "3"], ["plain", "4", "3"], ["joint", "2", "3"], ["joint", "4", "2"]]
    assert ranks(table, "dice") == [0, 0, 1, 2]


def test_a_value_without_a_pair_is_said(corner):
    definition = define_design(variants={"plain": {}, "joint": {}})
    effects = weigh_effects(definition, [corner(variant="joint")])
    assert summarize_effects(effects, definition) == [
        "joint against plain is compared with nothing: no group that differs in it alone has "
        "finished."]
    assert rows(effects_table(effects, definition))[0][-3:] == ["no pair", "", ""]


def test_data_sets_are_told_apart(corner):
    definition = define_design(variants={"plain": {}, "joint": {}})
    corners = [corner(shift, variant=variant, data=data) for data in ("polyps-64", "skin-64")
               for variant, shift in (("plain", 0.0), ("joint", 0.1))]
    effects = weigh_effects(definition, corners)
    table = effects_table(effects, definition)
    assert (titles(table)[0], rules(table)) == ("data", [2])
    said = summarize_effects(effects, definition)
    assert said[0].startswith("polyps-64: joint against plain: +")
    assert said[1].startswith("skin-64: joint against plain: +")


def test_one_seed_and_one_image_are_said(corner):
    definition = define_design(variants={"plain": {}, "joint": {}})
    corners = [corner(variant="plain", seeds=1), corner(variant="joint", seeds=1)]
    corners = [replace(each, stack=stack_of([[0.5 + n / 10]])) for n, each in enumerate(corners)]
    said = summarize_effects(weigh_effects(definition, corners), definition)
    assert said[0].endswith("these two trainings.")
    assert said[1].startswith("One image stands for no other")
    assert "about these two trainings and not about the methods" in said[3]


def test_records_are_json_and_say_it_all(parts, full):
    definition, effects = parts
    found = records(effects_table(effects, definition))
    json.dumps(found, allow_nan=False)
    assert [record["removed"] for record in found] == [None, "contrast", "color"]
    assert found[1]["differs_in"] == "clcc.contrast_weight 1.0 → 0.0"
    assert found[1]["verdict"] == "worse"
    assert found[0]["verdict"] is None
    assert {len(record) for record in found} == {len(found[0])}
    definition, corners, _ = full
    cells = records(build_corners(corners, definition, "test", MAIN_METRICS, MAIN, "cells", "x"))
    json.dumps(cells, allow_nan=False)
    assert (cells[3]["variant"], cells[3]["clcc.grid"], cells[3]["seeds"]) == ("joint", 4, 2)
    assert cells[3]["dice_mean"] == pytest.approx(0.47)


def test_removing_a_part_that_shortens_a_distance_costs_pixels(corner):
    """Ten points of Dice here are ten hundredths of a pixel; more of them is worse."""
    metric = ("own", "hd95")
    definition = define_design("leave_one_out", PARTS)
    corners = [corner(variant="all", metric=metric),
               corner(0.1, variant="without_contrast", metric=metric),
               corner(-0.1, variant="without_color", metric=metric)]
    effects = weigh_effects(definition, corners, metric)
    lost, gained, *rules = summarize_effects(effects, definition)
    assert rules[0].startswith("Less HD95 is better. ")
    assert "within the margin of ±2 px" in rules[0]
    assert lost.startswith("Removing contrast costs 0.10 px (")
    assert lost.endswith("without it the result is worse (within the margin).")
    assert gained.startswith("Removing color gains 0.10 px (")
    assert gained.endswith("without it the result is better (within the margin).")
    table = effects_table(effects, definition, metric)
    assert marks(table, "hd95_original") == ["", "†", "*"]
    assert ranks(table, "hd95_original") == [2, 0, 1]
    record = records(table)[1]
    assert record["metric"] == "hd95_original"
    assert record["hd95_original_mean"] == effects[1].mean
