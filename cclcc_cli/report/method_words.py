"""What a method adds to the supervised loss, as its recipe's declaration says it."""

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.clauses import NOTHING

__all__ = ["NOTHING", "added_terms"]


def added_terms(recipe: BaseRecipe) -> str:
    """What was minimised beside the supervised loss, with every weight and constant."""
    return recipe.clause
