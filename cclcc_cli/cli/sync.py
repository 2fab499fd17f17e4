"""``cclcc sync``."""

from typing import TYPE_CHECKING, Any

from cclcc_cli.cli import console
from cclcc_cli.cli.options import RUNS, Json, RunsDir, TrackingUri
from cclcc_cli.wording import counted

if TYPE_CHECKING:
    from cclcc_cli.tracking.sending import Pushed


def sync(runs: RunsDir = RUNS, tracking_uri: TrackingUri = None, json: Json = False) -> None:
    """Complete or rebuild MLflow's mirror of the run folders.

    Nothing is logged twice.
    """
    from cclcc_cli.errors import RunError
    from cclcc_cli.tracking import mirror
    from cclcc_cli.tracking.address import tracking_uri as resolve

    uri = resolve(runs, tracking_uri)
    done = mirror.sync(runs, uri)
    if json:
        console.show_json([_as_json(pushed) for pushed in done])
    else:
        _show(done)
    broken = [pushed.problem for pushed in done if pushed.problem]
    if broken:
        raise RunError("\n".join(broken))


def _show(done: "list[Pushed]") -> None:
    for pushed in done:
        if pushed.changes:
            console.show(f"{pushed.folder}: {_describe(pushed.changes)}")
        if pushed.skipped:
            console.note(f"{pushed.folder}: skipped, {pushed.skipped}")
    changed = sum(bool(pushed.changes) for pushed in done)
    console.show(f"{changed} of {counted(len(done), 'run')} changed in MLflow")


def _describe(changes: dict[str, int | str]) -> str:
    """As ``created, records 12, status FINISHED``."""
    return ", ".join(
        name if name == "created" else f"{name} {value}" for name, value in changes.items()
    )


def _as_json(pushed: "Pushed") -> dict[str, Any]:
    return {
        "folder": str(pushed.folder),
        "run_id": pushed.run_id,
        "changes": pushed.changes,
        "skipped": pushed.skipped,
        "problem": pushed.problem,
    }
