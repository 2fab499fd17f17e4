"""The report that an ablation leaves: beside its plan, and with its run in MLflow."""

import shlex
from pathlib import Path

from cclcc_cli.cli import console
from cclcc_cli.errors import CclccError


def publish_report(name: str, runs: Path, data: Path, uri: str | None, news: bool) -> None:
    """Write an ablation's report and send it to its run; what stands in the way is a warning.

    Args:
        name: of the ablation.
        runs: where run folders are.
        data: where stores lie.
        uri: of the tracker; None: it goes nowhere.
        news: there are runs that the previous report does not know.
    """
    from cclcc_cli.runs.plan_record import report_path

    path = report_path(runs, name)
    if not news and path.exists():
        return
    try:
        _write(path, name, runs, data)
    except CclccError as error:
        console.note(f"warning: no report: {error}")
        return
    console.note(f"report: {path}")
    if uri is None:
        return
    from cclcc_cli.tracking.files import push_parents

    try:
        push_parents(uri, runs, [name])
    except CclccError as error:
        console.note(f"warning: {error}; 'cclcc sync' sends the report later")


def _write(path: Path, name: str, runs: Path, data: Path) -> None:
    from cclcc_cli.files import write_atomic
    from cclcc_cli.report.pages.comparison import Question
    from cclcc_cli.report.pages.report import write_html

    command = shlex.join(["cclcc", "report", "page", str(path), "--runs", str(runs),
                          "--ablation", name])
    made = write_html(runs, Question(ablation=name), data, command)
    write_atomic(path, made.text.encode())
