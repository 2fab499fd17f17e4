"""The recipes that come with cclcc: found by name, listed, copied."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from cclcc_cli.errors import RecipeError
from cclcc_cli.files import write_atomic
from cclcc_cli.wording import instead

Kind = Literal["recipe", "ablation", "search", "figures"]

_PACKAGE = Path(__file__).parents[1]
ROOT = next(folder for folder in (_PACKAGE / "recipes", _PACKAGE.parent / "recipes")
            if folder.is_dir())
"""Where they lie: inside an installed package, or beside it in a checkout."""

_TELLING: Sequence[tuple[str, Kind]] = (
    ("space", "search"), ("variants", "ablation"), ("axes", "ablation"), ("results", "figures"),
)
"""A key that only one kind of file has at its top."""
_FOLDERS: Mapping[Kind, str] = {
    "recipe": "", "ablation": "ablations/", "search": "searches/", "figures": "quoted/",
}
_PLUGINS = re.compile(r"^plugins: \[(.*?)\]", re.MULTILINE)
_BASE = re.compile(r"^base: (\S+\.yaml)$", re.MULTILINE)


@dataclass(frozen=True)
class Shipped:
    """One file that comes with cclcc.

    Attributes:
        name: such as ``kvasir`` or ``ablations/small``; the path without its ending.
        path: where it lies.
    """

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def kind(self) -> Kind:
        """Which command reads it."""
        return next((kind for key, kind in _TELLING
                     if re.search(rf"^{key}:", self.text, re.MULTILINE)), "recipe")

    @property
    def what(self) -> str:
        """Its first line, a sentence."""
        return self.text.partition("\n")[0].removeprefix("# ")

    @property
    def time(self) -> str:
        """How long it takes and where that was measured; empty if it was not."""
        found = re.search(r"^# Takes (.*)\.$", self.text, re.MULTILINE)
        return found[1] if found else ""

    @property
    def beside(self) -> list[Path]:
        """Its plug-ins that lie beside it, which a copy needs as well."""
        found = _PLUGINS.search(self.text)
        names = [name.strip() for name in found[1].split(",")] if found else []
        return [path for name in names if (path := self.path.parent / name).is_file()]

    def copied(self) -> str:
        """The text of a copy that works anywhere: its base is named, not reached by a path."""

        def name_base(found: re.Match[str]) -> str:
            base = (self.path.parent / found[1]).resolve().relative_to(ROOT.resolve())
            return f"base: {base.with_suffix('').as_posix()}"

        return _BASE.sub(name_base, self.text)


def list_shipped() -> list[Shipped]:
    """All of them, those at the top first, then folder by folder."""
    paths = sorted(ROOT.rglob("*.yaml"), key=lambda path: (len(path.relative_to(ROOT).parts), path))
    return [Shipped(path.relative_to(ROOT).with_suffix("").as_posix(), path) for path in paths]


def find_file(given: Path, kind: Kind, folder: Path = Path()) -> Path:
    """The file that a path or the name of a shipped file stands for.

    A file that is there counts first. A name need not say where it lies: ``small`` is an ablation
    where an ablation is asked for, and a search where a search is.

    Args:
        given: path or name.
        kind: what is asked for.
        folder: that a path starts from.
    """
    path, name = folder / given, given.as_posix()
    if path.is_file() or given.suffix:
        return path
    shipped = {one.name: one.path for one in list_shipped()}
    return shipped.get(f"{_FOLDERS[kind]}{name}") or shipped.get(name) or path


def meant_file(path: Path) -> str:
    """What to do about a file that is not there: a name that is close, or where names are listed.

    Names are those of shipped files, with and without their folder, and YAML files beside it.
    """
    beside = path.parent.glob("*.yaml") if path.parent.is_dir() else ()
    shipped = [one.name for one in list_shipped()]
    known = [*shipped, *(name.rpartition("/")[2] for name in shipped), *map(str, beside)]
    meant = instead(path, known)
    return meant if meant.endswith("?") else "'cclcc recipes' lists what there is"


def copy_shipped(name: str, to: Path | None = None) -> list[Path]:
    """Write a copy of a shipped file, and of plug-ins that it names; nothing is overwritten.

    Args:
        name: as ``cclcc recipes`` lists it.
        to: the file to write; None for its own name, in the current folder.

    Returns:
        What was written, the recipe first.

    Raises:
        RecipeError: there is none of that name, or a file is there or cannot be written.
    """
    found = {one.name: one for one in list_shipped()}
    if name not in found:
        alike = [other for other in found if other.endswith(f"/{name}")]
        meant = f"did you mean {' or '.join(alike)}?" if alike else meant_file(Path(name))
        raise RecipeError(f"{name}: no recipe of this name comes with cclcc; {meant}")
    path = Path(found[name].path.name) if to is None else to
    contents = {path: found[name].copied().encode()}
    contents |= {path.parent / one.name: one.read_bytes() for one in found[name].beside}
    for file in contents:
        if file.exists():
            other = "another file" if file == path else "a file in another folder"
            raise RecipeError(f"{file}: is there already; name {other} with --to")
    for file, content in contents.items():
        try:
            write_atomic(file, content)
        except OSError as error:
            raise RecipeError(f"{file}: cannot be written ({error.strerror})") from None
    return list(contents)
