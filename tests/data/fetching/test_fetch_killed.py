"""Fetching, stopped: by kill -9 at any moment, by Ctrl-C, by another process, by a full disk."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from cclcc_cli.data.catalog import RemoteFile
from cclcc_cli.errors import DataError
from tests import warm
from tests.data.fetching.calling import ARCHIVE, PARTIAL, SIZE, WHOLE, Caller, known, unknown
from tests.data.fetching.http_server import Answer, Server

FETCH_IN_A_PROCESS = """
import json, resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background ignores it
from cclcc_cli.data.catalog import RemoteFile
from cclcc_cli.data.fetching.fetch import fetch

file, folder, largest = json.loads(sys.argv[1])
if largest:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
fetch(RemoteFile(**file), Path(folder))
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def caller(tmp_path: Path) -> Caller:
    return Caller(tmp_path / "downloads")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts ``fetch`` in a process of its own."""
    script = tmp_path / "fetch_script.py"
    script.write_text(FETCH_IN_A_PROCESS)
    processes: list[subprocess.Popen[str]] = []

    def run(file: RemoteFile, folder: Path, largest: int = 0) -> "subprocess.Popen[str]":
        job = json.dumps([asdict(file), str(folder), largest])
        process = warm.Popen([sys.executable, script, job], text=True, stderr=subprocess.PIPE)
        processes.append(process)
        return process

    yield run
    for process in processes:
        with process:
            process.kill()


def wait_for(what: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Until it is so, or the process has ended."""
    while process.poll() is None and not what():
        time.sleep(0.001)


def part_size(caller: Caller) -> int:
    part = caller.folder / "x.zip.part"
    return part.stat().st_size if part.exists() else 0


class TestKilled:
    """kill -9 at any moment: the next call goes on with every byte that had come."""

    @pytest.mark.parametrize("file", [known, unknown])
    @pytest.mark.parametrize("arrived", [0, 1, 70_000, SIZE - 1])
    def test_on_the_way(
        self, server: Server, caller: Caller, start: Start, file: Callable[..., RemoteFile],
        arrived: int
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(cut=arrived, end="goes silent"))
        process = start(file(site), caller.folder)
        wait_for(lambda: site.seen != [] and part_size(caller) == arrived, process)
        process.kill()
        process.wait()
        assert not (caller.folder / "x.zip").exists()
        caller.fetch(file(site))
        assert site.ranges == [None, f"bytes={arrived}-" if arrived else None]
        assert caller.names() == WHOLE

    def test_when_the_last_byte_was_here_but_the_file_had_no_name_yet(
        self, server: Server, caller: Caller, start: Start
    ) -> None:
        site = server.at("/x.zip", ARCHIVE, Answer(chunked=True, cut=SIZE, end="goes silent"))
        process = start(known(site), caller.folder)
        wait_for(lambda: part_size(caller) == SIZE, process)
        process.kill()
        process.wait()
        assert caller.names() == [".x.zip.lock", *PARTIAL]
        caller.fetch(known(site))
        assert site.ranges == [None]
        assert caller.names() == WHOLE

    @pytest.mark.parametrize("moment", range(4))
    def test_while_it_is_recorded_and_named(
        self, server: Server, caller: Caller, start: Start, moment: int
    ) -> None:
        site = server.at("/x.zip", ARCHIVE)
        process = start(unknown(site), caller.folder)
        wait_for((caller.folder / "received.json").exists, process)
        time.sleep(moment / 5000)
        process.kill()
        process.wait()
        assert caller.fetch(unknown(site)).url == site.url
        assert site.ranges == [None]
        assert caller.names() == WHOLE

    def test_again_and_again_at_random(
        self, server: Server, caller: Caller, start: Start
    ) -> None:
        rng = random.Random(0)
        site = server.at("/x.zip", ARCHIVE, *[Answer(trickles=True)] * 5)
        for attempt in range(1, 6):
            process = start(known(site), caller.folder)
            wait_for(lambda: len(site.seen) == attempt, process)  # noqa: B023 (not kept)
            time.sleep(rng.uniform(0, 0.2))
            process.kill()
            process.wait()
            part = caller.folder / "x.zip.part"
            here = part.read_bytes() if part.exists() else b""
            assert ARCHIVE.startswith(here)
        caller.fetch(known(site))
        assert len(set(site.ranges)) > 1
        assert caller.names() == WHOLE


def test_ctrl_c_leaves_a_part_that_is_gone_on_with(
    server: Server, caller: Caller, start: Start
) -> None:
    site = server.at("/x.zip", ARCHIVE, Answer(cut=70_000, end="goes silent"))
    process = start(known(site), caller.folder)
    wait_for(lambda: part_size(caller) == 70_000, process)
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate()[1]
    assert caller.names() == PARTIAL
    caller.fetch(known(site))
    assert site.ranges == [None, "bytes=70000-"]
    assert caller.names() == WHOLE


def test_a_second_process_is_told_that_the_first_is_at_it(
    server: Server, caller: Caller, start: Start
) -> None:
    site = server.at("/x.zip", ARCHIVE, Answer(cut=70_000, end="goes silent"))
    process = start(known(site), caller.folder)
    wait_for(lambda: part_size(caller) == 70_000, process)
    with pytest.raises(DataError) as caught:
        caller.fetch(known(site))
    assert str(caught.value) == (f"{caller.folder}/x.zip: another process is downloading this "
                                 f"file; wait for it or stop it")
    assert process.poll() is None
    assert len(site.seen) == 1
    assert caller.names() == [".x.zip.lock", *PARTIAL]


def test_a_full_disk_is_an_error_and_what_has_arrived_is_kept(
    server: Server, caller: Caller, start: Start
) -> None:
    site = server.at("/x.zip", ARCHIVE)
    process = start(known(site), caller.folder, largest=100_000)
    assert (f"DataError: {caller.folder}/x.zip: cannot be read or written (File too large); what "
            f"has arrived is kept, run again once that is mended") in process.communicate()[1]
    assert caller.names() == PARTIAL
    assert (caller.folder / "x.zip.part").read_bytes() == ARCHIVE[:100_000]
    caller.fetch(known(site))
    assert site.ranges == [None, "bytes=100000-"]
