"""Groups get the shortest names that tell them apart; lines break where words do."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.report.figures.names import group_names, seeds_text, wrap
from cclcc_cli.report.gather.groups import Group


@pytest.fixture
def groups(make_run):
    def build(*pairs):
        return [Group((replace(make_run(method=method, name=recipe), group=f"{n:08d}" * 8),))
                for n, (method, recipe) in enumerate(pairs)]
    return build


def names(found):
    return list(group_names(found).values())


def test_methods_are_enough_where_each_is_there_once(groups):
    assert names(groups(("clcc", "kvasir"), ("uamt", "kvasir"))) == ["clcc", "uamt"]


def test_recipes_tell_groups_of_one_method_apart(groups):
    found = names(groups(("clcc", "joint"), ("clcc", "alone"), ("uamt", "rivals")))
    assert found == ["joint", "alone", "uamt"]


def test_digests_are_the_last_resort(groups):
    found = names(groups(("clcc", "a"), ("clcc", "a"), ("uamt", "a")))
    assert found == ["clcc a 00000000", "clcc a 00000001", "uamt"]


@given(pairs=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(
    ["a", "b", "x", "a x", "y" * 60, "y" * 60 + "z"])), min_size=1, max_size=12))
def test_no_two_groups_are_ever_called_the_same(pairs):
    from tests.report.made import run

    found = names([Group((replace(run(method=method, name=recipe), group=f"{n:08d}" * 8),))
                   for n, (method, recipe) in enumerate(pairs)])
    assert len(set(found)) == len(pairs)
    assert max(map(len, found)) <= 40


@given(st.text(alphabet="ab_- ", min_size=1, max_size=60), st.integers(3, 20))
def test_breaking_lines_loses_nothing_but_spaces(name, width):
    assert wrap(name, width).replace("\n", "").replace(" ", "") == name.replace(" ", "")


def test_lines_break_behind_underscores():
    assert wrap("clcc_consistency_only", 18) == "clcc_consistency_\nonly"
    assert wrap("clcc_consistency_only", 24) == "clcc_consistency_only"
    assert wrap("unbreakable", 4) == "unbreakable"


def test_counts_in_words(make_run):
    groups = [Group((make_run(seed=0),)), Group((make_run(seed=0), make_run(seed=1)))]
    assert (seeds_text(groups), seeds_text(groups[:1])) == ("1 to 2 seeds", "1 seed")
