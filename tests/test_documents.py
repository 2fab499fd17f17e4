"""Tables in documents are what their commands print from the study's bundle."""

import subprocess
import sys

import pytest

from benchmarks.documents import BLOCK, ROOT, rewrite

DOCUMENTS = [path for path in (ROOT / "README.md", ROOT / "recipes" / "studies" / "README.md")
             if BLOCK.search(path.read_text(encoding="utf-8"))]


def test_some_document_shows_the_study():
    assert DOCUMENTS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.parent.name)
def test_tables_follow_from_the_bundle(document):
    text = document.read_text(encoding="utf-8")
    assert rewrite(text) == text


def test_a_changed_number_is_found_and_nothing_is_written(tmp_path):
    shown = subprocess.run([sys.executable, "-m", "cclcc_cli", "methods"], cwd=ROOT,
                           capture_output=True, text=True, check=True).stdout.strip()
    document = tmp_path / "a.md"
    command = [sys.executable, ROOT / "benchmarks" / "documents.py", document]
    true = f"Words.\n<!-- $ cclcc methods -->\n\n{shown}\n\n<!-- end -->\nMore.\n"
    document.write_text(true)
    assert subprocess.run([*command, "--check"], check=False).returncode == 0
    wrong = true.replace("fixmatch", "fixmash")
    document.write_text(wrong)
    found = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "fixmash" in found.stdout
    assert document.read_text() == wrong
    subprocess.run(command, check=True)
    assert document.read_text() == true
