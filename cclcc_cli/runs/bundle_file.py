"""The file format of a bundle: the same content gives the same bytes; nothing in it is trusted.

It is a ``.tar.xz`` that ``tar`` unpacks, but it is not read as one: the first two members are the
manifest's digest and the manifest, and these determine every further byte except the files'
contents, whose digests they hold. So no name, link, mode or size that somebody else put into the
archive is ever acted upon; whatever differs from what we would have written is refused.
"""

import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from cclcc_cli.config.bundle import Manifest
from cclcc_cli.errors import BundleError
from cclcc_cli.files import disk_problems, write_atomic
from cclcc_cli.records import describe_damage

_BLOCK = tarfile.BLOCKSIZE
_DIGEST, _MANIFEST = "manifest.sha256", "manifest.json"
_MOST_MANIFEST_BYTES = 2**25
_MOST_MEMORY = 2**27
"""Bytes that decompressing may take; a bundle of ours takes 9 MB."""
_PRESET = 6
_MAGIC = b"\xfd7zXZ\0"
_GET_IT_AGAIN = "get it again from its source"


def write_bundle_file(path: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> str:
    """Write a bundle; the same manifest and contents are the same bytes. Returns its digest.

    Args:
        path: replaced whole, or not at all.
        manifest: of the contents.
        contents: by path below the runs folder.

    Raises:
        FileNotFoundError: there is no folder to write it in.
    """
    text = (json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n").encode()
    digest = hashlib.sha256(text).hexdigest()
    packed = io.BytesIO()
    with lzma.open(packed, "wb", preset=_PRESET) as stream:
        members = {_DIGEST: f"{digest}\n".encode(), _MANIFEST: text,
                   **{file.path: contents[file.path] for file in manifest.files}}
        for name, content in members.items():
            stream.write(_header(name, len(content)) + content + bytes(_padding(len(content))))
        stream.write(bytes(2 * _BLOCK))
    write_atomic(path, packed.getvalue())
    return digest


def unpack_bundle_file(path: Path, target: Path) -> tuple[Manifest, str]:
    """Check a bundle and write its files below an empty folder; returns manifest and digest.

    Args:
        path: of the bundle.
        target: where the files go; after an error its content must not be used.

    Raises:
        BundleError: it cannot be read, is not a bundle, or was changed.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise BundleError(f"{path}: no such bundle") from None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror})") from None
    with file, disk_problems(target):
        try:
            return _Reader(path, file).unpack(target)
        except lzma.LZMAError:
            raise BundleError(f"{path}: is damaged (it cannot be decompressed); {_GET_IT_AGAIN}"
                              ) from None


class _Reader:
    """Reads one bundle from its beginning to its end."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._begin = file.read(len(_MAGIC))  # not read twice: the file may be a pipe
        self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY)

    def unpack(self, folder: Path) -> tuple[Manifest, str]:
        if not _MAGIC.startswith(self._begin):
            raise self._foreign("not a .tar.xz file")
        manifest, digest = self._read_manifest()
        for file in manifest.files:
            self._expect(_header(file.path, file.size), f"{file.path} is not where the manifest "
                         "says, or is not a plain file")
            content = self._read(file.size)
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise self._changed(f"{file.path} does not match the manifest")
            self._expect(bytes(_padding(file.size)), f"there is hidden data after {file.path}")
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        self._expect(bytes(2 * _BLOCK), "it holds more than its manifest lists")
        if self._decompress(1) or self._decompressor.unused_data or self._file.read(1):
            raise self._changed("there is hidden data after its end")
        if not self._decompressor.eof:
            raise self._cut_short()
        return manifest, digest

    def _read_manifest(self) -> tuple[Manifest, str]:
        if self._read(_BLOCK) != _header(_DIGEST, 65):
            raise self._foreign("it does not begin like one")
        stated = self._read(_BLOCK)
        block = self._read(_BLOCK)
        try:
            size = tarfile.TarInfo.frombuf(block, "utf-8", "strict").size
        except (tarfile.HeaderError, UnicodeDecodeError):
            raise self._foreign("it has no manifest") from None
        if not 0 < size <= _MOST_MANIFEST_BYTES or block != _header(_MANIFEST, size):
            raise self._foreign("it has no manifest")
        text = self._read(size)
        self._expect(bytes(_padding(size)), "there is hidden data after its manifest")
        digest = hashlib.sha256(text).hexdigest()
        if stated != f"{digest}\n".encode() + bytes(_padding(65)):
            raise self._changed("its manifest does not match the digest before it")
        try:
            return Manifest.model_validate_json(text), digest
        except ValidationError as error:
            reason = ascii(describe_damage(error))[1:-1]
            raise self._foreign(f"manifest: {reason}; this cclcc reads version 1") from None

    def _expect(self, expected: bytes, problem: str) -> None:
        if self._read(len(expected)) != expected:
            raise self._changed(problem)

    def _read(self, count: int) -> bytes:
        """The next bytes; never decompresses more than is asked for."""
        parts = []
        while count:
            part = self._decompress(count)
            if not part:
                raise self._cut_short()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _decompress(self, most: int) -> bytes:
        while not self._decompressor.eof:
            more = b""
            if self._decompressor.needs_input:
                more, self._begin = self._begin or self._file.read(2**16), b""
                if not more:
                    return b""
            if part := self._decompressor.decompress(more, max_length=most):
                return part
        return b""

    def _cut_short(self) -> BundleError:
        return BundleError(f"{self._path}: is truncated; {_GET_IT_AGAIN}")

    def _changed(self, problem: str) -> BundleError:
        return BundleError(f"{self._path}: was changed after it was made ({problem}); "
                           f"{_GET_IT_AGAIN}")

    def _foreign(self, problem: str) -> BundleError:
        return BundleError(f"{self._path}: not a bundle that this version can read ({problem}); "
                           "make one with: cclcc bundle --out FILE")


def _header(name: str, size: int) -> bytes:
    """The header of a member; its name and size determine it."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info.tobuf(tarfile.USTAR_FORMAT)


def _padding(size: int) -> int:
    return -size % _BLOCK
