"""How long lists are told."""

import pytest

from cclcc_cli.wording import few


@pytest.mark.parametrize(("names", "told"), [
    ("", ""), ("ab", "a, b"), ("abc", "a, b, c"), ("abcd", "a, b, c, 1 more"),
])
def test_the_first_by_name_and_the_rest_as_a_count(names, told):
    assert few(list(names)) == told
