"""``cclcc methods``."""

from typing import Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import Json


def methods(
    name: Annotated[
        str | None, typer.Argument(metavar="METHOD", show_default=False,
                                   help="Show every key of this method's recipe.")
    ] = None,
    json: Json = False,
) -> None:
    """List the methods, or show every key of one method's recipe."""
    from dataclasses import asdict

    from cclcc_cli.config.describe import describe_keys, describe_methods, find_recipe

    if name is None:
        found = describe_methods()
        if json:
            console.show_json([asdict(method) for method in found])
            return
        for method in found:
            console.show(f"{method.name:<15} {method.what}")
            console.show(f"{'':<15} source: {method.source}")
            if method.options:
                console.show(f"{'':<15} options: {_without_section(method.name, method.options)}")
        return
    recipe = find_recipe(name)
    keys = describe_keys(recipe)
    if json:
        console.show_json([key.as_dict() for key in keys])
        return
    rows = [[key.name, key.default, key.allowed, _meaning(key.meaning, key.only)] for key in keys]
    what = (recipe.__doc__ or "").splitlines()[0]
    console.show_table(f"{name}: {what} Source: {recipe.source}.",
                       ["key", "default", "allowed", "meaning"], rows)


def _without_section(name: str, options: tuple[str, ...]) -> str:
    return ", ".join(option.removeprefix(f"{name}.") for option in options)


def _meaning(meaning: str, only: str) -> str:
    return f"({only}) {meaning}" if only else meaning
