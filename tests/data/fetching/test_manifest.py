"""The record of what arrived: the first copy's checksum, where no other is known."""

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cclcc_cli.data.catalog import RemoteFile
from cclcc_cli.data.fetching.fetch import fetch
from cclcc_cli.errors import DataError
from tests.data.fetching.calling import ARCHIVE, OTHER, SHA256, aside, entry, names, unknown
from tests.data.fetching.http_server import Server

OTHER_SHA256 = hashlib.sha256(OTHER).hexdigest()
ASIDE = aside(OTHER)


class TestFirstCopy:
    """Where no checksum is public, what arrives first is what later copies must equal."""

    def test_it_is_recorded_with_its_address_and_date(self, server: Server, folder: Path) -> None:
        site = server.at("/x.zip", ARCHIVE)
        fetched = fetch(unknown(site), folder)
        assert fetched.compared_with == "nothing"
        row = entry(folder)
        assert (row["bytes"], row["sha256"], row["url"]) == (len(ARCHIVE), SHA256, site.url)
        assert row["mtime_ns"] == fetched.path.stat().st_mtime_ns
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", str(row["when"]))

    def test_the_same_again_is_accepted(self, server: Server, folder: Path) -> None:
        site = server.at("/x.zip", ARCHIVE)
        fetch(unknown(site), folder)
        (folder / "x.zip").unlink()
        again = fetch(unknown(site), folder)
        assert (again.compared_with, again.downloaded) == ("first copy", True)
        assert fetch(unknown(site), folder).compared_with == "first copy"
        assert len(site.seen) == 2

    def test_another_is_kept_aside_and_refused_with_the_way_to_accept_it(
        self, server: Server, folder: Path
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        fetch(unknown(site), folder)
        before = entry(folder)
        (folder / "x.zip").unlink()
        site.content = OTHER
        with pytest.raises(DataError) as caught:
            fetch(unknown(site), folder)
        assert names(folder) == ["received.json", ASIDE]
        assert entry(folder) == before
        assert f"has the SHA-256 {OTHER_SHA256}, expected {SHA256} (kept as {ASIDE})" in str(
            caught.value)
        assert str(caught.value).endswith(
            f"to accept the new one, remove \"x.zip\" from {folder}/received.json and run again, "
            f"or before that rename what was kept to x.zip")
        # and so it goes, without another download
        (folder / "received.json").write_text("{}")
        (folder / ASIDE).rename(folder / "x.zip")
        assert fetch(unknown(site), folder).content.sha256 == OTHER_SHA256
        assert len(site.seen) == 2

    def test_another_size_is_refused_before_a_byte_is_taken(
        self, server: Server, folder: Path
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        fetch(unknown(site), folder)
        (folder / "x.zip").unlink()
        site.content = ARCHIVE[:-1]
        with pytest.raises(DataError, match=f"{len(ARCHIVE) - 1} bytes, expected {len(ARCHIVE)}.*"
                                            f"to accept the new one, remove"):
            fetch(unknown(site), folder)
        assert names(folder) == ["received.json"]

    @pytest.mark.parametrize("body", [b"", b"P", ARCHIVE[:-100]])
    def test_what_is_no_whole_zip_archive_is_refused(
        self, server: Server, folder: Path, body: bytes
    ) -> None:
        site = server.at("/x.zip", body)
        with pytest.raises(DataError, match="sent a file that is not a whole ZIP archive"):
            fetch(unknown(site), folder)
        assert names(folder) == [aside(body)]

    def test_a_file_put_there_by_hand_is_the_first_copy_if_it_is_a_zip_archive(
        self, server: Server, folder: Path
    ) -> None:
        site = server.at("/x.zip", OTHER)
        folder.mkdir()
        (folder / "x.zip").write_bytes(ARCHIVE)
        fetched = fetch(unknown(site), folder)
        assert (fetched.compared_with, fetched.url) == ("nothing", "")
        assert site.seen == []
        (folder / "x.zip").write_bytes(b"<html>")
        (folder / "received.json").unlink()
        assert fetch(unknown(site), folder).content.sha256 == OTHER_SHA256

    def test_files_are_recorded_side_by_side(self, server: Server, folder: Path) -> None:
        for name, content in (("b.zip", ARCHIVE), ("a.zip", OTHER)):
            fetch(RemoteFile(name, (server.at(f"/{name}", content).url,)), folder)
        record = json.loads((folder / "received.json").read_text())
        assert [(name, row["sha256"]) for name, row in record.items()] == [
            ("a.zip", OTHER_SHA256), ("b.zip", SHA256)]

    @pytest.mark.parametrize("damage", ["", "[]", '{"x.zip": 3}', '{"x.zip": {"bytes": "3"}}'])
    def test_a_damaged_record_is_an_error_and_not_an_empty_one(
        self, server: Server, folder: Path, damage: str
    ) -> None:
        folder.mkdir()
        (folder / "received.json").write_text(damage)
        with pytest.raises(DataError, match=f"{folder}/received.json: is damaged .*; remove it"):
            fetch(unknown(server.at("/x.zip", ARCHIVE)), folder)

    def test_what_a_killed_writer_left_is_removed(self, server: Server, folder: Path) -> None:
        folder.mkdir()
        for name in (".received.json.ab.tmp", ".x.zip.part.json.cd.tmp", ".x.zip.lock"):
            (folder / name).touch()
        (folder / ".y.zip.part.json.cd.tmp").touch()
        fetch(unknown(server.at("/x.zip", ARCHIVE)), folder)
        assert names(folder) == [".y.zip.part.json.cd.tmp", "received.json", "x.zip"]


def test_files_that_arrive_at_once_are_all_recorded(server: Server, tmp_path: Path) -> None:
    def bring(name: str) -> None:
        fetch(RemoteFile(name, (server.at(f"/{name}", ARCHIVE).url,)), tmp_path)

    several = [f"{number}.zip" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bring, several))
    assert list(json.loads((tmp_path / "received.json").read_text())) == several
    assert names(tmp_path) == [*several, "received.json"]
