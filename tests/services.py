"""Real servers for tests, on loopback, one of each per xdist worker; skipped where not installed.

Debian: ``apt-get install --no-install-recommends slurm-wlm munge postgresql``.
"""

import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium")


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


_SLURM_CONF = """
ClusterName=cclcc
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=2
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
KillWait=5
MinJobAge=600
UnkillableStepTimeout=60
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=60
PartitionName=urgent Nodes={host} MaxTime=INFINITE State=UP PriorityTier=10
"""


@pytest.fixture(scope="session")
def slurm_conf() -> Iterator[Path]:
    """A one-node Slurm of four CPUs without accounting, to be named in ``SLURM_CONF``.

    Jobs of the partition ``urgent`` push those of ``main`` (the default) out, with a minute's
    grace. It shows itself as four CPUs, whatever the machine has.
    """
    missing = [name for name in ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
               if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if missing:
        pytest.skip(f"{', '.join(missing)}: not installed (Debian: slurm-wlm munge)")
    folder = Path(tempfile.mkdtemp(prefix="cclcc-slurm-"))
    folder.chmod(0o755)
    daemons = [_start_munge(folder / "munge")]
    try:
        yield _start_slurm(folder, daemons)
    finally:
        _end_jobs({**os.environ, "SLURM_CONF": str(folder / "slurm.conf")})
        for daemon in reversed(daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(folder)


def _end_jobs(environment: dict[str, str]) -> None:
    """Their processes would outlive the daemons."""
    for how in (["--signal=KILL", "--full"], []):  # what runs, then what waits
        subprocess.run(["scancel", "--user", _user(), *how], check=False, env=environment)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and subprocess.run(
        ["squeue", "--noheader"], env=environment, capture_output=True, check=False
    ).stdout.strip():
        time.sleep(0.2)


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _start_munge(folder: Path) -> "subprocess.Popen[bytes]":
    folder.mkdir(mode=0o755)
    (folder / "key").write_bytes(os.urandom(1024))
    (folder / "key").chmod(0o400)
    user = {}
    if os.getuid() == 0:  # which it does not like
        owner = pwd.getpwnam("munge")
        user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        for path in (folder, folder / "key"):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    options = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log",
               "seed-file": "seed"}
    daemon = subprocess.Popen(
        ["/usr/sbin/munged", "--foreground",
         *(f"--{name}={folder / file}" for name, file in options.items())],
        stderr=subprocess.DEVNULL, **user,  # type: ignore[call-overload]
    )
    _wait_for(lambda: (folder / "socket").exists(), daemon, folder / "log")
    return daemon


def _start_slurm(folder: Path, daemons: "list[subprocess.Popen[bytes]]") -> Path:
    host = socket.gethostname().split(".")[0]
    conf = folder / "slurm.conf"
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
    conf.write_text(_SLURM_CONF.format(
        folder=folder, host=host, user=_user(), controller_port=free_port(), node_port=free_port(),
    ))
    environment = {**os.environ, "SLURM_CONF": str(conf)}
    for name in ("slurmctld", "slurmd"):
        with (folder / f"{name}.log").open("ab") as log:  # where a bad configuration is told
            daemons.append(subprocess.Popen(
                [f"/usr/sbin/{name}", "-D", "-c", "-f", str(conf)], env=environment,
                stdout=subprocess.DEVNULL, stderr=log,
            ))

    def is_up() -> bool:
        shown = subprocess.run(["sinfo", "-h", "-o", "%t"], env=environment, check=False,
                               capture_output=True, text=True)
        return "idle" in shown.stdout

    _wait_for(is_up, daemons[-1], folder / "slurmd.log")
    return conf


def _wait_for(
    ready: Callable[[], bool], daemon: "subprocess.Popen[bytes]", log: Path, seconds: float = 120
) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if daemon.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"{log}: {log.read_text() if log.exists() else 'it did not start'}")
        time.sleep(0.1)


class Dask:
    """A scheduler on loopback and workers that a test may start and kill.

    Attributes:
        address: of the scheduler.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--host", "127.0.0.1",
                                     "--scheduler-file", str(self._file))
        _wait_for(self._file.exists, self.scheduler, folder / "scheduler.log")
        self.address = str(json.loads(self._file.read_text())["address"])
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_worker(self, *, threads: int = 1) -> "subprocess.Popen[bytes]":
        """One process; a client sees it a moment later."""
        worker = self._start(
            "worker", self.address, "--no-nanny", "--nthreads", str(threads), "--host",
            "127.0.0.1", "--local-directory", str(self._folder), "--death-timeout", "60",
        )
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        """End all processes."""
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()

    def _start(self, what: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self._folder / f"{what}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", what, "--no-dashboard", *arguments],
                stdout=log, stderr=log, cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    """A Dask scheduler with two workers of one thread each."""
    pytest.importorskip("distributed", reason="Dask is not installed (the extra dask)")
    folder = tmp_path / "dask"
    folder.mkdir()
    started = Dask(folder)
    try:
        for _ in range(2):
            started.start_worker()
        _wait_for_workers(started, 2)
        yield started
    finally:
        started.close()


def _wait_for_workers(dask: Dask, count: int) -> None:
    from distributed import Client

    with Client(dask.address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=120)


def found_by_browser(page: Path, profile: Path) -> list[str]:
    """What a page's script left in ``document.body.dataset.found``, a list, in Chromium.

    Args:
        page: an HTML file.
        profile: a folder for the browser's own files.
    """
    shown = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars", f"--user-data-dir={profile}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r'data-found="([^"]*)"', shown)
    assert found, shown[:500]
    return found[1].split(",")
