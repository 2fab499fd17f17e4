"""What ``cclcc ablate`` shows in a terminal, a real one as far as the command can tell."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import termios
import time

import pyte
import pytest

from tests import warm

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A pseudo-terminal with a command in it, and what stands on its screen."""

    def __init__(self, command, cwd, environment, columns, lines=24):
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        hidden = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"}
        kept = {key: value for key, value in environment.items() if key not in hidden}
        self.process = warm.Popen(
            command, cwd=cwd, env={**kept, "TERM": "xterm-256color"}, stdin=slave, stdout=slave,
            stderr=slave, start_new_session=True,
        )
        os.close(slave)
        self.raw = ""
        self._screen = pyte.HistoryScreen(columns, lines, history=1000)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def screen(self):
        return [line.rstrip() for line in self._screen.display]

    @property
    def screen_text(self):
        return "\n".join(self.screen)

    @property
    def everything(self):
        """With what has scrolled away."""
        gone = ["".join(line[x].data for x in range(self._screen.columns)).rstrip()
                for line in self._screen.history.top]
        return [line for line in [*gone, *self.screen] if line]

    def read(self, seconds):
        """What arrives meanwhile; False once the command has closed its end."""
        if not select.select([self._master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux says so that nobody has the other end
            return False
        self.raw += data.decode(errors="replace")
        self._stream.feed(data)
        return bool(data)

    def read_until(self, condition, seconds=300):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "\n".join(self.everything)
            assert self.read(0.2) or condition(), "\n".join(self.everything)

    def read_to_end(self, seconds=300):
        deadline = time.monotonic() + seconds
        while self.read(0.2):
            assert time.monotonic() < deadline, "\n".join(self.everything)
        return self.process.wait(timeout=60)

    def press_ctrl_c(self):
        os.write(self._master, b"\x03")

    @property
    def settings(self):
        return termios.tcgetattr(self._master)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def terminal(command_line, environment, tiny_data, tiny_recipe, tmp_path):
    opened = []

    def begin(columns=100, steps=12, **keys):
        path = tmp_path / "abl.yaml"
        base = tiny_recipe(budget={"steps": steps}, validation={"every": 4})
        path.write_text(json.dumps({"name": "abl", "base": base, "threads": 1, "variants":
                                    {"clcc": {}, "plain": {"method": "supervised"}},
                                    "axes": {"seed": [0, 1]}, **keys}))
        command = command_line("ablate", path, "--data", tiny_data, "--runs", "runs", "--device",
                               "cpu", "--precision", "fp32", "--no-mlflow", "--no-report",
                               "--workers", 2)
        opened.append(Terminal(command, tmp_path, environment, columns))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()


def ended_clean(terminal):
    """The cursor is back, at the start of a line, and nothing live is left above it."""
    assert terminal.raw.count(HIDE) == terminal.raw.count(SHOW) == 1
    assert terminal.raw.rindex(SHOW) > terminal.raw.rindex(HIDE)
    assert not terminal._screen.cursor.hidden
    assert terminal._screen.cursor.x == 0
    assert not any(re.search(r"step \d+/\d+|\d running", line) for line in terminal.screen)
    assert "Traceback" not in terminal.raw


def shown_live(terminal):
    """Whether both running runs and, below them, the totals stand on the screen now."""
    lines = [line for line in terminal.screen if line]
    runs = [line for line in lines if re.fullmatch(r"  \S+ seed=\d: step \d+/\d+", line)]
    return len(runs) == 2 and re.match(r"\d/\d done, 2 running", lines[-1])


def test_running_runs_totals_and_the_time_left_until_all_are_done(terminal):
    shown = terminal(steps=60)
    before = shown.settings
    shown.read_until(lambda: shown_live(shown))
    shown.read_until(lambda: re.search(r"\d/4 done, .* \| \d+:\d\d left", shown.screen_text))
    assert shown.read_to_end() == 0
    ended_clean(shown)
    assert shown.settings == before
    text = "\n".join(shown.everything)
    assert len(re.findall(r"\d/4 done \| \S+ seed=\d: finished", text)) == 4
    assert shown.everything[-1].startswith("abl: 4 of 4 runs done") or "compare with" in text


def test_a_failure_scrolls_by_and_is_told_at_the_end(terminal):
    shown = terminal(variants={"bad": {"optimizer.lr": 1e30, "schedule.warmup": 0}, "good": {}},
                     axes={"seed": [0]})
    assert shown.read_to_end() == 3
    ended_clean(shown)
    text = " ".join(shown.everything)
    assert "bad seed=0: failed, the loss is not finite" in text
    assert "error: 1 of 2 runs failed" in text


@pytest.mark.parametrize("columns", [100, 40])
def test_ctrl_c_in_the_terminal_saves_and_leaves_it_as_it_was(terminal, columns):
    shown = terminal(columns, steps=100_000)
    before = shown.settings
    shown.read_until(lambda: shown_live(shown) and "step 0/" not in shown.screen_text)
    shown.press_ctrl_c()
    assert shown.read_to_end() == 128 + signal.SIGINT
    ended_clean(shown)
    assert shown.settings == before
    assert "repeatthecommandtoresume" in re.sub(r"\s", "", shown.screen_text)


def test_forty_columns_hold_it(terminal):
    shown = terminal(40, steps=60, variants={
        "a_variant_with_quite_a_long_name_indeed": {},
        "another_one_of_nearly_this_length": {"method": "supervised"}})
    shown.read_until(lambda: re.search(r"\d/4 done", shown.screen_text))
    frames = 0
    while shown.read(0.2):
        live = [line for line in shown.screen if "step " in line]
        assert len(live) <= 2, "\n".join(shown.screen)  # no frame is drawn below its former self
        frames += len(live) == 2
    assert frames
    assert shown.process.wait(timeout=60) == 0
    ended_clean(shown)
