"""The terminal: live for people, plain for pipes."""

import os
import pty
import subprocess


def test_a_terminal_shows_steps_terms_dice_and_speed(
    recipe_file, tmp_path, tiny_data, environment, command_line
):
    leader, follower = pty.openpty()
    process = subprocess.Popen(
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
