"""Archives written byte by byte: those that are damaged or mean harm are refused in one line."""

import re
import struct
import tempfile
import tracemalloc
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.data.archive import open_members
from cclcc_cli.data.members import Limits, Member, Root
from cclcc_cli.errors import DataError

MIB = 2**20
SMALL = Limits(members=5, member_bytes=1000, total_bytes=2500)
FILES = {"top/images/b.jpg": b"second" * 50, "top/images/a.jpg": b"first" * 50, "top/LICENSE": b"l"}


@dataclass(frozen=True)
class Entry:
    """One member of an archive written by hand; what is None follows from the rest."""

    name: bytes
    data: bytes = b"data" * 20
    method: int = 8
    flags: int = 0
    mode: int = 0
    version: int = 20
    crc: int | None = None
    size: int | None = None
    packed: bytes | None = None
    packed_size: int | None = None
    offset: int | None = None
    extra: bytes = b""
    local_name: bytes | None = None
    local_method: int | None = None
    local_extra: bytes = b""
    local_extra_length: int | None = None
    signature: bytes = b"PK\3\4"

    @property
    def stored(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflated(self.data) if self.method == 8 else self.data

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Checksum, size as it lies in the archive, size unpacked."""
        return (zlib.crc32(self.data) if self.crc is None else self.crc,
                len(self.stored) if self.packed_size is None else self.packed_size,
                len(self.data) if self.size is None else self.size)

    def local(self) -> bytes:
        name = self.name if self.local_name is None else self.local_name
        method = self.method if self.local_method is None else self.local_method
        extra = len(self.local_extra) if self.local_extra_length is None else (
            self.local_extra_length)
        head = struct.pack("<4s5H3L2H", self.signature, self.version, self.flags, method, 0, 33,
                           *self.numbers, len(name), extra)
        return head + name + self.local_extra + self.stored

    def central(self, offset: int) -> bytes:
        where = offset if self.offset is None else self.offset
        head = struct.pack("<4s6H3L5H2L", b"PK\1\2", 3 << 8 | 20, self.version, self.flags,
                           self.method, 0, 33, *self.numbers, len(self.name), len(self.extra), 0,
                           0, 0, self.mode << 16, where)
        return head + self.name + self.extra


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def archive(*entries: Entry, directory_size: int | None = None) -> bytes:
    body = central = b""
    for entry in entries:
        central += entry.central(len(body))
        body += entry.local()
    size = len(central) if directory_size is None else directory_size
    count = len(entries)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, len(body), 0)
    return body + central + end


def zeros(num_mib: int) -> bytes:
    """So many MiB of zeros, deflated, without ever holding them."""
    packer = zlib.compressobj(wbits=-15)
    start = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start * num_mib + deflated(b"")


def quoted_bomb() -> bytes:
    """Members that share one kernel: each quotes the headers of those after it as plain text."""
    kernel = Entry(b"9", bytes(500))
    body, offset, entries = kernel.local(), 0, [kernel]
    for name in b"876":
        quote = struct.pack("<BHH", 0, len(body), len(body) ^ 0xFFFF) + body + deflated(b"")
        entries.insert(0, Entry(bytes([name]), body, packed=quote))
        body = entries[0].local()
    central = b""
    for entry in entries:  # header, name, and the five bytes before the quote
        central += entry.central(offset)
        offset += 30 + 1 + 5
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 4, 4, len(central), len(body), 0)
    return body + central + end


A, B = Entry(b"images/a.jpg"), Entry(b"images/b.jpg")
GOOD = archive(A, B)


def second(**changes: Any) -> bytes:
    """The good archive with another second member."""
    return archive(A, replace(B, **changes))


def named(name: bytes, **changes: Any) -> bytes:
    return second(name=name, **changes)


NOT_OPENED: dict[str, tuple[bytes, str]] = {
    "no bytes at all": (b"", "is empty; get the archive again"),
    "RAR": (b"Rar!\x1a\x07\x01\x00rest", "is a RAR archive, not a zip; unpack it and give the f"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4rest", "is a 7z archive, not a zip; unpack it and give"),
    "tar.gz": (b"\x1f\x8b\x08\0rest", "is a gzip or tar.gz archive, not a zip; unpack it"),
    "tar": (b"a.jpg".ljust(257, b"\0") + b"ustar\x0000", "is a tar archive, not a zip; unpack it"),
    "bzip2": (b"BZh91AY&SY", "is a bzip2 archive, not a zip; unpack it"),
    "xz": (b"\xfd7zXZ\0\0\4", "is an xz archive, not a zip; unpack it"),
    "split zip": (b"PK\7\x08" + GOOD, "is one part of a split zip; unpack it"),
    "page of a server": (b"\xef\xbb\xbf\n<!DOCTYPE html><p>Log in", "is a web page, not a zip"),
    "error of a server": (b"<?xml version='1.0'?><Error>", "is a web page, not a zip; open it"),
    "picture": (b"\xff\xd8\xff\xe0", "is not a zip archive, whatever its name says; give a zip"),
    "zip behind something": (b"#!/bin/sh\n" + GOOD, "is not a zip archive, whatever its name"),
    "no members": (archive(), "holds no files"),
    "only folders": (archive(Entry(b"images/", b"")), "holds no files"),
    "cut in a header": (GOOD[:20], r"is cut short or damaged \(its directory of members cannot"),
    "cut in a member": (GOOD[:60], "is cut short or damaged"),
    "cut in the directory": (GOOD[:-60], "is cut short or damaged"),
    "cut in the end record": (GOOD[:-1], "is cut short or damaged"),
    "bytes lost inside": (GOOD[:50] + GOOD[60:], "its first member does not begin where the file"),
    "bytes added inside": (GOOD[:50] + b"more" + GOOD[50:], "does not begin where the file does"),
    "inner zip's directory": (archive(replace(A, data=GOOD, method=0))[:30 + 12 + len(GOOD)],
                              "does not begin where the file does"),
    "directory of nonsense": (archive(A, B, directory_size=70), "is cut short or damaged"),
    "directory of other disks": (
        GOOD[:-22] + struct.pack("<4sLQL", b"PK\6\7", 1, 0, 2) + GOOD[-22:], "is cut short or dam"),
    "unknown version": (second(version=99), "is cut short or damaged"),
    "broken zip64 field": (second(packed_size=2**32 - 1, extra=b"\1\0\2\0xx"), "is cut short or"),
    "broken extra field": (second(extra=b"\1\0\xff\0"), "is cut short or damaged"),
    "name that is no UTF-8": (named(b"\xff.jpg", flags=0x800), "is cut short or damaged"),
    "member behind the end": (second(offset=10**6), "a member reaches beyond its end"),
    "member longer than the file": (second(method=0, size=900, packed_size=900),
                                    "a member reaches beyond its end"),
    "zip slip": (named(b"../../etc/cron.d/x"), "has an empty part, '.' or '..' in its path; do"),
    "slip inside": (named(b"images/../../x"), "has an empty part, '.' or '..' in its path"),
    "slip of a folder": (named(b"../", data=b""), "has an empty part, '.' or '..' in its path"),
    "dot": (named(b"./images/b.jpg"), "has an empty part, '.' or '..' in its path"),
    "two slashes": (named(b"images//b.jpg"), "has an empty part, '.' or '..' in its path"),
    "no name": (named(b""), "its member '' has an empty part"),
    "absolute path": (named(b"/etc/passwd"), "'/etc/passwd' has an absolute path; do not unpack"),
    "drive": (named(b"C:x.jpg"), "'C:x.jpg' has an absolute path"),
    "backslashes": (named(b"..\\x.jpg"), r"has a backslash in its name"),
    "NUL": (named(b"images/b.jpg\0.exe"), r"'images/b.jpg\\x00.exe' has a control character"),
    "line break": (named(b"b.jpg\n"), r"'b.jpg\\n' has a control character in its name"),
    "line separator": (named("b\u2028.jpg".encode(), flags=0x800), "has a control character"),
    "endless name": (named(b"a" * 999 + b"\\"), r"'a{77}\.\.\.' has a backslash"),
    "symbolic link": (second(mode=0o120777, data=b"/etc/passwd"), "is a link or a device; do not"),
    "device": (second(mode=0o020666), "'images/b.jpg' is a link or a device"),
    "twice the same name": (archive(A, B, A), "'images/a.jpg' is there twice; do not unpack it"),
    "encrypted": (second(flags=1), "'images/b.jpg' is encrypted; unpack it and give the folder"),
    "strongly encrypted": (second(flags=0x41), "is encrypted"),
    "masked directory": (second(flags=0x2000), "is encrypted"),
    "deflate64": (second(method=9), "is compressed with deflate64, which is not read here; unp"),
    "bzip2 inside": (second(method=12), "is compressed with bzip2, which is not read here"),
    "zstd": (second(method=93), "is compressed with zstd, which is not read here"),
    "unheard-of method": (second(method=77), "is compressed with method 77, which is not read"),
    "stored in two sizes": (second(method=0, size=70), "states two sizes; get the archive again"),
    "same member under two names": (second(offset=0), "'images/b.jpg' overlaps another; do not"),
    "quoted bomb": (quoted_bomb(), "overlaps another; do not unpack it"),
    "too many members": (archive(*(Entry(b"%d" % n) for n in range(6))),
                         r"its directory is too large \(the limit is 5 members\)"),
    "too large a directory": (archive(A, replace(B, extra=b"xx\xfc\4" + bytes(1276))),
                              r"its directory is too large \(the limit is 5 members\)"),
    "too large a member": (second(data=bytes(1001)), "'images/b.jpg' is larger than 1000 bytes"),
    "too large a packed member": (second(packed=bytes(1001)), "is larger than 1000 bytes; unpack"),
    "too large together": (archive(*(Entry(b"%d" % n, bytes(900)) for n in range(3))),
                           "its members are larger than 2500 bytes together"),
}
"""Refused before any member is read."""

NOT_READ: dict[str, tuple[bytes, str]] = {
    "wrong checksum": (second(crc=7), "is damaged (its checksum is wrong); get the archive again"),
    "wrong checksum, stored": (second(method=0, crc=7), "is damaged (its checksum is wrong); get"),
    "flipped bit": (second(packed=b"\xff" + B.stored[1:]), "is damaged (it cannot be decompr"),
    "cut stream": (second(packed=B.stored[:-2]), "does not hold the 80 bytes that the archive's"),
    "larger than stated": (second(size=79), "does not hold the 79 bytes that the archive's dire"),
    "larger than stated, checksum of the start": (
        second(size=8, crc=zlib.crc32(b"datadata")), "does not hold the 8 bytes"),
    "smaller than stated": (second(size=81), "does not hold the 81 bytes"),
    "empty, though stated": (second(data=b"", size=5), "does not hold the 5 bytes"),
    "another name in its header": (second(local_name=b"images/c.jpg"), "is damaged (its own head"),
    "another method in its header": (second(local_method=0), "is damaged (its own header differs"),
    "no header": (second(signature=b"PK\1\2"), "is damaged (its own header differs from"),
    "header cut by a false place": (second(offset=len(GOOD) - 50, packed_size=5),
                                    "is damaged (its own header differs from"),
    "data behind the end": (second(local_extra_length=400), "is cut short; get the archive again"),
}
"""Opened, for only this member is bad, and refused by its name when it is read."""


def open_and_read(path: Path, read: str | None) -> None:
    with open_members(path, limits=SMALL) as root:
        assert read is not None, "it was opened"
        by_path(root)[read].read_bytes()


def refusal(path: Path, read: str | None = None) -> str:
    """What is said to an archive, or to one of its members; and nothing may be written."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(DataError) as caught:
        open_and_read(path, read)
    assert sorted(path.parent.rglob("*")) == before
    assert str(caught.value).startswith(f"{path}/{read}: " if read else f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def by_path(root: Root) -> dict[str, Member]:
    return {member.path: member for member in root.members}


@pytest.fixture(autouse=True)
def _only_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a name in an archive could lead to, or a temporary file, shows in tmp_path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.parametrize("name", NOT_OPENED)
def test_a_bad_archive_is_refused_in_one_line_and_nothing_is_written(
    tmp_path: Path, name: str
) -> None:
    data, message = NOT_OPENED[name]
    (tmp_path / "a.zip").write_bytes(data)
    assert re.search(message, refusal(tmp_path / "a.zip"))


@pytest.mark.parametrize("name", NOT_READ)
def test_a_bad_member_is_refused_by_name_and_does_the_others_no_harm(
    tmp_path: Path, name: str
) -> None:
    data, message = NOT_READ[name]
    (tmp_path / "a.zip").write_bytes(data)
    with open_members(tmp_path / "a.zip", limits=SMALL) as root:
        assert by_path(root)["images/a.jpg"].read_bytes() == A.data
    assert message in refusal(tmp_path / "a.zip", read="images/b.jpg")


def test_the_archive_that_the_bad_ones_vary_is_itself_fine(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(GOOD)
    with open_members(tmp_path / "a.zip", limits=SMALL) as root:
        assert [member.read_bytes() for member in root.members] == [A.data, B.data]


@pytest.mark.parametrize("claimed", [1024, 4 * MIB])
def test_a_member_that_inflates_to_a_gigabyte_takes_only_the_memory_it_claims(
    tmp_path: Path, claimed: int
) -> None:
    bomb = Entry(b"a.jpg", bytes(claimed), packed=zeros(1024))
    (tmp_path / "a.zip").write_bytes(archive(bomb))
    tracemalloc.start()
    try:
        with open_members(tmp_path / "a.zip") as root, pytest.raises(DataError, match="not hold"):
            root.members[0].read_bytes()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * claimed + 2 * len(bomb.stored) + MIB


@pytest.mark.parametrize(
    ("claim", "message"),
    [("directory", "its directory is too large"), ("member", "is larger than 1000 bytes")],
)
def test_what_an_archive_claims_takes_no_memory(
    tmp_path: Path, claim: str, message: str
) -> None:
    """A hole in the file gives a claim of gigabytes something to point at, and takes no space."""
    large = 2**31
    entry = replace(A, packed_size=large) if claim == "member" else A
    with (tmp_path / "a.zip").open("wb") as file:
        file.write(entry.local())
        file.seek(large + 100)
        size = file.write(entry.central(0))
        start = large + 100
        if claim == "directory":
            start, size = 100, large + size
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, start, 0))
    tracemalloc.start()
    try:
        assert message in refusal(tmp_path / "a.zip")
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


WHOLE = archive(*(Entry(name.encode(), data) for name, data in FILES.items()))


@given(
    edits=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=4),
    kept=st.just(len(WHOLE)) | st.integers(0, len(WHOLE)),
)
def test_damage_anywhere_is_refused_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int]], kept: int
) -> None:
    data = bytearray(WHOLE)
    for place, value in edits:
        data[place] = value
    path = tmp_path_factory.mktemp("damaged") / "a.zip"
    path.write_bytes(data[:kept])
    said = ""
    try:
        with open_members(path) as root:
            for member in root.members:
                content = member.read_bytes()
                assert content == FILES.get(member.path, content)
    except DataError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1


def test_an_archive_may_be_larger_than_four_gigabytes(tmp_path: Path) -> None:
    far = 5 * 2**30
    with (tmp_path / "a.zip").open("wb") as file:  # with a hole, so it takes no space
        file.write(A.local())
        file.seek(far)
        file.write(B.local())
        start = file.tell()
        file.write(A.central(0))
        file.write(replace(B, extra=struct.pack("<2HQ", 1, 8, far)).central(2**32 - 1))
        end = file.tell()
        file.write(struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, end - start, start))
        file.write(struct.pack("<4sLQL", b"PK\6\7", 0, end, 1))
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, 2**32 - 1, 2**32 - 1, 0))
    with open_members(tmp_path / "a.zip") as root:
        assert [member.read_bytes() for member in root.members] == [A.data, B.data]


def test_odd_but_sound_archives_are_read(tmp_path: Path) -> None:
    black = bytes(10 * MIB)  # as a mask in a BMP: a thousandth of it when compressed
    entries = [Entry("ä日本.bmp".encode(), black, flags=0x800), Entry("é.jpg".encode("cp437")),
               Entry(b"A.jpg"), Entry(b"a.jpg"), Entry(b"empty", b""),
               Entry(b"x/", b""), Entry(b"x/", b""), Entry(b"x/b", mode=0o100644),
               Entry(b"c", local_extra=b"xx\2\0ab", extra=b"yy\0\0")]
    (tmp_path / "a.zip").write_bytes(archive(*entries)[:-2] + b"\7\0comment")
    with open_members(tmp_path / "a.zip") as root:
        found = {member.path: member.read_bytes() for member in root.members}
    assert found.pop("ä日本.bmp") == black
    assert found.pop("empty") == b""
    assert found == dict.fromkeys(["é.jpg", "A.jpg", "a.jpg", "x/b", "c"], A.data)


