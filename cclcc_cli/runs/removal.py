"""Remove run folders: never a running one, never another folder, never half of one."""

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.records import DigestRecord

_TRASH = ".removed"
"""Below the runs' root, a level deeper than where runs are looked for."""


def check_removable(paths: Sequence[Path]) -> list[RunFolder]:
    """The folders, each once, if all of them can be removed.

    Raises:
        RunError: some cannot; names all of them.
    """
    folders = {path.absolute(): RunFolder(path.absolute()) for path in paths}
    problems = [problem for folder in folders.values() if (problem := _problem(folder))]
    if problems:
        raise RunError("\n".join(problems))
    return list(folders.values())


def remove_run(folder: RunFolder) -> None:
    """Remove a run folder in one step: it is moved away while it is held, and then deleted.

    Raises:
        RunError: it is being trained, or is not a run folder.
    """
    if problem := _problem(folder):
        raise RunError(problem)
    trash = folder.path.parent.parent / _TRASH
    target = trash / uuid.uuid4().hex
    with folder.locked():
        target.mkdir(parents=True)
        folder.path.rename(target / folder.path.name)
    # This also removes what a killed removal has left, and disturbs no other that is at work.
    shutil.rmtree(trash, ignore_errors=True)


def _problem(folder: RunFolder) -> str | None:
    path = folder.path
    if path.is_symlink():
        return f"{path}: is a link, and links are not followed; name the run folder itself"
    if not path.is_dir():
        return f"{path}: no such run folder; cclcc ls shows them"
    if (holder := folder.holder) is not None:
        return f"{path}: is being trained ({holder}); stop that first"
    if not _is_run(folder):
        return (f"{path}: is not a run folder (no cell.json whose digest ends the folder's name), "
                "so it is not removed; cclcc ls shows run folders")
    return None


def _is_run(folder: RunFolder) -> bool:
    try:
        run = folder.read_record("cell.json", DigestRecord)
    except RunError:
        return False
    return run is not None and folder.path.name.endswith(f"-{run.digest[:8]}")
