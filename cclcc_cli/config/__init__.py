"""Recipes: typed, validated at the boundary, plain values inside."""

from cclcc_cli.config.load import load_recipe, parse_recipe
from cclcc_cli.config.schema import BaseRecipe, ClccRecipe, Recipe, SupervisedRecipe

__all__ = [
    "BaseRecipe",
    "ClccRecipe",
    "Recipe",
    "SupervisedRecipe",
    "load_recipe",
    "parse_recipe",
]
