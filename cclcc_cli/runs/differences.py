"""How a run differs from another, and the unfinished runs that a changed one leaves behind."""

import json
from pathlib import Path
from typing import Any

from cclcc_cli.errors import RunError
from cclcc_cli.records import flatten
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.records import RunRecord


def differences(previous: RunRecord, run: RunRecord) -> list[str]:
    """What determines two results differently, such as ``clcc.grid 4 -> 5``.

    A plug-in counts by its file's name and digest.
    """
    old, new = flatten(_identity(previous)), flatten(_identity(run))
    return [f"{key} {_text(old.get(key))} -> {_text(new.get(key))}"
            for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]


def left_behind(path: Path, run: RunRecord) -> dict[RunFolder, list[str]]:
    """Unfinished runs of the same recipe beside a run folder, and how they differ.

    Their recipes are the same, key for key: what differs is what no recipe shows, such as a
    plug-in's file, the data or the number of threads. So whoever repeats a command to resume one of
    them starts another run instead.

    Args:
        path: the run folder.
        run: what determines its result.
    """
    left: dict[RunFolder, list[str]] = {}
    pattern = f"{run.recipe.method}-*-seed{run.recipe.seed}-*/cell.json"
    for found in sorted(path.parent.glob(pattern)):
        folder = RunFolder(found.parent)
        try:
            other, state = folder.run, folder.state
        except RunError:
            continue
        if (other is not None and folder.path != path
                and state in ("stopped", "killed", "failed") and _shown(other) == _shown(run)):
            left[folder] = differences(other, run)
    return left


def _shown(run: RunRecord) -> dict[str, Any]:
    """A recipe's keys but for what is in its plug-ins' files."""
    named = [Path(plugin["source"]).name for plugin in run.recipe.values.get("plugins", ())]
    return {**run.recipe.values, "plugins": named}


def _identity(run: RunRecord) -> dict[str, Any]:
    recipe = {key: value for key, value in run.recipe.values.items() if key != "name"}
    if "plugins" in recipe:
        recipe["plugins"] = {Path(plugin["source"]).name: plugin["sha256"][:8]
                             for plugin in recipe["plugins"]}
    return {**recipe, "format": run.format, "runtime": run.runtime.plain(),
            "data digest": run.data.digest[:12], "split digest": run.split_digest[:12]}


def _text(value: Any) -> str:
    """A value as YAML would write it; ``none`` where there is none."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)
