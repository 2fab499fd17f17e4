"""On which journal the dashboard is opened, and what is refused."""

import importlib.util
import os

import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.sweeps.search.dashboard import dashboard_pages
from cclcc_cli.sweeps.search.storage import journal_path


def test_an_unknown_search_names_those_there_are(tmp_path):
    with pytest.raises(RunError, match="no such search below .*there are: none"):
        dashboard_pages(tmp_path, "weights", "127.0.0.1", 0)
    journal = journal_path(tmp_path, "grid")
    journal.parent.mkdir(parents=True)
    journal.touch()
    with pytest.raises(RunError, match="there are: grid"):
        dashboard_pages(tmp_path, "weights", "127.0.0.1", 0)


def test_the_dashboard_that_is_not_installed_is_named(tmp_path, monkeypatch):
    journal = journal_path(tmp_path, "grid")
    journal.parent.mkdir(parents=True)
    journal.touch()
    assert os.fspath(journal) in dashboard_pages(tmp_path, "grid", "127.0.0.1", 0).command
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(RunError, match="pip install 'cclcc\\[dashboard\\]'"):
        dashboard_pages(tmp_path, "grid", "127.0.0.1", 0)
