"""Plug-ins: what a file or an installed package adds to what recipes may name.

Loading one runs its code. It registers nothing: its ``PLUGIN`` says what it offers.
"""

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, reduce
from importlib.metadata import EntryPoint, entry_points
from inspect import signature
from operator import or_
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, Field, create_model

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.model import AnyModel, NetworkSection, UNetModel
from cclcc_cli.config.plugin_offers import Plugin, PluginNetwork, check_offers
from cclcc_cli.config.recipes import METHODS, method_of
from cclcc_cli.config.schema import LossSection, PluginSource, SupervisedLoss, default_tag
from cclcc_cli.errors import CclccError, PluginFailed, RecipeError, describe_error
from cclcc_cli.metrics.scores import Score
from cclcc_cli.wording import instead, listed

__all__ = ["Plugin", "PluginNetwork"]  # plug-ins import them from here
GROUP = "cclcc.plugins"
"""Of entry points, by which installed packages offer plug-ins."""
T = TypeVar("T")


@dataclass(frozen=True)
class _Loaded:
    """A plug-in that was run.

    Attributes:
        plugin: what it offers.
        source: its file, or the name of its entry point.
        text: of the file as it was run: what lies there now may be another.
        homes: its file, or the folders of its package.
    """

    plugin: Plugin
    source: str
    text: bytes | None
    homes: tuple[str, ...]


_loaded: dict[str, _Loaded] = {}
"""By digest: a file is run once, and its classes are the same ones wherever they are met."""


def build_from_plugin(
    section: object, kind: type[T], *args: Any, **keywords: Any
) -> T | None:
    """What a plug-in makes of a recipe or section; None where that is the package's own.

    Args:
        section: the recipe or section.
        kind: what it must make.
        args: given to the plug-in's function before the section.
        keywords: given to it after the section.

    Raises:
        PluginFailed: it makes something else.
    """
    for loaded in _loaded.values():
        make = loaded.plugin.implements(section)
        if make is not None:
            made = make(*args, section, **keywords)
            if not isinstance(made, kind):
                raise PluginFailed(f"{loaded.source}: gives a {type(made).__name__} for "
                                   f"{type(section).__name__}; it must give a {kind.__name__}")
            return made
    return None


def takes(section: object, key: str) -> bool:
    """Whether a plug-in's function takes an argument; True of what is the package's own."""
    made_by = (loaded.plugin.implements(section) for loaded in _loaded.values())
    return all(key in signature(make).parameters for make in made_by if make is not None)


def find_line(error: BaseException) -> str:
    """The last line of a plug-in that an exception passed through, as ``my_method.py:12``.

    Empty where it passed through none.
    """
    homes = [home for loaded in _loaded.values() for home in loaded.homes]
    lines = [f"{frame.filename}:{frame.lineno}"
             for frame in traceback.extract_tb(error.__traceback__)
             if any(Path(frame.filename).is_relative_to(home) for home in homes)]
    return lines[-1] if lines else ""


@contextmanager
def plugin_problems(sources: Sequence[PluginSource]) -> Iterator[None]:
    """Inside, an exception where plug-ins are in use is told in one line that names the plug-in.

    Raises:
        PluginFailed: the exception is its cause.
    """
    try:
        yield
    except CclccError:
        raise
    except Exception as error:
        line = find_line(error)
        if not line and (not sources or isinstance(error, OSError)):
            raise
        where = line or f"with {listed([source.source for source in sources])}"
        raise PluginFailed(f"{where}: {describe_error(error)}; cclcc check-plugin says whether the "
                           "plug-in keeps its contract") from error


def scores_of(recipe: BaseRecipe) -> dict[Score, Callable[[Any, Any, Any], Any]]:
    """The scores that a recipe's plug-ins add."""
    return {row: function for source in recipe.plugins
            for row, function in _loaded[source.sha256].plugin.scores.items()}


def files_of(recipe: BaseRecipe) -> dict[str, bytes]:
    """The content of each plug-in file that a recipe uses, as it was run, by its digest."""
    return {source.sha256: text for source in recipe.plugins
            if (text := _loaded[source.sha256].text) is not None}


def locate(entry: str, folder: Path) -> PluginSource:
    """A plug-in as a recipe names it, with where it lies and what is in it.

    Args:
        entry: a ``.py`` file, or the name of an installed package's entry point.
        folder: what the file's path starts from.

    Raises:
        RecipeError: there is no such file or package.
    """
    source = str((folder / Path(entry).expanduser()).resolve()) if _is_file(entry) else entry
    return PluginSource(source=source, sha256=_digest(source))


def load_plugin(source: PluginSource) -> Plugin:
    """Run a plug-in's code, once in a process.

    Raises:
        RecipeError: it is not there, is not what it was, cannot be run or offers what cannot be.
    """
    found = _digest(source.source)
    if found != source.sha256:
        raise RecipeError(
            f"plugins: {source.source}: has changed (sha256 {found[:12]}, not "
            f"{source.sha256[:12]}); put the old file back, or start again with the recipe"
        )
    if source.sha256 not in _loaded:
        text = _read(Path(source.source)) if _is_file(source.source) else None
        plugin = _run(source, text)
        check_offers(plugin, source.source)
        homes = (source.source,) if text is not None else tuple(map(str, _package(source.source)))
        _loaded[source.sha256] = _Loaded(plugin, source.source, text, homes)
    return _loaded[source.sha256].plugin


@lru_cache
def recipe_classes(sources: tuple[PluginSource, ...]) -> dict[str, type[BaseRecipe]]:
    """The recipe class of every method, where these plug-ins are in use, in reading order.

    Raises:
        RecipeError: a plug-in cannot be loaded, or two offer the same.
    """
    plugins = [load_plugin(source) for source in sources]
    methods = dict(METHODS)
    for source, plugin in zip(sources, plugins, strict=True):
        for recipe in plugin.methods:
            if methods.setdefault(method_of(recipe), recipe) is not recipe:
                raise RecipeError(f"plugins: {source.source}: method {method_of(recipe)}: another "
                                  "plug-in has it too; leave one out")
    networks = [kind for plugin in plugins for kind in plugin.networks]
    losses = [kind for plugin in plugins for kind in plugin.losses]
    if not networks and not losses:
        return methods
    return {name: _widen(recipe, networks, losses) for name, recipe in methods.items()}


def used(recipe: BaseRecipe) -> tuple[PluginSource, ...]:
    """The plug-ins that a recipe names and that something in it comes from."""
    parts = (recipe, recipe.model, recipe.supervised_loss)

    def is_used(plugin: Plugin) -> bool:
        return bool(plugin.scores) or any(plugin.implements(part) is not None for part in parts)

    return tuple(source for source in recipe.plugins if is_used(_loaded[source.sha256].plugin))


def _widen(
    recipe: type[BaseRecipe], networks: Sequence[type[NetworkSection]],
    losses: Sequence[type[LossSection]],
) -> type[BaseRecipe]:
    """A recipe class whose network and loss may be a plug-in's as well."""
    fields: dict[str, Any] = {}
    if networks:
        fields["model"] = _choice(recipe, "model", (*get_args(AnyModel), *networks), UNetModel())
    if losses:
        fields["supervised_loss"] = _choice(
            recipe, "supervised_loss", (SupervisedLoss, *losses), SupervisedLoss())
    widened: type[BaseRecipe] = create_model(
        recipe.__name__, __base__=recipe, __module__=recipe.__module__, __doc__=recipe.__doc__,
        **fields,
    )
    return widened


def _choice(
    recipe: type[BaseRecipe], name: str, kinds: Iterable[type[BaseModel]], usual: BaseModel
) -> tuple[Any, Any]:
    kind = usual.kind  # type: ignore[attr-defined]
    union: Any = Annotated[reduce(or_, kinds), Field(discriminator="kind")]
    return (Annotated[union, default_tag("kind", kind)],
            Field(usual, description=recipe.model_fields[name].description))


def _is_file(entry: str) -> bool:
    return entry.endswith(".py")


def _digest(source: str) -> str:
    """The SHA-256 of a plug-in's file, or of all Python files of the package that offers it."""
    digest = hashlib.sha256()
    if _is_file(source):
        digest.update(_read(Path(source)))
        return digest.hexdigest()
    for home in _package(source):
        files = sorted(home.rglob("*.py")) if home.is_dir() else [home]
        for path in files:
            name = path.relative_to(home).as_posix() if home.is_dir() else home.stem
            digest.update(name.encode() + b"\0" + hashlib.sha256(_read(path)).digest())
    return digest.hexdigest()


def _package(name: str) -> list[Path]:
    """The folders of the package that offers a plug-in, or its only file."""
    spec = importlib.util.find_spec(_entry_point(name).module.partition(".")[0])
    if spec is None:
        return []
    folders = [Path(root) for root in spec.submodule_search_locations or ()]
    return folders or ([Path(spec.origin)] if spec.origin else [])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise RecipeError(f"plugins: {path}: there is no such file on this machine") from None
    except OSError as error:
        raise RecipeError(f"plugins: {path}: cannot be read ({error.strerror})") from None


def _entry_point(name: str) -> EntryPoint:
    offered = {point.name: point for point in entry_points(group=GROUP)}
    if name not in offered:
        raise RecipeError(f"plugins: {name}: unknown; give a file that ends in .py, or the name "
                          f"of an installed package's entry point; {instead(name, offered)}")
    return offered[name]


def _run(source: PluginSource, text: bytes | None) -> Plugin:
    try:
        found = (_entry_point(source.source).load() if text is None
                 else _run_file(source, text))
    except RecipeError:
        raise
    except (Exception, SystemExit) as error:  # a plug-in that exits must not pass for a success
        raise RecipeError(f"plugins: {source.source}{_line_of(error, source.source)}: cannot be "
                          f"loaded: {describe_error(error)}") from error
    if not isinstance(found, Plugin):
        raise RecipeError(f"plugins: {source.source}: its PLUGIN is missing or is no "
                          "cclcc_cli.config.plugins.Plugin; it must say what the plug-in offers")
    return found


def _line_of(error: BaseException, file: str) -> str:
    """The line of a plug-in's file that an exception passed through last, as ``:12``."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
             if frame.filename == file]
    return f":{lines[-1]}" if lines else ""


def _run_file(source: PluginSource, text: bytes) -> object:
    name = f"cclcc_plugin_{source.sha256[:16]}"
    spec = importlib.util.spec_from_file_location(name, source.source)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where its classes are looked up by name
    try:
        exec(compile(text, source.source, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return getattr(module, "PLUGIN", None)
