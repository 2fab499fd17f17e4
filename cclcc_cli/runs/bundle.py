"""Run folders as one small file: their records, without weights, masks, pictures and logs.

Its records make a run finished, so a study can continue from a bundle when its machine is gone:
``cclcc unbundle`` writes them below another runs folder, and ``cclcc ablate`` there skips the runs
that they record as finished.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from cclcc_cli import __version__
from cclcc_cli.addresses import without_password
from cclcc_cli.config.bundle import Manifest
from cclcc_cli.errors import BundleError, RunError
from cclcc_cli.files import disk_problems
from cclcc_cli.records import problem_text
from cclcc_cli.runs.bundle_file import write_bundle_file
from cclcc_cli.runs.folder import RECORDS, RunFolder, find_runs, way_on
from cclcc_cli.runs.plan_record import PLAN, planned_ablations, planned_runs
from cclcc_cli.wording import few, instead

ABLATIONS, SEARCHES = "ablations", "searches"
_JOURNAL = "journal.log"
_OF_ABLATION = (PLAN,)
_OF_SEARCH = (_JOURNAL, "summary.json", "best.yaml")
_OVER = ("finished", "validated", "pruned")
"""States of runs with nothing left to do, in an ablation or in a search."""
_ABOUT_MACHINES = ("environment.json", "status.json", "summary.json")
"""Files with commands and error messages, which may name a user's own folders."""
_HOMES = re.compile(r"(?<![\w.])(?:(?:/[\w.-]+)*/(?:home|Users)/[\w.@-]+|/root(?![\w.-]))")
_SECRETS = re.compile(r"(?i)\b((?:password|passwd|pwd|token|secret|api_?key)=)[^&\s\"'\\]+")

UnitFiles = dict[str, bytes]
"""The files of a run, an ablation or a search that a bundle holds, by name."""


@dataclass(frozen=True)
class Selection:
    """What a bundle is made of.

    Attributes:
        runs: those that are over, in order.
        left_out: the others that were asked for, with their states.
        ablations: names of ablations whose plans are included.
        searches: likewise.
    """

    runs: tuple[RunFolder, ...]
    left_out: tuple[tuple[RunFolder, str], ...]
    ablations: tuple[str, ...]
    searches: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """A bundle that was made.

    Attributes:
        manifest: what it holds.
        digest: of the manifest, and so of everything in the bundle.
        size: of the file, in bytes.
        notes: what its reader should know.
    """

    manifest: Manifest
    digest: str
    size: int
    notes: tuple[str, ...]


def select(
    root: Path, *, names: Sequence[str] = (), ablations: Sequence[str] = (),
    searches: Sequence[str] = (),
) -> Selection:
    """Find what was asked for below a runs folder; everything where nothing was named.

    Args:
        root: holds ``<data set>/<run>/``.
        names: run folders, recipes or methods.
        ablations: take their plans and newest runs.
        searches: take their records and their trials' runs.

    Raises:
        BundleError: a name matches nothing, or a run that is not finished; or nothing is finished.
        RunError: there is no such ablation, or a record is damaged.
    """
    if not root.is_dir():
        raise BundleError(f"{root}: no such folder; give --runs")
    everything = find_runs(root)
    found: dict[Path, RunFolder] = {}
    if not (names or ablations or searches):
        found = {folder.path: folder for folder in everything}
        ablations, searches = planned_ablations(root), _searches(root)
    for name in names:
        found |= _named(root, name, everything)
    for name in ablations:
        found |= {folder.path: folder for folder in planned_runs(root, name)}
    for name in searches:
        found |= _of_search(root, name, everything)
    states = {path: _state(folder) for path, folder in sorted(found.items())}
    over = tuple(found[path] for path, state in states.items() if state in _OVER)
    left_out = tuple((found[path], state) for path, state in states.items() if state not in _OVER)
    if not over:
        what = f", only {_describe_runs(left_out)}" if left_out else ""
        raise BundleError(f"{root}: no finished run to bundle{what}")
    return Selection(over, left_out, tuple(ablations), tuple(searches))


def write_bundle(root: Path, selection: Selection, out: Path) -> Written:
    """Write what was selected; the same records are the same bytes.

    Raises:
        BundleError: something in it has a name or a size that no bundle holds.
        DiskError: the file cannot be written.
    """
    names = [*(folder.path.relative_to(root).as_posix() for folder in selection.runs),
             *(f"{ABLATIONS}/{name}" for name in selection.ablations),
             *(f"{SEARCHES}/{name}" for name in selection.searches)]
    units = {name: pack_unit(root, name) for name in names}
    contents = {f"{unit}/{name}": content for unit, files in units.items()
                for name, content in files.items()}
    manifest = _describe(root, contents, selection)
    with disk_problems(out):
        try:
            digest = write_bundle_file(out, manifest, contents)
        except FileNotFoundError:
            raise BundleError(f"{out}: there is no folder {out.parent}; create it, or give "
                              "another --out") from None
    notes = [f"left out: {_describe_runs(selection.left_out)}"] if selection.left_out else []
    notes += [f"search {name} keeps its trials in a database, so from the bundle it can be "
              "reported but not continued" for name in selection.searches
              if _JOURNAL not in units[f"{SEARCHES}/{name}"]]
    return Written(manifest, digest, out.stat().st_size, tuple(notes))


def _describe(root: Path, contents: Mapping[str, bytes], selection: Selection) -> Manifest:
    paths = sorted(contents)
    try:
        return Manifest.model_validate({
            "cclcc": __version__,
            "files": [{"path": path, "size": len(contents[path]),
                       "sha256": hashlib.sha256(contents[path]).hexdigest()} for path in paths],
            "left_out": [{"run": folder.path.relative_to(root).as_posix(), "state": state}
                         for folder, state in selection.left_out],
        })
    except ValidationError as error:
        problem = error.errors()[0]
        match problem["loc"]:
            case ("files", int(index), *_):
                where = str(root / paths[index])
            case ("left_out", int(index), *_):
                where = str(selection.left_out[index][0].path)
            case _:
                where = str(root)
        reason = problem_text(problem)
        if problem["type"].startswith("string"):
            reason = "names must be short and consist of letters, digits and ._+- alone"
        raise BundleError(f"{where}: a bundle cannot hold it: {reason}; to leave it out, name the "
                          "runs that you want") from None


def pack_unit(root: Path, unit: str) -> UnitFiles:
    """What a bundle holds of a run, an ablation or a search below a runs folder."""
    return _pack(root / unit, unit_files(unit))


def unit_files(unit: str) -> tuple[str, ...]:
    """Names that a unit's files may have in a bundle."""
    first = unit.partition("/")[0]
    return {ABLATIONS: _OF_ABLATION, SEARCHES: _OF_SEARCH}.get(first, RECORDS)


def _pack(path: Path, names: Iterable[str]) -> UnitFiles:
    files = {}
    for name in names:
        file = path / name
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise BundleError(f"{file}: cannot be read ({error.strerror})") from None
        files[name] = _without_private(name, content)
    return files


def _without_private(name: str, content: bytes) -> bytes:
    """A file without the home folders and passwords in its commands; applying it twice changes
    nothing more.

    A recipe's keys stay as they are: they are what was trained.
    """
    if name == _JOURNAL:  # a running search may be writing its next line
        return content[: content.rfind(b"\n") + 1]
    if name in _ABOUT_MACHINES:
        return _hide(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    if name.endswith(".yaml"):
        lines = content.decode("utf-8", "surrogateescape").splitlines(keepends=True)
        shown = [_hide(line) if line.startswith("#") else line for line in lines]
        return "".join(shown).encode("utf-8", "surrogateescape")
    return content


def _hide(text: str) -> str:
    return _SECRETS.sub(r"\1***", without_password(_HOMES.sub("~", text)))


def _searches(root: Path) -> list[str]:
    return sorted(path.parent.name for path in root.glob(f"{SEARCHES}/*/summary.json"))


def _named(root: Path, name: str, everything: Sequence[RunFolder]) -> dict[Path, RunFolder]:
    """A run folder, which must be over; or all runs of a recipe or method."""
    for path in (root / name, Path(name)):
        if not (path / "cell.json").exists():
            continue
        try:
            folder = RunFolder(root / path.resolve().relative_to(root.resolve()))
        except ValueError:
            raise BundleError(f"{name}: is not below {root}; give --runs with the folder that "
                              "holds it") from None
        folder.check_records()
        if (state := _state(folder)) not in _OVER:
            raise BundleError(f"{name}: {state}, not finished; {way_on([state])}")
        return {folder.path: folder}
    words = {folder.path: _words(folder) for folder in everything}
    found = {folder.path: folder for folder in everything if name in words[folder.path]}
    if not found:
        known = sorted({word for own in words.values() for word in own})
        raise BundleError(f"{name}: not a run folder, and no run below {root} has a recipe or "
                          f"method of this name; {instead(name, known)}")
    return found


def _words(folder: RunFolder) -> tuple[str, ...]:
    """Recipe and method of a run; none where its cell.json is damaged."""
    try:
        run = folder.run
    except RunError:
        return ()
    return () if run is None else (run.recipe.name, run.recipe.method)


def _of_search(
    root: Path, name: str, everything: Sequence[RunFolder]
) -> dict[Path, RunFolder]:
    known = _searches(root)
    if name not in known:
        raise BundleError(f"--search {name}: no search of this name has run below {root}; "
                          f"{instead(name, known)}")
    return {folder.path: folder for folder in everything
            if (trial := folder.trial) is not None and trial.search == name}


def _state(folder: RunFolder) -> str:
    try:
        state = "finished" if folder.finished else folder.state
        if state in _OVER:
            folder.check_records()
    except RunError:
        return "damaged"
    return state


def _describe_runs(left_out: Sequence[tuple[RunFolder, str]]) -> str:
    """Unfinished runs in words: ``2 stopped (a, b); 1 failed (c)``."""
    states = sorted({state for _, state in left_out})
    groups = {state: [folder.path.name for folder, own in left_out if own == state]
              for state in states}
    return "; ".join(f"{len(names)} {state} ({few(names)})" for state, names in groups.items())
