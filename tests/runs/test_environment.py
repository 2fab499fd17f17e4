"""What a run ran on."""

import subprocess
import sys

import pytest
import torch

from cclcc_cli import __version__
from cclcc_cli.runs.environment import describe_environment


def test_names_versions_and_the_command_without_passwords(monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["/usr/bin/cclcc", "train", "--tracking-uri", "postgresql://me:p w@host/db"]
    )
    found = describe_environment()
    assert found.cclcc == __version__
    assert found.packages["torch"] == torch.__version__.split("+")[0] or (
        found.packages["torch"] == torch.__version__)
    assert found.command == "cclcc train --tracking-uri 'postgresql://***@host/db'"


def git(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True,
                   capture_output=True)


@pytest.mark.parametrize("hostile", [
    ("core.fsmonitor", "{trap}"),
    ("core.hooksPath", "hooks"),
    ("filter.trap.clean", "{trap}"),
    ("filter.trap.process", "{trap}"),
])
def test_nothing_that_a_repository_names_is_run(hostile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hooks").mkdir()
    trap = tmp_path / "hooks" / "post-index-change"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/caught\ncat\n", encoding="ascii")
    trap.chmod(0o755)
    (tmp_path / "a").write_text("1", encoding="ascii")
    (tmp_path / ".gitattributes").write_text("* filter=trap", encoding="ascii")
    git("init")
    git("add", "a")
    git("commit", "-m", "one")
    git("config", hostile[0], hostile[1].format(trap=trap))
    (tmp_path / "a").write_text("2", encoding="ascii")
    found = describe_environment()
    assert len(found.git_commit) == 40
    assert found.git_dirty is (None if hostile[0].startswith("filter") else True)
    assert not (tmp_path / "caught").exists()
    git("status")
    assert (tmp_path / "caught").exists(), "the trap does not work"


def test_outside_a_repository_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = describe_environment()
    assert found.git_commit is None
    assert found.git_dirty is None
