"""Preparing, interrupted: by kill -9 at any moment, by a disk that is full."""

import hashlib
import json
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sources import FolderSource, SyntheticSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store import store_path
from cclcc_cli.data.store_versions import current_version
from cclcc_cli.data.store_writer import About
from tests import warm
from tests.data.fetching.http_server import Answer, serving

SIZE = 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return store_path(tmp_path / "data", "polyps", SIZE)


def own(folders: Any) -> FolderSource:
    return FolderSource(folders.images, folders.masks, About())


def content(path: Path) -> dict[str, bytes]:
    path = current_version(path)
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


PREPARE_IN_A_PROCESS = """
import json, sys
from pathlib import Path
from dataclasses import replace
from cclcc_cli.data.catalog import RemoteFile, CATALOG
from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sources import CatalogSource, FolderSource, SyntheticSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store_writer import About

if __name__ == "__main__":
    path, source, force = json.loads(sys.argv[1])
    if isinstance(source, int):
        origin = SyntheticSource(source, 0)
    elif isinstance(source, dict):
        entry = CATALOG["kvasir-seg"]
        part = replace(entry.parts[0], count=source["count"])
        file = RemoteFile("kvasir-seg.zip", (source["url"],), source["bytes"], source["sha256"])
        entry = replace(entry, parts=(part,), files=(file,))
        origin = CatalogSource(entry, Path(source["downloads"]))
    else:
        origin = FolderSource(Path(source[0]), Path(source[1]), About())
    prepare(Path(path), origin, SplitRule(), force=force)
"""


@pytest.mark.more
class TestKilled:
    """kill -9 at any moment leaves the old store or none; the next run completes."""

    @pytest.fixture
    def start(self, tmp_path: Path) -> Callable[..., "subprocess.Popen[bytes]"]:
        script = tmp_path / "prepare_script.py"
        script.write_text(PREPARE_IN_A_PROCESS)

        def run(path: Path, source: Any, force: bool = False) -> "subprocess.Popen[bytes]":
            job = json.dumps([str(path), source, force])
            return warm.Popen([sys.executable, script, job])

        return run

    def test_a_new_store_and_its_worker_processes(self, tmp_path: Path, start: Any) -> None:
        path = store_path(tmp_path / "data", "synthetic", 64)
        process = start(path, 3000)
        _wait_for_writing(path, process)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        assert workers
        assert not path.exists()
        assert len(list(path.parent.glob(".64.*.tmp"))) == 1
        assert psutil.wait_procs(workers, timeout=30)[1] == []
        prepare(path, SyntheticSource(6, 0), SplitRule())
        assert [p.name for p in path.parent.iterdir()] == ["64"]
        undisturbed = store_path(tmp_path / "other", "synthetic", 64)
        prepare(undisturbed, SyntheticSource(6, 0), SplitRule())
        assert content(path) == content(undisturbed)

    def test_a_store_that_is_replaced(
        self, path: Path, folders: Any, start: Any
    ) -> None:
        for index in range(60):
            folders.add(f"s{index}", 200, 200)
        prepare(path, own(folders), SplitRule())
        before = content(path)
        source = [str(folders.images), str(folders.masks)]
        rng = random.Random(0)
        ends = []
        for _ in range(4):
            process = start(path, source, force=True)
            _wait_for_writing(path, process)
            time.sleep(rng.uniform(0, 0.1))
            process.kill()
            ends.append(process.wait())
            assert content(path) == before
        assert -signal.SIGKILL in ends
        prepare(path, own(folders), SplitRule(), force=True)
        assert content(path) == before
        assert list(path.parent.iterdir()) == [current_version(path)]

    def test_a_download_and_the_store_made_of_it(
        self, tmp_path: Path, path: Path, folders: Any, start: Any
    ) -> None:
        for index in range(60):
            folders.add(f"s{index}", 120, 120, ".jpg", f"s{index}.jpg")
        archive = tmp_path / "all.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for folder, name in ((folders.images, "images"), (folders.masks, "masks")):
                for part in sorted(folder.iterdir()):
                    file.write(part, f"Kvasir-SEG/{name}/{part.name}")
        data = archive.read_bytes()
        rng = random.Random(1)
        with serving() as server:
            slow = Answer(trickles=True)
            site = server.at("/k.zip", data, *[slow] * 20)
            source = {"count": 60, "url": site.url, "bytes": len(data),
                      "sha256": hashlib.sha256(data).hexdigest(),
                      "downloads": str(tmp_path / "downloads")}
            ends = []
            for _ in range(6):
                process = start(path, source)
                begun = len(site.seen)
                while process.poll() is None and len(site.seen) == begun:
                    time.sleep(0.002)
                time.sleep(rng.uniform(0, 0.25))
                process.kill()
                ends.append(process.wait())
            assert -signal.SIGKILL in ends
            assert start(path, source).wait() == 0
        undisturbed = store_path(tmp_path / "other", "polyps", SIZE)
        other = {**source, "downloads": str(tmp_path / "downloads")}
        assert start(undisturbed, other).wait() == 0  # from the verified archive: no server
        assert content(path) == content(undisturbed)
        assert [p.name for p in path.parent.iterdir()] == [str(SIZE)]
        assert sorted(p.name for p in (tmp_path / "downloads").iterdir()) == [
            "kvasir-seg.zip", "received.json"]


def _wait_for_writing(path: Path, process: "subprocess.Popen[bytes]") -> None:
    """Until samples are in a temporary folder, or the process has ended."""
    while process.poll() is None:
        if any(part.stat().st_size > 128 for part in path.parent.glob(".*.tmp/images.npy")):
            return
        time.sleep(0.002)


def test_a_full_disk_is_an_error_and_leaves_nothing(
    tmp_path: Path, path: Path, folders: Any
) -> None:
    for index in range(60):
        folders.add(f"s{index}")
    script = tmp_path / "script.py"
    script.write_text(PREPARE_IN_A_PROCESS.replace(
        "    path, source", "    import resource\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n    path, source"))
    job = json.dumps([str(path), [str(folders.images), str(folders.masks)], False])
    done = warm.run([sys.executable, script, job], capture_output=True, text=True)
    assert f"DataError: {path}: cannot be written (File too large)" in done.stderr
    assert not path.parent.exists()
