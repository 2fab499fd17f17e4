"""The terminal: live for people, plain for pipes."""

import os
import pty
import subprocess

from cclcc_cli.cli import console
from tests import warm


def test_a_terminal_shows_steps_terms_dice_and_speed(
    recipe_file, tmp_path, tiny_data, environment, command_line
):
    leader, follower = pty.openpty()
    process = warm.Popen(
        command_line("train", recipe_file(), "--data", tiny_data, "--no-mlflow"),
        cwd=tmp_path, env={**environment, "TERM": "xterm", "COLUMNS": "90"},
        stdout=subprocess.PIPE, stderr=follower,
    )
    os.close(follower)
    shown = b""
    while chunk := read(leader):
        shown += chunk
    process.communicate(timeout=60)
    os.close(leader)
    assert process.returncode == 0
    for part in (b"steps", b"12/12", b"left", b"consistency 0.", b"val Dice", b"images/s"):
        assert part in shown
    assert "…".encode() not in shown


def read(leader):
    """What the terminal got, or nothing once the command has closed it."""
    try:
        return os.read(leader, 4096)
    except OSError:
        return b""


def test_tables_in_a_pipe_are_never_folded(cclcc, recipe_file, tiny_data):
    cclcc("train", recipe_file("supervised"), "--data", tiny_data, "--no-mlflow")
    done = cclcc("report", "--all-metrics")
    rows = [line for line in done.stdout.splitlines() if line.startswith("│")]
    assert len(rows) == 1
    assert "…" not in done.stdout


def test_a_table_too_wide_for_the_terminal_comes_in_parts_with_its_keys(monkeypatch, capsys):
    from rich.console import Console

    monkeypatch.setattr(console, "_console", lambda stream: Console(file=stream, width=20))
    console.show_table("title", ["key", "first", "second", "third"],
                       [["a", "11111", "222222", "33333"]], num_keys=1)
    lines = capsys.readouterr().out.splitlines()
    rows = [[run.strip() for run in line.strip("│").split("│")] for line in lines if "│" in line]
    assert rows == [["a", "11111"], ["a", "222222"], ["a", "33333"]]
    assert max(map(len, lines)) <= 20


def test_headings_take_lines_and_later_parts_have_the_key_that_tells_rows_apart(
    monkeypatch, capsys
):
    from rich.console import Console

    monkeypatch.setattr(console, "_console", lambda stream: Console(file=stream, width=22))
    rows = [["a", "same", "1.5", "2.5"], ["b", "same", "3.5", "4.5"]]
    console.show_table("title", ["key", "name", "a long heading", "last"], rows, num_keys=2)
    lines = capsys.readouterr().out.splitlines()
    told = [[run.strip() for run in line.strip("│").split("│")] for line in lines if "│" in line]
    assert told == [["a", "same"], ["b", "same"], ["a", "1.5", "2.5"], ["b", "3.5", "4.5"]] or (
        told == [["a", "same", "1.5"], ["b", "same", "3.5"], ["a", "2.5"], ["b", "4.5"]])
    assert not any("a long heading" in line for line in lines)
    assert max(map(len, lines)) <= 22


def test_a_table_without_keys_stays_in_one_piece(monkeypatch, capsys):
    from rich.console import Console

    monkeypatch.setattr(console, "_console", lambda stream: Console(file=stream, width=12))
    console.show_table("title", ["first", "second"], [["11111", "222222"]])
    assert capsys.readouterr().out.count("┏") == 1
