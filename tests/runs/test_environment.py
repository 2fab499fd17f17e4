"""What a run ran on."""

import sys

import torch

from cclcc_cli import __version__
from cclcc_cli.runs.environment import describe_environment


def test_names_versions_and_the_command_without_passwords(monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["/usr/bin/cclcc", "train", "--tracking-uri", "postgresql://me:pw@host/db"]
    )
    found = describe_environment()
    assert found.cclcc == __version__
    assert found.packages["torch"] == torch.__version__.split("+")[0] or (
        found.packages["torch"] == torch.__version__)
    assert found.command == "cclcc train --tracking-uri postgresql://***@host/db"


def test_outside_a_repository_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = describe_environment()
    assert found.git_commit is None
    assert found.git_dirty is None
