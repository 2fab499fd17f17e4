"""Names are text, whatever YAML takes them for; everything else is what YAML says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cclcc_cli.config.yaml_text import read_yaml_text

LIKE_NUMBERS = ["2018", "0042", "1e3", "null", "on", "true", "1_000", "12.5", "0x1F", "2018-01-01",
                "1.", "0o7"]


@pytest.mark.parametrize("name", LIKE_NUMBERS)
def test_a_name_is_kept_as_it_was_typed(name: str) -> None:
    assert read_yaml_text(f"data: {{name: {name}, size: 64}}") == {
        "data": {"name": name, "size": 64}}
    assert read_yaml_text(f"data.name: [{name}, '{name}']") == {"data.name": [name] * 2}
    assert read_yaml_text(name, "data.name") == name
    assert read_yaml_text(f"'{name}'", "name") == name


@pytest.mark.parametrize("text", [*LIKE_NUMBERS, "", "[1, {a: 2}]", "a: &x {b: 1}\nc: *x"])
def test_what_is_no_name_is_what_yaml_says(text: str) -> None:
    assert read_yaml_text(text, "data.size") == YAML(typ="safe", pure=True).load(text)


def test_no_name_is_none() -> None:
    assert read_yaml_text("name:") == {"name": None}


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: [", "- !!python/x 1", "a: 1\n---\nb: 2"])
def test_what_is_no_yaml_is_refused(text: str) -> None:
    with pytest.raises(YAMLError):
        read_yaml_text(text)


def test_what_stands_inside_itself_does_no_harm() -> None:
    value = read_yaml_text("a: &x [*x]")
    assert value["a"][0] is value["a"]


@given(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,9}\Z"))
def test_every_name_of_a_data_set_can_be_written_in_a_recipe(name: str) -> None:
    assert read_yaml_text(f"name: {name}") == {"name": name}
