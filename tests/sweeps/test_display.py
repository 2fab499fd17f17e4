"""Where everything is, in lines."""

from cclcc_cli.sweeps import display as module
from cclcc_cli.sweeps.display import RunProgress, SweepLines, SweepProgress, describe_totals

COUNTS = {"done": 12, "failed": 0, "running": 1, "to do": 27}


def test_the_totals_in_a_line():
    assert describe_totals(SweepProgress((), COUNTS, 40, 3723)) == (
        "12/40 done, 1 running, 27 to do | 1:02:03 left")
    assert describe_totals(SweepProgress((), COUNTS, 40, None)).endswith("27 to do")


def test_plain_lines_tell_news_at_once_and_totals_now_and_then(monkeypatch):
    now = 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    lines = []
    display = SweepLines(lines.append, seconds_between=30)
    progress = SweepProgress((RunProgress("clcc seed=0", 200, 2000),), COUNTS, 40, None)
    display.say("b: finished")
    display.show(progress)
    assert lines == ["b: finished"]
    now = 31.0
    display.show(progress)
    display.show(progress)
    assert lines[1:] == ["  clcc seed=0: step 200/2000", "12/40 done, 1 running, 27 to do"]
