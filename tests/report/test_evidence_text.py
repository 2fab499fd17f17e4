"""Evidence in cells, sentences and numbers."""

import json
from dataclasses import replace

import pytest

from cclcc_cli.report import evidence_text as words
from cclcc_cli.report.evidence import Comparison, Evidence
from cclcc_cli.report.statistics import Difference, Estimate
from cclcc_cli.report.tables import Arm

ESTIMATE = Estimate(0.7, 0.01, 0.68, 0.725, 3, 100, 0.2, 0.01, 0.1)
DIFFERENCE = Difference(0.021, 0.004, 0.038, 0.01, 0.02, 0.03, 0.4, 100, 7, True)


@pytest.fixture
def evidence(make_run):
    """A baseline and arms that are better by 2.1 points, worse by 4, and within noise by -1."""
    def arm(letter, **changes):
        return Arm(tuple(make_run(arm=letter, seed=seed, **changes) for seed in range(3)))

    base = arm("s", method="supervised", name="supervised")

    def compared(letter, name, mean, p, verdict, **changes):
        difference = replace(DIFFERENCE, mean=mean, **changes)
        return Evidence(arm(letter, name=name), ESTIMATE,
                        Comparison(base, difference, p, p, p, verdict), False)

    return [
        compared("a", "good", 0.021, 0.012, "better"),
        compared("b", "bad", -0.04, 0.0004, "worse"),
        compared("c", "even", -0.01, 0.5, "within noise", low=-0.03, high=0.01),
        Evidence(base, ESTIMATE, None, True),
        Evidence(arm("f", name="full", labeled=800), None, None, False),
    ]


def test_cells(evidence):
    assert [words.evidence_cells(found) for found in evidence] == [
        ["68.00 to 72.50", "+2.10 (0.40 to 3.80)", "0.012", "better"],
        ["68.00 to 72.50", "-4.00 (0.40 to 3.80)", "<0.001", "worse"],
        ["68.00 to 72.50", "-1.00 (-3.00 to 1.00)", "0.500", "within noise"],
        ["68.00 to 72.50", "baseline", "", ""],
        ["none", "no baseline", "", ""],
    ]
    assert [words.mark(found) for found in evidence] == ["*", "†", "", "", ""]


def test_sentences_say_which_is_better_by_how_much_and_what_is_noise(evidence):
    assert words.summarize(evidence) == [
        "polyps-64, 80 labels, against supervised 80: of 3, 1 better by 2.10 points "
        "(clcc good 80); 1 worse by 4.00 points (clcc bad 80); 1 within noise.",
        "The largest difference within noise is clcc even 80 with -1.00 (-3.00 to 1.00) points: "
        "about 7 seeds per arm would find it, if it alone were tested, four times in five; "
        "there are 3.",
        "p is after Holm's correction over 3 comparisons; images and, where there are several, "
        "seeds count as noise.",
    ]


@pytest.mark.parametrize(("place", "words_said"), [
    (0, "clcc good 80 is better with +2.10 (0.40 to 3.80) points."),
    (2, "clcc even 80 is within noise with -1.00 (-3.00 to 1.00) points: about 7 seeds per arm "
        "would find it, if it alone were tested, four times in five; there are 3."),
])
def test_a_single_comparison_is_one_sentence(evidence, place, words_said):
    assert words.summarize([evidence[place], *evidence[3:]]) == [
        f"polyps-64, 80 labels, against supervised 80: {words_said}"]


def test_nothing_compared_is_nothing_said(evidence):
    assert words.summarize(evidence[3:]) == []


def test_one_seed_and_one_image_are_said(evidence):
    first = evidence[0]
    one_seed = replace(first.comparison,
                       difference=replace(DIFFERENCE, seed_noise_known=False))
    found = replace(first, comparison=one_seed, estimate=replace(
        ESTIMATE, num_images=1, low=None, high=None))
    assert words.evidence_cells(found)[0] == "none"
    assert words.evidence_cells(found)[3] == "better (1 seed)"
    said = words.summarize([found])
    assert said[1].startswith("Where a side has one seed")
    assert said[2] == "One image stands for no other: no interval, p is 1."


def test_a_comparison_on_some_of_the_images_is_said(evidence):
    first = evidence[0]
    fewer = replace(first.comparison, difference=replace(DIFFERENCE, num_images=30))
    assert words.summarize([replace(first, comparison=fewer)])[1] == (
        "clcc good 80 is compared on the 30 images that it shares with its baseline, not on all "
        "of its 100.")


def test_what_stands_in_the_way_of_a_comparison_is_said_in_its_place(evidence):
    found = replace(evidence[4], obstacle="no image in common")
    assert words.evidence_cells(found)[1] == "no image in common"


@pytest.mark.parametrize(("changes", "text"), [
    ({"seeds_needed": None}, "no number of seeds would find it on 100 images: more images would"),
    ({"seeds_needed": None, "seed_noise_known": False},
     "how many seeds would find it cannot be told from one"),
])
def test_where_seeds_are_not_the_answer(changes, text):
    assert words.need_text(replace(DIFFERENCE, **changes), 3) == text


def test_records_have_the_same_keys_and_are_json(evidence):
    records = [words.evidence_record(found, 3) for found in evidence]
    assert len({tuple(record) for record in records}) == 1
    assert json.loads(json.dumps(records, allow_nan=False)) == records
    assert (records[0]["difference"], records[0]["p"], records[0]["p_holm"]) == (
        0.021, 0.01, 0.012)
    assert records[0]["comparisons"] == 3
    assert records[0]["baseline"] == "s" * 64
    assert records[4].pop("metric") == "dice"
    assert set(records[4].values()) == {None}
