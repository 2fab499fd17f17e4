"""What a caption says that differences estimate."""

import pytest

from cclcc_cli.report.gather.groups import build_group
from cclcc_cli.report.prose.estimand import estimand_text


@pytest.mark.parametrize(("label_seeds", "folds", "text"), [
    ([0, 0], [None] * 2, "; differences estimate the gain with this labelled set"),
    (["contiguous"] * 2, [None] * 2, "; differences estimate the gain with this labelled set"),
    (["run", "run"], [None] * 2, "; differences estimate the gain over draws of labelled sets"),
    ([0, 1], [None] * 2,
     "; differences estimate the gain over draws of labelled sets (2 subsets)"),
    ([0, 0], [0, 1], "; differences estimate the gain over 2 folds"),
    (["run", "run"], [0, 1],
     "; differences estimate the gain over draws of labelled sets over 2 folds"),
    ([None, None], [None] * 2, ""),
])
def test_what_a_gain_is_over_follows_from_how_labels_were_drawn(
    make_run, label_seeds, folds, text
):
    group = build_group([make_run(seed=n, label_seed=label, fold=fold) for n, (label, fold) in
                     enumerate(zip(label_seeds, folds, strict=True))])
    assert estimand_text([group]) == text


def test_groups_that_differ_are_named_and_full_supervision_has_no_say(make_run):
    fixed = build_group([make_run(group="a", name="fixed", label_seed=0)])
    drawn = build_group([make_run(group="b", name="drawn", label_seed="run")])
    full = build_group([make_run(group="c", name="full", label_seed=0, labeled=800)])
    assert estimand_text([fixed, drawn, full]) == (
        "; differences estimate the gain with this labelled set (fixed), the gain over draws of "
        "labelled sets (drawn)")
    assert estimand_text([full]) == ""
