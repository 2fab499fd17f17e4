"""How ``--help`` looks: options by panel, commands by panel, examples line by line.

typer does this with rich, which ``--help`` is not to load.
"""

import re
from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

GENERAL = ("Arguments", "Options")
"""Where what has no panel of its own stands: first."""


class Command(TyperCommand):
    """A command whose help shows its options by panel."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [re.sub(r"^\{(.*)\}", r"\1", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_parameters(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        _write_lines(self.epilog, formatter)


class CommandGroup(TyperGroup):
    """Commands by panel, in the order in which they were added, before the options."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        commands = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        limit = formatter.width - 6 - max(len(name) for name, _ in commands)
        _write_panels(formatter, (
            (getattr(command, "rich_help_panel", None) or "Commands",
             (name, command.get_short_help_str(limit)))
            for name, command in commands if not command.hidden
        ))
        _write_parameters(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        _write_lines(self.epilog, formatter)


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    parameters = [(parameter, _plain(record)) for parameter in command.get_params(ctx)
                  if (record := parameter.get_help_record(ctx)) is not None]
    named = [(_panel(parameter), record) for parameter, record in parameters]
    _write_panels(formatter, sorted(named, key=lambda one: (*GENERAL, one[0]).index(one[0])))


def _plain(record: tuple[str, str]) -> tuple[str, str]:
    """A parameter and its text without the types and brackets that only a programmer reads."""
    name, text = record
    name = re.sub(r"^([A-Z. ]+) <.*>$", r"\1", name)
    for kind, word in (("int range", "N"), ("int", "N"), ("float", "SHARE"), ("str", "TEXT")):
        name = name.replace(f"<{kind}>", word)
    name = re.sub(r"<([\w|]+)>", r"\1", name)
    text = re.sub(r"\[([^\[]*)default: \(([^()]*)\)", r"[\1default: \2", text)
    return name, re.sub(r"; (\d+<=)?x[<>]=[\d.]+\]$|  \[x>=\d+\]$",
                        lambda found: "]" if found[0].startswith(";") else "", text)


def _panel(parameter: Any) -> str:
    usual = GENERAL[parameter.param_type_name != "argument"]
    return getattr(parameter, "rich_help_panel", None) or usual


def _write_panels(formatter: Any, rows: Iterable[tuple[str, tuple[str, str]]]) -> None:
    panels: dict[str, list[tuple[str, str]]] = {}
    for panel, row in rows:
        panels.setdefault(panel, []).append(row)
    for panel, lines in panels.items():
        with formatter.section(panel):
            formatter.write_dl(lines, col_max=26)


def _write_lines(text: str | None, formatter: Any) -> None:
    if text:
        formatter.write("\n")
        for line in text.strip("\n").splitlines():
            formatter.write(f"{line}\n" if line else "\n")
