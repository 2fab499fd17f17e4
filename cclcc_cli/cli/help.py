"""How ``--help`` looks: options by panel, commands by panel, examples line by line.

typer does this with rich, which ``--help`` is not to load.
"""

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

GENERAL = ("Arguments", "Options")
"""Where what has no panel of its own stands: first."""


class Command(TyperCommand):
    """A command whose help shows its options by panel."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_parameters(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        _write_lines(self.epilog, formatter)


class Group(TyperGroup):
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
    parameters = [(parameter, record) for parameter in command.get_params(ctx)
                  if (record := parameter.get_help_record(ctx)) is not None]
    named = [(_panel(parameter), record) for parameter, record in parameters]
    _write_panels(formatter, sorted(named, key=lambda one: (*GENERAL, one[0]).index(one[0])))


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
