"""The terminal: results to stdout, everything else to stderr. The only place that knows rich."""

import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import Progress, TaskID
    from rich.table import Table

    from cclcc_cli.runs.folder import RunFolder
    from cclcc_cli.runs.identity import RunSpec
    from cclcc_cli.runs.progress import ProgressDisplay
    from cclcc_cli.runs.records import ValidationRecord
    from cclcc_cli.sweeps.display import SweepDisplay, SweepProgress
    from cclcc_cli.training.schedule import Plan

Counter = Callable[[str, int, int | None], None]
"""Hears what is counted, how many are done and how many there are, if that is known."""
DOWNLOADING = "download of "
"""What is counted under a name that starts so is counted in bytes."""
_SECONDS_BETWEEN_LINES = 3


def show(text: str) -> None:
    """A result, as it is."""
    print(text)


def show_json(value: Any) -> None:
    """A result for a script."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


def show_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], num_keys: int = 0
) -> None:
    """A result as a table; numbers to the right.

    In a table too wide for the terminal headings take several lines; if that is not enough it is
    shown in parts: the first with the first ``num_keys`` columns, the others with the narrowest of
    these that tells the rows apart, or all.
    """
    console = _console(sys.stdout)
    console.print(title, markup=False, highlight=False, soft_wrap=True)
    if not fits(columns, rows):
        columns = [_wrapped(column, [row[place] for row in rows])
                   for place, column in enumerate(columns)]
    for places in _parts(columns, rows, num_keys, console.width):
        console.print(_table([columns[p] for p in places],
                             [[row[p] for p in places] for row in rows]))


def fits(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the terminal shows such a table in one piece."""
    return 1 + sum(_widths(columns, rows)) <= _console(sys.stdout).width


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """Of each column with its borders; a heading can have several lines."""
    return [3 + max(len(line) for run in column for line in run.split("\n"))
            for column in zip(columns, *rows, strict=True)]


def _wrapped(heading: str, runs: Sequence[str]) -> str:
    """No wider than the runs, unless a word is."""
    width = max(map(len, [*runs, *heading.split(), " "]))
    return "\n".join(wrap(heading, width))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    from rich.table import Table

    table = Table()
    for place, column in enumerate(columns):
        numeric = bool(rows) and all(row[place][:1].isdigit() or not row[place] for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _parts(
    columns: Sequence[str], rows: Sequence[Sequence[str]], num_keys: int, width: int
) -> list[list[int]]:
    """Which columns stand side by side; all of them, if there are no keys to repeat."""
    widths, keys = _widths(columns, rows), list(range(num_keys))
    unique = [key for key in keys if len({row[key] for row in rows}) == len(rows)]
    repeated = [min(unique, key=lambda key: widths[key])] if unique else keys
    parts = [[*keys]]
    for place in range(num_keys, len(columns)):
        too_wide = 1 + sum(widths[p] for p in parts[-1]) + widths[place] > width
        if too_wide and keys and not set(parts[-1]) <= set(keys):
            parts.append([*repeated])
        parts[-1].append(place)
    return parts


def show_result(folder: "Path", result: Mapping[str, Any]) -> None:
    """The scores of one finished training."""
    from cclcc_cli.metrics.scores import SIZES, heading, in_unit

    keys = ("dice", "iou", "nsd", "hd95", "assd")
    rows = [
        [split, "original" if size == "own" else size,
         *("none" if (value := result[split][size].get(key)) is None  # a run older than the score
           else f"{in_unit(value, (size, key)):.2f}" for key in keys)]
        for split in ("val", "test") if result[split]
        for size in SIZES
    ]
    best = result["best"]["step"]
    show_table(
        f"{folder.name}: best checkpoint of {result['steps']} steps is step {best}",
        ["split", "size", *(heading(("working", key)) for key in keys)], rows,
    )
    show(f"run folder: {folder}")


def note(text: str) -> None:
    """Something worth knowing."""
    print(text, file=sys.stderr, flush=True)


def note_new_spelling(words: Sequence[str]) -> None:
    """What a command that was given as in 0.1 is now."""
    note(f"note: this is now '{shlex.join(words)}'; the old spelling will be removed in the next "
         "version")


def warn(text: str) -> None:
    """Something to look into; the work goes on."""
    print(f"warning: {text}", file=sys.stderr, flush=True)


def fail(text: str) -> None:
    """Why the command did not do what it was asked."""
    print(f"error: {text}", file=sys.stderr, flush=True)


@contextmanager
def counting(quiet: bool) -> Iterator[Counter]:
    """Shows how far counted work is: bars in a terminal, a line now and then elsewhere."""
    if quiet:
        yield lambda _what, _done, _total: None
    elif not sys.stderr.isatty():
        yield _LineCounter()
    else:
        with _bars() as bars:
            tasks: dict[str, TaskID] = {}

            def show_count(what: str, done: int, total: int | None) -> None:
                if what not in tasks:
                    tasks[what] = bars.add_task(what, total=total, count="")
                in_bytes = what.startswith(DOWNLOADING)
                count = (f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB" if in_bytes and total
                         else f"{done / 1e6:,.0f} MB" if in_bytes else f"{done} of {total}")
                bars.update(tasks[what], completed=done, total=total, count=count)

            yield show_count


class _LineCounter:
    """A line every few seconds, with the time left; for logs and pipes."""

    def __init__(self) -> None:
        self._started: dict[str, tuple[float, int]] = {}
        self._last = time.monotonic()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        since, before = self._started.setdefault(what, (now, done))
        if now - self._last < _SECONDS_BETWEEN_LINES:
            return
        self._last = now
        unit, size = (" MB", 1e6) if what.startswith(DOWNLOADING) else ("", 1)
        of = "" if total is None else f" of {total / size:.0f}"
        rate = (done - before) / max(now - since, 1e-9)
        left = f", {(total - done) / rate:.0f} s left" if total and rate > 0 else ""
        note(f"{what}: {done / size:.0f}{of}{unit}{left}")


def _bars() -> "Progress":
    from rich import progress as bars

    return bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=30),
        bars.TextColumn("{task.fields[count]}"),
        bars.TextColumn("left"),
        bars.TimeRemainingColumn(),
        console=_console(sys.stderr),
    )


@contextmanager
def training_display(quiet: bool) -> Iterator["ProgressDisplay"]:
    """A live display in a terminal, plain lines elsewhere, nothing if quiet."""
    from cclcc_cli.runs.progress import TextDisplay

    if quiet:
        yield TextDisplay(lambda _line: None)
    elif not sys.stderr.isatty():
        yield TextDisplay(note)
    else:
        from rich.live import Live

        display = LiveDisplay()
        with Live(display, console=_console(sys.stderr), refresh_per_second=4) as live:
            display.console = live.console
            yield display


@contextmanager
def sweep_display(quiet: bool) -> Iterator["SweepDisplay"]:
    """A line for each running run and the totals in a terminal, plain lines elsewhere."""
    from cclcc_cli.sweeps.display import SweepLines

    if quiet:
        yield SweepLines(lambda _line: None)
    elif not sys.stderr.isatty():
        yield SweepLines(note)
    else:
        from rich.live import Live

        with Live(console=_console(sys.stderr), refresh_per_second=4, transient=True) as live:
            yield LiveSweepDisplay(live)


class LiveSweepDisplay:
    """What happens scrolls by; below it stand the running runs and the totals."""

    def __init__(self, live: "Live") -> None:
        self._live = live

    def say(self, line: str) -> None:
        self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def show(self, progress: "SweepProgress") -> None:
        from rich.text import Text

        from cclcc_cli.sweeps.display import describe_run, describe_totals

        lines = [*(f"  {describe_run(run)}" for run in progress.running),
                 describe_totals(progress)]
        self._live.update(Text("\n".join(lines)))


class LiveDisplay:
    """A bar with the time left, and below it loss terms, validation Dice and speed."""

    def __init__(self) -> None:
        from rich import progress as bars

        from cclcc_cli.runs.progress import TextDisplay

        self.console = _console(sys.stderr)
        self._lines = TextDisplay(self._print)
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(bar_width=30),
            bars.MofNCompleteColumn(),
            bars.TimeElapsedColumn(),
            bars.TextColumn("left"),
            bars.TimeRemainingColumn(),
        )
        self._task: TaskID | None = None
        self._total_steps = 0
        self._terms = self._scores = ""

    def __rich__(self) -> "Group":
        from rich.console import Group
        from rich.text import Text

        return Group(self._bar, Text(f"{self._terms}{self._scores}"))

    def started(
        self, folder: "RunFolder", run: "RunSpec", plan: "Plan", first_step: int
    ) -> None:
        self._total_steps = plan.total_steps
        self._lines.started(folder, run, plan, first_step)
        self._task = self._bar.add_task("steps", total=plan.total_steps, completed=first_step)

    def checked(self, step: int, terms: Mapping[str, float]) -> None:
        assert self._task is not None
        self._lines.checked(step, terms)
        self._bar.update(self._task, completed=step)
        self._terms = "  ".join(f"{name} {value:.4f}" for name, value in terms.items())

    def recorded(self, record: "ValidationRecord") -> None:
        from cclcc_cli.runs.progress import describe_record

        self._scores = (
            f"  |  val Dice {100 * record.val['dice']:.2f}"
            f"  |  {record.images_per_second:.1f} images/s"
        )
        self._print(describe_record(record, self._total_steps))

    def evaluating(self, split: str, num_images: int) -> None:
        self._lines.evaluating(split, num_images)

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _console(stream: Any) -> "Console":
    from rich.console import Console

    # Not a terminal: as wide as COLUMNS says, else as the narrowest terminals are.
    width = None if stream.isatty() else get_terminal_size((80, 24)).columns
    return Console(file=stream, width=width)
