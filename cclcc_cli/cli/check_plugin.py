"""``cclcc check-plugin``."""

from pathlib import Path
from typing import Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import Json
from cclcc_cli.errors import PluginBroken
from cclcc_cli.wording import counted


def check_plugin(
    plugin: Annotated[
        str, typer.Argument(metavar="FILE", help="A .py file, or the name of an installed plug-in.")
    ],
    json: Json = False,
) -> None:
    """Check that what a plug-in offers keeps its contract.

    Each method, network and loss is trained for a few seconds on random images, and each score is
    computed on random masks. Exits with code 3 if any check fails.
    """
    from cclcc_cli.config.plugins import load_plugin, locate

    source = locate(plugin, Path())
    load_plugin(source)

    from cclcc_cli.methods.plugin_contract import run_plugin_contract

    records: list[dict[str, str]] = []
    broken = 0
    for subject, finding in run_plugin_contract(source):
        broken += bool(finding.problem)
        records.append({"subject": subject, "check": finding.check, "problem": finding.problem})
        if json:
            continue
        if len(records) == 1 or records[-2]["subject"] != subject:
            console.show(subject)
        console.show(f"  {'FAILED' if finding.problem else 'ok':<8}{finding.check}")
        if finding.problem:
            console.show(f"{'':<10}{finding.problem}")
    if json:
        console.show_json(records)
    if broken:
        raise PluginBroken(f"{plugin}: {broken} of {counted(len(records), 'check')} failed")
