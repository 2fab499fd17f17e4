"""The recipe class of each method."""

from typing import Any, get_args

from cclcc_cli.config.base import BaseRecipe, TwoStreamRecipe
from cclcc_cli.config.methods import BUILT_IN

AnyRecipe = BaseRecipe
"""Any method's recipe: methods may come from plug-ins, so that there is no closed union."""


def method_of(recipe: type[BaseRecipe]) -> str:
    """The method that a recipe class is for."""
    name: str = get_args(recipe.model_fields["method"].annotation)[0]
    return name


METHODS: dict[str, type[BaseRecipe]] = {method_of(recipe): recipe for recipe in BUILT_IN}
"""The recipe class of each method of the package, in reading order."""


def example_of(recipe: type[BaseRecipe], **keys: Any) -> dict[str, Any]:
    """A recipe as plain values that trains in seconds: images of 32 pixels, a narrow U-Net.

    Args:
        recipe: whose method.
        keys: replace keys of it.
    """
    method = method_of(recipe)
    raw: dict[str, Any] = {
        "name": "example", "method": method, "budget": {"steps": 30},
        "data": {"name": "example", "size": 32, "labeled": 2},
        "model": {"widths": [4, 8, 8, 8, 8]}, "batch": {"labeled": 2},
    }
    if issubclass(recipe, TwoStreamRecipe):
        raw["batch"]["unlabeled"] = 2
    if recipe.example:
        raw[method] = dict(recipe.example)
    return {**raw, **keys}
