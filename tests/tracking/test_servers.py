"""Servers as children: Python's own web server is one."""

import os
import socket
import subprocess
import sys
import time

import psutil
import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.tracking.servers import Server, answers, choose_port, running

FORKING = """
import http.server, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind="127.0.0.1")
"""


def web_server(script=FORKING):
    port = choose_port("127.0.0.1", 0)
    return Server("the web", [sys.executable, "-c", script, str(port)],
                  f"http://127.0.0.1:{port}", {})


def family(pid):
    return psutil.Process(pid).children(recursive=True)


def test_inside_it_answers_and_afterwards_nothing_is_left():
    server, before = web_server(), family(os.getpid())
    with running(server) as started:
        assert answers(server.url)
        started.check()
        guard, web, grandchild = (p for p in family(os.getpid()) if p not in before)
    assert not answers(server.url)
    assert psutil.wait_procs([guard, web, grandchild], timeout=30)[1] == []


def test_nothing_is_left_when_this_process_is_killed():
    program = ("import time\nfrom tests.tracking.test_servers import *\n"
               "with running(web_server()): print('up', flush=True); time.sleep(600)")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE,
                          text=True) as parent:
        assert parent.stdout.readline() == "up\n"
        left = family(parent.pid)
        assert len(left) == 3
        parent.kill()
    assert psutil.wait_procs(left, timeout=60)[1] == []


def test_one_that_ends_at_once_is_told_with_its_last_words():
    server = web_server("raise SystemExit('the store is of a newer version')")
    with pytest.raises(RunError, match="the web has ended: the store is of a newer version"), \
            running(server):
        pass


def test_one_that_ends_later_is_noticed():
    script = FORKING.replace("http.server.test", "import threading, os\n"
                             "threading.Timer(5, os._exit, [3]).start()\nhttp.server.test")
    with running(web_server(script)) as started, pytest.raises(RunError, match="has ended"):
        check_for_ever(started)


def check_for_ever(started):
    while True:
        started.check()
        time.sleep(0.1)


def test_a_taken_port_is_refused_and_0_finds_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RunError, match=f"port {port} at 127.0.0.1 cannot be used"):
            choose_port("127.0.0.1", port)
        assert choose_port("127.0.0.1", 0) not in (0, port)
    with pytest.raises(RunError, match="cannot be used"):
        choose_port("192.0.2.1", 0)
