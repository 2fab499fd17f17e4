"""Real servers for tests, on loopback, one of each per xdist worker; skipped where not installed.

Debian: ``apt-get install --no-install-recommends slurm-wlm munge postgresql``.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest


def free_port() -> int:
    """A TCP port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[str]:
    """The address of a throw-away PostgreSQL, ``cclcc@127.0.0.1:PORT``."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="cclcc-postgres-"))  # pytest's own are closed to others
    if os.getuid() == 0:  # which it refuses to run as
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)

    def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        return subprocess.run(
            [str(programs[-1] / program), *arguments], cwd=folder, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            **(user if os.getuid() == 0 else {}),  # type: ignore[call-overload]
        )

    data = str(folder / "data")
    made = run("initdb", "-D", data, "-U", "cclcc", "-A", "trust", "--no-sync", "-E", "UTF8",
               "--locale=C")
    assert made.returncode == 0, made.stderr
    for _ in range(5):  # another may take the port first
        port = free_port()
        started = run(
            "pg_ctl", "-D", data, "-l", str(folder / "log"), "-w", "-t", "120", "-o",
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} "
            "-c fsync=off -c full_page_writes=off -c shared_buffers=32MB", "start",
        )
        if started.returncode == 0:
            break
    else:
        pytest.fail(f"PostgreSQL does not start: {(folder / 'log').read_text()}")
    yield f"cclcc@127.0.0.1:{port}"
    run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture
def postgres_url(_postgres_server: str) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database: ``postgresql+psycopg://cclcc@127.0.0.1:.../...``."""
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"postgresql://{_postgres_server}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield f"postgresql+psycopg://{_postgres_server}/{name}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
