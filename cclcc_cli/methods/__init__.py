"""Ways to learn: one file per method, one protocol."""

from typing import assert_never

from cclcc_cli.config.recipes import AnyRecipe, ClccRecipe, SupervisedRecipe
from cclcc_cli.methods.base import Batch, Loss, Method, Moment
from cclcc_cli.methods.clcc import build_clcc
from cclcc_cli.methods.supervised import build_supervised

__all__ = ["Batch", "Loss", "Method", "Moment", "build_method"]


def build_method(recipe: AnyRecipe) -> Method:
    """The method a recipe describes, with fresh weights from torch's current random state."""
    match recipe:
        case SupervisedRecipe():
            return build_supervised(recipe)
        case ClccRecipe():
            return build_clcc(recipe)
        case never:
            assert_never(never)
