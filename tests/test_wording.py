"""How lists, counts and names that are not known are put."""

import pytest

from cclcc_cli.wording import counted, few, instead


@pytest.mark.parametrize(("names", "text"), [
    ("", ""), ("ab", "a, b"), ("abc", "a, b, c"), ("abcd", "a, b, c, 1 more"),
])
def test_the_first_by_name_and_the_rest_as_a_count(names, text):
    assert few(list(names)) == text


@pytest.mark.parametrize(("count", "text"), [
    (0, "0 runs are"), (1, "1 run is"), (2, "2 runs are"), (1500, "1500 runs are"),
    (15000, "15,000 runs are"),
])
def test_a_noun_and_its_verb_agree_with_their_number(count, text):
    assert counted(count, "run is", "runs are") == text
    assert counted(count, "run") == text.rpartition(" ")[0]


@pytest.mark.parametrize(("name", "text"), [
    ("clc", "did you mean clcc?"), ("CLCC", "did you mean clcc?"),
    ("unimach", "did you mean UniMatch?"),
    ("ablation", "there are: clcc, UniMatch"), ("nat", "there are: clcc, UniMatch"),
])
def test_a_close_name_is_suggested_and_else_all_are_listed(name, text):
    assert instead(name, ["clcc", "UniMatch"]) == text


def test_a_list_with_a_title_always_comes():
    assert instead("clc", ["clcc", "b"], "allowed") == "allowed: clcc, b; did you mean clcc?"


def test_where_there_is_none_it_says_so():
    assert instead("small", []) == "there are: none"
