"""``cclcc audit`` as it is typed."""

import json
import shutil


def test_what_was_found_is_shown_as_a_table_and_written(cclcc, tiny_data, tmp_path):
    shutil.copytree(tiny_data, tmp_path / "data")
    found = tmp_path / "data" / "synthetic" / "32" / "audit.json"
    audit = json.loads(found.read_text())
    stem = (found.parent / "index.csv").read_text().splitlines()[1].split(",")[0]
    audit["findings"] = [{"stem": stem, "what": "shifted mask", "detail": "fits better 5 % up"}]
    found.write_text(json.dumps(audit))
    done = cclcc("audit", "synthetic", "--data", "data", "--out", "found")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-2:] == [
        "json      found/audit.json", "pictures  found/audit.png"]
    assert "synthetic at 32 pixels: 30 images, " in done.stdout
    assert "shifted mask" in done.stdout
    assert "too little to tell near-duplicates" in done.stderr
    assert (tmp_path / "found" / "audit.png").is_file()


def test_json_is_the_content_of_the_file(cclcc, tiny_data, tmp_path):
    done = cclcc("audit", "synthetic", "--data", str(tiny_data), "--json")
    written = tmp_path / "runs" / "audit" / "synthetic-32" / "audit.json"
    assert json.loads(done.stdout) == json.loads(written.read_text())


def test_a_data_set_that_is_not_there_is_one_line(cclcc, tiny_data):
    done = cclcc("audit", "kvasir-seg", "--data", str(tiny_data))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no store for kvasir-seg at 320 pixels under ")
    assert len(done.stderr.splitlines()) == 1
