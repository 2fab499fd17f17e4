"""Downloads that break off, change on the way, or are answered with something else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cclcc_cli.data.catalog import RemoteFile
from cclcc_cli.errors import DataError
from tests.data.fetching.calling import (
    ARCHIVE,
    OTHER,
    PARTIAL,
    SIZE,
    WHOLE,
    Caller,
    aside,
    known,
    unknown,
)
from tests.data.fetching.http_server import Answer, End, Server, Site

CUT = Answer(cut=70_000)
UNTOLD = "sends a part of the file without saying which"


@pytest.fixture
def caller(tmp_path: Path) -> Caller:
    return Caller(tmp_path / "downloads")


def leave_part(caller: Caller, site: Site, file: RemoteFile) -> None:
    """A download that was broken off at 70 000 bytes, in an earlier run."""
    site.answers[:] = [CUT, Answer(status=404)]
    with pytest.raises(DataError, match="answered 404"):
        caller.fetch(file)
    assert caller.names() == PARTIAL
    assert (caller.folder / "x.zip.part").read_bytes() == ARCHIVE[:70_000]
    site.seen.clear()
    caller.news.clear()
    caller.waits.clear()


class TestGoingOn:
    """A connection that breaks is taken up where it broke."""

    @pytest.mark.parametrize("end", ["hangs up", "resets", "goes silent"])
    def test_in_the_same_run(self, server: Server, caller: Caller, end: End) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(cut=70_000, end=end))
        caller.fetch(known(site), read_timeout=0.5 if end == "goes silent" else 20)
        assert site.ranges[:2] == [None, "bytes=70000-"]
        assert site.seen[1]["If-Range"] == '"v1"'
        assert caller.names() == WHOLE
        assert "broke off after 70000 bytes" in caller.news[0]

    @pytest.mark.parametrize("validators", [
        {"ETag": '"v1"'}, {"Last-Modified": "Wed, 01 Jan 2020 00:00:00 GMT"}, {},
        {"ETag": 'W/"v1"'}, {"ETag": 'W/"v1"', "Last-Modified": "Wed, 01 Jan 2020 00:00:00 GMT"},
    ])
    def test_in_another_run(
        self, server: Server, caller: Caller, validators: dict[str, str]
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        site.headers = validators
        leave_part(caller, site, known(site))
        caller.fetch(known(site))
        assert site.ranges == ["bytes=70000-"]
        strong = [value for value in validators.values() if not value.startswith("W/")]
        assert site.seen[0].get("If-Range") == (strong[0] if strong else None)
        assert caller.names() == WHOLE
        assert caller.news == []

    def test_as_often_as_it_takes_while_every_attempt_brings_something(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, *[Answer(cut=9_000)] * 20)
        caller.fetch(known(site), attempts=2)
        assert site.ranges == [None, *(f"bytes={9_000 * n}-" for n in range(1, 21))]
        assert len(caller.waits) == 20
        assert max(caller.waits) <= 1

    def test_but_not_for_ever_where_they_bring_nothing(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, CUT, *[Answer(cut=0)] * 9)
        with pytest.raises(DataError, match="broke off after 70000 bytes"):
            caller.fetch(known(site), attempts=3)
        assert site.ranges == [None, *["bytes=70000-"] * 3]
        assert caller.names() == PARTIAL

    def test_nor_where_every_attempt_starts_over_and_comes_no_further(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, *[Answer(cut=70_000, whole=True)] * 9)
        with pytest.raises(DataError, match="broke off after 70000 bytes"):
            caller.fetch(known(site), attempts=3)
        assert site.ranges == [None, *["bytes=70000-"] * 3]

    def test_with_an_etag_that_need_not_be_repeated(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, CUT, Answer(cut=20_000, headers={"ETag": None}))
        caller.fetch(unknown(site))
        assert site.ranges == [None, "bytes=70000-", "bytes=90000-"]
        assert [seen.get("If-Range") for seen in site.seen] == [None, '"v1"', '"v1"']

    def test_from_the_next_address_where_a_checksum_will_tell(
        self, server: Server, caller: Caller
    ) -> None:
        first = server.at("/1/x.zip", ARCHIVE, CUT, Answer(status=404))
        second = server.at("/2/x.zip", ARCHIVE)
        caller.fetch(known(first, second))
        assert second.ranges == ["bytes=70000-"]
        assert "If-Range" not in second.seen[0]
        assert caller.names() == WHOLE

    def test_not_from_the_next_address_where_none_would(
        self, server: Server, caller: Caller
    ) -> None:
        first = server.at("/1/x.zip", ARCHIVE, CUT, Answer(status=404))
        second = server.at("/2/x.zip", ARCHIVE)
        caller.fetch(unknown(first, second))
        assert second.ranges == [None]

    @pytest.mark.parametrize("etag", ['"v1"', None])
    def test_without_a_known_checksum_only_where_the_server_vouches_for_its_file(
        self, server: Server, caller: Caller, etag: str | None
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, etag=etag)
        leave_part(caller, site, unknown(site))
        caller.fetch(unknown(site))
        assert site.ranges == ["bytes=70000-" if etag else None]

    @pytest.mark.parametrize("note", [None, "", "[]", '{"uri": "x"}'])
    def test_without_a_note_only_where_a_checksum_will_tell(
        self, server: Server, caller: Caller, note: str | None
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        for file, asked in ((known(site), "bytes=70000-"), (unknown(site), None)):
            leave_part(caller, site, file)
            path = caller.folder / "x.zip.part.json"
            path.unlink() if note is None else path.write_text(note)
            caller.fetch(file)
            assert site.ranges == [asked]
            for path in caller.folder.iterdir():
                path.unlink()

    @pytest.mark.parametrize("file", [known, unknown])
    def test_a_part_that_is_complete_needs_no_request(
        self, server: Server, caller: Caller, file: Callable[..., RemoteFile]
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        leave_part(caller, site, file(site))
        (caller.folder / "x.zip.part").write_bytes(ARCHIVE)
        assert caller.fetch(file(site)).url == site.url
        assert site.seen == []
        assert caller.names() == WHOLE


class TestChanged:
    """A part and a rest that do not fit together are not joined, or not used."""

    def test_a_file_that_changed_is_begun_anew(self, server: Server, caller: Caller) -> None:
        site = server.at("/x.zip", OTHER, CUT, etag='"v0"')
        site.answers.append(Answer(status=503))
        with pytest.raises(DataError):
            caller.fetch(unknown(site), attempts=1)
        site.content, site.headers = ARCHIVE, {"ETag": '"v1"'}
        caller.fetch(unknown(site))
        assert site.ranges[-1] == "bytes=70000-"
        assert site.seen[-1]["If-Range"] == '"v0"'
        assert "sends the file from its beginning; starting over" in caller.news[-1]
        assert caller.names() == WHOLE

    def test_and_its_new_version_is_gone_on_with(self, server: Server, caller: Caller) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(cut=70_000, headers={"ETag": '"v0"'}),
                         Answer(cut=90_000))
        caller.fetch(unknown(site))
        assert [seen.get("If-Range") for seen in site.seen] == [None, '"v0"', '"v1"']
        assert site.ranges == [None, "bytes=70000-", "bytes=90000-"]

    def test_a_part_that_does_not_fit_is_kept_aside_and_the_file_begun_anew(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        leave_part(caller, site, known(site))
        (caller.folder / "x.zip.part").write_bytes(OTHER[:70_000])
        caller.fetch(known(site))
        joined = OTHER[:70_000] + ARCHIVE[70_000:]
        assert site.ranges == ["bytes=70000-", None]
        assert caller.names() == [*WHOLE, aside(joined)]
        assert (caller.folder / aside(joined)).read_bytes() == joined
        assert f"(kept as {aside(joined)}); starting over" in caller.news[0]

    def test_so_is_a_complete_part_of_another_file(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        leave_part(caller, site, known(site))
        (caller.folder / "x.zip.part").write_bytes(OTHER)
        caller.fetch(known(site))
        assert site.ranges == [None]
        assert caller.names() == [*WHOLE, aside(OTHER)]

    def test_so_is_what_a_server_without_etags_changed_on_the_way(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(body=OTHER, cut=70_000), etag=None)
        caller.fetch(known(site))
        assert site.ranges == [None, "bytes=70000-", None]
        assert caller.names() == [*WHOLE, aside(OTHER[:70_000] + ARCHIVE[70_000:])]

    def test_a_part_longer_than_the_file_is_begun_anew(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        leave_part(caller, site, known(site))
        (caller.folder / "x.zip.part").write_bytes(ARCHIVE + b"!")
        caller.fetch(known(site))
        assert site.ranges == [None]
        assert caller.names() == WHOLE

    def test_a_part_longer_than_the_servers_file_is_begun_anew(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        leave_part(caller, site, unknown(site))
        (caller.folder / "x.zip.part").write_bytes(ARCHIVE + b"!")
        caller.fetch(unknown(site))
        assert site.ranges == [f"bytes={SIZE + 1}-", None]
        assert f"has nothing behind byte {SIZE + 1}; asking for the whole file" in caller.news[0]
        assert caller.names() == WHOLE

    def test_a_part_the_server_says_is_complete_is_complete(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(chunked=True, cut=SIZE), Answer(status=503))
        with pytest.raises(DataError):
            caller.fetch(unknown(site), attempts=1)
        assert caller.names() == PARTIAL
        caller.fetch(unknown(site))
        assert site.ranges == [None, *[f"bytes={SIZE}-"] * 2]
        assert caller.names() == WHOLE


class TestLies:
    """An answer that is not what was asked for."""

    @pytest.mark.parametrize(("headers", "news"), [
        ({"Content-Range": f"bytes 69999-{SIZE - 1}/{SIZE}"},
         "sends the file from byte 69999 on, asked for 70000"),
        ({"Content-Range": f"bytes 70000-{SIZE - 1}/{SIZE + 1}"},
         f"has a file of {SIZE + 1} bytes now, of {SIZE} before"),
        ({"Content-Range": None}, UNTOLD),
        ({"Content-Range": f"bytes 70000-{SIZE - 1}/*"}, UNTOLD),
        ({"ETag": '"v2"'}, "has another file now"),
    ])
    @pytest.mark.parametrize("file", [known, unknown])
    def test_a_range_that_was_not_asked_for_is_not_used(
        self, server: Server, caller: Caller, headers: dict[str, str | None], news: str,
        file: Callable[..., RemoteFile]
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        leave_part(caller, site, file(site))
        # Their bytes are wrong, too: not one may get into the file.
        site.answers[:] = [Answer(status=206, headers=headers, body=bytes(SIZE - 70_000))]
        caller.fetch(file(site))
        assert site.ranges == ["bytes=70000-", None]
        assert caller.news[0].endswith(f"): {news}; asking for the whole file")
        assert caller.names() == WHOLE

    def test_after_a_lie_the_whole_file_may_break_off_and_be_gone_on_with(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        leave_part(caller, site, known(site))
        site.answers[:] = [Answer(headers={"Content-Range": None}), Answer(cut=90_000)]
        caller.fetch(known(site))
        assert site.ranges == ["bytes=70000-", None, "bytes=90000-"]

    def test_a_part_survives_a_lie_as_long_as_nothing_better_came(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        leave_part(caller, site, known(site))
        site.answers[:] = [Answer(headers={"Content-Range": None}), Answer(status=404)]
        with pytest.raises(DataError, match="answered 404"):
            caller.fetch(known(site))
        assert (caller.folder / "x.zip.part").read_bytes() == ARCHIVE[:70_000]
        caller.fetch(known(site))
        assert site.ranges == ["bytes=70000-", None, "bytes=70000-"]

    @pytest.mark.parametrize("file", [known, unknown])
    def test_a_page_instead_of_the_archive_is_refused_and_costs_no_byte_that_is_here(
        self, server: Server, caller: Caller, file: Callable[..., RemoteFile]
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        leave_part(caller, site, file(site))
        page = b"<!DOCTYPE html><title>Sign in</title>"
        site.answers[:] = [Answer(whole=True, body=page, chunked=True)]
        with pytest.raises(DataError, match="sends something that is no ZIP archive and begins "
                                            "b'<!DOCTYPE html>'"):
            caller.fetch(file(site))
        assert caller.names() == PARTIAL
        caller.fetch(file(site))
        assert site.ranges == ["bytes=70000-", "bytes=70000-"]

    def test_a_server_that_knows_no_ranges_sends_the_whole_file_once_more(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, CUT, Answer(whole=True))
        caller.fetch(known(site))
        assert site.ranges == [None, "bytes=70000-"]
        assert caller.names() == WHOLE

    def test_a_range_nobody_asked_for_is_refused(self, server: Server, caller: Caller) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(status=206))
        with pytest.raises(DataError, match="answered 206 Partial Content"):
            caller.fetch(known(site))
        assert caller.names() == []

    def test_a_range_shorter_than_asked_for_is_gone_on_with(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        leave_part(caller, site, known(site))
        site.answers[:] = [Answer(
            headers={"Content-Range": f"bytes 70000-99999/{SIZE}"}, body=ARCHIVE[70_000:100_000])]
        caller.fetch(known(site))
        assert site.ranges == ["bytes=70000-", "bytes=100000-"]

    @pytest.mark.parametrize("file", [known, unknown])
    def test_a_length_need_not_be_told(
        self, server: Server, caller: Caller, file: Callable[..., RemoteFile]
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(chunked=True))
        caller.fetch(file(site))
        assert site.ranges == [None]
        assert caller.names() == WHOLE

    @pytest.mark.parametrize("file", [known, unknown])
    def test_a_break_is_noticed_without_a_length(
        self, server: Server, caller: Caller, file: Callable[..., RemoteFile]
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(chunked=True, cut=70_000))
        caller.fetch(file(site))
        assert site.ranges == [None, "bytes=70000-"]

    def test_a_body_longer_than_the_file_is_stopped_and_kept_aside(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(chunked=True, extra=bytes(10 ** 6)))
        with pytest.raises(DataError, match=rf"sent more than the {SIZE} bytes expected \(kept"):
            caller.fetch(known(site))
        (kept,) = caller.folder.iterdir()
        assert kept.name == aside(kept.read_bytes())
        assert ARCHIVE.startswith(kept.read_bytes())

    def test_bytes_behind_the_announced_end_are_none_of_the_file(
        self, server: Server, caller: Caller
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(extra=b"more" * 9))
        caller.fetch(unknown(site))
        assert caller.names() == WHOLE

    def test_the_bytes_are_asked_for_as_they_are(self, server: Server, caller: Caller) -> None:
        site = server.at("/x.zip", ARCHIVE)
        caller.fetch(known(site))
        assert site.seen[0]["Accept-Encoding"] == "identity"
        assert site.seen[0]["Connection"] == "close"

    def test_bytes_in_another_encoding_are_refused(self, server: Server, caller: Caller) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(headers={"Content-Encoding": "gzip"}))
        with pytest.raises(DataError, match=r"another encoding than asked for \(gzip\)"):
            caller.fetch(unknown(site))
        assert caller.names() == []
