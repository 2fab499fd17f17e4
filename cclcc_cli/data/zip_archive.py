"""The members of a zip archive, read where they lie and never trusted."""

import os
import re
import stat
import struct
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from cclcc_cli.data.members import (
    Limits,
    Member,
    Root,
    collect_root,
    has_control,
    passed_over,
    shown,
    unreadable,
)
from cclcc_cli.errors import DataError

_LOCAL_HEADER = struct.Struct("<4s2xHH16xHH")
"""Signature, flags, method, length of the name, length of the extra field."""
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_UTF8 = 0x0800
_METHODS = {9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd"}
_AGAIN = "get the archive again"
_UNPACK = "unpack it and give the folder"
_HOSTILE = "do not unpack it; get it from its authors"
_OTHER_KINDS = (
    (0, b"Rar!", f"is a RAR archive, not a zip; {_UNPACK}"),
    (0, b"7z\xbc\xaf\x27\x1c", f"is a 7z archive, not a zip; {_UNPACK}"),
    (0, b"\x1f\x8b", f"is a gzip or tar.gz archive, not a zip; {_UNPACK}"),
    (0, b"BZh", f"is a bzip2 archive, not a zip; {_UNPACK}"),
    (0, b"\xfd7zXZ\0", f"is an xz archive, not a zip; {_UNPACK}"),
    (257, b"ustar", f"is a tar archive, not a zip; {_UNPACK}"),
    (0, b"PK\7\x08", f"is one part of a split zip; {_UNPACK}"),
)


def list_archive(path: Path, file: BinaryIO, limits: Limits) -> Root:
    try:
        infos = _read_directory(path, file, limits)
        num_bytes = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise unreadable(str(path), error) from None
    flaw = _directory_flaw(infos, num_bytes, limits)
    if flaw:
        raise DataError(f"{path}: {flaw}")
    lock = Lock()
    members = [
        Member(path, info.orig_filename, info.file_size, partial(_fetch_zipped, file, lock, info))
        for info in infos
        if not info.orig_filename.endswith("/")
        and not any(map(passed_over, info.orig_filename.split("/")))
    ]
    return collect_root(path, path.stem, members)


class _Bounded:
    """A file that gives no directory larger than the allowed members need, whatever it claims."""

    def __init__(self, file: BinaryIO, path: Path, limits: Limits) -> None:
        self._file = file
        self._path = path
        self._limits = limits
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1, /) -> bytes:
        if size > 256 * self._limits.members:  # of which 46 are fixed; the rest is for the name
            raise DataError(f"{self._path}: {_too_many(self._limits)}")
        return self._file.read(size)


def _too_many(limits: Limits) -> str:
    return f"its directory is too large (the limit is {limits.members} members); {_UNPACK}"


def _read_directory(path: Path, file: BinaryIO, limits: Limits) -> list[ZipInfo]:
    head = file.read(512)
    if not head.startswith((b"PK\3\4", b"PK\5\6")):
        raise DataError(f"{path}: {_what_it_is(head)}")
    try:
        with ZipFile(_Bounded(file, path, limits)) as archive:
            return archive.infolist()
    except (BadZipFile, NotImplementedError, ValueError):
        raise DataError(f"{path}: is cut short or damaged (its directory of members cannot be "
                        f"read); {_AGAIN}") from None


def _what_it_is(head: bytes) -> str:
    """What a file that is no zip seems to be, and what to do about it."""
    if not head:
        return f"is empty; {_AGAIN}"
    for offset, magic, words in _OTHER_KINDS:
        if head.startswith(magic, offset):
            return words
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return f"is a web page, not a zip; open it to see what the server said, and {_AGAIN}"
    return "is not a zip archive, whatever its name says; give a zip archive or a folder"


def _directory_flaw(infos: Sequence[ZipInfo], num_bytes: int, limits: Limits) -> str | None:
    """Why an archive is refused for what its directory states, where it is."""
    if len(infos) > limits.members:
        return _too_many(limits)
    names: set[str] = set()
    for info in infos:
        flaw = _entry_flaw(info, limits)
        if flaw is None and info.orig_filename in names and not info.orig_filename.endswith("/"):
            flaw = f"is there twice; {_HOSTILE}"
        if flaw:
            return f"its member {shown(info.orig_filename)} {flaw}"
        names.add(info.orig_filename)
    if sum(info.file_size for info in infos) > limits.total_bytes:
        return f"its members are larger than {limits.total_bytes} bytes together; {_HOSTILE}"
    return _place_flaw(infos, num_bytes)


def _entry_flaw(info: ZipInfo, limits: Limits) -> str | None:
    name_flaw = _name_flaw(info.orig_filename)
    if name_flaw:
        return f"{name_flaw}; {_HOSTILE}"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"is a link or a device; {_HOSTILE}"
    if info.flag_bits & _ENCRYPTED:
        return f"is encrypted; {_UNPACK}"
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        method = _METHODS.get(info.compress_type, f"method {info.compress_type}")
        return f"is compressed with {method}, which is not read here; {_UNPACK}"
    if max(info.file_size, info.compress_size) > limits.member_bytes:
        return f"is larger than {limits.member_bytes} bytes; {_UNPACK}"
    if info.compress_type == ZIP_STORED and info.file_size != info.compress_size:
        return f"states two sizes; {_AGAIN}"
    return None


def _name_flaw(name: str) -> str | None:
    if has_control(name):
        return "has a control character in its name"
    if "\\" in name:
        return "has a backslash in its name"
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "has an absolute path"
    if not {"", ".", ".."}.isdisjoint(name.removesuffix("/").split("/")):
        return "has an empty part, '.' or '..' in its path"
    return None


def _place_flaw(infos: Sequence[ZipInfo], num_bytes: int) -> str | None:
    """Whether members overlap, reach beyond the file, or leave its start to something else."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    if ordered and ordered[0].header_offset != 0:
        return f"is damaged (its first member does not begin where the file does); {_AGAIN}"
    end = 0
    for info in ordered:
        if info.header_offset < end:
            return f"its member {shown(info.orig_filename)} overlaps another; {_HOSTILE}"
        # At least: how long the extra field is, only the member's own header tells.
        end = (info.header_offset + _LOCAL_HEADER.size + len(_stored_name(info))
               + info.compress_size)
    if end > num_bytes:
        return f"is cut short or damaged (a member reaches beyond its end); {_AGAIN}"
    return None


def _fetch_zipped(file: BinaryIO, lock: Lock, info: ZipInfo, label: str) -> bytes:
    """A member's content.

    Not by ``ZipFile.open``, which does not promise to serve several threads, and which passes over
    in silence what a member holds beyond its stated size.
    """
    with lock:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER.size).ljust(_LOCAL_HEADER.size, b"\0")
        signature, _flags, method, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        name = file.read(name_length)
        file.seek(extra_length, os.SEEK_CUR)
        packed = file.read(info.compress_size)
    if (signature, method, name) != (b"PK\3\4", info.compress_type, _stored_name(info)):
        raise DataError(f"{label}: is damaged (its own header differs from the archive's "
                        f"directory); {_AGAIN}")
    if len(packed) != info.compress_size:
        raise DataError(f"{label}: is cut short; {_AGAIN}")
    data = packed if method == ZIP_STORED else _inflate(packed, info.file_size, label)
    if zlib.crc32(data) != info.CRC:
        raise DataError(f"{label}: is damaged (its checksum is wrong); {_AGAIN}")
    return data


def _inflate(packed: bytes, size: int, label: str) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(packed, size + 1)  # one more than stated, which would show
    except zlib.error:
        raise DataError(f"{label}: is damaged (it cannot be decompressed); {_AGAIN}") from None
    if len(data) != size:
        raise DataError(f"{label}: is damaged (it does not hold the {size} bytes that the "
                        f"archive's directory states); {_AGAIN}")
    return data


def _stored_name(info: ZipInfo) -> bytes:
    """A name as it lies in the archive's directory."""
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
