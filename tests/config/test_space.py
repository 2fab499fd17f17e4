"""Dimensions: what they hold, when they are there, what a grid makes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cclcc_cli.config.space import Categorical, Int, Log, Space, Uniform, grid_points, grid_values

SPACE = TypeAdapter(Space)


def test_a_list_is_choices_and_bounds_are_a_uniform_number():
    space = SPACE.validate_python({
        "a": [1, 2], "b": {"low": 0, "high": 1}, "c": {"choices": ["x"]},
        "d": {"kind": "int", "low": 1, "high": 3}, "e": {"kind": "log", "low": 0.1, "high": 1},
    })
    assert [type(one) for one in space.values()] == [Categorical, Uniform, Categorical, Int, Log]


def test_a_condition_on_a_section_asks_for_some_of_its_keys():
    dimension = Uniform(low=0, high=1, when={"terms": {"kind": "joint"}})
    assert dimension.is_active({"terms": {"kind": "joint", "ramp_up": 0.4}})
    assert not dimension.is_active({"terms": {"kind": "two_stage"}})
    assert not dimension.is_active({})


@pytest.mark.parametrize(
    ("dimension", "inside", "outside"),
    [
        (Uniform(low=0, high=1, step=0.25), [0, 0.75, 1.0], [0.3, 1.25, True, "x"]),
        (Log(kind="log", low=0.01, high=1), [0.01, 0.1], [0, 0.001]),
        (Int(kind="int", low=2, high=10, step=3), [2, 8], [3, 11, 2.0]),
        (Categorical(choices=[1, None, "a"]), [1, None], [1.0, True, "b"]),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_what_a_dimension_has(dimension, inside, outside):
    assert [dimension.problem(value) for value in inside] == [None] * len(inside)
    assert all(dimension.problem(value) for value in outside)
    assert all(dimension.problem(value) is None for value in dimension.extremes)


@given(st.integers(-5, 5), st.integers(1, 20), st.integers(1, 7))
def test_the_values_of_a_grid_lie_in_their_dimension_and_end_at_its_extremes(low, width, step):
    dimension = Int(kind="int", low=low, high=low + width, step=min(step, width))
    values = grid_values(dimension)
    assert [values[0], values[-1]] == dimension.extremes
    assert all(dimension.problem(value) is None for value in values)


def test_a_grid_leaves_out_what_is_not_there():
    space = {"a": Categorical(choices=["x", "y"]),
             "b": Int(kind="int", low=1, high=3, when={"a": "x"})}
    assert grid_points(space) == [{"a": "x", "b": 1}, {"a": "x", "b": 2}, {"a": "x", "b": 3},
                                  {"a": "y"}]
