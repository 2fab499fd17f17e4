"""Fetching: the right file is left in place, a wrong one never, and the folder tells why."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cclcc_cli.data.catalog import RemoteFile
from cclcc_cli.data.fetching.download import Retry
from cclcc_cli.data.fetching.fetch import Fetched, fetch
from cclcc_cli.errors import DataError
from tests.data.fetching.calling import (
    ARCHIVE,
    OTHER,
    SHA256,
    WHOLE,
    aside,
    entry,
    known,
    names,
    unknown,
)
from tests.data.fetching.http_server import Answer, Server

OTHER_SHA256 = hashlib.sha256(OTHER).hexdigest()
ASIDE = aside(OTHER)


class TestVerified:
    """What is there is compared with what must be there."""

    def test_the_file_is_there_with_every_byte_and_nothing_else_but_the_record(
        self, server: Server, folder: Path
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        fetched = fetch(known(site), folder)
        assert (folder / "x.zip").read_bytes() == ARCHIVE
        assert names(folder) == WHOLE
        assert fetched.path == folder / "x.zip"
        assert (fetched.content.num_bytes, fetched.content.sha256) == (len(ARCHIVE), SHA256)
        assert (fetched.url, fetched.compared_with) == (site.url, "catalogue")
        assert fetched.downloaded

    def test_where_only_md5_is_public_it_is_what_counts(
        self, server: Server, folder: Path
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        right = hashlib.md5(ARCHIVE).hexdigest()
        fetched = fetch(RemoteFile("x.zip", (site.url,), md5=right), folder)
        assert (fetched.content.md5, fetched.compared_with) == (right, "catalogue")
        assert not fetch(RemoteFile("x.zip", (site.url,), md5=right), folder).downloaded
        assert len(site.seen) == 1
        wrong = hashlib.md5(OTHER).hexdigest()
        with pytest.raises(DataError, match=f"has the MD5 {right}, expected {wrong}"):
            fetch(RemoteFile("x.zip", (site.url,), md5=wrong), folder)
        assert not (folder / "x.zip").exists()

    def test_another_file_of_the_same_size_is_kept_aside_and_never_used(
        self, server: Server, folder: Path
    ) -> None:
        assert len(OTHER) == len(ARCHIVE)
        site = server.at("/x.zip", OTHER)
        with pytest.raises(DataError) as caught:
            fetch(known(site), folder)
        assert names(folder) == [ASIDE]
        assert (folder / ASIDE).read_bytes() == OTHER
        host = site.url.split("/")[2]
        assert str(caught.value) == (
            f"x.zip: cannot be downloaded (address 1 ({host}): sent a file that has the SHA-256 "
            f"{OTHER_SHA256}, expected {SHA256} (kept as {ASIDE})); download it by hand from "
            f"{site.url} and put it at {folder}/x.zip, or give --archive")
        assert len(site.seen) == 1

    def test_the_next_address_is_tried_after_a_wrong_file(
        self, server: Server, folder: Path
    ) -> None:
        wrong, right = server.at("/1/x.zip", OTHER), server.at("/2/x.zip", ARCHIVE)
        news: list[str] = []
        fetched = fetch(known(wrong, right), folder, warn=news.append)
        assert fetched.url == right.url
        assert names(folder) == [*WHOLE, ASIDE]
        assert (folder / "x.zip").read_bytes() == ARCHIVE
        assert right.ranges == [None]
        assert len(news) == 1
        assert f"(kept as {ASIDE}); trying the next address" in news[0]

    def test_a_size_other_than_the_catalogues_is_refused_before_a_byte_is_taken(
        self, server: Server, folder: Path
    ) -> None:
        longer = server.at("/x.zip", ARCHIVE + b"!")
        size = len(ARCHIVE)
        message = f"the file on the server is {size + 1} bytes, expected {size}: it was changed"
        with pytest.raises(DataError, match=message):
            fetch(known(longer), folder)
        assert names(folder) == []


class TestThere:
    """A file that is there already."""

    def test_is_used_without_a_request_and_recorded(self, server: Server, folder: Path) -> None:
        site = server.at("/x.zip", OTHER)
        folder.mkdir()
        (folder / "x.zip").write_bytes(ARCHIVE)
        fetched = fetch(known(site), folder)
        assert (fetched.url, fetched.compared_with) == ("", "catalogue")
        assert not fetched.downloaded
        assert site.seen == []
        assert names(folder) == WHOLE
        assert entry(folder)["sha256"] == SHA256

    def test_is_moved_aside_where_it_is_wrong_and_downloaded_anew(
        self, server: Server, folder: Path
    ) -> None:
        folder.mkdir()
        (folder / "x.zip").write_bytes(OTHER)
        news: list[str] = []
        assert fetch(known(server.at("/x.zip", ARCHIVE)), folder, warn=news.append).downloaded
        assert names(folder) == [*WHOLE, ASIDE]
        assert (folder / "x.zip").read_bytes() == ARCHIVE
        assert (folder / ASIDE).read_bytes() == OTHER
        assert news == [f"{folder}/x.zip: has the SHA-256 {OTHER_SHA256}, expected {SHA256}; it "
                        f"is kept as {ASIDE} and downloaded anew"]

    def test_is_trusted_by_size_and_time_and_not_read_again(
        self, server: Server, folder: Path
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        first = fetch(known(site), folder)
        path = folder / "x.zip"
        stat = path.stat()
        path.write_bytes(OTHER)  # as nobody would: the same size, and the clock turned back
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        again = fetch(known(site), folder)
        assert again == Fetched(path, first.content, site.url, "catalogue", downloaded=False)
        assert len(site.seen) == 1

    def test_is_read_again_once_it_was_touched(self, server: Server, folder: Path) -> None:
        site = server.at("/x.zip", ARCHIVE)
        fetch(known(site), folder)
        path = folder / "x.zip"
        os.utime(path, ns=(0, 0))
        again = fetch(known(site), folder)
        assert (again.url, again.downloaded) == (site.url, False)
        assert entry(folder)["mtime_ns"] == 0
        path.write_bytes(OTHER)
        assert fetch(known(site), folder).downloaded
        assert path.read_bytes() == ARCHIVE
        assert names(folder) == [*WHOLE, ASIDE]

    def test_is_not_trusted_where_the_catalogue_says_otherwise_by_now(
        self, server: Server, folder: Path
    ) -> None:
        site = server.at("/x.zip", OTHER)
        fetch(unknown(site), folder)
        site.content = ARCHIVE
        assert fetch(known(site), folder).compared_with == "catalogue"
        assert (folder / "x.zip").read_bytes() == ARCHIVE
        assert names(folder) == [*WHOLE, ASIDE]

    def test_is_announced_where_reading_it_takes_long(
        self, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cclcc_cli.data.fetching.fetch._LONG_READ", len(ARCHIVE))
        site = server.at("/x.zip", ARCHIVE)
        news: list[str] = []
        folder.mkdir()
        for name in ("x.zip.part", "x.zip"):
            (folder / name).write_bytes(ARCHIVE)
            fetch(known(site), folder, warn=news.append)
            assert news.pop() == f"{folder}/{name}: checking the 0.0 GB that are there"
            for path in folder.iterdir():
                path.unlink()

    @pytest.mark.parametrize("left", ["x.zip.part", "x.zip.part.json", ".x.zip.lock"])
    def test_makes_what_a_killed_download_left_needless(
        self, server: Server, folder: Path, left: str
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        fetch(known(site), folder)
        (folder / left).write_text("{}")
        fetch(known(site), folder)
        assert names(folder) == WHOLE

    def test_needs_no_lock_which_a_folder_only_for_reading_would_refuse(
        self, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        fetch(known(site), folder)
        monkeypatch.delattr("cclcc_cli.data.fetching.fetch.locked")
        assert not fetch(known(site), folder).downloaded


class TestRoom:
    """The disk is asked before it is filled."""

    @pytest.mark.parametrize("file", [known, unknown])
    def test_too_little_is_an_error_before_a_byte_is_written(
        self, server: Server, folder: Path, file: Callable[..., RemoteFile]
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        with pytest.raises(DataError, match=rf"{folder}: 1000000\.00 GB are needed for x\.zip and "
                                            rf"what is made of it, \d+\.\d\d GB are free; make "
                                            rf"room or take another folder"):
            fetch(file(site), folder, reserve_bytes=10 ** 15)
        assert names(folder) == []

    def test_the_rough_size_stands_in_for_one_that_nobody_tells(
        self, server: Server, folder: Path
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(chunked=True))
        with pytest.raises(DataError, match=r"2000000\.00 GB are needed"):
            fetch(RemoteFile("x.zip", (site.url,), about_bytes=2 * 10 ** 15), folder)
        assert names(folder) == []

    def test_a_file_that_is_there_needs_none(self, server: Server, folder: Path) -> None:
        site = server.at("/x.zip", ARCHIVE)
        fetch(known(site), folder)
        assert not fetch(known(site), folder, reserve_bytes=10 ** 15).downloaded

    def test_a_folder_that_cannot_be_made_is_named(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(DataError, match=f"{tmp_path}/file/x: cannot be read or written "
                                            f"\\(Not a directory\\)"):
            fetch(known(server.at("/x.zip", ARCHIVE)), tmp_path / "file" / "x")


class TestProgress:
    """How far it is."""

    def test_it_begins_at_what_is_here_and_ends_with_all(
        self, server: Server, folder: Path
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(cut=70_000), Answer(status=404))
        told: list[tuple[str, int, int | None]] = []
        with pytest.raises(DataError, match="run again later to go on"):
            fetch(known(site), folder, retry=Retry(sleep=lambda _seconds: None))
        fetch(known(site), folder, progress=lambda *call: told.append(call))
        assert told[0] == ("x.zip", 70_000, len(ARCHIVE))
        assert told[-1] == ("x.zip", len(ARCHIVE), len(ARCHIVE))

    def test_it_is_told_a_few_times_a_second_and_not_with_every_chunk(
        self, server: Server, folder: Path
    ) -> None:
        site = server.at("/x.zip", ARCHIVE * 40)
        told: list[int] = []
        begin = time.monotonic()
        fetch(RemoteFile("x", (site.url,)), folder, progress=lambda _n, done, _t: told.append(done))
        assert len(told) <= 3 + (time.monotonic() - begin) / 0.25
        assert told == sorted(told)

    def test_the_total_is_none_where_nobody_knows_it(self, server: Server, folder: Path) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(chunked=True))
        told: list[tuple[str, int, int | None]] = []
        fetch(unknown(site), folder, progress=lambda *call: told.append(call))
        assert (told[0], told[-1]) == (("x.zip", 0, None), ("x.zip", len(ARCHIVE), None))
