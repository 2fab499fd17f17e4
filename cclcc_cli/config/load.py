"""A YAML file and ``--set`` pairs in, a checked recipe or one clear error out."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, reduce
from io import StringIO
from operator import or_
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.library import find_file, meant_file
from cclcc_cli.config.plugins import load_plugin, locate, recipe_classes, used
from cclcc_cli.config.recipes import METHODS, AnyRecipe
from cclcc_cli.config.schema import PluginSource
from cclcc_cli.config.yaml_text import read_yaml_text
from cclcc_cli.errors import RecipeError
from cclcc_cli.records import problem_text
from cclcc_cli.wording import instead


@lru_cache
def _adapter(sources: tuple[PluginSource, ...]) -> TypeAdapter[AnyRecipe]:
    """Reads any recipe, where these plug-ins are in use."""
    union: Any = Annotated[
        reduce(or_, recipe_classes(sources).values()), Field(discriminator="method")
    ]
    return TypeAdapter(union)


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> AnyRecipe:
    """Read a recipe file, lay the overrides over it from left to right, and check the whole.

    Args:
        path: a YAML file, or the name of one that comes with cclcc.
        overrides: ``a.b=value`` pairs; the value is read as YAML.

    Raises:
        RecipeError: the file cannot be read, or keys or values are wrong; names all of them.
    """
    path = find_file(path, "recipe")
    raw = read_yaml(path, "recipe", "name", "method")
    _override(raw, overrides)
    return parse_recipe(raw, str(path), path.parent)


def plugins_of(path: Path) -> tuple[PluginSource, ...]:
    """The plug-ins that a recipe file names, whatever else it says.

    Raises:
        RecipeError: the file cannot be read, or a plug-in is not there.
    """
    raw = read_yaml(path, "recipe", "name", "method")
    _locate_plugins(raw, path.parent, str(path))
    return _sources(raw)


def read_base(
    base: str | Mapping[str, Any], name: str, path: Path, overrides: Sequence[str]
) -> tuple[dict[str, Any], AnyRecipe]:
    """The recipe that an ablation or a search starts from, as plain values and checked.

    Args:
        base: a recipe file, from the folder of the other file; the name of one that comes with
            cclcc; or the recipe's keys.
        name: what keys without a name of their own are called.
        path: the ablation's or the search's file.
        overrides: as for ``load_recipe``.

    Raises:
        RecipeError: as ``load_recipe``.
    """
    if isinstance(base, str):
        file = find_file(Path(base), "recipe", path.parent)
        raw, where = read_yaml(file, "recipe", "name", "method"), str(file)
        path = file
    else:
        raw, where = {"name": name, **copy.deepcopy(dict(base))}, f"{path}: base"
    _override(raw, overrides)
    _locate_plugins(raw, path.parent, where)
    return raw, parse_recipe(raw, where)


def _override(raw: dict[str, Any], overrides: Sequence[str]) -> None:
    for override in overrides:
        where = f"--set {override}"
        set_key(raw, *split_override(override, where), where)


def read_yaml(path: Path, kind: str, *first_keys: str) -> dict[str, Any]:
    """The keys of a YAML file of some kind, which starts with certain keys.

    Raises:
        RecipeError: it cannot be read, is not YAML or holds no keys.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such {kind}; {meant_file(path)}") from None
    except IsADirectoryError:
        raise RecipeError(f"{path}: is a folder; name a file inside it") from None
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: is not UTF-8 text; give a YAML file") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from None
    raw = _parse_yaml(text, str(path))
    if not isinstance(raw, dict):
        article = "an" if kind[0] in "aeiou" else "a"
        first = " and ".join(f"'{key}:'" for key in first_keys)
        raise RecipeError(f"{path}: holds no keys; {article} {kind} starts with {first}")
    return raw


def parse_recipe(raw: Mapping[str, Any], where: str, folder: Path = Path()) -> AnyRecipe:
    """Check a recipe given as plain values.

    Args:
        raw: the values.
        where: they come from; messages begin with it.
        folder: what the paths of plug-ins start from.

    Returns:
        The recipe; of the plug-ins that it names it keeps those that it uses.

    Raises:
        RecipeError: one line per problem, each with its key, its value and what is allowed.
    """
    raw = dict(raw)
    methods = _open_plugins(raw, folder, where)
    try:
        recipe = _adapter(_sources(raw)).validate_python(raw)
    except ValidationError as error:
        schema = methods.get(str(raw.get("method")))
        lines = [f"{where}: {line}" for line in explain(error, raw, schema, methods)]
        raise RecipeError("\n".join(lines)) from None
    return recipe.model_copy(update={"plugins": used(recipe)}) if recipe.plugins else recipe


def _open_plugins(raw: dict[str, Any], folder: Path, where: str) -> dict[str, type[BaseRecipe]]:
    """The recipe classes of all methods, those of the recipe's plug-ins included."""
    _locate_plugins(raw, folder, where)
    sources = _sources(raw)
    try:
        for source in sources:
            load_plugin(source)  # each time: it may have changed since
        return recipe_classes(sources)
    except RecipeError as error:
        lines = [f"{where}: {line}" for line in str(error).split("\n")]
        raise RecipeError("\n".join(lines)) from None


def _locate_plugins(raw: dict[str, Any], folder: Path, where: str) -> None:
    """Put where plug-ins lie, and what is in them, in place of what the recipe calls them."""
    entries = raw.get("plugins")
    if isinstance(entries, str):
        raise RecipeError(f"{where}: plugins = {entries!r}: give a list, such as [{entries}]")
    if not isinstance(entries, list | tuple):
        return  # none, or refused with all the other problems
    try:
        raw["plugins"] = [locate(entry, folder).model_dump() if isinstance(entry, str) else entry
                          for entry in entries]
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from None


def _sources(raw: Mapping[str, Any]) -> tuple[PluginSource, ...]:
    """A recipe's plug-ins; none where the key cannot be read, which is reported with the rest."""
    try:
        return tuple(PluginSource.model_validate(entry) for entry in raw.get("plugins") or ())
    except (ValidationError, TypeError):
        return ()


def dump_recipe(recipe: BaseRecipe) -> str:
    """The whole recipe as YAML, defaults written out; ``load_recipe`` reads it back equal."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    out = StringIO()
    yaml.dump(recipe.model_dump(mode="json"), out)
    return out.getvalue()


def _parse_yaml(text: str, where: str, key: str = "") -> Any:
    try:
        return read_yaml_text(text, key)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = " ".join((error.problem or "cannot be parsed").split())
        raise RecipeError(f"{where}:{at} is not valid YAML: {problem}") from None
    except (YAMLError, ValueError) as error:
        raise RecipeError(f"{where}: is not valid YAML: {' '.join(str(error).split())}") from None


def set_key(raw: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Lay one value over a recipe's plain values, making the sections on the way to it.

    Raises:
        RecipeError: the dotted key leads through something that is no section; begins with where.
    """
    keys = key.split(".")
    node: Any = raw
    for depth, part in enumerate(keys[:-1]):
        if node.get(part) is None:
            node[part] = {}
        node = node[part]
        if not isinstance(node, dict):
            parent = ".".join(keys[: depth + 1])
            raise RecipeError(f"{where}: {parent} is a value, it has no keys inside")
    node[keys[-1]] = value


def vary(
    base: Mapping[str, Any], changes: Iterable[tuple[str, Any]], folder: Path = Path()
) -> dict[str, Any]:
    """A base's plain values with others laid over them; another method drops its keys.

    Args:
        base: of a valid recipe.
        changes: dotted keys and values.
        folder: what the paths of plug-ins in the changes start from.

    Raises:
        RecipeError: as ``set_key``, or a plug-in cannot be loaded.
    """
    changes = list(changes)
    method = dict(changes).get("method", base["method"])
    raw = copy.deepcopy(dict(base))
    if method != base["method"]:
        plugins = copy.deepcopy(dict(changes).get("plugins", base.get("plugins")))
        methods = _open_plugins({"plugins": plugins}, folder, "plugins")
        if method in methods:
            raw = _keys_of(methods[method], raw)
    for key, value in changes:
        set_key(raw, key, copy.deepcopy(value), f"{key} = {value}")
    return raw


def _keys_of(recipe: type[BaseModel], raw: dict[str, Any]) -> dict[str, Any]:
    """What another method's recipe has of a base's keys: the previous method's own keys go.

    Only the base, which was valid for its method, is looked at: a key that a variant sets and
    its method lacks stays an error.
    """
    kept: dict[str, Any] = {}
    for key, value in raw.items():
        if key not in recipe.model_fields:
            continue
        section: object = recipe.model_fields[key].annotation
        if isinstance(value, dict) and isinstance(section, type) and issubclass(section, BaseModel):
            value = _keys_of(section, value)
        kept[key] = value
    return kept


def split_override(override: str, where: str) -> tuple[str, Any]:
    """Key and value of ``a.b=value``, the value read as YAML.

    Raises:
        RecipeError: it is written otherwise; begins with where.
    """
    key, equals, text = override.partition("=")
    if not equals or not all(key.strip().split(".")):
        raise RecipeError(f"{where}: write it as key.subkey=value")
    return key.strip(), _parse_yaml(text, where, key.strip())


def explain(
    error: ValidationError, raw: Mapping[str, Any], schema: type[BaseModel] | None,
    methods: Iterable[str] = METHODS,
) -> list[str]:
    """One line per problem: the key, its value and what is allowed.

    Args:
        error: what pydantic found.
        raw: what it read.
        schema: whose keys may be suggested for a mistyped one.
        methods: that a recipe may name.
    """
    return list(dict.fromkeys(
        _explain(problem, raw, schema, methods) for problem in error.errors()
    ))


def _explain(
    problem: Any, raw: Mapping[str, Any], schema: type[BaseModel] | None, methods: Iterable[str]
) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    keys = _keys(problem["loc"], raw)
    where = ".".join(map(str, keys))
    if kind == "union_tag_not_found":  # only the method has no default
        return f"method: is missing; allowed: {', '.join(methods)}"
    if kind == "union_tag_invalid":
        key = context["discriminator"].strip("'")
        known = context["expected_tags"].replace("'", "").split(", ")
        return (f"{'.'.join([*map(str, keys), key])} = {context['tag']}: unknown; "
                f"{instead(context['tag'], known, 'allowed')}")
    if kind == "extra_forbidden":
        return f"{where}: unknown key{_suggestion(keys, schema)}"
    if kind == "missing" and isinstance(keys[-1], int):
        return f"{'.'.join(map(str, keys[:-1]))}: has too few numbers; see the README"
    if kind == "missing":
        return f"{where}: is missing; add it"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return f"{where} = {problem['input']!r}: must be a section of keys, not a single value"
    message = problem_text(problem)
    if not where or isinstance(problem["input"], dict):
        return f"{where}: {message}" if where else message
    return f"{where} = {problem['input']!r}: {message}"


def _keys(location: Iterable[int | str], raw: Mapping[str, Any]) -> list[int | str]:
    """Where an error lies in the text: pydantic's location without the names of union members."""
    parts = list(location)
    if parts and parts[0] == raw.get("method"):
        parts = parts[1:]
    keys: list[int | str] = []
    node: Any = raw
    for position, part in enumerate(parts):
        inside = (isinstance(node, Mapping) and part in node) or (
            isinstance(node, (list, tuple)) and isinstance(part, int) and part < len(node)
        )
        if inside:
            node = node[part]
        elif isinstance(node, (list, tuple)) and isinstance(part, int):
            node = None  # one past the end of a list that is too short
        elif not isinstance(node, Mapping) or position < len(parts) - 1:
            continue  # the name of a union's member, or of a type inside it
        keys.append(part)
    return keys


def _suggestion(keys: Sequence[int | str], model: type[BaseModel] | None) -> str:
    """The sibling keys that a mistyped key may have meant."""
    if model is None:
        return ""
    node = schema = model.model_json_schema()
    for key in keys[:-1]:
        node = _property(schema, node, str(key))
    names = sorted(
        {n for part in _alternatives(schema, node) for n in part.get("properties", {})}
    )
    if keys[-1] in names:
        return "; it belongs to another kind of this section"
    return f"; {instead(keys[-1], names)}" if names else ""


def _property(schema: Any, node: Any, key: str) -> Any:
    for part in _alternatives(schema, node):
        if key in part.get("properties", {}):
            return part["properties"][key]
    return {}


def _alternatives(schema: Any, node: Any) -> list[Any]:
    """A schema node with its references followed and its unions laid open."""
    if "$ref" in node:
        return _alternatives(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    for union in ("oneOf", "anyOf", "allOf"):
        if union in node:
            return [part for option in node[union] for part in _alternatives(schema, option)]
    return [node]
