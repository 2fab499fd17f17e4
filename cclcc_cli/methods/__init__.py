"""Ways to learn: one file per method, one protocol."""

from importlib import import_module

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.plugins import implementation
from cclcc_cli.methods.base import Batch, Loss, Method, StepInfo

__all__ = ["Batch", "Loss", "Method", "StepInfo", "build_method"]


def build_method(recipe: BaseRecipe) -> Method:
    """The method a recipe describes, with fresh weights from torch's current random state."""
    make = implementation(recipe) or import_module(f"{__name__}.{recipe.method}").METHOD
    method: Method = make(recipe)
    return method
