"""The files of an archive or a folder, read where they lie."""

import io
import os
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cclcc_cli.data.archive import open_members
from cclcc_cli.data.members import BinaryFile, Limits, Member, Root
from cclcc_cli.errors import DataError

FILES = {"top/images/b.jpg": b"second" * 50, "top/images/a.jpg": b"first" * 50, "top/LICENSE": b"l"}


def by_path(root: Root) -> dict[str, Member]:
    return {member.path: member for member in root.members}


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught, open_members(path, limits=Limits(members=5)):
        pass
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def zipped(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("name", ["a.zip", "no ending", "a.jpg"])
def test_a_zip_gives_its_files_sorted_whatever_it_is_called(
    tmp_path: Path, method: int, name: str
) -> None:
    path = zipped(tmp_path / name, FILES, method)
    with open_members(path) as root:
        assert {member.path: member.read_bytes() for member in root.members} == FILES
        first = root.members[1]
        assert (first.path, first.name, first.size) == ("top/images/a.jpg", "a.jpg", 250)
        assert str(first) == f"{path}/top/images/a.jpg"
        assert [member.path for member in root.members] == sorted(FILES)
        assert (root.path, root.title, root.ignored) == (path, path.stem, ())


def test_a_folder_gives_the_same_files_as_its_archive(tmp_path: Path) -> None:
    for name, data in FILES.items():
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(data)
    with open_members(tmp_path / "folder") as root:
        assert {member.path: member.read_bytes() for member in root.members} == FILES
        assert [member.path for member in root.members] == sorted(FILES)
        assert str(root.members[0]) == f"{tmp_path}/folder/top/LICENSE"
        assert (root.title, root.ignored) == ("folder", ())


def test_a_folder_given_as_a_dot_has_its_real_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"a")
    with open_members(Path()) as root:
        assert (root.title, [member.path for member in root.members]) == (tmp_path.name, ["a.jpg"])


def test_a_path_and_a_member_are_both_files_to_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"pixels")
    with open_members(zipped(tmp_path / "a.zip", {"a.jpg": b"pixels"})) as root:
        files: Sequence[BinaryFile] = [tmp_path / "a.jpg", root.members[0]]
        assert [(file.name, file.read_bytes()) for file in files] == [("a.jpg", b"pixels")] * 2


def test_eight_threads_read_at_once(tmp_path: Path) -> None:
    files = {f"{n}.bin": bytes([n]) * (1000 * n + 1) for n in range(60)}
    everybody = threading.Barrier(8)

    def read_all(members: Sequence[Member]) -> dict[str, bytes]:
        everybody.wait()
        return {member.path: member.read_bytes() for member in members}

    with open_members(zipped(tmp_path / "a.zip", files)) as root, ThreadPoolExecutor(8) as pool:
        orders = [root.members[n:] + root.members[:n] for n in range(0, 40, 5)]
        assert list(pool.map(read_all, orders)) == [files] * 8


class Pipe:
    """Written without going back: sizes follow each member instead of heading it."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def flush(self) -> None:
        pass


def test_members_may_be_followed_by_their_sizes(tmp_path: Path) -> None:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.jpg", b"pixels" * 9)
    assert b"PK\7\x08" in pipe.data
    (tmp_path / "a.zip").write_bytes(pipe.data)
    with open_members(tmp_path / "a.zip") as root:
        assert root.members[0].read_bytes() == b"pixels" * 9


def test_what_systems_leave_behind_is_passed_over(tmp_path: Path) -> None:
    names = ["a.jpg", "__MACOSX/._a.jpg", ".DS_Store", "x/.hidden/a.jpg", "x/Thumbs.db", "x/._b"]
    with open_members(zipped(tmp_path / "a.zip", dict.fromkeys(names, b"x"))) as root:
        assert [member.path for member in root.members] == ["a.jpg"]
    for name in names:
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(b"x")
    with open_members(tmp_path / "folder") as root:
        assert [member.path for member in root.members] == ["a.jpg"]
        assert root.ignored == ()


def test_links_of_a_folder_are_followed_only_to_files_inside_it(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "a.jpg").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    for link, target in {"b.jpg": "x/a.jpg", "out": "../secret", "to_folder": "x", "up": "..",
                         "broken": "nowhere", "loop": "loop"}.items():
        (folder / link).symlink_to(target)
    os.mkfifo(folder / "pipe")
    with open_members(folder) as root:
        assert {member.path: member.read_bytes() for member in root.members} == {
            "b.jpg": b"inside", "x/a.jpg": b"inside"}
    assert root.ignored == (
        f"{folder}: 'broken' is a broken link or no regular file",
        f"{folder}: 'loop' is a broken link or no regular file",
        f"{folder}: 'out' is a link that leads out of the folder and was not followed",
        f"{folder}: 'pipe' is a broken link or no regular file",
        f"{folder}: 'to_folder' is a link to a folder and was not followed",
        f"{folder}: 'up' is a link to a folder and was not followed",
    )


@pytest.mark.parametrize(("name", "shown"), [("a\nb", "'a\\nb'"), ("a\udcff", "'a\\udcff'")])
def test_a_name_on_disk_that_no_line_could_hold_is_left_out(
    tmp_path: Path, name: str, shown: str
) -> None:
    for each in (name, "a"):
        (tmp_path / each).write_bytes(b"x")
    with open_members(tmp_path) as root:
        assert [member.path for member in root.members] == ["a"]
    assert root.ignored == (
        f"{tmp_path}: {shown} has a name that is not plain text; rename it",)


@pytest.fixture
def _traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("_traced")
def test_a_file_that_changes_after_the_folder_was_listed_is_refused(tmp_path: Path) -> None:
    for name in ("grown", "shrunk", "gone"):
        (tmp_path / name).write_bytes(b"1234")
    with open_members(tmp_path) as root:
        os.truncate(tmp_path / "grown", 2**30)
        (tmp_path / "shrunk").write_bytes(b"123")
        (tmp_path / "gone").unlink()
        for name in ("grown", "shrunk"):
            with pytest.raises(DataError, match=f"{name}: has changed since the folder was list"):
                by_path(root)[name].read_bytes()
        assert tracemalloc.get_traced_memory()[1] < 2**20
        with pytest.raises(DataError, match=r"gone: cannot be read \(No such file or directory\)$"):
            by_path(root)["gone"].read_bytes()


def test_an_archive_that_shrinks_while_it_is_open_is_refused(tmp_path: Path) -> None:
    with open_members(zipped(tmp_path / "a.zip", {"a": os.urandom(10**5), "b": b""})) as root:
        os.truncate(tmp_path / "a.zip", 9 * 10**4)
        with pytest.raises(DataError, match="a.zip/a: is cut short; get the archive again"):
            by_path(root)["a"].read_bytes()
        with pytest.raises(DataError, match="a.zip/b: is damaged"):
            by_path(root)["b"].read_bytes()


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "nowhere").endswith("nowhere: no such file or folder")
    assert "is neither a file nor a folder; give a zip" in refusal(tmp_path / "pipe")
    assert "cannot be read (Not a directory)" in refusal(tmp_path / "pipe" / "a.zip")
    (tmp_path / "folder" / "empty").mkdir(parents=True)
    assert refusal(tmp_path / "folder").endswith("folder: holds no files")
    (tmp_path / "folder" / "link").symlink_to("empty")
    assert "holds no files; " in refusal(tmp_path / "folder")
    for number in range(3):
        (tmp_path / "folder" / str(number)).touch()
    with open_members(tmp_path / "folder", limits=Limits(members=5)) as root:
        assert len(root.members) == 3
    (tmp_path / "folder" / "3").touch()
    assert "holds more than 5 files and folders; give the" in refusal(tmp_path / "folder")


class FailingFile(io.BytesIO):
    """Can be opened, and no more."""

    def read(self, _size: int | None = -1, /) -> bytes:
        raise OSError("the network is gone")


def test_a_failing_disk_is_reported_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    path = zipped(tmp_path / "a.zip", FILES)
    with open_members(path) as root:
        member = replace(root.members[0], _fetch=fail)
        with pytest.raises(DataError, match=r"LICENSE: cannot be read \(Input/output error\)$"):
            member.read_bytes()
    monkeypatch.setattr(os, "scandir", fail)
    assert refusal(tmp_path) == f"{tmp_path}: cannot be read (Input/output error)"
    monkeypatch.setattr(Path, "open", fail)
    assert refusal(path) == f"{path}: cannot be read (Input/output error)"
    monkeypatch.setattr(Path, "open", lambda *_: FailingFile())
    assert refusal(path) == f"{path}: cannot be read (the network is gone)"
