"""Removing run folders: nothing that runs, nothing that is no run folder, never half of one."""

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder

_TRASH = ".removed"
"""Below the runs' root, a level deeper than where runs are looked for."""


def check_removable(paths: Sequence[Path]) -> list[RunFolder]:
    """The folders, once each, if all can be removed.

    Raises:
        RunError: some cannot; names all of them.
    """
    folders = {path.absolute(): RunFolder(path.absolute()) for path in paths}
    problems = [problem for folder in folders.values() if (problem := _problem(folder))]
    if problems:
        raise RunError("\n".join(problems))
    return list(folders.values())


def remove_run(folder: RunFolder) -> None:
    """Remove a run folder at once: it is moved away while it is held, and then deleted.

    Raises:
        RunError: it runs, or is no run folder.
    """
    if problem := _problem(folder):
        raise RunError(problem)
    trash = folder.path.parent.parent / _TRASH
    place = trash / uuid.uuid4().hex
    with folder.locked():
        place.mkdir(parents=True)
        folder.path.rename(place / folder.path.name)
    # What a killed removal has left goes with it; another one at work is not disturbed.
    shutil.rmtree(trash, ignore_errors=True)


def _problem(folder: RunFolder) -> str | None:
    path = folder.path
    if path.is_symlink():
        return f"{path}: is a link, which is not followed; name the run folder itself"
    if not path.is_dir():
        return f"{path}: no such run folder; cclcc ls shows them"
    if (owner := folder.owner) is not None:
        return f"{path}: is being trained ({owner}); stop that first"
    if not _is_run(folder):
        return (f"{path}: is no run folder (its cell.json does not bear its name), so it is not "
                "touched; cclcc ls shows run folders")
    return None


def _is_run(folder: RunFolder) -> bool:
    try:
        run = folder.read_json("cell.json")
    except RunError:
        return False
    digest = run.get("digest") if isinstance(run, dict) else None
    return isinstance(digest, str) and folder.path.name.endswith(f"-{digest[:8]}")
