"""Who is compared with whom, on which images, as which family."""

import numpy as np
import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.report.evidence.statistics import difference, unpaired
from cclcc_cli.report.evidence.verdicts import holm
from cclcc_cli.report.evidence.weigh import check_comparable, unclear_baselines, weigh
from cclcc_cli.report.gather.groups import group_runs
from cclcc_cli.report.gather.images import ImageValues


@pytest.fixture
def groups(make_run):
    """Three methods with three seeds each on 80 labels, and the fully supervised one."""
    runs = []
    for seed in range(3):
        runs += [
            make_run(group="a", seed=seed, name="joint"),
            make_run(group="b", seed=seed, method="supervised", name="base"),
            make_run(group="c", seed=seed, method="uamt"),
            make_run(group="d", seed=seed, method="supervised", name="full", labeled=800),
        ]
    return group_runs(runs)


def scores_of(groups, shifts, stems=None):
    """Per-image scores: ``shifts`` move a group; the images are shared."""
    random = np.random.default_rng(0)
    images = random.uniform(0.3, 0.8, 40)
    return {
        run.path: ImageValues(
            (stems or {}).get(run.group[0], tuple(f"i{n}" for n in range(40))),
            images + shifts.get(run.group[0], 0) + random.normal(0, 0.02, 40))
        for group in groups for run in group.runs
    }


def by_group(evidence):
    return {found.group.first.group[0]: found for found in evidence}


def test_by_default_supervised_with_as_many_labels_is_the_baseline(groups):
    found = by_group(weigh(groups, scores_of(groups, {"a": 0.1, "c": -0.1})))
    assert {group: f.is_baseline for group, f in found.items()} == {
        "a": False, "b": True, "c": False, "d": False}
    assert found["a"].comparison.baseline.first.group[0] == "b"
    assert (found["a"].comparison.verdict, found["c"].comparison.verdict) == ("better", "worse")
    assert found["b"].comparison is None
    assert found["d"].comparison is None


def stack(scores, letter, seeds=range(3)):
    rows = {path.name: each.values for path, each in scores.items() if path.name[0] == letter}
    return np.stack([rows[f"{letter}-{seed}"] for seed in seeds])


def test_a_family_is_a_baseline_with_what_is_compared_with_it(groups, make_run):
    """Each data set and number of labels has its own."""
    other = group_runs([
        make_run(group=group, seed=seed, method=method, name=name, labeled=40)
        for seed in range(3) for group, method, name in
        (("e", "supervised", "base"), ("f", "clcc", "joint"), ("g", "clcc", "one"),
         ("h", "clcc", "two"))])
    scores = scores_of([*groups, *other], {"a": 0.004, "c": 0.005})
    found = by_group(weigh([*groups, *other], scores))

    p = [difference(stack(scores, group), stack(scores, "b")).p for group in "ac"]
    assert [found[group].comparison.p for group in "ac"] == pytest.approx(holm(np.array(p)))
    assert found["a"].comparison.p > p[0]
    assert found["a"].comparison.difference == difference(stack(scores, "a"), stack(scores, "b"))
    assert [found[group].comparison.family for group in "acfgh"] == [2, 2, 3, 3, 3]


def test_runs_are_paired_by_their_seeds_whatever_their_order(make_run):
    """The baseline has two more; they are left out and named."""
    runs = [make_run(group="a", seed=seed) for seed in (3, 1, 2)]
    runs += [make_run(group="b", seed=seed, method="supervised") for seed in (0, 1, 2, 3, 7)]
    scores = scores_of(group_runs(runs), {})
    found = by_group(weigh(group_runs(runs), scores))["a"].comparison
    assert found.difference == difference(
        stack(scores, "a", (1, 2, 3)), stack(scores, "b", (1, 2, 3)))
    assert (found.difference.pairing, found.left_over) == ("seeds", (0, 7))


def test_without_a_common_seed_images_alone_are_paired(make_run):
    runs = [make_run(group="a", seed=seed) for seed in (0, 1, 2)]
    runs += [make_run(group="b", seed=seed, method="supervised") for seed in (3, 4, 5)]
    scores = scores_of(group_runs(runs), {})
    found = by_group(weigh(group_runs(runs), scores))["a"].comparison
    assert found.difference == unpaired(
        (stack(scores, "a"), stack(scores, "b", (3, 4, 5))), (1, -1))
    assert (found.difference.num_repetitions, found.left_over) == (3, ())


def test_one_seed_is_in_no_family_and_does_not_widen_it(groups, make_run):
    single = group_runs([make_run(group="z", seed=1, name="once")])
    found = by_group(weigh([*groups, *single], scores_of([*groups, *single], {"z": 0.2})))
    once = found["z"].comparison
    assert (once.verdict, once.family, once.significant) == ("these two trainings", 0, False)
    assert once.difference.p < 1e-6
    assert found["a"].comparison.family == 2


def test_the_margin_is_passed_on(groups):
    scores = scores_of(groups, {"a": 0.001, "c": 0.3})
    verdicts = [by_group(weigh(groups, scores, margin=margin))["a"].comparison.verdict
                for margin in (0.05, 0.0001)]
    assert verdicts == ["equivalent", "undecided"]


@pytest.mark.parametrize("name", ["uamt", "cccccccc"])
def test_another_baseline_can_be_named(groups, name):
    found = by_group(weigh(groups, scores_of(groups, {}), name))
    assert found["c"].is_baseline
    assert found["a"].comparison.baseline is found["c"].group
    assert found["b"].comparison.baseline is found["c"].group


def test_a_named_baseline_may_have_other_labels(groups):
    found = by_group(weigh(groups, scores_of(groups, {}), "full"))
    assert [found[group].comparison.baseline.recipe for group in "abc"] == ["full"] * 3


def test_an_unknown_baseline_is_refused_with_what_there_is(groups):
    with pytest.raises(RunError, match="--baseline fixmatch: no row has this name; there are: "
                                       "clcc, joint, supervised, base, uamt, plain, full"):
        weigh(groups, scores_of(groups, {}), "fixmatch")


def test_a_baseline_that_could_be_several_is_refused_with_their_digests(make_run):
    groups = group_runs([make_run(group=group, name=group) for group in "ab"])
    with pytest.raises(RunError, match=r"--baseline clcc: matches several groups: aaaaaaaa "
                                       r"\(polyps-64 clcc a 80\), "
                                       r"bbbbbbbb .* give one of these digests"):
        weigh(groups, scores_of(groups, {}), "clcc")


def test_a_recipes_name_goes_before_a_methods(make_run):
    groups = group_runs([make_run(group="a"),
                         make_run(group="b", method="supervised", name="other"),
                         make_run(group="c", method="supervised", name="supervised")])
    found = by_group(weigh(groups, scores_of(groups, {}), "supervised"))
    assert found["a"].comparison.baseline.recipe == "supervised"


def test_several_supervised_groups_are_not_chosen_among(make_run):
    groups = group_runs([make_run(group=group, method=method) for group, method in
                       (("a", "clcc"), ("b", "supervised"), ("c", "supervised"))])
    assert [found.comparison for found in weigh(groups, scores_of(groups, {}))] == [None] * 3
    assert unclear_baselines(groups) == [
        "polyps-64: 2 supervised groups have 80 labels; name one with --baseline to compare "
        "with it"]
    assert unclear_baselines(groups[:2]) == []


def test_a_baseline_is_of_the_same_data(make_run):
    groups = group_runs([make_run(group="a"),
                       make_run(group="b", method="supervised", data="skin-64")])
    assert [found.comparison for found in weigh(groups, scores_of(groups, {}))] == [None, None]


def test_unequal_image_sets_are_compared_on_what_both_have(groups):
    shifted = tuple(f"i{n}" for n in range(10, 50))
    scores = scores_of(groups, {}, {"a": shifted})
    found = by_group(weigh(groups, scores))["a"]
    assert found.estimate.num_images == 40
    assert found.comparison.difference.num_images == 30


def test_images_without_any_in_common_are_not_compared(groups):
    scores = scores_of(groups, {}, {"a": tuple(f"x{n}" for n in range(40))})
    found = by_group(weigh(groups, scores))["a"]
    assert (found.comparison, found.obstacle) == (None, "no image in common")


def test_an_group_without_scores_has_no_evidence(groups):
    scores = {path: s for path, s in scores_of(groups, {}).items() if path.name[0] != "a"}
    found = by_group(weigh(groups, scores))["a"]
    assert (found.estimate, found.comparison, found.obstacle) == (None, None, "no scores")


# What must not be compared.

RULES = {"threshold": "probs > 0.5", "total_miss": "0"}


@pytest.mark.parametrize(("changes", "topic"), [
    ({"conditions": {"data digest": "d2", "split digest": "s1"}}, "data digest: d1"),
    ({"conditions": {"data digest": "d1", "split digest": "s2"}}, "split digest: s1"),
    ({"rules": {"test": {**RULES, "threshold": "logits > 0.5"}}},
     "evaluation rule 'threshold': probs > 0.5"),
    ({"rules": {"test": {**RULES, "total_miss": "one pixel"}}}, "evaluation rule 'total_miss': 0"),
])
def test_scores_of_different_things_are_refused(make_run, changes, topic):
    groups = group_runs([make_run(group="a"),
                         make_run(group="b", method="supervised", **changes)])
    with pytest.raises(RunError) as caught:
        check_comparable(groups, "test")
    assert str(caught.value).startswith(f"polyps-64: compared rows differ in {topic} (clcc plain")
    assert str(caught.value).endswith("or --across to show them anyway")


def test_what_only_costs_fairness_is_a_note_and_other_data_another_table(make_run):
    check_comparable(group_runs([
        make_run(group="a"), make_run(group="b", steps=9),
        make_run(group="c", data="polyps-128", conditions={"data digest": "d3"}),
    ]), "test")


def test_of_a_distance_less_is_better(groups):
    scores = scores_of(groups, {"a": 0.1, "c": -0.1})
    found = by_group(weigh(groups, scores, None, ("own", "hd95")))
    assert (found["a"].comparison.verdict, found["c"].comparison.verdict) == ("worse", "better")
    assert found["a"].comparison.difference.mean > 0
    assert {f.metric for f in found.values()} == {("own", "hd95")}


def test_a_rule_of_the_judged_score_is_decisive_for_it_alone(make_run):
    def group(letter, rule, **changes):
        rules = {"threshold": "t", **({"nsd": rule} if rule else {})}
        return make_run(group=letter, rules={"val": rules, "test": rules}, **changes)

    nsd = ("working", "nsd")
    others = group_runs([group("a", "1 %"), group("b", "2 %", method="supervised")])
    check_comparable(others, "test")
    with pytest.raises(RunError, match="differ in evaluation rule 'nsd': 1 %"):
        check_comparable(others, "test", nsd)
    old = group("b", None, method="supervised")
    scores = {split: {**values, nsd: None} for split, values in old.scores.items()}
    older = type(old)(**{**vars(old), "scores": scores})
    check_comparable(group_runs([group("a", "1 %"), older]), "test", nsd)  # it has no such score
