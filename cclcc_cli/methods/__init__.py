"""Ways to learn: one file per method, one protocol."""

from importlib import import_module

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.plugins import build_from_plugin
from cclcc_cli.methods.base import Batch, Loss, Method, StepInfo

__all__ = ["Batch", "Loss", "Method", "StepInfo", "build_method"]


def build_method(recipe: BaseRecipe) -> Method:
    """The method a recipe describes, with fresh weights from torch's current random state."""
    found = build_from_plugin(recipe, Method)  # type: ignore[type-abstract]
    if found is None:
        found = import_module(f"{__name__}.{recipe.method}").METHOD(recipe)
    return found
