"""Reference text of recipes, made from the classes that check them.

``python -m cclcc_cli.config.document``, which ``make docs`` runs, writes the tables of
``recipes/README.md`` and ``recipes/recipe.schema.json``; a test compares both with what is there.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import Field, TypeAdapter

from cclcc_cli.config.ablation import Ablation
from cclcc_cli.config.describe import Key, describe_keys
from cclcc_cli.config.library import ROOT
from cclcc_cli.config.quoted import Quoted, QuotedResult
from cclcc_cli.config.recipes import METHODS
from cclcc_cli.config.search import Search
from cclcc_cli.config.space import Categorical, Int, Log, Uniform
from cclcc_cli.files import write_atomic

MARKS = ("<!-- generated: make docs -->", "<!-- end of what is generated -->")
BAR = "\\|"
"""A bar inside a table of Markdown."""
_HEAD = "| key | type | default | allowed | meaning |\n|---|---|---|---|---|"
_FILES: Sequence[tuple[str, str, Callable[[], Iterable[Key]]]] = (
    ("An ablation", "`ablations/`, for `cclcc ablate`", lambda: describe_keys(Ablation)),
    ("A search", "`searches/`, for `cclcc search`",
     lambda: [*describe_keys(Search), *_dimension_keys()]),
    ("Published figures", "`quoted/`, for `cclcc report --quoted`",
     lambda: [*describe_keys(Quoted), *describe_keys(QuotedResult, "results[].")]),
)


@dataclass(frozen=True)
class _Shared:
    """A key and the methods whose recipes have it so."""

    key: Key
    methods: tuple[str, ...]


def recipe_schema() -> dict[str, Any]:
    """The JSON schema of a recipe, for editors."""
    any_recipe: Any = Annotated[reduce(or_, METHODS.values()), Field(discriminator="method")]
    schema = TypeAdapter(any_recipe).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "A recipe of cclcc", **schema}


def key_tables() -> str:
    """Every key of every section in Markdown, a table for each."""
    parts = ["## A recipe", ""]
    for section, rows in _sections(_shared_keys()).items():
        parts += [f"### `{section}`" if section else "### Top level", "",
                  _table(_line(row) for row in rows), ""]
    for title, where, keys in _FILES:
        parts += [f"## {title}", "", f"In {where}.", "",
                  _table(_row(key, key.meaning) for key in keys()), ""]
    return "\n".join(parts)


def write_documents(folder: Path = ROOT) -> None:
    """Write the schema, and the tables between the marks of the README."""
    readme = folder / "README.md"
    write_atomic(readme, insert(readme.read_text(encoding="utf-8")).encode())
    write_atomic(folder / "recipe.schema.json", dump_schema().encode())


def insert(text: str) -> str:
    """A README with its generated part made anew."""
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}\n\n{key_tables()}\n{MARKS[1]}{after}"


def dump_schema() -> str:
    """The schema as a file holds it."""
    return json.dumps(recipe_schema(), indent=1) + "\n"


def _dimension_keys() -> Iterator[Key]:
    """What stands behind a key of a search's space that is no plain list."""
    for kind in (Uniform, Log, Int, Categorical):
        for key in describe_keys(kind, "space.KEY."):
            name = get_args(kind.model_fields["kind"].annotation)[0]
            if key.name == "space.KEY.kind":
                yield replace(key, default="-", meaning=kind.__doc__ or "")
            else:
                yield replace(key, only=f"kind: {name}")


def _shared_keys() -> list[_Shared]:
    """The keys of all methods, in reading order; one that several share stands once."""
    found: dict[Key, list[str]] = {}
    for method, recipe in METHODS.items():
        for key in describe_keys(recipe):
            one = key if key.name != "method" else replace(
                key, allowed=" | ".join(METHODS), meaning="How to learn; 'cclcc methods' lists it.")
            found.setdefault(one, []).append(method)
    return [_Shared(key, tuple(methods)) for key, methods in found.items()]


def _sections(keys: Iterable[_Shared]) -> Mapping[str, list[_Shared]]:
    """By the first part of a key; those without one first, and what all methods have before."""
    sections: dict[str, list[_Shared]] = {"": []}
    for shared in keys:
        section, dot, _ = shared.key.name.partition(".")
        sections.setdefault(section if dot else "", []).append(shared)
    own = [name for name in sections if name in METHODS]
    return {name: sections[name] for name in [*(n for n in sections if n not in own), *own]}


def _line(shared: _Shared) -> str:
    only = ""
    own = shared.key.name.partition(".")[0] in METHODS
    if not own and len(shared.methods) < len(METHODS):
        without = [name for name in METHODS if name not in shared.methods]
        only = (f"Not for {', '.join(without)}. " if len(without) < len(shared.methods)
                else f"For {', '.join(shared.methods)}. ")
    return _row(shared.key, only + shared.key.meaning)


def _table(rows: Iterable[str]) -> str:
    return "\n".join([_HEAD, *rows])


def _row(key: Key, meaning: str) -> str:
    only = re.sub(r", (kind|name): ", ", ", f"({key.only}) ") if key.only else ""
    default = "required" if key.default == "-" else f"`{key.default}`"
    text = only + " ".join(meaning.split()).replace("``", "`")
    words = [f"`{key.name}`", key.type, default, key.allowed, text]
    return f"| {' | '.join(word.replace('|', BAR) for word in words)} |"


if __name__ == "__main__":
    write_documents()
