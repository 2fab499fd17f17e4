"""Ways to learn: one file per method, one protocol."""

from importlib import import_module

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.methods.base import Batch, Loss, Method, StepInfo

__all__ = ["Batch", "Loss", "Method", "StepInfo", "build_method"]


def build_method(recipe: BaseRecipe) -> Method:
    """The method a recipe describes, with fresh weights from torch's current random state."""
    method: Method = import_module(f"{__name__}.{recipe.method}").METHOD(recipe)
    return method
