"""A dataclass of options is written once and is a command's options."""

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from cclcc_cli.cli.option_groups import with_groups


@dataclass(frozen=True)
class Pair:
    first: Annotated[int, typer.Option("--one", help="The first.")]
    second: Annotated[list[str] | None, typer.Option("--two")] = None


def test_fields_are_options_and_arrive_as_one_value():
    app = typer.Typer()
    seen = []

    @app.command()
    @with_groups
    def show(pair: Pair, third: Annotated[bool, typer.Option("--three")] = False) -> None:
        """Says it."""
        seen.append((pair, third))

    done = CliRunner().invoke(app, ["--one", "1", "--two", "a", "--two", "b", "--three"])
    assert (done.exit_code, seen) == (0, [(Pair(1, ["a", "b"]), True)])
    assert CliRunner().invoke(app, ["--three"]).exit_code == 2  # --one has no default
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert "The first." in shown
    assert "Says it." in shown
