"""Recipes: typed, validated at the boundary, plain values inside."""

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.load import load_recipe, parse_recipe
from cclcc_cli.config.recipes import METHODS, AnyRecipe

__all__ = [
    "METHODS",
    "AnyRecipe",
    "BaseRecipe",
    "load_recipe",
    "parse_recipe",
]
