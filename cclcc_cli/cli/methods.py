"""``cclcc methods``."""

from pathlib import Path
from typing import Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import Json


def methods(
    name: Annotated[
        str | None, typer.Argument(metavar="METHOD", show_default=False,
                                   help="Show every key of this method's recipe.")
    ] = None,
    plugin: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Include what a plug-in adds: a .py file, or the name "
                     "of an installed one; repeatable."),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Include the plug-ins of a recipe.")
    ] = None,
    json: Json = False,
) -> None:
    """List the methods, or show every key of one method's recipe."""
    from dataclasses import asdict

    from cclcc_cli.config.describe import describe_keys, describe_methods, find_recipe
    from cclcc_cli.config.load import plugins_of
    from cclcc_cli.config.plugins import locate, recipe_classes

    sources = [*(locate(entry, Path()) for entry in plugin or ()),
               *(plugins_of(recipe) if recipe is not None else ())]
    known = recipe_classes(tuple(dict.fromkeys(sources)))
    if name is None:
        found = describe_methods(known)
        if json:
            console.show_json([asdict(method) for method in found])
            return
        for method in found:
            console.show(f"{method.name:<15} {method.what}")
            console.show(f"{'':<15} source: {method.source}")
            if method.options:
                console.show(f"{'':<15} options: {_without_section(method.name, method.options)}")
        return
    shown = find_recipe(name, known)
    keys = describe_keys(shown)
    if json:
        console.show_json([key.as_dict() for key in keys])
        return
    rows = [[key.name, key.default, key.allowed, _meaning(key.meaning, key.only)] for key in keys]
    what = (shown.__doc__ or "").splitlines()[0]
    console.show_table(f"{name}: {what} Source: {shown.source}.",
                       ["key", "default", "allowed", "meaning"], rows)


def _without_section(name: str, options: tuple[str, ...]) -> str:
    return ", ".join(option.removeprefix(f"{name}.") for option in options)


def _meaning(meaning: str, only: str) -> str:
    return f"({only}) {meaning}" if only else meaning
