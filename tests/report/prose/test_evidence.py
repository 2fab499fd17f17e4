"""Evidence in cells, sentences and numbers."""

import json
from dataclasses import replace

import pytest

from cclcc_cli.report.evidence.findings import Difference, Estimate
from cclcc_cli.report.evidence.verdicts import Comparison
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.prose import evidence as words
from cclcc_cli.report.prose.numbers import verdict_text
from cclcc_cli.report.render.records import records
from cclcc_cli.report.tables.columns import comparison_marks
from cclcc_cli.report.tables.rows import build_rows
from cclcc_cli.report.tables.statistics import build_statistics
from tests.report.shown import by_title, marks

ESTIMATE = Estimate(0.7, 0.01, 0.68, 0.725, 3, 100, 0.2, 0.01, 0.1)
DIFFERENCE = Difference(
    mean=0.021, low=0.008, high=0.034, p=0.004, error=0.006, freedom=9.0, bounds=(-1.0, 1.0),
    p_wilcoxon=0.02, p_sign_flip=0.03, effect=0.4, num_images=100, pairing="seeds",
    num_repetitions=3, correlation=0.97, smallest_gain=0.0212, gains_ahead=(0.018, 0.0151, 0.014))
ONE_SEED = {"num_repetitions": 1, "correlation": None, "smallest_gain": None,
            "gains_ahead": (None, None, None)}
NEED = ("this design finds a true difference of 2.12 points four times in five, with 5, 10 and 20 "
        "seeds 1.80, 1.51 and 1.40")


def judged(base, verdict, mean=0.021, p=0.012, low=0.004, high=0.038, family=4, within=False,
           left_over=(), **changes):
    return Comparison(base, replace(DIFFERENCE, mean=mean, **changes), left_over, family, p, 0.05,
                      0.06, low, high, 0.02, within, verdict)


def shown(*evidence):
    return build_rows(evidence, "test", [evidence[0].metric], "x")


def cells(found):
    """The interval, the difference, p and the verdict."""
    return list(by_title(shown(found)).values())[-4:]


def gains(found):
    return list(by_title(build_statistics([found])).values())[-4:]


@pytest.fixture
def evidence(make_run):
    """A baseline and every verdict there is: the first four are a family."""
    def group(letter, **changes):
        return Group(tuple(make_run(group=letter, seed=seed, **changes) for seed in range(3)))

    base = group("s", method="supervised", name="supervised")

    def compared(letter, name, *told, **more):
        return Evidence(group(letter, name=name), ESTIMATE, judged(base, *told, **more), False)

    return [
        compared("a", "good", "better"),
        compared("b", "bad", "worse", -0.04, 0.0004, -0.06, -0.02),
        compared("c", "even", "equivalent", 0.001, 0.5, -0.015, 0.017, within=True),
        compared("d", "open", "undecided", -0.01, 0.5, -0.03, 0.01),
        compared("e", "pair", "estimate only", 0.05, 0.2, -0.1, 0.2, family=0, num_repetitions=2),
        compared("g", "once", "these two trainings", 0.06, 0.001, 0.02, 0.1, family=0, **ONE_SEED),
        Evidence(base, ESTIMATE, None, True),
        Evidence(group("f", name="full", labeled=800), None, None, False),
    ]


def test_cells_of_every_verdict(evidence):
    assert [cells(found)[1:] for found in evidence] == [
        ["+2.10 (0.40 to 3.80)", "0.012", "better"],
        ["-4.00 (-6.00 to -2.00)", "<0.001", "worse"],
        ["+0.10 (-1.50 to 1.70)", "0.500", "equivalent"],
        ["-1.00 (-3.00 to 1.00)", "0.500", "undecided"],
        ["+5.00 (-10.00 to 20.00)", "", "estimate only"],
        ["+6.00 (2.00 to 10.00)", "0.001 (images)", "these two trainings"],
        ["baseline", "", ""], ["no baseline", "", ""],
    ]
    assert cells(evidence[0])[0] == "68.00 to 72.50"
    assert cells(evidence[7])[0] == "none"
    assert marks(shown(*evidence), "dice") == ["*", "†", "", "", "", "", "", ""]


def test_significant_and_within_the_margin_are_both_said(evidence):
    base = evidence[6].group
    assert verdict_text(judged(base, "better", within=True)) == "better (within the margin)"
    assert verdict_text(judged(base, "equivalent", within=True)) == "equivalent"


def test_outside_of_a_family_there_is_no_mark(evidence):
    assert comparison_marks(judged(evidence[6].group, "better", family=0), "dice") == {}


def test_sentences_count_each_verdict_and_say_how_it_was_made(evidence):
    assert words.summarize(evidence) == [
        "polyps-64, 80 labels, against supervised 80: of 6, 1 better by 2.10 points "
        "(clcc good 80); 1 worse by 4.00 points (clcc bad 80); 1 equivalent (clcc even 80); "
        "1 undecided (clcc open 80); 1 estimate only (clcc pair 80); "
        "1 these two trainings (clcc once 80).",
        f"The largest undecided difference is clcc open 80 with -1.00 (-3.00 to 1.00) points; "
        f"{NEED}.",
        "Better or worse: p below 0.05. Equivalent: otherwise, if the 90 % interval of the "
        "comparison alone lies within the margin of ±2 points. Undecided: neither.",
        words.ONE_SEED, words.TWO_SEEDS,
        "The family is a baseline with what is compared with it (4 comparisons): p is after Holm's "
        "correction, and intervals of differences hold for all of it at once in 95 % (Bonferroni, "
        "each 98.75 %, which is wider than Holm asks for: an interval may hold 0 where p is below "
        "0.05).",
    ]


@pytest.mark.parametrize(("place", "words_said"), [
    (0, "clcc good 80 is better with +2.10 (0.40 to 3.80) points."),
    (2, f"clcc even 80 is equivalent with +0.10 (-1.50 to 1.70) points; {NEED}."),
    (3, f"clcc open 80 is undecided with -1.00 (-3.00 to 1.00) points; {NEED}."),
    (4, "clcc pair 80 is given no verdict (estimate only), with +5.00 (-10.00 to 20.00) points; "
        "with 5, 10 and 20 seeds 1.80, 1.51 and 1.40 points would be found four times in five, if "
        "seeds vary as these two do."),
    (5, "clcc once 80 is compared by these two trainings alone, with +6.00 (2.00 to 10.00) "
        "points."),
])
def test_a_single_comparison_is_one_sentence(evidence, place, words_said):
    assert words.summarize([evidence[place], *evidence[6:]])[0] == (
        f"polyps-64, 80 labels, against supervised 80: {words_said}")


def test_the_margin_is_always_said(evidence):
    found = replace(evidence[0], comparison=replace(evidence[0].comparison, margin=0.005, family=1))
    said = words.verdicts_text(found.comparison)
    assert words.summarize([found])[1:] == [said]
    assert said.startswith("Better or worse: ")
    assert "within the margin of ±0.5 points." in said


def test_of_a_distance_everything_is_in_pixels_and_its_direction_is_said(evidence):
    hd95, undecided = ("own", "hd95"), evidence[3]
    found = replace(undecided, metric=hd95, comparison=replace(
        undecided.comparison, metric=hd95, margin=3.0, low=-3.0, high=1.0, difference=replace(
            undecided.comparison.difference, mean=-1.0, smallest_gain=2.5,
            gains_ahead=(2.0, 1.5, 1.25))))
    first, rules, *_ = words.summarize([found])
    assert first == (
        "polyps-64, 80 labels, by HD95 (original size) against supervised 80: clcc open 80 is "
        "undecided with -1.00 (-3.00 to 1.00) px; this design finds a true difference of 2.50 px "
        "four times in five, with 5, 10 and 20 seeds 2.00, 1.50 and 1.25.")
    assert rules.startswith("Less HD95 is better. Better or worse: ")
    assert "within the margin of ±3 px." in rules
    assert gains(found) == ["2.50", "2.00", "1.50", "1.25"]
    (record,) = records(shown(found))
    assert (record["metric"], record["margin"], record["smallest_gain"]) == (
        "hd95_original", 3.0, 2.5)


def test_nothing_compared_is_nothing_said(evidence):
    assert words.summarize(evidence[6:]) == []


def test_one_image_is_said(evidence):
    found = replace(evidence[0], estimate=replace(ESTIMATE, num_images=1, low=None, high=None))
    assert cells(found)[0] == "none"
    assert words.ONE_IMAGE in words.summarize([found])


def test_seeds_that_one_side_has_alone_are_said(evidence):
    found = replace(evidence[0], comparison=replace(evidence[0].comparison, left_over=(3, 4)))
    assert ("clcc good 80: compared on the seeds that both sides have; left out: seeds 3, 4."
            in words.summarize([found]))


def test_groups_of_images_are_said_with_their_weighting(evidence):
    found = replace(evidence[0], num_groups=12)
    (said,) = [text for text in words.summarize([found, evidence[1]]) if "patients" in text]
    assert said.startswith("Images come from 12 groups (patients, videos): ")
    assert "each group weighing the same" in said
    assert not any("it shares with its baseline" in text for text in words.summarize([found]))


def test_a_comparison_on_some_of_the_images_is_said(evidence):
    first = evidence[0]
    fewer = replace(first.comparison, difference=replace(DIFFERENCE, num_images=30))
    assert words.summarize([replace(first, comparison=fewer)])[1] == (
        "clcc good 80 is compared on the 30 images that it shares with its baseline, not on all "
        "of its 100.")


def test_what_stands_in_the_way_of_a_comparison_is_said_in_its_place(evidence):
    found = replace(evidence[7], obstacle="no image in common")
    assert cells(found)[1] == "no image in common"


def test_gains_are_told_where_they_are_known(evidence):
    base = evidence[6].group

    def told(**changes):
        return words.gain_text(judged(base, "undecided", **changes))

    assert told() == NEED
    assert told(**ONE_SEED) == ""
    assert told(pairing="folds", gains_ahead=(None, None, None)) == (
        "this design finds a true difference of 2.12 points four times in five")
    assert "20 label subsets 1.80" in told(pairing="label subsets")
    found = evidence[3]
    assert gains(found) == ["2.12", "1.80", "1.51", "1.40"]
    few = judged(base, "estimate only", num_repetitions=2)
    assert gains(replace(found, comparison=few))[0] == ""


def test_records_have_the_same_keys_and_are_json(evidence):
    found = records(shown(*evidence))
    assert len({tuple(record) for record in found}) == 1
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    first = found[0]
    assert (first["difference"], first["p"], first["p_holm"]) == (0.021, 0.004, 0.012)
    assert (first["difference_low"], first["family_low"]) == (0.008, 0.004)
    assert (first["comparisons"], first["baseline"]) == (4, "s" * 64)
    assert (first["pairing"], first["repetitions"], first["seed_correlation"]) == (
        "seeds", 3, 0.97)
    assert (first["smallest_gain"], first["smallest_gain_20_seeds"]) == (0.0212, 0.014)
    assert (first["margin"], first["within_margin"]) == (0.02, False)
    assert [record["comparisons"] for record in found[4:]] == [0, 0, None, None]
    assert (found[5]["p"], found[5]["p_holm"], found[5]["family_low"]) == (0.004, None, None)
    assert found[7]["metric"] == "dice"
    assert {found[7][key] for key in ("dice_low", "difference", "p", "verdict", "margin")} == {None}
