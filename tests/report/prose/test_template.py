"""What a methods section says of each method: all that its recipe sets, and nothing at weight 0."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Literal, get_args, get_origin

import pytest

from cclcc_cli.config import parse_recipe
from cclcc_cli.config.recipes import METHODS
from cclcc_cli.config.schema import Section
from cclcc_cli.errors import RecipeError
from cclcc_cli.report.prose.template import describe_method

Build = Callable[..., dict[str, Any]]
COMPARED = [method for method in METHODS if method != "supervised"]
WEIGHTS = {"contrast_weight", "consistency_weight", "cross_weight", "entropy_weight",
           "pseudo_weight", "unlabeled_weight"}


def recipe_of(build: Build, method: str, **options: Any) -> Any:
    """With the section of the method's own as told, images large enough for every grid."""
    data = {"name": "synthetic", "size": 320, "labeled": 4}
    return parse_recipe(build(method, data=data, **{method: options}), "test")


def options_of(method: str) -> type[Section]:
    section = METHODS[method].model_fields[method].annotation
    assert section is not None
    return section  # type: ignore[return-value]


def other_values(value: Any, allowed: Any) -> Iterator[Any]:
    """Values that a key may have beside this one; those that do not fit are refused later."""
    if get_origin(allowed) is Literal:
        yield from (other for other in get_args(allowed) if other != value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, Fraction):
        yield "1/4"
    elif isinstance(value, int):
        yield from (value * 2, value - 1)
    elif isinstance(value, float):
        yield from (value * 0.75, value + 0.1)
    elif isinstance(value, tuple):
        yield [other * 2 for other in value]


@pytest.mark.parametrize("method", COMPARED)
def test_every_key_of_a_method_is_told(tiny_recipe: Build, method: str) -> None:
    plain = recipe_of(tiny_recipe, method)
    told, checked = describe_method(plain), 0
    for key, field in options_of(method).model_fields.items():
        value = getattr(getattr(plain, method), key)
        for other in other_values(value, field.annotation):
            try:
                changed = recipe_of(tiny_recipe, method, **{key: other})
            except RecipeError:
                continue
            assert describe_method(changed) != told, f"{method}.{key} = {other} is not told"
            checked += 1
            break
    assert checked >= 2


@pytest.mark.parametrize("method", COMPARED)
def test_without_its_weights_a_method_is_supervision(tiny_recipe: Build, method: str) -> None:
    weights = WEIGHTS & set(options_of(method).model_fields)
    assert weights
    assert describe_method(recipe_of(tiny_recipe, method, **dict.fromkeys(weights, 0.0))) == ""


def test_clcc_in_full(tiny_recipe: Build) -> None:
    assert describe_method(recipe_of(tiny_recipe, "clcc", consistency_weight=0.0)) == (
        "each image was cut into 5 \N{MULTIPLICATION SIGN} 5 patches, and the supervised loss was "
        "joined by a cross-level contrast (weight 1) between the 5 \N{MULTIPLICATION SIGN} 5 cells "
        "of the whole image and the patches in their places (InfoNCE with temperature 0.07, "
        "L2-normalised embeddings of a projector of 64, 64 and 128 channels, and the other patches "
        "as negatives); weights rose as exp(-5 (1 - t)^2) over the first third of the budget; "
        "batch statistics of patches were kept apart from those of whole images")


def test_two_stages_are_told_as_such(tiny_recipe: Build) -> None:
    text = describe_method(recipe_of(
        tiny_recipe, "clcc", terms={"kind": "two_stage", "contrast": 0.25},
        projector_strides=[4, 4, 4]))
    assert "the contrast was used in the first quarter of the budget alone, the consistency in " \
        "the rest alone" in text
    assert "64, 64 and 128 channels and strides of 4, 4 and 4" in text
    assert "rose" not in text
