"""What can be written in a recipe, read off the classes that check it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.recipes import METHODS
from cclcc_cli.errors import RecipeError
from cclcc_cli.wording import instead

_BOUNDS = {"ge": "from {}", "gt": "above {}", "le": "to {}", "lt": "below {}",
           "multiple_of": "multiple of {}"}


@dataclass(frozen=True)
class Key:
    """One key of a recipe.

    Attributes:
        name: dotted.
        type: of its value in words; such as ``integer`` or ``list of 5 numbers``.
        default: as YAML would write it; ``-`` where the key must be given.
        allowed: values or bounds in words; empty where the type says it all.
        meaning: in words.
        only: the kind of section that has this key, where not all have it.
    """

    name: str
    default: str
    allowed: str
    meaning: str
    only: str = ""
    type: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class MethodText:
    """A method in a line.

    Attributes:
        name: as ``method:`` has it.
        what: one line.
        source: of the method and its constants.
        options: what it adds to a recipe, dotted.
    """

    name: str
    what: str
    source: str
    options: tuple[str, ...]


def describe_methods(methods: Mapping[str, type[BaseRecipe]] = METHODS) -> list[MethodText]:
    """All methods in reading order.

    Args:
        methods: the recipe class of each, those of plug-ins included.
    """
    return [_describe(name, recipe) for name, recipe in methods.items()]


def find_recipe(
    name: str, methods: Mapping[str, type[BaseRecipe]] = METHODS
) -> type[BaseRecipe]:
    """The recipe class of a method.

    Raises:
        RecipeError: there is no such method.
    """
    if name not in methods:
        raise RecipeError(f"method {name}: unknown; {instead(name, methods, 'allowed')}")
    return methods[name]


def describe_keys(recipe: type[BaseModel], prefix: str = "") -> list[Key]:
    """Every key of a recipe or section, sections laid open, in the order they are declared."""
    keys: list[Key] = []
    for name, field in recipe.model_fields.items():
        keys += _field_keys(prefix + name, field)
    return keys


def _describe(name: str, recipe: type[BaseRecipe]) -> MethodText:
    own = [key.name for key in describe_keys(recipe) if key.name.startswith((f"{name}.", "strong"))]
    what = (recipe.__doc__ or "").splitlines()[0]
    return MethodText(name, what, recipe.source, tuple(own))


def _field_keys(name: str, field: FieldInfo) -> Iterator[Key]:
    sections = [part for part in _parts(field.annotation) if isinstance(part, type)
                and issubclass(part, BaseModel)]
    if not sections:
        yield Key(name, _default(field), _allowed(field), field.description or "",
                  type=_type(field.annotation))
        return
    if field.default is None:
        yield Key(name, "null", "or a section", field.description or "", type="section")
    merged: dict[str, Key] = {}
    for section in sections:
        for key in describe_keys(section, f"{name}."):
            tag = _tag(section)
            only = f"{tag[0]}: {tag[1]}" if len(sections) > 1 and tag else ""
            previous = merged.get(key.name)
            if previous is None:
                merged[key.name] = replace(key, only=key.only or only)
            elif tag and key.name == f"{name}.{tag[0]}":
                default = previous.default if previous.default != "-" else key.default
                merged[key.name] = replace(
                    previous, default=default, allowed=f"{previous.allowed} | {key.allowed}",
                    meaning=field.description or previous.meaning, only="",
                )
            else:
                merged[key.name] = _merge(previous, key, only, everywhere=len(sections))
    yield from merged.values()


def _merge(previous: Key, key: Key, only: str, everywhere: int) -> Key:
    """The same key in another kind of section; with both defaults where they differ."""
    default = previous.default
    if key.default != default.split(" (")[0]:
        default = f"{default} ({only.partition(': ')[2]}: {key.default})"
    kinds = [*previous.only.split(", "), only]
    return replace(previous, default=default,
                   only="" if len(kinds) == everywhere else ", ".join(kinds))


def _tag(section: type[BaseModel]) -> tuple[str, str] | None:
    """The key that distinguishes kinds of a section, and this one's value."""
    for name in ("kind", "name"):
        field = section.model_fields.get(name)
        if field is not None and get_origin(field.annotation) is Literal:
            return name, get_args(field.annotation)[0]
    return None


def _parts(annotation: Any) -> list[Any]:
    """A type with its unions laid open and its annotations taken off."""
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [part for option in get_args(annotation) for part in _parts(option)]
    return [annotation]


_TYPES = {int: "integer", float: "number", bool: "boolean", str: "text",
          Fraction: "share", Any: "any"}


def _type(annotation: Any) -> str:
    """A type as a person would say it: ``integer or null``, ``list of 5 integers``."""
    names = [_type_name(part) for part in _parts(annotation)]
    return " or ".join(dict.fromkeys(name for name in names if name))


def _type_name(part: Any) -> str:
    origin, inner = get_origin(part), get_args(part)
    if part is NoneType:
        return "null"
    if origin is Literal:
        return "choice"
    if origin is dict:
        return "mapping"
    if origin in (tuple, list):
        fixed = origin is tuple and Ellipsis not in inner
        item = _type(inner[0])
        plural = {"any": "values", "mapping": "mappings"}.get(item, f"{item}s")
        return f"list of {len(inner)} {plural}" if fixed else f"list of {plural}"
    if isinstance(part, type) and issubclass(part, BaseModel):
        return "section"
    return _TYPES[part]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "-"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)


def _allowed(field: FieldInfo) -> str:
    """What each kind of value may be: the choices, or the bounds of a number."""
    whole = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    return " or ".join(filter(None, _ranges(whole, ())))


def _ranges(annotation: Any, rules: tuple[Any, ...]) -> Iterator[str]:
    if get_origin(annotation) is Annotated:
        inner, *outer = get_args(annotation)
        yield from _ranges(inner, (*rules, *outer))
    elif get_origin(annotation) in (Union, UnionType):
        for option in get_args(annotation):
            yield from _ranges(option, rules)
    elif get_origin(annotation) is Literal:
        yield " | ".join(map(str, get_args(annotation)))
    elif annotation is bool:
        yield "true | false"
    elif annotation is Fraction:
        yield "a share such as 0.25 or 1/3"
    elif annotation is not NoneType:
        bounds = [
            text.format(getattr(one, name))
            for rule in rules for one in (rule, *getattr(rule, "metadata", ()))
            for name, text in _BOUNDS.items() if getattr(one, name, None) is not None
        ]
        yield ", ".join(bounds).replace(", to ", " to ")
